"""The embeddings that training starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor, nn

from ..errors import ConfigError
from .title_features import Titled, TitleKind, title_space

if TYPE_CHECKING:
    from ..corpus.corpus import Corpus

__all__ = ["given", "named", "spectral", "xavier"]

SVD_RMS = 0.1
"""Root mean square of the entries of embeddings that come from an SVD."""


def xavier(sizes: Mapping[str, int], dim: int) -> dict[str, Tensor]:
    """Uniform by node type, each (n, dim), drawn with torch's generator. Glorot & Bengio 2010, eq. 16."""
    tables = {kind: torch.empty(n, dim) for kind, n in sizes.items()}
    for table in tables.values():
        if len(table):
            nn.init.xavier_uniform_(table)
    return tables


def given(path: str, sizes: Mapping[str, int], dim: int) -> dict[str, Tensor]:
    """The tables that the arrays of an ``.npz`` file are. Raises ConfigError for a wrong file or shape."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            tables = {k: torch.from_numpy(np.asarray(arrays[k], dtype=np.float32)) for k in sizes if k in arrays}
            found = ", ".join(arrays.files) or "none"
    except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:  # TypeError: a single array, .npy
        raise ConfigError(f"features must be an .npz file ({path}: {error})") from error
    if not tables:
        raise ConfigError(f"features must have one of the arrays {', '.join(sizes)} ({path} has {found})")
    for kind, table in tables.items():
        if table.shape != (sizes[kind], dim):
            raise ConfigError(
                f"features of {kind!r} must have shape {(sizes[kind], dim)}, one row a {kind} and dim columns "
                f"(got {tuple(table.shape)})"
            )
    return tables


def spectral(corpus: Corpus, dim: int) -> dict[str, Tensor]:
    """Singular vectors of the normalised adjacency, scaled by the roots of their singular values, by node type.

    ``D_p^-1/2 A D_t^-1/2 ≈ U S Vᵀ`` with the ``dim`` largest singular values gives ``U S^1/2`` for playlists and
    ``V S^1/2`` for tracks (the low-pass filter of Shen et al. 2021, GF-CF, section 4.2), brought to one root mean
    square; an artist gets the sum of its tracks' over the root of their number. By randomised subspace iteration
    (Halko, Martinsson & Tropp 2011, algorithm 4.4), drawn with torch's generator. Directions that the data
    do not have, being too small, are 0 but for a little noise.
    """
    adjacency = _normalised(corpus)
    u, s, v = _svd(adjacency, min(dim, *adjacency.shape))
    return _scaled(corpus, {"playlist": u * np.sqrt(s), "track": v * np.sqrt(s)}, dim)


def named(corpus: Corpus, dim: int, kind: TitleKind) -> dict[str, Tensor]:
    """Playlists from what they are called, by node type: those with like names start side by side.

    The features of the titles (n_playlists, m), 0 where there is none, are brought to ``dim`` columns by their
    largest singular values; a track gets what one layer of LightGCN passes it, and artists, scale and
    missing directions are as with :func:`spectral`. Raises ConfigError where no playlist has a name.
    """
    titled = Titled.of(corpus)
    if not titled.titles:
        raise ConfigError(f"init must be xavier or svd for playlists without names (got {kind!r})")
    rows = sparse.csr_array(title_space(titled.titles, kind)(titled.titles)[titled.title])
    u, s, _ = _svd(rows, min(dim, *rows.shape))
    playlists = np.zeros((corpus.n_playlists, u.shape[1]), dtype=np.float32)
    playlists[titled.playlists] = u * np.sqrt(s)
    return _scaled(corpus, {"playlist": playlists, "track": _normalised(corpus).T @ playlists}, dim)


def _normalised(corpus: Corpus) -> sparse.csr_array[np.float32]:
    """(n_playlists, n_tracks) ``D_p^-1/2 A D_t^-1/2``."""
    rows, columns = corpus.pairs
    degrees = (np.bincount(rows, minlength=corpus.n_playlists), np.bincount(columns, minlength=corpus.n_tracks))
    norms = [np.divide(1.0, np.sqrt(d), out=np.zeros(len(d)), where=d > 0).astype(np.float32) for d in degrees]
    shape = corpus.n_playlists, corpus.n_tracks
    return sparse.csr_array((norms[0][rows] * norms[1][columns], (rows, columns)), shape=shape)


def _scaled(corpus: Corpus, tables: dict[str, npt.NDArray[np.float32]], dim: int) -> dict[str, Tensor]:
    """The tables of playlists and tracks at one root mean square, and that of artists, each (n, dim)."""
    square = np.mean([np.square(table).mean() if table.size else 0.0 for table in tables.values()])
    tables = {kind: table * (SVD_RMS / max(float(np.sqrt(square)), 1e-12)) for kind, table in tables.items()}
    tables["artist"] = _artists(corpus, tables["track"])
    return {kind: _padded(torch.from_numpy(table.astype(np.float32)), dim) for kind, table in tables.items()}


def _svd(
    matrix: sparse.csr_array[np.float32], rank: int, rounds: int = 6, extra: int = 16
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(n, rank), (rank,) and (m, rank): the largest singular values and their vectors."""
    seeds = torch.randn(matrix.shape[1], min(rank + extra, min(matrix.shape))).numpy()
    transposed = matrix.T.tocsr()
    basis, _ = np.linalg.qr(seeds)
    for _ in range(rounds):
        basis, _ = np.linalg.qr(transposed @ (matrix @ basis))
    u, s, vt = np.linalg.svd(matrix @ basis, full_matrices=False)
    v = basis @ vt.T
    sign = np.sign(v[np.abs(v).argmax(0), np.arange(v.shape[1])])  # an SVD leaves the signs open
    return u[:, :rank] * sign[:rank], s[:rank], v[:, :rank] * sign[:rank]


def _artists(corpus: Corpus, tracks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    artist = corpus.track_artist
    known = np.flatnonzero(artist >= 0)
    count = np.bincount(artist[known], minlength=corpus.n_artists)
    by = sparse.csr_array(
        (1 / np.sqrt(count[artist[known]]), (artist[known], known)), shape=(corpus.n_artists, len(tracks))
    )
    return (by @ tracks).astype(np.float32)


def _padded(table: Tensor, dim: int) -> Tensor:
    noise = torch.randn(len(table), dim - table.shape[1]) * 1e-2 * SVD_RMS
    return torch.cat([table, noise], dim=1)
