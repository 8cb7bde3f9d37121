"""Playlists as Parquet: one row an entry, in a file or a folder of files; sorted by DuckDB in bounded memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from ..pair_blocks import pair_blocks
from ..vocabulary import TRACK_SCHEMA, Catalogue, conform, drop_unknown
from .formats import Each
from .parquet_columns import ENTRIES, TRACKS, Columns, scan

if TYPE_CHECKING:
    import duckdb

__all__ = ["parquet_files", "parquet_parts", "read_parquet"]

LIMIT_MB = 3000  # what DuckDB holds in memory; the rest it spills
BATCH = 1 << 20


def parquet_files(source: Path) -> list[Path]:
    """The files of entries of a source: the file itself, or those in a folder, at any depth, tables apart."""
    if source.is_file():
        return [source]
    found = sorted(path for path in source.rglob("*.parquet") if path.is_file())
    return [path for path in found if path.parent != source or path.stem not in ("tracks", "playlists")]


def parquet_parts(source: Path) -> list[list[Path]]:
    """The files of a source by part: one, or ``train.parquet``, ``valid.parquet`` if it is there, ``test.parquet``."""
    given = [source / f"{name}.parquet" for name in ("train", "valid", "test")]
    if source.is_dir() and given[0].is_file() and given[2].is_file():
        return [[path] for path in given if path.is_file()]
    return [parquet_files(source)]


def read_parquet(
    parts: Sequence[Sequence[Path]], *, limit: int | None, weights: bool, on_event: OnEvent, each: Each | None = None
) -> tuple[Corpus, npt.NDArray[np.uint8]]:
    """Read the files of one part, or of a training and further parts, and the table of tracks beside them.

    Playlists and tracks are numbered by first appearance. Entries stand in the order of a position or time column
    where there is one, else of their rows. A row without a playlist or a track is left out and counted.

    Args:
        parts: the files of each part.
        limit: take the first so many playlists.
        weights: keep the weight of each entry.
        on_event: receives progress and what was left out.
        each: has the rows read elsewhere, a file at a time; they are numbered and sorted here.

    Returns:
        The corpus and the (n_entries,) number of the part of each entry.

    Raises:
        DataError: a file is no Parquet, lacks a column, or a column has a type that cannot be an id or a number; or
            DuckDB, the extra ``parquet``, is not installed.
    """
    files = [path for part in parts for path in part]
    with _connection(files[0]) as db:
        columns = Columns.of(db, files, ENTRIES, ("pid", "uri", "weight") if weights else ("pid", "uri"))
        if columns.unread:
            on_event(Event("warning", f"columns not read: {', '.join(columns.unread)}"))
        _make_entries(db, parts, columns, each)
        left_out = int(_one(db, "SELECT count(*) FROM every WHERE pid IS NULL OR tid IS NULL"))
        if left_out:
            what = "1 row has" if left_out == 1 else f"{left_out:,} rows have"
            on_event(Event("warning", f"{what} no playlist or no track: left out", {"left_out": left_out}))
        on_event(Event("message", "numbering playlists and tracks"))
        table = _number_playlists(db, columns, limit)
        catalogue = _number_tracks(db, columns, files[0].parent)
        total = int(_one(db, "SELECT coalesce(sum(n), 0)::BIGINT FROM playlist"))
        on_event(Event("message", f"sorting {total:,} entries"))
        offsets, arrays = _sorted_entries(db, columns, total, weights, on_event)
        if not total:
            raise DataError(f"{files[0].name} has no entries")
    track_table, artists = catalogue.tables()
    part = arrays["part"]
    corpus = Corpus(offsets, arrays["track"], table, track_table, artists, arrays.get("weight"))
    return _without_repeats(corpus, part, on_event)


@contextmanager
def _connection(first: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that spills to a temporary folder; its errors become ours."""
    try:
        import duckdb
    except ImportError:
        raise DataError("reading Parquet sources needs DuckDB: pip install 'playlistrec[parquet]'") from None
    with tempfile.TemporaryDirectory(prefix="playlistrec-") as spill:
        config: dict[str, Any] = {
            "memory_limit": f"{LIMIT_MB}MB",
            "temp_directory": spill,
            "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        db = duckdb.connect(config=config)
        try:
            yield db
        except duckdb.Error as error:
            raise DataError(f"{first.name} cannot be read as Parquet: {str(error).splitlines()[0][:200]}") from None
        finally:
            db.close()


def _one(db: duckdb.DuckDBPyConnection, query: str) -> Any:
    return db.execute(query).fetchall()[0][0]


def _stream(db: duckdb.DuckDBPyConnection, query: str) -> pa.RecordBatchReader:
    return db.sql(query).to_arrow_reader(BATCH)


def _make_entries(
    db: duckdb.DuckDBPyConnection, parts: Sequence[Sequence[Path]], columns: Columns, each: Each | None
) -> None:
    """The views ``every`` (pid, tid, ord, weight, part, rn: the row's place among all) and ``entry`` (whole ones)."""
    order = columns.number("pos") if "pos" in columns else "0"
    weight = columns.number("weight") if "weight" in columns else "0"
    text = ", ".join(f"{columns.text(name)} AS {name}" for name in columns.texts)
    selects, before = [], 0
    for part, files in enumerate(parts):
        row = f"((file_index + {before})::BIGINT << 40) | file_row_number"
        selects.append(
            f"SELECT {columns.id('pid')} AS pid, {columns.id('uri')} AS tid, {order} AS ord, {weight} AS weight, "
            f"{part} AS part, {row} AS rn{', ' + text if text else ''} FROM {scan(files, rows=True)}"
        )
        before += len(files)
    if each is None:
        db.execute(f"CREATE VIEW every AS {' UNION ALL '.join(selects)}")
    else:
        queries = [f"{s} WHERE file_index = {i}" for s, files in zip(selects, parts) for i in range(len(files))]
        schema = _stream(db, f"{queries[0]} LIMIT 0").schema
        batches = (batch.cast(schema) for _, batch in each(partial(_rows, columns.file), queries))
        arriving = pa.RecordBatchReader.from_batches(schema, batches)
        db.register("arriving", arriving).execute("CREATE TABLE every AS SELECT * FROM arriving")
    db.execute("CREATE VIEW entry AS SELECT * FROM every WHERE pid IS NOT NULL AND tid IS NOT NULL")


def _rows(name: str, query: str) -> Iterator[pa.RecordBatch]:
    """The rows of a query in a database of its own, some at a time; ``name`` is for errors."""
    with _connection(Path(name)) as db:
        yield from _stream(db, query)


def _number_playlists(db: duckdb.DuckDBPyConnection, columns: Columns, limit: int | None) -> pa.Table:
    """The table ``playlist`` (pid, row, n entries), and the corpus' table of playlists."""
    name = ", arg_min(playlist_name, rn) AS name" if "playlist_name" in columns else ""
    db.execute(
        f"CREATE TABLE playlist AS SELECT *, (row_number() OVER (ORDER BY first) - 1)::INTEGER AS row "
        f"FROM (SELECT pid, min(rn) AS first, count(*) AS n{name} FROM entry GROUP BY pid) "
        f"QUALIFY row < {2**31 - 1 if limit is None else limit}"
    )
    table = (_stream(db, f"SELECT pid::VARCHAR AS pid{', name' if name else ''} FROM playlist ORDER BY row")).read_all()
    ordered = pa.array(np.full(table.num_rows, "pos" in columns))
    table = table.cast(pa.schema([(field.name, pa.string()) for field in table.schema]))
    return drop_unknown(table, ("pid",)).append_column("ordered", ordered)


def _number_tracks(db: duckdb.DuckDBPyConnection, columns: Columns, folder: Path) -> Catalogue:
    """The table ``track`` (tid, row), and what the entries and a table of tracks beside them say of each."""
    own = [name for name in columns.texts if name != "playlist_name"]
    text = "".join(f", arg_min({name}, rn) AS {name}" for name in own)
    known = "(SELECT pid FROM playlist)"
    db.execute(
        f"CREATE TABLE track AS SELECT *, (row_number() OVER (ORDER BY first) - 1)::INTEGER AS row FROM "
        f"(SELECT tid, min(rn) AS first{text} FROM entry SEMI JOIN {known} USING (pid) GROUP BY tid)"
    )
    described = "track"
    beside = folder / "tracks.parquet"
    if beside.is_file():
        listed = Columns.of(db, [beside], TRACKS, ("uri",))
        theirs = [name for name in listed.texts if name in TRACK_SCHEMA.names]
        add = ", ".join(f"any_value({listed.text(name)}) AS l_{name}" for name in theirs)
        db.execute(
            f"CREATE TABLE listed AS SELECT {listed.id('uri')}::VARCHAR AS lid{', ' + add if add else ''} "
            f"FROM {scan([beside], rows=False)} GROUP BY lid"
        )
        both = [f"coalesce(l_{name}, {name}) AS {name}" for name in theirs if name in own]
        both += [f"l_{name} AS {name}" for name in theirs if name not in own]
        both += [name for name in own if name not in theirs]
        chosen = "".join(f", {column}" for column in both)
        described = f"(SELECT tid, row{chosen} FROM track LEFT JOIN listed ON track.tid::VARCHAR = lid)"
    catalogue = Catalogue()
    for batch in _stream(db, f"SELECT * EXCLUDE (row) FROM {described} ORDER BY row"):
        table = pa.Table.from_batches([batch]).rename_columns({"tid": "uri"})
        catalogue.add(conform(table.set_column(0, "uri", table["uri"].cast(pa.string())), TRACK_SCHEMA))
    return catalogue


def _sorted_entries(
    db: duckdb.DuckDBPyConnection, columns: Columns, total: int, weights: bool, on_event: OnEvent
) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[Any]]]:
    """The offsets, and track, part and weight of each entry, by playlist, part and place."""
    kinds = {"track": np.int32, "part": np.uint8, **({"weight": np.float32} if weights else {})}
    arrays: dict[str, npt.NDArray[Any]] = {name: np.empty(total, dtype=kind) for name, kind in kinds.items()}
    chosen = "track.row AS track, part" + (", weight" if weights else "")
    place = "part, ord NULLS LAST, rn" if "pos" in columns else "part, rn"
    joined = "entry JOIN playlist USING (pid) JOIN track USING (tid)"
    done = 0
    for batch in _stream(db, f"SELECT {chosen} FROM {joined} ORDER BY playlist.row, {place}"):
        for name, array in arrays.items():
            array[done : done + batch.num_rows] = batch.column(name).to_numpy(zero_copy_only=False)
        done += batch.num_rows
        on_event(Event("progress", "read entries", {"done": done, "total": total}))
    lengths = db.execute("SELECT n FROM playlist ORDER BY row").fetchnumpy()["n"]
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), arrays


def _without_repeats(
    corpus: Corpus, part: npt.NDArray[np.uint8], on_event: OnEvent
) -> tuple[Corpus, npt.NDArray[np.uint8]]:
    """Leave out the entries of later parts whose pair also stands in an earlier one, with a warning."""
    kept = np.ones(corpus.n_entries, dtype=bool)
    for number in range(1, int(part.max(initial=0)) + 1):
        for earlier, hidden in zip(pair_blocks(corpus, part < number), pair_blocks(corpus, part == number)):
            kept[hidden.entries] = ~np.isin(hidden.keys, earlier.keys, assume_unique=True)[hidden.of_entry]
    if not (n := int(np.count_nonzero(~kept))):
        return corpus, part
    what = "1 entry that also stands" if n == 1 else f"{n:,} entries that also stand"
    on_event(Event("warning", f"left out {what} in an earlier part", {"left_out": n}))
    return corpus.where(kept), part[kept]
