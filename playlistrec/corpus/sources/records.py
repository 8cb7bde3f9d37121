"""Files as bytes, and as records of fields that know their line."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from ...errors import DataError
from ...storage import open_file

__all__ = ["CSV", "Dialect", "is_gzip", "open_bytes", "records", "unreadable"]


class Dialect(NamedTuple):
    """The layout of a text file: field separator, quoting, and column names for a file without a header."""

    separator: str = ","
    quoted: bool = True
    names: tuple[str, ...] = ()

    @property
    def character(self) -> str:
        """The separator for readers that accept one character only: a tab in place of a longer one."""
        return self.separator if len(self.separator) == 1 else "\t"


CSV = Dialect()


def is_gzip(path: Path) -> bool:
    """True if the file begins with gzip's magic bytes, whatever its name."""
    with open_file(path) as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, gzipped or not; raises DataError inside the block when it is damaged or cannot be read."""
    try:
        with gzip.open(path) if is_gzip(path) else open_file(path) as file:
            yield cast(IO[bytes], file)
    except (EOFError, zlib.error, OSError) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: BaseException) -> DataError:
    """The error for a file that cannot be read to its end."""
    text = str(error)
    if isinstance(error, EOFError) or "runcated" in text:
        return DataError(f"{path.name} is cut off: the compressed data ends too early")
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path.name} cannot be read: {error.strerror}")
    return DataError(f"{path.name} is damaged: {text.splitlines()[0][:120]}")


def records(path: Path, dialect: Dialect = CSV) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, the header first, each with the line on which it begins."""
    with open_bytes(path) as file:
        # Only Arrow decides what is UTF-8: a bad byte further down must not hide the header.
        text: Iterable[str] = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        if dialect.character != dialect.separator:
            text = (line.replace(dialect.separator, dialect.character) for line in text)
        reader = csv.reader(
            text, delimiter=dialect.character, quoting=csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
        )
        line = 1
        try:
            for fields in reader:
                if fields:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(f"{path.name}, line {line}: {error}") from None
