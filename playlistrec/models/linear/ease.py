"""EASE: the linear autoencoder in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ...errors import ConfigError
from ..base import Arrays, Query, Recommender
from ..state_schema import Field, schema
from .memory import available_memory
from .side import side_rows

__all__ = ["EASE", "EASEConfig"]

Matrix = npt.NDArray[np.float32]

SLICE = 1024

FEW_ULPS = 4
"""Pivots of so many roundings of the diagonal are none."""
"""Rows of the Gram matrix that are filled or mirrored at a time."""

COPIES = 2
"""The matrix, which is inverted where it stands, and the bytes of the file it is kept in."""


@dataclass(frozen=True, kw_only=True)
class EASEConfig(Config):
    """Options of :class:`EASE`.

    Attributes:
        l2: mean weight λ of the squared entries of B. Less suits data with many playlists to a track.
        l2_power: λ of a track is proportional to its training playlists to this power; 0: the same for all.
        length_weight_exponent: a playlist counts by its length to the power of minus this, 1 in the mean over entries.
        artist_weight, album_weight: as how many playlists a common artist, or album, counts.
        top_tracks: only that many tracks, those in most training playlists, are ranked and listened to, the rest score
            ``-inf``; None: all. Memory grows with its square.
    """

    l2: float = 500.0
    l2_power: float = 0.0
    length_weight_exponent: float = 0.0
    artist_weight: float = 0.0
    album_weight: float = 0.0
    top_tracks: int | None = None

    def __post_init__(self) -> None:
        require(self.l2 > 0, "l2", "above 0", self.l2)
        for name in ("l2_power", "length_weight_exponent", "artist_weight", "album_weight"):
            require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        require(self.top_tracks is None or self.top_tracks >= 1, "top_tracks", "at least 1, or none", self.top_tracks)


class EASE(Recommender[EASEConfig]):
    """``score(p, t) = Σ_{s in seeds(p)} B_st``, B being the best at giving each playlist back without its diagonal.

    ``B = argmin |√W (X - XB)|² + Σ_s λ_s |B_s|²`` with ``diag B = 0`` is ``B = I - P diag(1 / diag P)`` with
    ``P = (XᵀWX + diag λ)^-1``. Steck 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8, where W = I
    and λ is the same for all. Penalties that grow with a track's playlists as in Steck 2020 ("Autoencoders that don't
    overfit towards the identity", eq. 5). Artists and albums are further rows of X (see
    :func:`~playlistrec.models.linear.side.side_rows`). Unseen playlists are scored as known ones are.

    Attributes:
        weights: (n, n) B, of the ``tracks``.
        tracks: (n,) the tracks that are ranked, rising.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b"], ["c"]])
    >>> EASE.from_corpus(corpus, EASEConfig(l2=1)).score(Query.of([[0]]))  # XᵀX + I = [[3, 2, 0], [2, 3, 0], [0, 0, 2]]
    tensor([[0.0000, 0.6667, 0.0000]])
    """

    name = "ease"
    summary = "linear autoencoder in closed form; memory grows with the square of the tracks"
    papers = (
        'Steck 2019, "Embarrassingly shallow autoencoders for sparse data", eq. 8',
        'Steck 2020, "Autoencoders that don\'t overfit towards the identity", eq. 5 (`l2_power`)',
    )
    config_class = EASEConfig
    state_schema = schema(
        tracks=Field("i", ("ranked",), low=0, below="tracks", rising=True), weights=Field("f", ("ranked", "ranked"))
    )

    def __init__(self, weights: Matrix, tracks: npt.NDArray[np.int64], n_tracks: int, config: EASEConfig) -> None:
        self.weights = weights
        self.tracks = tracks
        self.config = config
        self.n_tracks = n_tracks

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: EASEConfig, *, seed: int = 0) -> Self:
        pairs = corpus.matrix
        counts = corpus.popularity
        tracks = np.sort(np.argsort(-counts, kind="stable")[: config.top_tracks])
        _check_memory(len(tracks))
        side = side_rows(corpus, artist=config.artist_weight, album=config.album_weight)
        rows = sparse.vstack([_weighted(pairs, config.length_weight_exponent), side], format="csr")
        gram = _gram(sparse.csr_array(rows[:, tracks]))
        penalty = np.maximum(counts[tracks], 1.0) ** config.l2_power
        gram[np.diag_indices(len(gram))] += config.l2 * penalty / penalty.mean()
        return cls(_without_diagonal(_inverse(gram, config)), tracks, corpus.n_tracks, config)

    def score(self, query: Query) -> Tensor:
        scores = torch.from_numpy(query.matrix(self.n_tracks)[:, self.tracks] @ self.weights)
        if len(self.tracks) == self.n_tracks:
            return scores
        whole = scores.new_full((len(query), self.n_tracks), -torch.inf)
        return whole.index_copy_(1, torch.from_numpy(self.tracks), scores)

    def state(self) -> Arrays:
        return {"weights": self.weights, "tracks": self.tracks}

    @classmethod
    def from_state(cls, corpus: Corpus, config: EASEConfig, state: Arrays) -> Self:
        weights = state["weights"].astype(np.float32, copy=False)
        return cls(weights, state["tracks"].astype(np.int64), corpus.n_tracks, config)


def _check_memory(n: int) -> None:
    needed, free = COPIES * 4 * n * n, available_memory()
    if needed > free:
        fits = int((free / (COPIES * 4)) ** 0.5)
        raise ConfigError(
            f"top_tracks must be at most {fits} here: the Gram matrix of {n} tracks, and the file it is kept in, need "
            f"{needed / 1e9:.1f} GB of memory ({free / 1e9:.1f} GB are available)"
        )


def _weighted(pairs: sparse.csr_array[np.float32], power: float) -> sparse.csr_array[np.float32]:
    """√W X with the weights ``length^-power``, scaled to a mean of 1 over the entries."""
    if power == 0:
        return pairs
    lengths = np.diff(pairs.indptr)
    weights = np.repeat(np.maximum(lengths, 1) ** -power, lengths)
    data = np.sqrt(weights / max(weights.sum() / max(pairs.nnz, 1), 1e-12))
    return sparse.csr_array((data.astype(np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)


def _gram(rows: sparse.csr_array[np.float32]) -> Matrix:
    """Dense ``rowsᵀ rows``, a slice at a time."""
    columns = sparse.csr_array(rows.T)
    n = columns.shape[0]
    gram = np.empty((n, n), dtype=np.float32)
    for low in range(0, n, SLICE):
        gram[low : low + SLICE] = (columns[low : low + SLICE] @ rows).toarray()
    return gram


def _inverse(gram: Matrix, config: EASEConfig) -> Matrix:
    """The inverse of a symmetric positive definite matrix, in its memory."""
    # By torch, since the OpenBLAS in SciPy crashes at 40,000 tracks. The transpose is in the order of LAPACK: no copy.
    lower = torch.from_numpy(gram).T
    least = FEW_ULPS * torch.finfo(lower.dtype).eps * lower.diagonal().clone()
    _, failed = torch.linalg.cholesky_ex(lower, out=(lower, torch.empty((), dtype=torch.int32)))
    if failed or (lower.diagonal().square() <= least).any():  # a pivot of mere rounding, which may come out positive
        raise ConfigError(f"l2 must be larger, for a Gram matrix that can be inverted in float32 (got {config.l2})")
    torch.cholesky_inverse(lower, out=lower)
    return gram


def _without_diagonal(inverse: Matrix) -> Matrix:
    """``I - P diag(1 / diag P)`` in the memory of P: its diagonal is 0."""
    inverse /= -np.diag(inverse).copy()
    np.fill_diagonal(inverse, 0)
    return inverse
