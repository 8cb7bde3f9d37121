"""Playlists as CSV: one row an entry, with tables of tracks and playlists beside it where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from ..vocabulary import (
    TRACK_SCHEMA,
    Catalogue,
    Rows,
    Vocabulary,
    conform,
    distinct,
    drop_unknown,
)
from .csv_file import CsvFile, is_missing
from .entries import Weights, gather
from .mpd_slice import PLAYLIST_SCHEMA

__all__ = ["SIDE_TABLES", "read_csv"]

Names = Mapping[str, Sequence[str]]
SIDE_TABLES = ("tracks", "playlists", "ordered_playlists")

PID = ("playlist_id", "pid", "playlist")
WEIGHT = ("weight", "rating", "count", "play_count", "playcount", "plays", "listens")
URI = ("track_id", "track_uri", "track", "uri")
OF_A_TRACK: Names = {
    "artist_uri": ("artist_id", "artist_uri"),
    "artist_name": ("artist_name",),
    "album_uri": ("album_id", "album_uri"),
    "album_name": ("album_name",),
    "duration_ms": ("duration_ms",),
    "duration_sec": ("duration_sec",),
}
ENTRIES: Names = {
    "pid": PID,
    "uri": URI,
    "pos": ("pos",),
    "weight": WEIGHT,
    "playlist_name": ("playlist_name", "name", "title"),
    "name": ("track_name",),
    **OF_A_TRACK,
}
TRACKS: Names = {"uri": URI, "name": ("track_name", "name", "title"), **OF_A_TRACK}
PLAYLISTS: Names = {
    "pid": PID,
    **{name: (name,) for name in PLAYLIST_SCHEMA.names},
    "name": ("playlist_name", "name", "title"),
}


def read_csv(
    files: Sequence[Path], *, limit: int | None, weights: bool, on_event: OnEvent
) -> tuple[Corpus, npt.NDArray[np.bool_]]:
    """Read one file of entries, or a training and a test file, and the tables beside them.

    Args:
        weights: keep the weight of each entry.

    Returns the corpus and which entries came from the second file; see :func:`~.read.read`.
    """
    catalogue, playlists = Catalogue(), Vocabulary()
    names: list[pa.Array] = []
    listing = _beside(files, "tracks")
    if listing is not None:
        _read_tracks(listing, catalogue)
    n_listed = len(catalogue)
    required = ("pid", "uri", "weight") if weights else ("pid", "uri")
    sources = [CsvFile.open(path, ENTRIES, required=required) for path in files]
    parts = []
    for done, source in enumerate(sources, 1):
        parts.append(_read_entries(source, catalogue, playlists, names, limit, weights))
        on_event(Event("progress", f"read {source.path.name}", {"done": done, "total": len(files)}))
    if listing is not None and (n := len(catalogue) - n_listed):
        what = "1 track that is" if n == 1 else f"{n:,} tracks that are"
        on_event(Event("warning", f"appended {what} not in {listing.name}", {"appended": n}))
    pids = playlists.ids()[:limit]
    offsets, tracks, kept_weights, from_test = gather(parts, len(pids), len(catalogue), on_event)
    table = pa.table({"pid": pids, "name": pa.chunked_array(names, pa.string())[: len(pids)]})
    if (path := _beside(files, "playlists")) is not None:
        table = _add_columns(table, path)
    ordered = pa.array(np.ones(len(pids), dtype=bool))
    if "pos" not in sources[0].columns and (path := _beside(files, "ordered_playlists")) is not None:
        ordered = pc.is_in(pids, _read_ids(path))
    track_table, artists = catalogue.tables()
    corpus = Corpus(
        offsets=offsets,
        tracks=tracks,
        playlists=drop_unknown(table.combine_chunks(), ("pid",)).append_column("ordered", ordered),
        track_table=track_table,
        artists=artists,
        weights=kept_weights,
    )
    return corpus, from_test


def _beside(files: Sequence[Path], stem: str) -> Path | None:
    """The table called ``stem`` in the same folder, if there is one."""
    paths = [files[0].with_name(stem + suffix) for suffix in (".csv", ".csv.gz")]
    found = [path for path in paths if path.is_file() and path not in files]
    if len(found) > 1:
        raise DataError(f"{files[0].parent} holds both {found[0].name} and {found[1].name}: keep one of them")
    return found[0] if found else None


def _read_entries(
    file: CsvFile,
    catalogue: Catalogue,
    playlists: Vocabulary,
    names: list[pa.Array],
    limit: int | None,
    weights: bool,
) -> tuple[Rows, Rows, Weights]:
    """Playlist, track and weight of each entry, by ``pos`` where there is one; ``names`` of new playlists."""
    columns: list[tuple[Rows, Rows, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    for start, batch in file.batches():
        pids = file.ids("pid", start, batch)
        tracks = _track_columns(file, start, batch)
        pos = np.zeros(0)
        if "pos" in file.columns:
            pos = file.numbers("pos", start, batch, required=True).to_numpy(zero_copy_only=False)
        weight = file.weights("weight", start, batch) if weights else np.zeros(0)
        numbers, first = distinct(pids)
        before = len(playlists)
        rows = playlists.number(pids.take(first))
        names.append(_known(file, "playlist_name", batch).take(first[rows >= before]))
        playlist = rows[numbers]
        if limit is not None:
            kept = playlist < limit
            playlist, pos, tracks = playlist[kept], pos[kept[: len(pos)]], tracks.filter(pa.array(kept))
            weight = weight[kept[: len(weight)]]
        numbers, first = distinct(tracks["uri"].combine_chunks())
        columns.append((playlist, catalogue.add(tracks.take(first))[numbers], pos, weight))
    playlist, track, pos, weight = (np.concatenate(column) for column in zip(*columns))
    if "pos" in file.columns:
        order = np.argsort(pos, kind="stable")
        playlist, track = playlist[order], track[order]
        weight = weight[order] if weights else weight
    return playlist, track, weight if weights else None


def _read_tracks(path: Path, catalogue: Catalogue) -> None:
    file = CsvFile.open(path, TRACKS, required=("uri",))
    for start, batch in file.batches():
        tracks = _track_columns(file, start, batch)
        _, first = distinct(tracks["uri"].combine_chunks())
        before = len(catalogue)
        rows = catalogue.add(tracks.take(first))
        _refuse_repeats(file, start, batch.column("uri"), first[rows >= before])


def _add_columns(playlists: pa.Table, path: Path) -> pa.Table:
    """Add what a table of playlists says of those in ``playlists``."""
    file = CsvFile.open(path, PLAYLISTS, required=("pid",))
    listed, chunks = Vocabulary(), []
    for start, batch in file.batches():
        pids = file.ids("pid", start, batch)
        _, first = distinct(pids)
        before = len(listed)
        rows = listed.number(pids.take(first))
        _refuse_repeats(file, start, pids, first[rows >= before])
        columns = {}
        for name in PLAYLIST_SCHEMA.names:
            kind = PLAYLIST_SCHEMA.field(name).type
            if name not in file.columns or pa.types.is_string(kind):
                columns[name] = _known(file, name, batch)
            elif pa.types.is_boolean(kind):
                columns[name] = file.flags(name, start, batch)
            else:
                columns[name] = pc.round(file.numbers(name, start, batch))
        chunks.append(conform(pa.table(columns), PLAYLIST_SCHEMA))
    found = listed.find(playlists["pid"])
    table = pa.concat_tables(chunks).take(pa.array(found, mask=found < 0))
    name = pc.coalesce(table["name"], playlists["name"])
    return table.set_column(0, "name", name).add_column(0, "pid", playlists["pid"])


def _read_ids(path: Path) -> pa.ChunkedArray:
    file = CsvFile.open(path, {"pid": PID}, required=("pid",))
    return pa.chunked_array([file.ids("pid", start, batch) for start, batch in file.batches()], pa.string())


def _track_columns(file: CsvFile, start: int, batch: pa.RecordBatch) -> pa.Table:
    """The columns of ``TRACK_SCHEMA`` that a file has."""
    columns = {"uri": file.ids("uri", start, batch)}
    for name in TRACK_SCHEMA.names[1:-1]:
        if name in file.columns:
            columns[name] = _known(file, name, batch)
    for name, unit in (("duration_sec", 1000), ("duration_ms", 1)):
        if name in file.columns:
            columns["duration_ms"] = pc.round(pc.multiply(file.numbers(name, start, batch), unit)).cast(pa.int64())
    return pa.table(columns)


def _known(file: CsvFile, name: str, batch: pa.RecordBatch) -> pa.Array:
    """A column of text, null where the field is empty (an id also where it says ``nan``) or there is none."""
    nothing = pa.scalar(None, pa.string())
    if name not in file.columns:
        return pa.nulls(batch.num_rows, pa.string())
    column = batch.column(name)
    missing = is_missing(column) if name.endswith("_uri") else pc.equal(column, "")
    return pc.if_else(missing, nothing, column)


def _refuse_repeats(file: CsvFile, start: int, ids: pa.Array, new: npt.NDArray[np.int64]) -> None:
    """Raise DataError for the first row that is not among the ``new`` ones."""
    repeated = np.ones(len(ids), dtype=bool)
    repeated[new] = False
    if repeated.any():
        row = int(np.argmax(repeated))
        raise file.refuse(start + row, f"{ids[row].as_py()[:60]!r} stands in this table for the second time")
