"""A CSV file, or one with other separators, as a stream of text columns, with errors that know their line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ...errors import DataError
from .records import (
    CSV,
    Dialect,
    is_gzip,
    open_bytes,
    records,
    unreadable,
)

__all__ = ["CsvFile", "is_missing"]

BLOCK = 8 * 2**20
MISSING = ("", "nan", "null", "none")
NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
LARGEST = 2.0**53  # beyond it a float no longer holds every whole number


def is_missing(text: pa.Array) -> pa.Array:
    """True where a field of an id or a number is empty, nan, null or none, in any case."""
    return pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), pa.array(MISSING))


@dataclass(frozen=True)
class CsvFile:
    """A CSV, plain or gzipped; the columns wanted of it are read as text.

    Attributes:
        path: the file.
        columns: our name of each column that is there, and the header's.
        dialect: how it is written.
    """

    path: Path
    columns: Mapping[str, str]
    dialect: Dialect = CSV

    @classmethod
    def open(
        cls,
        path: Path,
        wanted: Mapping[str, Sequence[str]],
        required: Sequence[str],
        dialect: Dialect = CSV,
    ) -> CsvFile:
        """Read the header.

        Args:
            path: the file.
            wanted: our name of each column and the names it may have, the preferred one first.
            required: those of our names that must be there.
            dialect: how it is written.

        Raises DataError when a required column is missing or the file is empty or has no rows.
        """
        rows = records(path, dialect)
        _, header = (0, list(dialect.names)) if dialect.names else next(rows, (0, None))
        if header is None:
            raise DataError(f"{path.name} is empty")
        found = {name.strip(): name for name in reversed(header)}
        columns = {}
        for ours, names in wanted.items():
            there = [name for name in names if name in found]
            if there:
                columns[ours] = found[there[0]]
            elif ours in required:
                raise DataError(
                    f"{path.name} has no column {' or '.join(names)} "
                    f"(it has {', '.join(repr(name[:30]) for name in header[:5])}{', …' * (len(header) > 5)})"
                )
        for name in columns.values():
            if header.count(name) > 1:
                raise DataError(f"{path.name} has {header.count(name)} columns called {name}")
        if next(rows, None) is None:
            raise DataError(f"{path.name} is empty" if dialect.names else f"{path.name} has a header and no rows")
        return cls(path, columns, dialect)

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Blocks of rows: the number of the first row and the columns under our names, as text.

        Raises DataError for a row with a wrong number of fields and for bytes that are not UTF-8.
        """
        start = 0
        try:
            with self._stream() as stream:
                reader = pacsv.open_csv(
                    stream,
                    read_options=pacsv.ReadOptions(
                        block_size=BLOCK, use_threads=False, column_names=self.dialect.names or None
                    ),
                    parse_options=pacsv.ParseOptions(
                        delimiter=self.dialect.character,
                        quote_char='"' if self.dialect.quoted else False,
                        newlines_in_values=self.dialect.quoted,
                    ),
                    convert_options=pacsv.ConvertOptions(
                        column_types={name: pa.string() for name in self.columns.values()},
                        include_columns=list(self.columns.values()),
                        strings_can_be_null=False,
                    ),
                )
                for batch in reader:
                    yield start, pa.RecordBatch.from_arrays(batch.columns, names=list(self.columns))
                    start += batch.num_rows
        except pa.ArrowInvalid as error:
            raise self._explain(error) from None
        except OSError as error:
            raise unreadable(self.path, error) from None

    def _stream(self) -> pa.NativeFile:
        if len(self.dialect.separator) == 1:
            return pa.input_stream(str(self.path), compression="gzip" if is_gzip(self.path) else None)
        with open_bytes(self.path) as file:  # Arrow parts fields by one character only
            content = file.read()
        return pa.BufferReader(content.replace(self.dialect.separator.encode(), self.dialect.character.encode()))

    def ids(self, name: str, start: int, batch: pa.RecordBatch) -> pa.Array:
        """A column of ids. Raises DataError for one that is missing (empty, ``nan``, ``null``, ``none``)."""
        column = batch.column(name)
        encoded = column.dictionary_encode()
        broken = pc.match_substring(encoded.dictionary, "\n")
        bad = pc.or_(is_missing(encoded.dictionary), broken).to_numpy(zero_copy_only=False)
        if bad.any():
            row = int(np.argmax(bad[encoded.indices.to_numpy()]))
            value = column[row].as_py()
            why = f"is missing (got {value!r})" if "\n" not in value else "holds a line break (an open quote?)"
            raise self.refuse(start + row, f"{self.columns[name]} {why}")
        return column

    def numbers(self, name: str, start: int, batch: pa.RecordBatch, *, required: bool = False) -> pa.Array:
        """A column of numbers (float64), null where the field is empty. Raises DataError for other text."""
        column = batch.column(name)
        text = pc.utf8_trim_whitespace(column)
        formed = pc.match_substring_regex(text, NUMBER)
        values = pc.if_else(formed, text, pa.scalar(None, pa.string())).cast(pa.float64())
        good = pc.fill_null(pc.less(pc.abs(values), LARGEST), False)
        if not required:
            good = pc.or_(good, is_missing(text))
        if not pc.all(good).as_py():
            row = pc.index(good, False).as_py()
            raise self.refuse(start + row, f"{self.columns[name]} must be a number (got {column[row].as_py()[:40]!r})")
        return values

    def weights(self, name: str, start: int, batch: pa.RecordBatch) -> npt.NDArray[np.float64]:
        """A column of weights. Raises DataError for one that is missing or below 0."""
        values: npt.NDArray[np.float64] = self.numbers(name, start, batch, required=True).to_numpy(zero_copy_only=False)
        if len(values) and values.min() < 0:
            row = int(np.argmax(values < 0))
            value = batch.column(name)[row].as_py()[:40]
            raise self.refuse(start + row, f"{self.columns[name]} must be at least 0 to be a weight (got {value!r})")
        return values

    def flags(self, name: str, start: int, batch: pa.RecordBatch) -> pa.Array:
        """A column of ``true`` and ``false`` in any case, null where the field is empty."""
        column = batch.column(name)
        text = pc.utf8_lower(pc.utf8_trim_whitespace(column))
        flags = pc.if_else(pc.equal(text, "true"), True, pc.if_else(pc.equal(text, "false"), False, None))
        good = pc.or_(flags.is_valid(), is_missing(text))
        if not pc.all(good).as_py():
            row = pc.index(good, False).as_py()
            value = column[row].as_py()[:40]
            raise self.refuse(start + row, f"{self.columns[name]} must be true or false (got {value!r})")
        return flags

    def refuse(self, row: int, why: str) -> DataError:
        """The error for a row (the first below the header is 0), with the line on which it stands."""
        line, _ = next(islice(records(self.path, self.dialect), row + (not self.dialect.names), None))
        return DataError(f"{self.path.name}, line {line}: {why}")

    def _explain(self, error: pa.ArrowInvalid) -> DataError:
        """Find the line that Arrow refused."""
        with open_bytes(self.path) as file:
            line = next((line for line, content in enumerate(file, 1) if not _is_text(content)), None)
        if line is not None:
            return DataError(f"{self.path.name}, line {line}: bytes that are not UTF-8 text")
        width = len(self.dialect.names)
        for line, fields in records(self.path, self.dialect):
            width = width or len(fields)
            if len(fields) != width:
                there = f"{len(fields)} field{'s' * (len(fields) != 1)}"
                rule = f"there are {width} ({', '.join(self.dialect.names)})" if self.dialect.names else ""
                return DataError(f"{self.path.name}, line {line}: {there} where {rule or f'the header has {width}'}")
        return DataError(f"{self.path.name} cannot be read as CSV: {str(error).splitlines()[0][:120]}")


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
