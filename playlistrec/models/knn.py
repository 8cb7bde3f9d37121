"""Item neighbours: tracks vote for the tracks they share playlists with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
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
        neighbours: how many tracks each track votes for, the most similar ones; None: all it co-occurs with.
        shrink: added to the denominator; damps similarities that rest on few playlists.
    """

    neighbours: int | None = None
    shrink: float = 0.0

    def __post_init__(self) -> None:
        require(self.neighbours is None or self.neighbours >= 1, "neighbours", "at least 1, or none", self.neighbours)
        require(self.shrink >= 0, "shrink", "at least 0", self.shrink)


class ItemKNN(Recommender):
    """Cosine item neighbours: ``score(p, t) = sum_{s in seeds(p)} sim(s, t)`` over the distinct seeds.

    ``sim(s, t) = n_st / (sqrt(n_s n_t) + shrink)`` with ``n_st`` the training playlists that hold both tracks,
    and ``sim(t, t) = 0``. Sarwar et al. 2001; every seed's list cut to its ``neighbours`` most similar tracks
    (ties to the lower index) as in Deshpande & Karypis 2004, where similarities are summed over the basket.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b", "c"]])
    >>> model = ItemKNN.from_corpus(corpus, ItemKNNConfig())
    >>> model.score(Query.of([[0]]))
    tensor([[0.0000, 1.0000, 0.7071]])
    """

    name = "itemknn"
    summary = "tracks that share playlists with the seeds (cosine item neighbours)"
    options = ItemKNNConfig

    def __init__(self, similar: sparse.csr_array[np.float32], config: ItemKNNConfig) -> None:
        self.similar = similar
        self.config = config
        self.n_tracks = similar.shape[0]
        self._columns, self._values = torch.from_numpy(similar.indices), torch.from_numpy(similar.data)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0) -> Self:  # noqa: ARG003
        assert isinstance(config, ItemKNNConfig)
        return cls(_similarities(corpus.matrix, config), config)

    def score(self, query: Query) -> Tensor:
        # Adding one seed's row at a time to a dense row that stays in cache is several times faster than a
        # product of sparse matrices, whose result is nearly dense here, or than Q·D·Xᵀ·X·D without the similarities.
        seeds, start = query.matrix(self.n_tracks), self.similar.indptr
        scores = torch.zeros(len(query), self.n_tracks)
        for row, low, high in zip(scores, seeds.indptr, seeds.indptr[1:]):
            for seed in seeds.indices[low:high]:
                span = slice(start[seed], start[seed + 1])
                row.index_add_(0, self._columns[span], self._values[span])
        return scores

    def arrays(self) -> Arrays:
        return {"indptr": self.similar.indptr, "indices": self.similar.indices, "data": self.similar.data}

    @classmethod
    def from_arrays(cls, corpus: Corpus, config: Config, arrays: Arrays) -> Self:
        assert isinstance(config, ItemKNNConfig)
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(sparse.csr_array(parts, shape=(corpus.n_tracks, corpus.n_tracks)), config)


def _similarities(pairs: sparse.csr_array[np.float32], config: ItemKNNConfig) -> sparse.csr_array[np.float32]:
    """(n_tracks, n_tracks) similarities of the columns of ``pairs`` (n_playlists, n_tracks), diagonal empty."""
    holders = pairs.T.tocsr()
    root = np.sqrt(np.diff(holders.indptr)).astype(np.float32)
    # Row t of Xᵀ X costs the lengths of t's playlists, which bounds what a chunk can take.
    cost = np.cumsum(holders @ np.diff(pairs.indptr).astype(np.float64))
    bounds = np.unique(np.searchsorted(cost, np.arange(0, cost[-1] if len(cost) else 0, CHUNK_PAIRS), side="left"))
    chunks, kept = [], 0
    for low, high in zip(bounds, [*bounds[1:], len(root)]):
        chunk = holders[low:high] @ pairs
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
                f"neighbours must be a number such as 200 for data of this size (got {config.neighbours}: "
                f"more than {MOST_PAIRS:,} similarities)"
            )
    return sparse.vstack(chunks, format="csr")


def _truncate(matrix: sparse.csr_array[np.float32], k: int) -> None:
    """Keep the ``k`` highest values of each row, ties to the lower column, in place."""
    matrix.sort_indices()
    for low, high in zip(matrix.indptr, matrix.indptr[1:]):
        if high - low > k:
            values = matrix.data[low:high]
            edge = np.partition(values, -k)[-k]
            values[np.flatnonzero(values == edge)[k - np.count_nonzero(values > edge) :]] = 0
            values[values < edge] = 0
    matrix.eliminate_zeros()
