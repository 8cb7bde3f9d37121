"""Blocks of delimited text as Arrow parses them, many times as fast as Python's csv module."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from .dialects import Layout

__all__ = ["LARGEST", "Types", "fast"]

Types = dict[int, pa.DataType]
"""The columns that are read, by their place in the header, and whether each is text or numbers."""
LARGEST = 2.0**53
"""A float no longer holds every whole number beyond it."""


def fast(data: bytes, layout: Layout, columns: Types, *, quoted: bool) -> tuple[pa.Array, ...] | None:
    """The columns of a block, text without outer blanks; None where Arrow cannot parse it.

    Args:
        data: whole records, whose quotes are proven (:mod:`~.quoting`).
        layout: how they are written.
        columns: all become text where a number is none, here and in what is parsed with them later.
        quoted: fields may stand in quotes.
    """
    if not data or data.isspace():
        return tuple(pa.array([], pa.string()) for _ in columns)
    if layout.separator != layout.character:
        data = data.replace(layout.separator.encode(), layout.character.encode())
    table = _table(data, layout, columns, quoted)
    if pa.float64() in columns.values() and (table is None or not _are_numbers(table)):
        table = _table(data, layout, dict.fromkeys(columns, pa.string()), quoted)
        if table is not None:  # the lines are right
            columns |= dict.fromkeys(columns, pa.string())
    if table is None:
        return None
    chunks = (column.chunk(0) for column in table.columns)
    return tuple(pc.utf8_trim_whitespace(one) if pa.types.is_string(one.type) else one for one in chunks)


def _table(data: bytes, layout: Layout, columns: Types, quoted: bool) -> pa.Table | None:
    names = [str(i) for i in range(len(layout.header))]
    try:
        return pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            parse_options=pacsv.ParseOptions(
                delimiter=layout.character,
                quote_char='"' if quoted else False,
                escape_char="\\" if layout.escape else False,
                newlines_in_values=quoted and b'"' in data,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={names[i]: kind for i, kind in columns.items()},
                include_columns=[names[i] for i in columns],
                strings_can_be_null=False,
                null_values=[""],
                check_utf8=False,
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None


def _are_numbers(table: pa.Table) -> bool:
    """True if no number is infinite, ``nan`` or too large: as text it can be reported."""
    numbers = (column for column in table.columns if pa.types.is_floating(column.type))
    return all(pc.all(pc.less(pc.abs(column), LARGEST)).as_py() is not False for column in numbers)
