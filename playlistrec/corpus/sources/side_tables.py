"""Tables of tracks and of playlists that stand beside the entries, and what a row says of a track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ..vocabulary import TRACK_SCHEMA, Catalogue, Vocabulary, conform, distinct
from .columns import PID, PLAYLISTS, TRACKS
from .csv_file import Batch, CsvFile, is_missing
from .decoding import Source
from .mpd_slice import PLAYLIST_SCHEMA
from .rows import first_with_newline

__all__ = ["SIDE_TABLES", "add_columns", "beside", "known", "read_ids", "read_tracks", "track_columns"]

SIDE_TABLES = ("tracks", "playlists", "ordered_playlists")
Places = npt.NDArray[np.int64]
NAMES_OF_ONE_LINE = ("name", "artist_name")


def beside(files: Sequence[Path], stem: str) -> Path | None:
    """The table called ``stem`` in the same folder, if there is one."""
    paths = [files[0].with_name(stem + suffix) for suffix in (".csv", ".csv.gz")]
    found = [path for path in paths if path.is_file() and path not in files]
    if len(found) > 1:
        raise DataError(f"{files[0].parent} holds both {found[0].name} and {found[1].name}: keep one of them")
    return found[0] if found else None


def read_tracks(path: Path, catalogue: Catalogue) -> None:
    """Add the tracks of a table, each of which stands in it once."""
    file = CsvFile.open(Source.of(path), TRACKS, required=("uri",))
    for batch in file.batches():
        _, first = distinct(file.ids("uri", batch))
        before = len(catalogue)
        rows = catalogue.add(track_columns(file, batch, first))
        _refuse_repeats(file, batch, batch.columns["uri"], first[rows >= before])


def add_columns(playlists: pa.Table, path: Path) -> pa.Table:
    """Add what a table of playlists says of those in ``playlists``."""
    file = CsvFile.open(Source.of(path), PLAYLISTS, required=("pid",))
    listed, chunks = Vocabulary(), []
    for batch in file.batches():
        pids = file.ids("pid", batch)
        _, first = distinct(pids)
        before = len(listed)
        rows = listed.number(pids.take(pa.array(first)))
        _refuse_repeats(file, batch, pids, first[rows >= before])
        columns = {}
        for name in PLAYLIST_SCHEMA.names:
            kind = PLAYLIST_SCHEMA.field(name).type
            if name not in file.columns or pa.types.is_string(kind):
                columns[name] = known(file, name, batch)
            elif pa.types.is_boolean(kind):
                columns[name] = file.flags(name, batch)
            else:
                columns[name] = pc.round(file.numbers(name, batch))
        chunks.append(conform(pa.table(columns), PLAYLIST_SCHEMA))
    found = listed.find(playlists["pid"])
    table = pa.concat_tables(chunks).take(pa.array(found, mask=found < 0))
    name = pc.coalesce(table["name"], playlists["name"])
    return table.set_column(0, "name", name).add_column(0, "pid", playlists["pid"])


def read_ids(path: Path) -> pa.ChunkedArray:
    """The playlists that a table lists."""
    file = CsvFile.open(Source.of(path), {"pid": PID}, required=("pid",))
    return pa.chunked_array([file.ids("pid", batch).cast(pa.string()) for batch in file.batches()], pa.string())


def track_columns(file: CsvFile, batch: Batch, rows: Places) -> pa.Table:
    """The columns of ``TRACK_SCHEMA`` that a file has, in some rows, though all are checked."""
    columns = {"uri": batch.columns["uri"].take(pa.array(rows))}
    for name in TRACK_SCHEMA.names[1:-1]:
        if name in file.columns:
            columns[name] = known(file, name, batch, rows)
    for name, unit in (("duration_sec", 1000), ("duration_ms", 1)):
        if name in file.columns:
            numbers = file.numbers(name, batch).take(pa.array(rows))
            columns["duration_ms"] = pc.round(pc.multiply(numbers, unit)).cast(pa.int64())
    return pa.table(columns)


def known(file: CsvFile, name: str, batch: Batch, rows: Places | None = None) -> pa.Array:
    """A column of text, null where the field is empty (an id also where it says ``nan``) or there is none.

    All of a block is checked, and some ``rows`` of it are taken, or all.
    """
    nothing = pa.scalar(None, pa.string())
    if name not in file.columns:
        return pa.nulls(len(batch) if rows is None else len(rows), pa.string())
    column = batch.columns[name]
    if name in NAMES_OF_ONE_LINE and (row := first_with_newline(column)) is not None:
        raise file.refuse(batch, row, f"{file.columns[name]} holds a line break (an open quote?)")
    column = column if rows is None else column.take(pa.array(rows))
    missing = is_missing(column) if name.endswith("_uri") else pc.equal(column, "")
    return pc.if_else(missing, nothing, column)


def _refuse_repeats(file: CsvFile, batch: Batch, ids: pa.Array, new: npt.NDArray[np.int64]) -> None:
    """Raise DataError for the first row that is not among the ``new`` ones."""
    repeated = np.ones(len(ids), dtype=bool)
    repeated[new] = False
    if repeated.any():
        row = int(np.argmax(repeated))
        raise file.refuse(batch, row, f"{ids[row].as_py()[:60]!r} stands in this table for the second time")
