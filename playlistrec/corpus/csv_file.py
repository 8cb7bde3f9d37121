"""A CSV file as a stream of text columns, with errors that know their line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from ..errors import DataError

__all__ = ["CsvFile", "open_bytes"]

BLOCK = 8 * 2**20
MISSING = pa.array(["", "nan", "null", "none"])
NUMBER = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
LARGEST = 2.0**53  # beyond it a float no longer holds every whole number


def is_gzip(path: Path) -> bool:
    """Whether the file begins as a gzip does, whatever it is called."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, gzipped or not; raises DataError inside the block when it is damaged or cannot be read."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            yield file
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
        with open_bytes(path) as file:
            rows = (row for row in _rows(file) if row)
            header, first = next(rows, None), next(rows, None)
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
        if first is None:
            raise DataError(f"{path.name} has a header and no rows")
        return cls(path, columns)

    def batches(self) -> Iterator[tuple[int, pa.Table]]:
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
                    yield start, pa.table(batch.columns, names=list(self.columns))
                    start += batch.num_rows
        except pa.ArrowInvalid as error:
            raise self._explain(error) from None
        except OSError as error:
            raise unreadable(self.path, error) from None

    def ids(self, name: str, start: int, table: pa.Table) -> pa.Array:
        """A column of ids. Raises DataError for one that is missing (empty, ``nan``, ``null``, ``none``)."""
        column = _one(table[name])
        encoded = column.dictionary_encode()
        bare = pc.utf8_lower(pc.utf8_trim_whitespace(encoded.dictionary))
        broken = pc.match_substring(encoded.dictionary, "\n")
        bad = pc.or_(pc.is_in(bare, MISSING), broken).to_numpy(zero_copy_only=False)
        if bad.any():
            row = int(np.argmax(bad[encoded.indices.to_numpy()]))
            value = column[row].as_py()
            why = f"is missing (got {value!r})" if "\n" not in value else "holds a line break (an open quote?)"
            raise self.refuse(start + row, f"{self.columns[name]} {why}")
        return column

    def numbers(self, name: str, start: int, table: pa.Table, *, required: bool = False) -> pa.Array:
        """A column of numbers (float64), null where the field is empty. Raises DataError for other text."""
        column = _one(table[name])
        text = pc.utf8_trim_whitespace(column)
        formed = pc.match_substring_regex(text, NUMBER)
        values = pc.if_else(formed, text, pa.scalar(None, pa.string())).cast(pa.float64())
        good = pc.fill_null(pc.less(pc.abs(values), LARGEST), False)
        if not required:
            good = pc.or_(good, pc.is_in(pc.utf8_lower(text), MISSING))
        if not pc.all(good).as_py():
            row = pc.index(good, False).as_py()
            raise self.refuse(
                start + row, f"{self.columns[name]} must be a number (got {column[row].as_py()[:40]!r})"
            )
        return values

    def refuse(self, row: int, why: str) -> DataError:
        """The error for a row (the first below the header is 0), with the line on which it stands."""
        with open_bytes(self.path) as file:
            reader = _rows(file)
            seen, line = -2, 1
            for fields in reader:
                seen += bool(fields)
                if seen == row:
                    break
                line = reader.line_num + 1
        return DataError(f"{self.path.name}, line {line}: {why}")

    def _explain(self, error: pa.ArrowInvalid) -> DataError:
        """Find the line that Arrow refused."""
        line = 0
        with open_bytes(self.path) as file:
            for line, content in enumerate(file, 1):
                try:
                    content.decode()
                except UnicodeDecodeError:
                    return DataError(f"{self.path.name}, line {line}: bytes that are not UTF-8 text")
            file.seek(0)
            reader = _rows(file)
            line, width = 1, 0
            try:
                for fields in reader:
                    width = width or len(fields)
                    if fields and len(fields) != width:
                        return DataError(
                            f"{self.path.name}, line {line}: {len(fields)} field{'s' * (len(fields) != 1)} "
                            f"where the header has {width}"
                        )
                    line = reader.line_num + 1
            except csv.Error as refused:
                return DataError(f"{self.path.name}, line {line}: {refused}")
        return DataError(f"{self.path.name} cannot be read as CSV: {str(error).splitlines()[0][:120]}")


def _one(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined


def _rows(file: IO[bytes]):  # type: ignore[no-untyped-def]
    """A csv.reader, whose type has no public name."""
    return csv.reader(io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline=""))
