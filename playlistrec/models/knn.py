"""Item neighbours: tracks vote for the tracks they share playlists with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ..config import Config, require
from ..corpus.corpus import Corpus
from ..errors import ConfigError
from .base import Arrays, Query, Recommender

__all__ = ["ItemKNN", "ItemKNNConfig"]

CHUNK_PAIRS = 16_000_000
"""Co-occurrences counted at a time, copies included: some 300 MB."""

MOST_PAIRS = 150_000_000
"""Similarities that a model may keep: 1.2 GB at eight bytes each."""


@dataclass(frozen=True, kw_only=True)
class ItemKNNConfig(Config):
    """Options of :class:`ItemKNN`.

    Attributes:
        neighbours: how many tracks may vote for a track, the most similar ones; None: all that co-occur with it.
        shrink: added to the denominator; damps similarities that rest on few playlists.
        unit_playlists: scale each playlist to length 1 before tracks are compared, so that a short playlist says
            more about its tracks than a long one.
    """

    neighbours: int | None = None
    shrink: float = 0.0
    unit_playlists: bool = False

    def __post_init__(self) -> None:
        require(self.neighbours is None or self.neighbours >= 1, "neighbours", "at least 1, or none", self.neighbours)
        require(self.shrink >= 0, "shrink", "at least 0", self.shrink)


class ItemKNN(Recommender):
    """Cosine item neighbours: ``score(p, t) = sum_{s in seeds(p)} sim(s, t)`` over the distinct seeds.

    ``sim(s, t) = n_st / (sqrt(n_s n_t) + shrink)`` with ``n_st`` the training playlists that hold both tracks,
    and ``sim(t, t) = 0``. With ``neighbours`` only the tracks most similar to ``t`` vote for it (ties to the lower
    index). Sarwar, Karypis, Konstan & Riedl 2001, section 3; summed, and with ``unit_playlists`` the rows of the
    playlist-track matrix normalised, as in Deshpande & Karypis 2004, section 4.

    Attributes:
        votes: (n_tracks, n_tracks) sparse; row s holds ``sim(s, t)`` for the tracks t that s votes for.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b", "c"]])
    >>> model = ItemKNN.from_corpus(corpus, ItemKNNConfig())
    >>> model.score(Query.of([[0]]))
    tensor([[0.0000, 1.0000, 0.7071]])
    """

    name = "itemknn"
    summary = "tracks that share playlists with the seeds (cosine item neighbours)"
    options = ItemKNNConfig

    def __init__(self, votes: sparse.csr_array[np.float32], config: ItemKNNConfig) -> None:
        self.votes = votes
        self.config = config
        self.n_tracks = votes.shape[0]

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0) -> Self:
        assert isinstance(config, ItemKNNConfig)
        return cls(_votes(corpus.matrix, config), config)

    def score(self, query: Query) -> Tensor:
        # The alternative, Q·D·Xᵀ·X·D without similarities, needs no memory beyond the data but took as long on
        # Gowalla (1.0 s for 1,000 questions) and four times as long on Polimi's playlists (2.0 s against 0.5 s).
        return torch.from_numpy((query.matrix(self.n_tracks) @ self.votes).toarray())

    def arrays(self) -> Arrays:
        return {"indptr": self.votes.indptr, "indices": self.votes.indices, "data": self.votes.data}

    @classmethod
    def from_arrays(cls, corpus: Corpus, config: Config, arrays: Arrays) -> Self:
        assert isinstance(config, ItemKNNConfig)
        parts: Any = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(sparse.csr_array(parts, shape=(corpus.n_tracks, corpus.n_tracks)), config)


def _votes(pairs: sparse.csr_array[np.float32], config: ItemKNNConfig) -> sparse.csr_array[np.float32]:
    """(n_tracks, n_tracks) similarities of the columns of ``pairs`` (n_playlists, n_tracks), never dense."""
    holders = pairs.T.tocsr()
    n_tracks = holders.shape[0]
    lengths = np.diff(pairs.indptr)
    weights = 1 / np.maximum(lengths, 1) if config.unit_playlists else np.ones(len(lengths))
    weighted = sparse.csr_array(pairs, copy=True)
    weighted.data *= np.repeat(weights, lengths).astype(np.float32)
    root = np.sqrt(np.asarray(holders @ weights)).astype(np.float32)
    # Row t of Xᵀ·X takes as many additions as the playlists that hold t have tracks; chunks of equal work.
    work = np.cumsum(holders @ lengths.astype(np.float64))
    cuts = np.searchsorted(work, np.arange(CHUNK_PAIRS, work[-1], CHUNK_PAIRS)) + 1
    bounds = np.unique([0, *cuts.tolist(), n_tracks])
    chunks, kept = [], 0
    for low, high in pairwise(bounds):
        chunk = holders[low:high] @ weighted
        rows = np.repeat(np.arange(low, high), np.diff(chunk.indptr))
        chunk.data /= root[rows] * root[chunk.indices] + np.float32(config.shrink)
        chunk.data[rows == chunk.indices] = 0
        chunk.eliminate_zeros()
        if config.neighbours is not None:
            _truncate(chunk, config.neighbours)
        chunks.append(chunk)
        kept += chunk.nnz
        if kept > MOST_PAIRS:
            raise ConfigError(
                f"neighbours must be a smaller number, such as 100, for data of this size "
                f"(got {config.neighbours}, which is more than {MOST_PAIRS:,} similarities)"
            )
    similar = sparse.csr_array(sparse.vstack(chunks, format="csr"))
    return similar if config.neighbours is None else similar.T.tocsr()  # whole, it is symmetric


def _truncate(matrix: sparse.csr_array[np.float32], k: int) -> None:
    """Keep the ``k`` highest values of each row, ties to the lower column, in place."""
    matrix.sort_indices()
    for low, high in pairwise(matrix.indptr):
        if high - low > k:
            values = matrix.data[low:high]
            edge = np.partition(values, -k)[-k]
            places = k - np.count_nonzero(values > edge)
            values[np.flatnonzero(values == edge)[places:]] = 0
            values[values < edge] = 0
    matrix.eliminate_zeros()
