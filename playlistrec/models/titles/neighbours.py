"""Title neighbours: playlists with similar titles vote for their tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...corpus.titles import TitleFeatures, normalised
from ..base import Arrays, Query, Recommender
from ..neighbours.top_neighbours import keep_highest
from ..neighbours.weighting import TermWeights
from ..state_schema import Csr, Field, schema
from .features import Titled, TitleSpace

__all__ = ["TitleConfig", "TitleNeighbours"]

CHUNK = 256
"""EvaluationSet whose votes stand in memory at once."""


@dataclass(frozen=True, kw_only=True)
class TitleConfig(Config):
    """Options of :class:`TitleNeighbours`.

    Attributes:
        neighbours: how many distinct titles may vote, the most similar ones; None: all that share a feature.
        power: of the similarity: the higher, the less the titles that are only a little alike count.
        smoothing: how many playlists of the average kind, whose tracks are the popular ones, vote as well.
        ngrams: the shortest and the longest character n-gram that make titles alike, besides words.
    """

    neighbours: int | None = 200
    power: float = 2.0
    smoothing: float = 20.0
    ngrams: tuple[int, int] = (3, 5)

    def __post_init__(self) -> None:
        require(self.neighbours is None or self.neighbours >= 1, "neighbours", "at least 1, or none", self.neighbours)
        require(self.power > 0, "power", "above 0", self.power)
        require(self.smoothing > 0, "smoothing", "above 0", self.smoothing)
        TitleFeatures.learn([], self.ngrams)


class TitleNeighbours(Recommender[TitleConfig]):
    """``score(q, t) = (Σ_u s_qu n_ut + μ pop_t / n) / (Σ_u s_qu n_u + μ)`` over the titles u most like that of q.

    ``s_qu`` is the cosine of the titles' TF-IDF vectors to the ``power``, ``n_u`` the training playlists called u,
    ``n_ut`` those of them that hold t, and μ the ``smoothing``: the share of playlists called q that hold t, as a
    language model with a Dirichlet prior estimates it (Zhai & Lafferty 2004, section 3). Titles are normalised and
    made of words and character n-grams, see :mod:`playlistrec.corpus.titles`. The seeds mean nothing to it. Without a
    title, or with one that shares nothing with any, what remains is the order of popularity.

    Attributes:
        titles: (n_titles, n_features) sparse and binary: the features of the distinct training titles.
        counts: (n_titles, n_tracks) sparse: ``n_ut``.
        sizes: (n_titles,) ``n_u``.
        popularity: (n_tracks,) the share of training playlists, named ones or not, that hold each track.
    """

    name = "title"
    summary = "what playlists of similar titles hold; needs no seed tracks"
    papers = (
        'Zhai & Lafferty 2004, "A study of smoothing methods for language models applied to information retrieval"',
    )
    config_class = TitleConfig
    state_schema = schema(
        hashes=Field("u", ("ngrams",), rising=True),
        sizes=Field("f", ("titles",), low=0),
        titles=Csr("titles", "ngrams", "titles_indptr", "titles_indices"),
        counts=Csr("titles", "tracks", "counts_indptr", "counts_indices", "counts_data"),
        popularity=Field("f", ("tracks",), low=0),
    )
    personalised = False

    def __init__(
        self,
        features: TitleFeatures,
        titles: sparse.csr_array[np.float32],
        counts: sparse.csr_array[np.float32],
        sizes: npt.NDArray[np.float32],
        popularity: npt.NDArray[np.float32],
        config: TitleConfig,
    ) -> None:
        self.titles, self.counts, self.sizes, self.popularity = titles, counts, sizes, popularity
        self.config = config
        self.n_tracks = len(popularity)
        weights = TermWeights.of(titles, "tfidf")
        self._space = TitleSpace(features, weights)
        self._holders = sparse.csr_array(self._space.unit(titles).T)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: TitleConfig, *, seed: int = 0) -> Self:
        titled = Titled.of(corpus)
        features = TitleFeatures.learn(titled.titles, config.ngrams)
        pairs = corpus.matrix
        counts = sparse.csr_array(titled.sums @ pairs[titled.playlists])
        n = max(int(np.count_nonzero(corpus.lengths)), 1)
        popularity = (corpus.popularity / n).astype(np.float32)
        return cls(features, features(titled.titles), counts, titled.counts.astype(np.float32), popularity, config)

    def similar(self, titles: list[str]) -> sparse.csr_array[np.float32]:
        """(n, n_titles) the votes of the training titles for each of some normalised titles: ``s_qu``."""
        votes = sparse.csr_array(self._space(titles) @ self._holders)
        if self.config.neighbours is not None:
            keep_highest(votes, self.config.neighbours)
        votes.data **= self.config.power
        return votes

    def cold(self, query: Query) -> npt.NDArray[np.bool_]:
        names = normalised(query.titles or [""] * len(query))
        cold: npt.NDArray[np.bool_] = np.diff(self._space.features(names).indptr) == 0
        return cold

    def score(self, query: Query) -> Tensor:
        scores = np.tile(self.popularity, (len(query), 1))
        names = normalised(query.titles or [""] * len(query))
        distinct = sorted({*names} - {""})
        row = {title: i for i, title in enumerate(distinct)}
        matched = np.array([row.get(name, -1) for name in names], dtype=np.int64)
        prior, mu = self.popularity, self.config.smoothing
        for low in range(0, len(distinct), CHUNK):
            votes = self.similar(distinct[low : low + CHUNK])
            found = (votes @ self.counts).toarray() + mu * prior
            found /= (votes @ self.sizes + mu)[:, None]
            here = np.flatnonzero((matched >= low) & (matched < low + CHUNK))
            scores[here] = found[matched[here] - low]
        return torch.from_numpy(scores)

    def state(self) -> Arrays:
        return {
            "hashes": self._space.features.hashes,
            "titles_indptr": self.titles.indptr,
            "titles_indices": self.titles.indices,
            "counts_indptr": self.counts.indptr,
            "counts_indices": self.counts.indices,
            "counts_data": self.counts.data,
            "sizes": self.sizes,
            "popularity": self.popularity,
        }

    @classmethod
    def from_state(cls, corpus: Corpus, config: TitleConfig, state: Arrays) -> Self:
        features = TitleFeatures(state["hashes"].astype(np.uint64), config.ngrams)
        ones = np.ones(len(state["titles_indices"]), dtype=np.float32)
        parts: Any = (ones, state["titles_indices"], state["titles_indptr"])
        counts: Any = (state["counts_data"], state["counts_indices"], state["counts_indptr"])
        n = len(state["sizes"])
        return cls(
            features,
            sparse.csr_array(parts, shape=(n, len(features))),
            sparse.csr_array(counts, shape=(n, corpus.n_tracks)),
            state["sizes"].astype(np.float32),
            state["popularity"].astype(np.float32),
            config,
        )
