"""Implicit alternating least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...corpus.growth import Growth
from ...errors import ConfigError
from ...graph.products import products
from ..base import Arrays, Query, Recommender
from ..edge_weights import EdgeWeights, scaled_weights
from ..state_schema import Field, schema
from .ridge import ridge_vectors

__all__ = ["IALS", "IALSConfig"]


@dataclass(frozen=True, kw_only=True)
class IALSConfig(Config):
    """Options of :class:`IALS`.

    Attributes:
        dim: width of the vectors.
        alpha: confidence in what a playlist holds, where that in what it does not hold is 1.
        l2: weight of the squared vectors.
        iterations: half-steps of each side.
        edge_weights: weights of the training pairs, of data preprocessed with ``--weights``, which multiply ``alpha``:
            ``none``, ``log1p`` or ``raw``, scaled to a mean of 1.
    """

    dim: int = 128
    alpha: float = 40.0
    l2: float = 60.0
    iterations: int = 15
    edge_weights: EdgeWeights = "none"

    def __post_init__(self) -> None:
        require(self.dim >= 1, "dim", "at least 1", self.dim)
        require(self.alpha >= 1, "alpha", "at least 1", self.alpha)
        require(self.l2 > 0, "l2", "above 0", self.l2)
        require(self.iterations >= 1, "iterations", "at least 1", self.iterations)


class IALS(Recommender[IALSConfig]):
    """``score(p, t) = x_p · y_t``, the minimum of ``Σ_pt c_pt (r_pt - x_p · y_t)² + λ (Σ |x_p|² + Σ |y_t|²)``.

    ``r_pt`` is 1 where the playlist holds the track and 0 elsewhere, ``c_pt`` is α there and 1 elsewhere. One side is
    solved while the other stands still, in turns (Hu, Koren & Volinsky 2008, eq. 3-5), by the ``implicit`` library.
    Known and unseen playlists are scored alike, by one more half-step from their distinct seeds:
    ``x = α (YᵀY + (α - 1) Σ_seeds y yᵀ + λI)^-1 Σ_seeds y``. So only the tracks' vectors are kept.

    Attributes:
        tracks: (n_tracks, dim) Y.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b"], ["c", "d"], ["c", "d"]])
    >>> scores = IALS.from_corpus(corpus, IALSConfig(dim=2, l2=0.1)).score(Query.of([[0]]))
    >>> scores.argsort(descending=True)[0, :2].sort().values
    tensor([0, 1])
    """

    name = "ials"
    summary = "matrix factorisation by implicit alternating least squares"
    papers = ('Hu, Koren & Volinsky 2008, "Collaborative filtering for implicit feedback datasets", eq. 3-5',)
    config_class = IALSConfig
    state_schema = schema(tracks=Field("f", ("tracks", "dim")))

    def __init__(self, tracks: Tensor, config: IALSConfig) -> None:
        self.tracks = tracks
        self.config = config
        self.n_tracks = len(tracks)
        self._base = tracks.T @ tracks + config.l2 * torch.eye(config.dim)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: IALSConfig, *, seed: int = 0) -> Self:
        try:
            from implicit.cpu.als import AlternatingLeastSquares
            from threadpoolctl import threadpool_limits
        except ImportError:
            raise ConfigError("ials needs the package implicit: pip install 'playlistrec[als]'") from None
        pairs = sparse.csr_matrix(corpus.matrix)
        weights = scaled_weights(corpus, config.edge_weights)
        if weights is not None:
            pairs = sparse.csr_matrix((weights, corpus.pairs), shape=pairs.shape)
        # Its own threads, each with a BLAS of one thread, or it warns: nested they are many times slower.
        with threadpool_limits(limits=1, user_api="blas"):
            als = AlternatingLeastSquares(
                factors=config.dim,
                regularization=config.l2,
                alpha=config.alpha,
                iterations=config.iterations,
                num_threads=torch.get_num_threads(),
                random_state=seed,
            )
            als.fit(pairs, show_progress=False)
        return cls(torch.from_numpy(np.ascontiguousarray(als.item_factors, dtype=np.float32)), config)

    @classmethod
    def updated(cls, corpus: Corpus, config: IALSConfig, state: Arrays, growth: Growth, *, seed: int = 0) -> Arrays:
        """The vectors of new tracks by a half-step from the playlists that hold them; the others stay."""
        tracks = np.zeros((corpus.n_tracks, config.dim), dtype=np.float32)
        tracks[: growth.n_tracks] = state["tracks"][: growth.n_tracks]
        model, alpha = cls(torch.from_numpy(tracks), config), config.alpha
        playlists = model._folded(_lists(corpus.matrix))
        new = sparse.csr_array(corpus.matrix.T)[growth.n_tracks :]
        base = playlists.T @ playlists + config.l2 * torch.eye(config.dim)
        found = ridge_vectors(_lists(new), playlists, base, square=alpha - 1, linear=alpha)
        tracks[growth.n_tracks :] = found.numpy()
        return {"tracks": tracks}

    def _folded(self, query: Query) -> Tensor:
        alpha = self.config.alpha
        return ridge_vectors(query, self.tracks, self._base, square=alpha - 1, linear=alpha)

    def score(self, query: Query) -> Tensor:
        return products(self._folded(query), self.tracks)

    def state(self) -> Arrays:
        return {"tracks": self.tracks.numpy()}

    @classmethod
    def from_state(cls, corpus: Corpus, config: IALSConfig, state: Arrays) -> Self:
        return cls(torch.from_numpy(state["tracks"].astype(np.float32)), config)


def _lists(matrix: sparse.csr_array[np.float32]) -> Query:
    """The rows of a binary matrix as queries."""
    offsets = matrix.indptr.astype(np.int64)
    return Query(offsets, matrix.indices.astype(np.int64), np.full(len(offsets) - 1, -1, dtype=np.int64))
