"""Rows of a delimited file as columns that know their lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Left", "Rows", "first_with_newline", "joined"]


@dataclass
class Left:
    """Lines that a reader could not use: how many, and the first error."""

    count: int = 0
    first: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows in a row of a file.

    Attributes:
        columns: the text of each column, without outer blanks.
        lines: the line on which each begins; found when it is asked for.
    """

    columns: tuple[pa.Array, ...]
    lines: Callable[[], list[int]]

    def __len__(self) -> int:
        return len(self.columns[0])


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several blocks as those of one."""
    if len(parts) == 1:
        return parts[0]
    columns = (pa.concat_arrays(columns) for columns in zip(*(part.columns for part in parts)))
    return Rows(tuple(columns), lambda: [line for part in parts for line in part.lines()])


def first_with_newline(column: pa.StringArray) -> int | None:
    """The first row whose text holds a line break."""
    values = column.buffers()[2]
    if values is None or b"\n" not in values.to_pybytes():  # many times as fast as to look at each
        return None
    row = pc.index(pc.match_substring(column, "\n"), True).as_py()
    return int(row) if row >= 0 else None
