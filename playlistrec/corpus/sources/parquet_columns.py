"""Columns of Parquet files: which of ours is which, and the SQL that reads it as an id, a text or a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import DataError
from ...text import NOT_IN_IDS

if TYPE_CHECKING:
    import duckdb

__all__ = ["ENTRIES", "TRACKS", "Columns", "scan"]

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
REAL = ("FLOAT", "DOUBLE", "DECIMAL")
TIMES = ("DATE", "TIME", "TIMESTAMP")
TEXT = ("VARCHAR", "UUID", "ENUM")


TRACKS: Mapping[str, Sequence[str]] = {
    "uri": ("track_id", "track_uri", "track", "item_id", "item", "song_id", "uri"),
    "name": ("track_name", "name", "title"),
    "artist_uri": ("artist_id", "artist_uri"),
    "artist_name": ("artist_name", "artist"),
    "album_uri": ("album_id", "album_uri"),
    "album_name": ("album_name", "album"),
    "duration_ms": ("duration_ms",),
}
ENTRIES: Mapping[str, Sequence[str]] = {
    **TRACKS,
    "pid": ("playlist_id", "pid", "playlist", "user_id", "uid", "user", "session_id"),
    "playlist_name": ("playlist_name", "name", "title"),
    "name": ("track_name",),
    "pos": ("position", "pos", "track_position", "timestamp", "time", "added_at"),
    "weight": ("weight", "rating", "count", "play_count", "playcount", "plays", "listens"),
}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def scan(files: Sequence[Path], *, rows: bool) -> str:
    """The table function over some files, with ``file_row_number`` where ``rows``."""
    # DuckDB takes a name as a pattern, in which a bracket of one character stands for itself.
    names = ["".join(f"[{c}]" if c in "*?[" else c for c in str(path)) for path in files]
    more = ", file_row_number = true" if rows else ""
    return f"read_parquet([{', '.join(map(_text, names))}], union_by_name = true{more})"


@dataclass(frozen=True)
class Columns:
    """The columns of some files under our names.

    Attributes:
        file: the first file, which errors name.
        kinds: our name of each column that is there: the file's name of it and its SQL type.
        unread: the other columns.
    """

    file: str
    kinds: Mapping[str, tuple[str, str]]
    unread: tuple[str, ...]

    @classmethod
    def of(
        cls,
        db: duckdb.DuckDBPyConnection,
        files: Sequence[Path],
        wanted: Mapping[str, Sequence[str]],
        required: Sequence[str],
    ) -> Columns:
        """Look for the ``wanted`` names, the preferred one first. Raises DataError where a required one is missing."""
        there = {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {scan(files, rows=False)}").fetchall()}
        lower = {name.strip().lower(): name for name in reversed(there)}
        kinds = {}
        for ours, names in wanted.items():
            if found := next((lower[name] for name in names if name in lower), None):
                kinds[ours] = (found, str(there[found]))
            elif ours in required:
                some = ", ".join(list(there)[:6]) + ", …" * (len(there) > 6)
                raise DataError(f"{files[0].name} has no column {' or '.join(names[:3])} (it has {some})")
        used = {name for name, _ in kinds.values()}
        return cls(files[0].name, kinds, tuple(name for name in there if name not in used))

    def __contains__(self, name: str) -> bool:
        return name in self.kinds

    @property
    def texts(self) -> list[str]:
        """Our names of the columns that describe a playlist or a track."""
        return [name for name in self.kinds if name not in ("pid", "uri", "pos", "weight")]

    def id(self, ours: str) -> str:
        """SQL of an id: a whole number, or text without outer blanks, null where it is empty.

        Raises DataError for a column of another type. Text with a control character ends the query with an error.
        """
        name, kind = self.kinds[ours]
        if kind in WHOLE:
            return _quoted(name)
        self._check(name, kind, TEXT, "ids: they are text or whole numbers")
        text = f"nullif(trim({_quoted(name)}::VARCHAR), '')"
        rule = _text(f"an id in column {name} has a control character")
        return f"CASE WHEN regexp_matches({text}, {_text(NOT_IN_IDS)}) THEN error({rule}) ELSE {text} END"

    def number(self, ours: str) -> str:
        """SQL of a number that orders or weighs. Raises DataError for a column of another type."""
        name, kind = self.kinds[ours]
        kinds = (*WHOLE, *REAL) if ours == "weight" else (*WHOLE, *REAL, *TIMES, *TEXT)
        self._check(name, kind, kinds, "numbers" if ours == "weight" else "places or times")
        if ours != "weight":
            return _quoted(name)
        rule = _text(f"a weight in column {name} is missing, negative or not finite")
        value = f"{_quoted(name)}::DOUBLE"
        return f"CASE WHEN {value} >= 0 AND isfinite({value}) THEN {value}::FLOAT ELSE error({rule}) END"

    def text(self, ours: str) -> str:
        """SQL of a description, null where it is empty."""
        name, _ = self.kinds[ours]
        if ours == "duration_ms":
            return f"TRY_CAST(round(TRY_CAST({_quoted(name)} AS DOUBLE)) AS BIGINT)"
        return f"nullif({_quoted(name)}::VARCHAR, '')"

    def _check(self, name: str, kind: str, kinds: Sequence[str], what: str) -> None:
        if kind.partition("(")[0].partition(" ")[0] not in kinds or kind.endswith("[]"):
            raise DataError(f"{self.file}: column {name} is {kind} and cannot hold {what}")
