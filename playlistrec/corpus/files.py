"""A corpus in a folder: arrays in ``.npz``, tables in Parquet. Each is checked before anything computes with it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import DataError
from ..storage import OpenFolder, read_folder, read_npz, write_file, write_npz
from .corpus import Corpus

__all__ = ["FILES", "load_corpus", "read_corpus", "save_corpus", "write_parquet"]

FILES = ("entries.npz", "playlists.parquet", "tracks.parquet", "artists.parquet")
CONTEXT = "context_"
"""Before the names of contexts."""
MOST_ROWS = np.iinfo(np.int32).max
"""Rows that the ids of entries can number."""
REQUIRED: dict[str, dict[str, tuple[pa.DataType, bool]]] = {
    "playlists.parquet": {"pid": (pa.string(), True)},
    "tracks.parquet": {"uri": (pa.string(), True), "artist": (pa.int32(), False)},
    "artists.parquet": {"uri": (pa.string(), True), "name": (pa.string(), False)},
}
"""Columns that each table has, their types, and whether they are given in every row."""


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """Write the arrays and tables into an existing folder."""
    weights = {} if corpus.weights is None else {"weights": corpus.weights}
    contexts = {f"{CONTEXT}{name}": codes for name, codes in corpus.contexts.items()}
    write_npz(folder / "entries.npz", {"offsets": corpus.offsets, "tracks": corpus.tracks, **weights, **contexts})
    for name, table in zip(FILES[1:], (corpus.playlists, corpus.track_table, corpus.artists)):
        write_parquet(folder / name, table)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table, put together in memory first. Raises DataError where the disk refuses."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_file(path, buffer.getbuffer(), DataError)


def read_corpus(folder: Path) -> Corpus:
    """:func:`load_corpus` of a folder that is not open, without checksums."""
    for name in FILES:
        if not (folder / name).is_file():
            raise DataError(f"{folder} is not a data folder: {name} is missing")
    return read_folder(folder, FILES[0], lambda opened: load_corpus(opened, {}), DataError)


def load_corpus(folder: OpenFolder, digests: Mapping[str, str]) -> Corpus:
    """The corpus that :func:`save_corpus` wrote. Raises DataError where a file is missing or damaged.

    Args:
        digests: the SHA-256 of files by name, which are checked.
    """
    name = f"{folder.path}/{FILES[0]}"
    arrays: dict[str, Any] = read_npz(folder.open(FILES[0], digests.get(FILES[0])), name)
    _check_entries(arrays, name)
    playlists, tracks, artists = (_table(folder, name, digests.get(name)) for name in FILES[1:])
    try:
        contexts = {key.removeprefix(CONTEXT): codes for key, codes in arrays.items() if key.startswith(CONTEXT)}
        weights = arrays.get("weights")
        corpus = Corpus(arrays["offsets"], arrays["tracks"], playlists, tracks, artists, weights, contexts)
    except DataError as error:
        raise DataError(f"{folder.path} is damaged: {error}") from None
    artist = corpus.track_artist
    if len(artist) and not -1 <= artist.min() <= artist.max() < corpus.n_artists:
        raise DataError(f"{folder.path}/tracks.parquet is damaged: artist must be a row of artists.parquet")
    return corpus


def _check_entries(arrays: Mapping[str, Any], name: str) -> None:
    kinds: dict[str, Any] = {"offsets": np.int64, "tracks": np.int32, "weights": np.float32}
    kinds |= {key: np.uint8 for key in arrays if key.startswith(CONTEXT)}
    for key, kind in kinds.items():
        array = arrays.get(key)
        if array is None and key == "weights":
            continue
        if array is None or array.dtype != kind or array.ndim != 1:
            got = "nothing" if array is None else f"{array.shape} of {array.dtype}"
            raise DataError(f"{name} is damaged: {key} must be a list of {np.dtype(kind)} (got {got})")
    weights = arrays.get("weights")
    if not len(arrays["offsets"]):
        raise DataError(f"{name} is damaged: offsets must begin with 0")
    if weights is not None and not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise DataError(f"{name} is damaged: weights must be at least 0, and finite")


def _table(folder: OpenFolder, name: str, digest: str | None) -> pa.Table:
    try:
        file = pq.ParquetFile(folder.open(name, digest))
        if file.metadata.num_rows > MOST_ROWS:
            raise DataError(f"{folder.path}/{name} is damaged: it must have at most {MOST_ROWS:,} rows")
        table = file.read()
        table.validate(full=True)
    except (OSError, EOFError, ValueError, KeyError, pa.ArrowException) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{folder.path}/{name} is damaged: {str(error).splitlines()[0][:200]}") from error
    for column, (kind, always) in REQUIRED[name].items():
        if table.column_names.count(column) != 1 or table[column].type != kind:
            raise DataError(f"{folder.path}/{name} is damaged: it must have one column {column} of {kind}")
        if always and table[column].null_count:
            raise DataError(f"{folder.path}/{name} is damaged: {column} must be given in every row")
    for column in set(table.column_names) & {"name", "album_uri", "album_name"}:
        if table[column].type != pa.string() and not pa.types.is_null(table[column].type):
            raise DataError(f"{folder.path}/{name} is damaged: {column} must be text (got {table[column].type})")
    key = "pid" if name == "playlists.parquet" else "uri"
    if len(pc.unique(table[key])) != table.num_rows:
        raise DataError(f"{folder.path}/{name} is damaged: {key} must name each row once")
    return table
