"""GF-CF: a graph filter with nothing to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.sparse.linalg import svds
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ..base import Arrays, Query, Recommender
from ..state_schema import Csr, Field, schema
from .spectrum import normalised

__all__ = ["GFCF", "GFCFConfig"]


@dataclass(frozen=True, kw_only=True)
class GFCFConfig(Config):
    """Options of :class:`GFCF`, the paper's by default.

    Attributes:
        dim: singular vectors of the ideal low-pass filter; 0: none.
        alpha: its weight beside the two-hop filter.
    """

    dim: int = 256
    alpha: float = 0.3

    def __post_init__(self) -> None:
        require(self.dim >= 0, "dim", "at least 0", self.dim)
        require(self.alpha >= 0, "alpha", "at least 0", self.alpha)


class GFCF(Recommender[GFCFConfig]):
    """``score(r) = r (R̃ᵀR̃ + α D^-½ V Vᵀ D^½)``: a smoothing by two hops, and an ideal low-pass filter.

    ``r`` is the indicator of the distinct seeds, ``R̃ = D_P^-½ R D^-½`` the training matrix (n_playlists, n_tracks)
    divided by the roots of the degrees of playlists and tracks, and ``V`` (n_tracks, dim) holds its right singular
    vectors with the largest singular values. Known and unseen playlists are scored alike, and nothing of the size
    n_tracks × n_tracks is ever built. Shen et al. 2021, "How powerful is graph convolution for recommendation?",
    section 4.2. Tracks without a training playlist score 0.

    Attributes:
        pairs: (n_playlists, n_tracks) sparse and binary: the training matrix R.
        vectors: (n_tracks, dim) V.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "c"]])
    >>> GFCF.from_corpus(corpus, GFCFConfig(alpha=0)).score(Query.of([[1]]))  # 1/√(2·1) · 1/√(2·2), and 1/√(2·1)²
    tensor([[0.3536, 0.5000, 0.0000]])
    """

    name = "gfcf"
    summary = "graph filter without training: two hops and a low-pass of singular vectors"
    papers = ('Shen et al. 2021, "How powerful is graph convolution for recommendation?", section 4.2',)
    config_class = GFCFConfig
    state_schema = schema(pairs=Csr("playlists", "tracks"), vectors=Field("f", ("tracks", "dim")))

    def __init__(
        self, pairs: sparse.csr_array[np.float32], vectors: npt.NDArray[np.float32], config: GFCFConfig
    ) -> None:
        self.pairs = pairs
        self.vectors = vectors
        self.config = config
        self.n_tracks = pairs.shape[1]
        self._normalised = normalised(pairs)
        self._transposed = sparse.csr_array(self._normalised.T)
        degrees = np.bincount(pairs.indices, minlength=self.n_tracks).astype(np.float32)
        roots = np.sqrt(degrees)[:, None]
        # Vectors are 0 where the degree is: dividing by 1 there will do.
        self._low_pass = vectors / np.maximum(roots, 1), (self.config.alpha * vectors * roots).T

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: GFCFConfig, *, seed: int = 0) -> Self:
        return cls(corpus.matrix, _singular_vectors(normalised(corpus.matrix), config.dim, seed), config)

    def score(self, query: Query) -> Tensor:
        seeds = query.matrix(self.n_tracks)
        into, out_of = self._low_pass
        scores = (seeds @ self._transposed @ self._normalised).toarray()
        scores += np.asarray(seeds @ into) @ out_of
        return torch.from_numpy(scores)

    def state(self) -> Arrays:
        return {"indptr": self.pairs.indptr, "indices": self.pairs.indices, "vectors": self.vectors}

    @classmethod
    def from_state(cls, corpus: Corpus, config: GFCFConfig, state: Arrays) -> Self:
        ones = np.ones(len(state["indices"]), dtype=np.float32)
        parts: Any = (ones, state["indices"], state["indptr"])
        pairs = sparse.csr_array(parts, shape=(len(state["indptr"]) - 1, corpus.n_tracks))
        return cls(pairs, state["vectors"].astype(np.float32), config)


def _singular_vectors(matrix: sparse.csr_array[np.float32], dim: int, seed: int) -> npt.NDArray[np.float32]:
    """(n_columns, up to dim) right singular vectors by falling singular value; none of a singular value of 0."""
    small = min(matrix.shape)
    if dim == 0 or matrix.nnz == 0:
        return np.zeros((matrix.shape[1], 0), dtype=np.float32)
    if dim < small:
        start = np.random.Generator(np.random.PCG64(seed)).standard_normal(small).astype(np.float32)
        _, values, rows = svds(matrix, k=dim, v0=start)
        values, rows = values[::-1], rows[::-1]
    else:
        _, values, rows = np.linalg.svd(matrix.toarray(), full_matrices=False)
    present = values > values[0] * 1e-5
    return np.ascontiguousarray(rows[present].T, dtype=np.float32)
