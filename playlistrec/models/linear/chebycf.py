"""ChebyCF: a flexible graph filter with nothing to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import Polynomial, chebyshev
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ..base import Arrays, Query, Recommender
from ..state_schema import Csr, Field, schema
from .spectrum import low_frequencies, normalised

__all__ = ["ChebyCF", "ChebyCFConfig", "plateau"]

Matrix = npt.NDArray[np.float32]

TOLERANCE = 0.005
"""By how much the transfer function, which goes from 0 to 1, may be missed beyond the frequencies of the SVD."""


@dataclass(frozen=True, kw_only=True)
class ChebyCFConfig(Config):
    """Options of :class:`ChebyCF`, the paper's for Gowalla by default.

    Attributes:
        order: K, degree of the Chebyshev polynomial: a track is reached by others up to 2 K hops away.
        flatness: φ of the plateau: 1 is a straight line, as in GF-CF; more lets the middle frequencies pass alike.
        dim: singular vectors of the ideal low-pass filter; 0: none.
        alpha: its weight beside the plateau.
        degree_exponent: β: seeds are divided, and scores multiplied, by a track's number of playlists to this power.
            More leans towards popular tracks.
    """

    order: int = 8
    flatness: float = 1.5
    dim: int = 512
    alpha: float = 0.2
    degree_exponent: float = 0.4

    def __post_init__(self) -> None:
        require(self.order >= 1, "order", "at least 1", self.order)
        require(self.flatness > 0, "flatness", "above 0", self.flatness)
        for name in ("dim", "alpha", "degree_exponent"):
            require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))


class ChebyCF(Recommender[ChebyCFConfig]):
    """``score(r) = r D^-β (h(P) + α V Vᵀ) D^β``, with ``P = R̃ᵀR̃`` and ``h`` a plateau over its spectrum.

    ``r`` is the indicator of the distinct seeds, ``R̃ = D_P^-½ R D^-½`` the normalised training matrix, ``D`` the
    degrees of the tracks, and ``V`` (n_tracks, dim) holds the right singular vectors of R̃ with the largest singular
    values. ``h(P) = Σ_k c_k T_k(I - 2P)`` is the Chebyshev interpolation of :func:`plateau`. Kim et al. 2025, "Graph
    spectral filtering with Chebyshev interpolation for recommendation" (SIGIR), section 4; the coefficients are
    those of the authors' code. Known and unseen playlists are scored alike. Tracks without a training playlist score 0.

    With the singular values ``σ`` known, ``h(P) = V (h - q)(σ²) Vᵀ + q(P)`` for any polynomial q that is h beyond
    them: its degree is the least that meets h within .005 there, 2 in place of 8 for 512 vectors of Gowalla.

    Attributes:
        pairs: (n_playlists, n_tracks) sparse and binary: the training matrix R.
        vectors: (n_tracks, dim) V.
        values: (dim,) σ.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "c"]])
    >>> config = ChebyCFConfig(order=2, flatness=1, alpha=0, degree_exponent=0)
    >>> ChebyCF.from_corpus(corpus, config).score(Query.of([[1]])).shape
    torch.Size([1, 3])
    """

    name = "chebycf"
    summary = "graph filter without training: a plateau over the spectrum and a low-pass of singular vectors"
    papers = ('Kim et al. 2025, "Graph spectral filtering with Chebyshev interpolation for recommendation", section 4',)
    config_class = ChebyCFConfig
    state_schema = schema(
        pairs=Csr("playlists", "tracks"),
        vectors=Field("f", ("tracks", "dim")),
        values=Field("f", ("dim",), low=0, below=2),
    )

    def __init__(
        self, pairs: sparse.csr_array[np.float32], vectors: Matrix, values: Matrix, config: ChebyCFConfig
    ) -> None:
        self.pairs, self.vectors, self.values, self.config = pairs, vectors, values, config
        self.n_tracks = pairs.shape[1]
        self._normalised = normalised(pairs)
        self._transposed = sparse.csr_array(self._normalised.T)
        degrees = np.bincount(pairs.indices, minlength=self.n_tracks).astype(np.float32)
        self._power = np.maximum(degrees, 1) ** config.degree_exponent
        self._seen = degrees > 0
        whole = plateau(config.order, config.flatness)
        squares = values.astype(np.float64) ** 2
        # With all singular vectors of a small matrix nothing is left beyond them but the frequency 0.
        rest = 1.0 if not len(values) else float(squares[-1]) if len(values) == config.dim else 0.0
        self.beyond = _within(whole, rest, config.order)
        self._weights = (whole(squares) - self.beyond(squares) + config.alpha).astype(np.float32)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: ChebyCFConfig, *, seed: int = 0) -> Self:
        return cls(corpus.matrix, *low_frequencies(normalised(corpus.matrix), config.dim, seed), config)

    def score(self, query: Query) -> Tensor:
        seeds = query.matrix(self.n_tracks).toarray().T
        signal = np.ascontiguousarray(seeds * (self._seen / self._power)[:, None], dtype=np.float32)
        *others, last = self.beyond.coef.astype(np.float32)
        passed = last * signal
        for coefficient in reversed(others):  # Horner's rule
            passed = self._transposed @ (self._normalised @ passed)
            passed += coefficient * signal
        passed += self.vectors @ (self._weights[:, None] * (self.vectors.T @ signal))
        return torch.from_numpy(np.ascontiguousarray((passed * (self._seen * self._power)[:, None]).T))

    def state(self) -> Arrays:
        found = {"indptr": self.pairs.indptr, "indices": self.pairs.indices}
        return {**found, "vectors": self.vectors, "values": self.values}

    @classmethod
    def from_state(cls, corpus: Corpus, config: ChebyCFConfig, state: Arrays) -> Self:
        ones = np.ones(len(state["indices"]), dtype=np.float32)
        parts: Any = (ones, state["indices"], state["indptr"])
        pairs = sparse.csr_array(parts, shape=(len(state["indptr"]) - 1, corpus.n_tracks))
        return cls(pairs, state["vectors"].astype(np.float32), state["values"].astype(np.float32), config)


def plateau(order: int, flatness: float) -> Polynomial:
    """The transfer function over the eigenvalues λ of P, 0 to 1, as a polynomial in λ of degree ``order``.

    The wanted ``½ (1 - sign(x) |x|^φ)`` with ``x = 1 - 2λ`` is taken at the order + 1 extrema of T_order and
    interpolated at as many Chebyshev roots, which lie next to them: what the authors' code does.

    >>> plateau(1, 1.0)(np.array([0.0, 1.0])).round(2).tolist()
    [-0.21, 1.21]
    """
    extrema = np.cos(np.pi * np.arange(order + 1)[::-1] / order)
    roots = np.cos(np.pi * (np.arange(order + 1)[::-1] + 0.5) / (order + 1))
    wanted = 0.5 - 0.5 * np.sign(extrema) * np.abs(extrema) ** flatness
    coefficients = chebyshev.chebvander(roots, order).T @ wanted * 2 / (order + 1)
    coefficients[0] /= 2
    return Polynomial(chebyshev.cheb2poly(coefficients))(Polynomial([1.0, -2.0]))


def _within(whole: Polynomial, most: float, order: int) -> Polynomial:
    """The polynomial of least degree that is ``whole`` within ``TOLERANCE`` between 0 and ``most``, and at 0."""
    constant = float(whole(0.0))
    at = most * (1 - np.cos(np.linspace(0, np.pi, 200))) / 2
    for degree in range(order):
        powers = at[:, None] ** np.arange(1, degree + 1)
        found = np.linalg.lstsq(powers, whole(at) - constant, rcond=None)[0]
        near = Polynomial([constant, *found])
        if np.abs(near(at) - whole(at)).max() <= TOLERANCE:
            return near
    return whole
