"""Playlist neighbours: playlists vote for their tracks, those most like the seeds with most weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ..base import Arrays, Query, Recommender
from ..state_schema import Csr, schema
from .top_neighbours import keep_highest, rows_of, squares
from .weighting import TermWeights, Weighting

__all__ = ["UserKNN", "UserKNNConfig"]

CHUNK = 256
"""EvaluationSet whose similarities to all playlists stand in memory at once."""


@dataclass(frozen=True, kw_only=True)
class UserKNNConfig(Config):
    """Options of :class:`UserKNN`.

    Attributes:
        neighbours: how many playlists may vote, the most similar ones; None: all that share a track.
        shrink: added to the denominator; damps similarities that rest on few tracks.
        weighting: of the tracks of a playlist: ``tfidf`` and ``bm25`` count popular tracks less
            (see :class:`~playlistrec.models.neighbours.weighting.TermWeights`, playlists being the documents).
    """

    neighbours: int | None = 200
    shrink: float = 0.0
    weighting: Weighting = "none"

    def __post_init__(self) -> None:
        require(self.neighbours is None or self.neighbours >= 1, "neighbours", "at least 1, or none", self.neighbours)
        require(self.shrink >= 0, "shrink", "at least 0", self.shrink)


class UserKNN(Recommender[UserKNNConfig]):
    """Cosine playlist neighbours: ``score(q, t) = sum_{p in N_k(q), p has t} sim(q, p)``.

    ``sim(q, p) = x_q · x_p / (|x_q| |x_p| + shrink)`` of the (weighted) rows of the playlist-track matrix, ``x_q`` that
    of the distinct seeds, and ``N_k(q)`` the ``k`` training playlists of highest similarity (ties to the lower index).
    Herlocker, Konstan, Borchers & Riedl 1999, with the cosine for implicit data. Known and unseen playlists are scored
    alike, from their seeds, but that a known playlist is not its own neighbour: it could vote only for what it holds,
    in place of one that has something to say.

    Attributes:
        pairs: (n_playlists, n_tracks) sparse and binary: the training matrix.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "c"], ["b", "d"]])
    >>> model = UserKNN.from_corpus(corpus, UserKNNConfig())
    >>> model.score(Query.of([[0]]))
    tensor([[1.4142, 0.7071, 0.7071, 0.0000]])
    >>> model.score(Query.of([[0, 1]], playlists=[0]))
    tensor([[0.5000, 0.5000, 0.5000, 0.5000]])
    """

    name = "userknn"
    summary = "what the playlists most like this one hold (cosine playlist neighbours)"
    papers = (
        'Herlocker, Konstan, Borchers & Riedl 1999, "An algorithmic framework for performing collaborative filtering"',
    )
    config_class = UserKNNConfig
    state_schema = schema(pairs=Csr("playlists", "tracks"))

    def __init__(self, pairs: sparse.csr_array[np.float32], config: UserKNNConfig) -> None:
        self.pairs = pairs
        self.config = config
        self.n_tracks = pairs.shape[1]
        self._weights = TermWeights.of(pairs, config.weighting)
        weighted = self._weights(pairs)
        self._lengths = np.sqrt(squares(weighted))
        self._holders = sparse.csr_array(weighted.T)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: UserKNNConfig, *, seed: int = 0) -> Self:
        return cls(corpus.matrix, config)

    def score(self, query: Query) -> Tensor:
        scores = np.zeros((len(query), self.n_tracks), dtype=np.float32)
        for low in range(0, len(query), CHUNK):
            part = query.take(low, low + CHUNK)
            scores[low : low + CHUNK] = (self._similar(part) @ self.pairs).toarray()
        return torch.from_numpy(scores)

    def _similar(self, query: Query) -> sparse.csr_array[np.float32]:
        """(batch, n_playlists) similarities of each query's neighbours."""
        seeds = self._weights(query.matrix(self.n_tracks))
        similar = sparse.csr_array(seeds @ self._holders)
        rows = rows_of(similar)
        similar.data /= np.sqrt(squares(seeds))[rows] * self._lengths[similar.indices] + self.config.shrink
        similar.data[query.playlists[rows] == similar.indices] = 0
        similar.eliminate_zeros()
        if self.config.neighbours is not None:
            keep_highest(similar, self.config.neighbours)
        return similar

    def state(self) -> Arrays:
        return {"indptr": self.pairs.indptr, "indices": self.pairs.indices}

    @classmethod
    def from_state(cls, corpus: Corpus, config: UserKNNConfig, state: Arrays) -> Self:
        ones = np.ones(len(state["indices"]), dtype=np.float32)
        parts: Any = (ones, state["indices"], state["indptr"])
        return cls(sparse.csr_array(parts, shape=(len(state["indptr"]) - 1, corpus.n_tracks)), config)
