"""A CSV file as a stream of text columns, with errors that know their line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ..errors import DataError

__all__ = ["CsvFile", "is_missing", "open_bytes"]

BLOCK = 8 * 2**20
MISSING = ("", "nan", "null", "none")
NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
LARGEST = 2.0**53  # beyond it a float no longer holds every whole number


def is_gzip(path: Path) -> bool:
    """Whether the file begins as a gzip does, whatever it is called."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def is_missing(text: pa.Array) -> pa.Array:
    """Where a field of an id or a number says that there is none, in any case: empty, nan, null, none."""
    return pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(text)), pa.array(MISSING))


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, gzipped or not; raises DataError inside the block when it is damaged or cannot be read."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            yield cast(IO[bytes], file)
    except (EOFError, zlib.error, OSError) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: BaseException) -> DataError:
    """What to say of a file that cannot be read to its end."""
    text = str(error)
    if isinstance(error, EOFError) or "runcated" in text:
        return DataError(f"{path.name} is cut off: the compressed data ends too early")
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path.name} cannot be read: {error.strerror}")
    return DataError(f"{path.name} is damaged: {text.splitlines()[0][:120]}")


@dataclass(frozen=True)
class CsvFile:
    """A CSV with a header, plain or gzipped; the columns wanted of it are read as text.

    Attributes:
        path: the file.
        columns: our name of each column that is there, and the header's.
    """

    path: Path
    columns: Mapping[str, str]

    @classmethod
    def open(cls, path: Path, wanted: Mapping[str, Sequence[str]], required: Sequence[str]) -> CsvFile:
        """Read the header.

        Args:
            path: the file.
            wanted: our name of each column and the names it may have, the preferred one first.
            required: those of our names that must be there.

        Raises DataError when a required column is missing or the file is empty or has no rows.
        """
        records = _records(path)
        _, header = next(records, (0, None))
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
        if next(records, None) is None:
            raise DataError(f"{path.name} has a header and no rows")
        return cls(path, columns)

    def batches(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Blocks of rows: the number of the first row and the columns under our names, as text.

        Raises DataError for a row with a wrong number of fields and for bytes that are not UTF-8.
        """
        start = 0
        try:
            with pa.input_stream(str(self.path), compression="gzip" if is_gzip(self.path) else None) as stream:
                reader = pacsv.open_csv(
                    stream,
                    read_options=pacsv.ReadOptions(block_size=BLOCK, use_threads=False),
                    parse_options=pacsv.ParseOptions(newlines_in_values=True),
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
        line, _ = next(islice(_records(self.path), row + 1, None))
        return DataError(f"{self.path.name}, line {line}: {why}")

    def _explain(self, error: pa.ArrowInvalid) -> DataError:
        """Find the line that Arrow refused."""
        with open_bytes(self.path) as file:
            line = next((line for line, content in enumerate(file, 1) if not _is_text(content)), None)
        if line is not None:
            return DataError(f"{self.path.name}, line {line}: bytes that are not UTF-8 text")
        width = 0
        for line, fields in _records(self.path):
            width = width or len(fields)
            if len(fields) != width:
                there = f"{len(fields)} field{'s' * (len(fields) != 1)}"
                return DataError(f"{self.path.name}, line {line}: {there} where the header has {width}")
        return DataError(f"{self.path.name} cannot be read as CSV: {str(error).splitlines()[0][:120]}")


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, the header first, each with the line on which it begins."""
    with open_bytes(path) as file:
        # Only Arrow decides what is UTF-8: a bad byte further down must not hide the header.
        reader = csv.reader(io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline=""))
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{path.name}, line {line}: {error}") from None
