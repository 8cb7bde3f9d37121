"""Parquet: playlists, tracks and artists with their vectors, one file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..serving.vectors import Embeddings, Vectors

__all__ = ["LOAD", "write"]

LOAD = (
    '`pyarrow.parquet.read_table("tracks.parquet")` has the vectors in its column `embedding`, float32 lists of one '
    'length: `table["embedding"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)`; `seeds` of '
    "`playlists.parquet` are rows of `tracks.parquet`"
)


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``playlists.parquet`` (pid, name, seeds, embedding), ``tracks.parquet`` (uri, name, artist, embedding) and
    ``artists.parquet`` (uri, name, and the embedding where there is one); names where they are known."""
    corpus = source.history
    seeds = pa.ListArray.from_arrays(
        pa.array(source.query.offsets, pa.int32()), pa.array(source.query.tracks, pa.int32())
    )
    tables = {
        "playlists": _with(_named(corpus.playlists, "pid"), seeds=seeds, embedding=_lists(source.playlists)),
        "tracks": _with(
            _named(corpus.track_table, "uri"), artist=corpus.artist_names(), embedding=_lists(source.tracks)
        ),
        "artists": _named(corpus.artists, "uri"),
    }
    if source.artists is not None:
        tables["artists"] = _with(tables["artists"], embedding=_lists(source.artists))
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return {"files": [f"{name}.parquet" for name in tables]}


def _named(table: pa.Table, key: str) -> pa.Table:
    return table.select([column for column in (key, "name") if column in table.column_names])


def _with(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def _lists(vectors: Vectors) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
