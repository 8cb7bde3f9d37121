"""A delimited file as blocks of known columns, its numbers and ids checked, with errors that know their line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError, Hint
from ...events import Event, OnEvent
from .arrow_csv import LARGEST
from .decoding import Source
from .delimited import Delimited
from .dialects import Layout, Score, letters, names_among
from .moments import moments
from .plain_text import are_numbers

__all__ = ["Batch", "CsvFile", "Names", "is_missing", "score_of"]

Names = Mapping[str, Sequence[str]]
"""Our name of each column, and the names it may have in a file, the preferred one first."""

MISSING = ("", "nan", "null", "none")
NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
TRIPLES = {"format": "triples"}


def is_missing(text: pa.Array) -> pa.Array:
    """True where a number, a flag or a further id is empty, nan, null or none, in any case."""
    return pc.is_in(pc.utf8_lower(text), pa.array(MISSING))


def score_of(wanted: Names, required: Sequence[str]) -> Score:
    """How many of the wanted columns a line names; a line that names all required ones is worth more than any other."""
    every = names_among([name for names in wanted.values() for name in names])
    needed = [names_among(wanted[ours]) for ours in required]
    return lambda fields: every(fields) + 100 * all(names(fields) for names in needed)


@dataclass(frozen=True)
class Batch:
    """Rows in a row: each known column under our name, as text or as numbers, and the lines on which they begin."""

    columns: Mapping[str, pa.Array]
    lines: Callable[[], list[int]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def filter(self, kept: npt.NDArray[np.bool_]) -> Batch:
        """Some of the rows."""
        mask = pa.array(kept)
        lines = self.lines
        return Batch(
            {name: column.filter(mask) for name, column in self.columns.items()},
            lambda: np.array(lines())[kept].tolist(),
        )


@dataclass(frozen=True)
class CsvFile:
    """A delimited file, plain or gzipped, of which some columns are wanted.

    Attributes:
        columns: our name of each column that is there, and the header's.
        unread: names of the columns that nobody wanted.
        table: the file.
        odd: how often an id is a word that often means that there is none; filled while the file is read.
    """

    columns: Mapping[str, str]
    unread: tuple[str, ...]
    table: Delimited
    odd: Counter[str] = field(default_factory=Counter)

    @classmethod
    def open(
        cls,
        source: Source,
        wanted: Names,
        required: Sequence[str],
        layout: Layout | None = None,
        *,
        quoted: bool = True,
        skip_broken: bool = False,
        any_of: Sequence[str] = (),
    ) -> CsvFile:
        """Read the header.

        Args:
            source: the file.
            wanted: the columns to look for.
            required: those of our names that must be there.
            layout: how the file is written, where that is known.
            quoted: fields may stand in quotes.
            skip_broken: see :class:`~.delimited.Delimited`.
            any_of: our names of which one at least must be there.

        Raises DataError when a required column is missing or the file is empty.
        """
        if layout is None:
            table = Delimited.open(source, score_of(wanted, required), quoted=quoted, skip_broken=skip_broken)
        else:
            table = Delimited(source, layout, quoted, skip_broken)
            if not source.head().strip():
                raise DataError(f"{source.name} is empty")
        header = table.layout.header
        places = {letters(name): name for name in reversed(header)}
        columns = {}
        for ours, names in wanted.items():
            if there := [places[letters(name)] for name in names if letters(name) in places]:
                columns[ours] = there[0]
            elif ours in required or (ours in any_of[:1] and not _has_any(any_of, wanted, places)):
                first = header or tuple(table.first_record())
                known = Hint("without a header it is read with {format}", TRIPLES)
                raise DataError(
                    f"{source.name} has no column {' or '.join(names[:4])}{_it_has(first)}",
                    known if len(first) in (3, 4) and are_numbers(first[2:]) else None,
                )
        for name in columns.values():
            if (n := sum(letters(name) == letters(other) for other in header)) > 1:
                raise DataError(f"{source.name} has {n} columns called {name}")
        unread = tuple(name for name in header if name and name not in columns.values())
        return cls(columns, unread, table)

    @property
    def name(self) -> str:
        """The file's name in messages."""
        return self.table.source.name

    def need(self, ours: Sequence[str], wanted: Names) -> None:
        """Raise DataError unless the file has one of some columns."""
        if not set(ours) & set(self.columns):
            names = " or ".join(name for one in ours for name in wanted[one][:3])
            raise DataError(f"{self.name} has no column {names}{_it_has(self.table.layout.header)}")

    def tell(self, on_event: OnEvent) -> None:
        """Tell how the file is written, and which of its columns are not read."""
        for remark in self.table.remarks:
            on_event(Event("warning", remark))
        if self.unread:
            names = ", ".join(name[:30] for name in self.unread[:8]) + ", …" * (len(self.unread) > 8)
            on_event(Event("warning", f"{self.name}: columns not read: {names}", {"unread": list(self.unread)}))

    def batches(self, numeric: Sequence[str] = ()) -> Iterator[Batch]:
        """The rows, in blocks. Raises DataError, with the line, for what is no row, and where there is none.

        Args:
            numeric: our names of columns that are read as numbers (float64) where all of a block is.
        """
        header = list(self.table.layout.header)
        places = {ours: header.index(name) for ours, name in self.columns.items()}
        some = False
        numbers = [place for ours, place in places.items() if ours in numeric]
        for rows in self.table.blocks(list(places.values()), numbers):
            some = True
            yield Batch(dict(zip(self.columns, rows.columns)), rows.lines)
        if not some:
            raise DataError(f"{self.name} " + ("has a header and no rows" if self.table.layout.line else "is empty"))

    def ids(self, name: str, batch: Batch) -> pa.DictionaryArray:
        """A column of ids: any text but the empty one. Raises DataError for that, and for one with a line break.

        Ids repeat, so that each distinct one is looked at once.
        """
        column = batch.columns[name].dictionary_encode()
        ids, rows = column.dictionary, column.indices
        wrong = pc.or_(pc.equal(ids, ""), pc.match_substring(ids, "\n"))
        if pc.any(wrong).as_py():
            row = pc.index(wrong.take(rows), True).as_py()
            why = "is missing" if not column[row].as_py() else "holds a line break (an open quote?)"
            raise self.refuse(batch, row, f"{self.columns[name]} {why}")
        odd = is_missing(ids)
        if pc.any(odd).as_py():
            self.odd[self.columns[name]] += pc.sum(odd.take(rows)).as_py()
        return column

    def tell_odd(self, on_event: OnEvent) -> None:
        """Tell of ids that were read and may not be meant as such."""
        for column, n in self.odd.items():
            rows = "1 row has" if n == 1 else f"{n:,} rows have"
            text = f"{self.name}: {rows} the {column} nan, null or none, taken as an id like any other"
            on_event(Event("warning", text, {"odd": n}))

    def numbers(self, name: str, batch: Batch, *, required: bool = False) -> pa.Array:
        """A column of numbers (float64), null where the field is empty. Raises DataError for other text."""
        values = column = batch.columns[name]
        if pa.types.is_string(column.type):
            formed = pc.match_substring_regex(column, NUMBER)
            values = pc.if_else(formed, column, pa.scalar(None, pa.string())).cast(pa.float64())
        good = pc.fill_null(pc.less(pc.abs(values), LARGEST), False)
        if not required:
            good = pc.or_(good, is_missing(column) if pa.types.is_string(column.type) else column.is_null())
        self.require(good, name, batch, "a number")
        return values

    def moments(self, name: str, batch: Batch) -> npt.NDArray[np.float64]:
        """(n,) a column of numbers or of times by which rows are ordered; NaN where the field is empty.

        Raises DataError for text that is neither a number nor a date with or without a time (ISO 8601).
        """
        column = values = batch.columns[name]
        if pa.types.is_string(column.type):
            values, good = moments(column)
            self.require(pc.or_(good, is_missing(column)), name, batch, "a number or a date, as 2024-05-31")
        filled: npt.NDArray[np.float64] = pc.fill_null(values, np.nan).to_numpy(zero_copy_only=False)
        return filled

    def weights(self, name: str, batch: Batch) -> npt.NDArray[np.float64]:
        """A column of weights. Raises DataError for one that is missing or below 0."""
        values: npt.NDArray[np.float64] = self.numbers(name, batch, required=True).to_numpy(zero_copy_only=False)
        self.require(pa.array(values >= 0), name, batch, "at least 0 to be a weight")
        return values

    def flags(self, name: str, batch: Batch) -> pa.Array:
        """A column of ``true`` and ``false`` in any case, null where the field is empty."""
        text = pc.utf8_lower(batch.columns[name])
        flags = pc.if_else(pc.equal(text, "true"), True, pc.if_else(pc.equal(text, "false"), False, None))
        self.require(pc.or_(flags.is_valid(), is_missing(text)), name, batch, "true or false")
        return flags

    def require(self, good: pa.Array, name: str, batch: Batch, rule: str) -> None:
        """Raise DataError, with the line, for the first row of a column that is not ``good``."""
        if not pc.all(good).as_py():
            row = pc.index(good, False).as_py()
            value = batch.columns[name][row].as_py()
            shown = f"{value:.15g}" if isinstance(value, float) else (value or "")[:40]
            raise self.refuse(batch, row, f"{self.columns[name]} must be {rule} (got {shown!r})")

    def refuse(self, batch: Batch, row: int, why: str) -> DataError:
        """The error for a row of a batch, with the line on which it begins."""
        return DataError(f"{self.name}, line {batch.lines()[row]}: {why}")


def _has_any(ours: Sequence[str], wanted: Names, places: Mapping[str, str]) -> bool:
    return any(letters(name) in places for one in ours for name in wanted[one])


def _it_has(header: Sequence[str]) -> str:
    return f" (it has {', '.join(repr(name[:30]) for name in header[:5])}{', …' * (len(header) > 5)})"
