"""Delimited text (CSV and its kin) as a stream of text columns, with errors that know their line.

Blocks whose quotes are proven to be as the format has them (:mod:`~.quoting`) are parsed by Arrow; the others by
Python's csv module, strictly. Both read the same, the first many times as fast.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from ...errors import DataError
from . import decoding
from .arrow_csv import Types, fast
from .decoding import Source
from .dialects import Layout, Score, find_layout, in_words, split_records
from .quoting import odd_lines, scan
from .rows import Left, Rows, first_with_newline, joined

__all__ = ["Delimited"]

LONGEST_RECORD = 2**24
"""Bytes after which a quote that is still open is an error."""
PIECE = 2**17
"""Bytes that are parsed at a time where broken lines are left out."""
SMALL = 4096
"""Bytes of which each line is read alone, where one of them is broken."""


@dataclass(frozen=True)
class Delimited:
    """A file of fields.

    Attributes:
        source: where its text comes from.
        layout: how it is written; its header names the columns.
        quoted: fields may stand in quotes.
        skip_broken: leave out lines with a wrong number of fields or an open quote, and count them in ``left``.
        left: filled while the file is read.
    """

    source: Source
    layout: Layout
    quoted: bool = True
    skip_broken: bool = False
    left: Left = field(default_factory=Left)

    @classmethod
    def open(cls, source: Source, score: Score, *, quoted: bool = True, skip_broken: bool = False) -> Delimited:
        """Find out how a file is written, by the names of columns that are looked for.

        Raises DataError for a file that is empty or that is no text.
        """
        head = source.head().decode()
        if not head.strip():
            raise DataError(f"{source.name} is empty")
        return cls(source, find_layout(head, score), quoted, skip_broken)

    @property
    def remarks(self) -> list[str]:
        """Warnings for the user: the encoding, and lines that were passed over before the header."""
        said = [self.source.remark] if self.source.remark else []
        if n := len(self.layout.before):
            lines = "1 line" if n == 1 else f"{n} lines"
            said.append(f"{self.source.name}: passed over {lines} before the header ({self.layout.before[0][:40]})")
        return said

    def first_record(self) -> list[str]:
        """The fields of the first line that has any."""
        head = self.source.head().decode()
        return next((fields for _, fields in split_records(head, self.layout.separator, strict=False) if fields), [])

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each record below the header, not the empty ones, with the line on which it begins. For small files."""
        for rows in self.blocks():
            fields = zip(*(column.to_pylist() for column in rows.columns))
            yield from ((line, list(row)) for line, row in zip(rows.lines(), fields))

    def blocks(self, wanted: Sequence[int] | None = None, numeric: Sequence[int] = ()) -> Iterator[Rows]:
        """The rows below the header, in blocks.

        Args:
            wanted: the columns to read, by their place in the header; all by default.
            numeric: those that are numbers (float64, null where empty) up to the first block in which one is no number.

        Raises DataError, with the line, for a row with a wrong number of fields and a quote that is not closed.
        """
        width = len(self.layout.header)
        columns = dict.fromkeys(range(width) if wanted is None else wanted, pa.string())
        columns |= dict.fromkeys(numeric, pa.float64())
        rest, line, skip = b"", 1, self.layout.line
        for block, final in decoding.with_last(self.source.blocks(decoding.BLOCK)):
            rest += block
            if skip:  # up to and with the header
                rest, passed = _after_lines(rest, skip)
                skip, line = skip - passed, line + passed
            while rest and not skip:
                size, parts = self._parse(rest, line, columns, final)
                yield from filter(len, parts)
                if not size:
                    break
                line += rest.count(b"\n", 0, size)
                rest = rest[size:]

    def _parse(self, block: bytes, line: int, columns: Types, final: bool) -> tuple[int, list[Rows]]:
        """Whole records of a block: their bytes and rows; 0 bytes where more must be read first."""
        if self.skip_broken or not self.quoted:
            size = len(block) if final else block.rfind(b"\n") + 1
            parts: list[Rows] = []
            at = 0
            odd = iter(odd_lines(block[:size], escape=self.layout.escape) if self.skip_broken and self.quoted else ())
            start, stop = next(odd, (size, size))
            while at < size:  # in pieces, so that a broken line is looked for in a small one
                end = block.find(b"\n", at + PIECE, size) + 1 if self.skip_broken else size
                end = end or size
                if at == start:
                    end = stop
                    start, stop = next(odd, (size, size))
                end = end if at >= start else min(end, start)
                parts += filter(len, self._halves(block[at:end], line, columns))
                line += block.count(b"\n", at, end)
                at = end
            return size, [joined(parts)] if parts else []
        size, data, proven = scan(block, self.layout.separator, escape=self.layout.escape, final=final)
        if proven and size and (arrays := fast(data, self.layout, columns, quoted=self.quoted)) is not None:
            return size, [Rows(arrays, partial(self._lines, data, line))]
        if not size and not final and len(block) < LONGEST_RECORD:
            return 0, []
        return self._slow(block, line, columns, final)

    def _halves(self, block: bytes, line: int, columns: Types) -> Iterator[Rows]:
        """Rows of one line each: Arrow's where it can parse them, else those of either half, at last of each line."""
        data, proven = block, True
        if self.quoted:
            _, data, proven = scan(block, self.layout.separator, escape=self.layout.escape, final=True)
        arrays = fast(data, self.layout, columns, quoted=self.quoted) if proven else None
        if arrays is not None and not (
            self.quoted and b'"' in data and any(first_with_newline(a) is not None for a in arrays)
        ):
            yield Rows(arrays, partial(self._lines, data, line))
            return
        middle = block.find(b"\n", len(block) // 2) + 1
        if len(block) > SMALL and 0 < middle < len(block):
            texts = dict.fromkeys(columns, pa.string())  # as the slow way has them
            yield from self._halves(block[:middle], line, texts)
            yield from self._halves(block[middle:], line + block.count(b"\n", 0, middle), texts)
            return
        for number, text in enumerate(block.splitlines(keepends=True), line):
            yield from self._slow(text, number, columns, final=True)[1]

    def _slow(self, block: bytes, line: int, columns: Types, final: bool) -> tuple[int, list[Rows]]:
        size = len(block) if final else block.rfind(b"\n") + 1
        # Physical lines: of bytes, since ``str.splitlines`` also ends one at U+0085.
        lengths = [len(text) for text in block[:size].splitlines(keepends=True)]
        kept: list[list[str]] = []
        at: list[int] = []
        done = 0
        try:
            for read, fields in self._split(block[:size].decode()):
                if self._fits(fields, line + done):
                    kept.append(fields)
                    at.append(line + done)
                done = read
        except csv.Error as error:
            if "unexpected end" not in str(error) or final or len(block) >= LONGEST_RECORD:
                self._refuse(line + done, in_words(error))
        arrays = tuple(pa.array([fields[i].strip() for fields in kept], pa.string()) for i in columns)
        return sum(lengths[:done]), [Rows(arrays, lambda: at)]

    def _split(self, text: str) -> Iterator[tuple[int, list[str]]]:
        text = text.replace(self.layout.separator, self.layout.character)
        return split_records(text, self.layout.character, escape=self.layout.escape, quoted=self.quoted)

    def _fits(self, fields: list[str], line: int) -> bool:
        """True if the record has as many fields as the header, of which more may be empty; empty ones are no record."""
        width = len(self.layout.header)
        if len(fields) == width or (len(fields) > width and not any(fields[width:])):
            return True
        if any(fields):
            there = f"{len(fields)} field{'s' * (len(fields) != 1)}"
            rule = (
                f"the header has {width}"
                if self.layout.line
                else f"there are {width} ({', '.join(self.layout.header)})"
            )
            self._refuse(line, f"{there} where {rule}")
        return False

    def _refuse(self, line: int, why: str) -> None:
        error = f"{self.source.name}, line {line}: {why}"
        if not self.skip_broken:
            raise DataError(error)
        self.left.first = self.left.first or error
        self.left.count += 1

    def _lines(self, data: bytes, line: int) -> list[int]:
        """The lines of the rows that Arrow parsed."""
        begun, done = [], 0
        for read, fields in self._split(data.decode()):
            if fields:
                begun.append(line + done)
            done = read
        return begun


def _after_lines(block: bytes, lines: int) -> tuple[bytes, int]:
    """The block after so many lines, and how many there were."""
    at = 0
    for done in range(lines):
        end = block.find(b"\n", at)
        if end < 0:
            return b"" if done == lines - 1 else block[at:], done
        at = end + 1
    return block[at:], lines
