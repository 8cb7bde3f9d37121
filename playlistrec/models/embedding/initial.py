"""The embeddings that training starts from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor, nn

from ...errors import ConfigError
from ...graph.kernels import Edges
from ..titles.features import Titled, TitleKind, title_space
from ..titles.sentences import sentence_space

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus

__all__ = ["given", "init_device", "named", "sentences", "spectral", "xavier"]

SVD_RMS = 0.1
"""Root mean square of the entries of embeddings that come from an SVD."""

_device: ContextVar[torch.device | str] = ContextVar("device", default="cpu")


@contextmanager
def init_device(device: torch.device | str) -> Iterator[None]:
    """Within this context singular vectors are computed on that device; tables are on the CPU in any case."""
    token = _device.set(device)
    try:
        yield
    finally:
        _device.reset(token)


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
    u, s, v = _svd(*_normalised(corpus), dim)
    return _scaled(corpus, {"playlist": u * s.sqrt(), "track": v * s.sqrt()}, dim)


def named(corpus: Corpus, dim: int, kind: TitleKind) -> dict[str, Tensor]:
    """Playlists from what they are called, by node type: those with like names start side by side.

    The features of the titles (n_playlists, m), 0 where there is none, are brought to ``dim`` columns by their
    largest singular values; a track gets what one layer of LightGCN passes it, and artists, scale and
    missing directions are as with :func:`spectral`. Raises ConfigError where no playlist has a name.
    """
    titled = Titled.of(corpus)
    if not titled.titles:
        raise ConfigError(f"init must be xavier or svd for playlists without names (got {kind!r})")
    rows = sparse.coo_array(title_space(titled.titles, kind)(titled.titles)[titled.title])
    u, s, _ = _svd(*_matrix(rows.row, rows.col, rows.data, rows.shape), dim)
    playlists = u.new_zeros(corpus.n_playlists, u.shape[1])
    playlists[torch.from_numpy(titled.playlists)] = u * s.sqrt()
    edges, weights = _normalised(corpus)
    return _scaled(corpus, {"playlist": playlists, "track": edges.reverse.sum(playlists, weights)}, dim)


def sentences(corpus: Corpus, dim: int, model: str) -> dict[str, Tensor]:
    """Playlists and tracks from their names by a sentence model, by node type: like names start side by side.

    Rows of length 1 are brought to ``dim`` columns by the directions in which the distinct names of both lie furthest
    out, so that dot products between playlists and tracks are those of their names as nearly as may be; a node without
    a name gets 0. Artists, scale and missing directions are as with :func:`spectral`. Playlists without entries are
    not read.

    Args:
        model: of :func:`~playlistrec.models.titles.sentences.sentence_space`.

    Raises:
        ConfigError: nothing has a name, or there is no such model.
    """
    space = sentence_space(model)
    held, tracks = np.flatnonzero(corpus.lengths), np.arange(corpus.n_tracks)
    names = {
        "playlist": (held, [name or "" for name in corpus.titles(held) or ()]),
        "track": (tracks, [row["track_name"] or "" for row in corpus.describe(tracks)]),
    }
    distinct = sorted({name for _, found in names.values() for name in found} - {""})
    if not distinct:
        raise ConfigError(f"init must be xavier or svd for playlists and tracks without names (got sentence:{model})")
    place = {name: row for row, name in enumerate(distinct)}
    rows = torch.from_numpy(space(distinct))
    values, directions = torch.linalg.eigh(rows.T.double() @ rows.double())
    basis = directions[:, values.argsort(descending=True)[:dim]]
    basis = basis * torch.sign(basis.gather(0, basis.abs().argmax(0, keepdim=True)))
    projected = rows @ basis.float()
    tables = {}
    for kind, n in (("playlist", corpus.n_playlists), ("track", corpus.n_tracks)):
        nodes, found = names[kind]
        named = [(node, place[name]) for node, name in zip(nodes.tolist(), found) if name]
        tables[kind] = projected.new_zeros(n, projected.shape[1])
        if named:
            at, of = (torch.tensor(ids) for ids in zip(*named))
            tables[kind][at] = projected[of]
    return _scaled(corpus, tables, dim)


def _normalised(corpus: Corpus) -> tuple[Edges, Tensor]:
    """The matrix ``D_p^-1/2 A D_t^-1/2`` of playlists and tracks."""
    rows, columns = corpus.pairs
    degrees = (np.bincount(rows, minlength=corpus.n_playlists), np.bincount(columns, minlength=corpus.n_tracks))
    degree_norms = [np.divide(1.0, np.sqrt(d), out=np.zeros(len(d)), where=d > 0).astype(np.float32) for d in degrees]
    return _matrix(
        rows, columns, degree_norms[0][rows] * degree_norms[1][columns], (corpus.n_playlists, corpus.n_tracks)
    )


def _matrix(
    rows: npt.NDArray[Any], columns: npt.NDArray[Any], values: npt.NDArray[Any], shape: tuple[int, ...]
) -> tuple[Edges, Tensor]:
    """A sparse matrix as edges from columns to rows with their weights, on the device of :func:`init_device`."""
    device = _device.get()
    src, dst = (torch.from_numpy(ids.astype(np.int32)).to(device) for ids in (columns, rows))
    weights = torch.from_numpy(values.astype(np.float32)).to(device)
    return Edges(src, dst, shape[1], shape[0]), weights


def _scaled(corpus: Corpus, tables: dict[str, Tensor], dim: int) -> dict[str, Tensor]:
    """The tables of playlists and tracks at one root mean square, and that of artists, each (n, dim)."""
    square = sum(float(table.square().mean()) if table.numel() else 0.0 for table in tables.values()) / len(tables)
    tables = {kind: table.cpu() * (SVD_RMS / max(math.sqrt(square), 1e-12)) for kind, table in tables.items()}
    tables["artist"] = torch.from_numpy(_artists(corpus, tables["track"].numpy()))
    return {kind: _padded(table, dim) for kind, table in tables.items()}


def _svd(edges: Edges, weights: Tensor, rank: int, rounds: int = 6, extra: int = 16) -> tuple[Tensor, Tensor, Tensor]:
    """(n, rank), (rank,) and (m, rank): the largest singular values and their vectors, as many as there are."""
    n, m = edges.n_dst, edges.n_src
    rank = min(rank, n, m)
    seeds = torch.randn(m, min(rank + extra, n, m)).to(weights.device)
    basis, _ = torch.linalg.qr(seeds)
    for _ in range(rounds):
        basis, _ = torch.linalg.qr(edges.reverse.sum(edges.sum(basis.contiguous(), weights), weights))
    tall, small = torch.linalg.qr(edges.sum(basis.contiguous(), weights))
    u, s, vt = torch.linalg.svd(small, full_matrices=False)
    u, v = tall @ u, basis @ vt.T
    # An SVD leaves the signs open.
    sign = torch.sign(v.gather(0, v.abs().argmax(0, keepdim=True)))
    return (u * sign)[:, :rank], s[:rank], (v * sign)[:, :rank]


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
