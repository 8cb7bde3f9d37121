"""Proof that the quotes of a block of CSV are as the format has them, so that a fast parser reads it right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Scan", "odd_lines", "scan"]

QUOTE, BACKSLASH, NEWLINE = 34, 92, 10
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


class Scan(NamedTuple):
    """Whole records of a block.

    Attributes:
        size: bytes of the block that they take.
        data: the records, without the blanks between a separator and a quote.
        proven: every quote opens or closes a field, or is doubled or escaped inside one.
    """

    size: int
    data: bytes
    proven: bool


def scan(block: bytes, separator: str, *, escape: bool, final: bool) -> Scan:
    r"""Cut a block after its last whole record, and prove its quotes.

    Args:
        block: begins with a record.
        escape: ``\"`` is a quote inside a field.
        final: nothing follows the block: its last record needs no newline.

    >>> scan(b'"a", "b"\n"c', ",", escape=False, final=False)
    Scan(size=9, data=b'"a","b"\n', proven=True)
    >>> scan(b'12" mix,b\n', ",", escape=False, final=True).proven
    False
    """
    if escape and any(b"\\" + other in block for other in (b"\n", b"\r", separator.encode())):
        return Scan(0, b"", False)  # escapes that no quote is after are too rare to be proven
    if b'"' not in block:
        size = len(block) if final else block.rfind(b"\n") + 1
        return Scan(size, block[:size], True)
    codes = np.frombuffer(block, np.uint8)
    quotes = _unescaped(codes, np.flatnonzero(codes == QUOTE)) if escape else np.flatnonzero(codes == QUOTE)
    size = len(block) if final else _last_record(block, quotes)
    quotes = quotes[: np.searchsorted(quotes, size)]
    if len(quotes) % 2:
        return Scan(size, block[:size], False)
    opening, closing = quotes[0::2], quotes[1::2]
    ends = np.zeros(256, dtype=bool)
    ends[[NEWLINE, 13, ord(separator)]] = True
    blank = np.zeros(256, dtype=bool)
    blank[[ord(" ")] if separator == "\t" else [ord(" "), ord("\t")]] = True
    doubled = np.zeros(len(opening) + 1, dtype=bool)  # a quote closed and opened again: a quote inside
    doubled[1:-1] = closing[:-1] + 1 == opening[1:]
    padded = np.concatenate([[NEWLINE], codes[:size], [NEWLINE]]).astype(np.uint8)
    left = _beyond(padded, opening[~doubled[:-1]] + 1, -1, blank)
    right = _beyond(padded, closing[~doubled[1:]] + 1, 1, blank)
    if not (ends[padded[left]].all() and ends[padded[right]].all()):
        return Scan(size, block[:size], False)
    holes = [(left + 1, opening[~doubled[:-1]] + 1), (closing[~doubled[1:]] + 2, right)]
    return Scan(size, _without(padded, holes) if any((a < b).any() for a, b in holes) else block[:size], True)


def odd_lines(block: bytes, *, escape: bool) -> list[tuple[int, int]]:
    r"""Where the lines with an odd number of quotes begin and end: if no field goes over a line, they are broken.

    >>> odd_lines(b'"a"\n"b\nc\n', escape=False)
    [(4, 7)]
    """
    codes = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(codes == QUOTE)
    quotes = _unescaped(codes, quotes) if escape else quotes
    ends = np.append(np.flatnonzero(codes == NEWLINE) + 1, len(codes))
    odd = np.flatnonzero(np.diff(np.searchsorted(quotes, ends), prepend=0) % 2)
    return [(int(ends[line - 1]) if line else 0, int(ends[line])) for line in odd]


def _unescaped(codes: Bytes, quotes: Places) -> Places:
    """The quotes before which stands an even number of backslashes."""
    kept = np.ones(len(quotes), dtype=bool)
    for i in np.flatnonzero(codes[np.maximum(quotes - 1, 0)] == BACKSLASH).tolist():
        at = int(quotes[i])
        start = at
        while start and codes[start - 1] == BACKSLASH:
            start -= 1
        kept[i] = (at - start) % 2 == 0
    return quotes[kept]


def _last_record(block: bytes, quotes: Places) -> int:
    """The end of the last line that ends outside quotes; 0 where there is none."""
    at = block.rfind(b"\n")
    while at >= 0 and np.searchsorted(quotes, at) % 2:
        # Inside quotes: the record began before the quote that was opened last.
        at = block.rfind(b"\n", 0, int(quotes[np.searchsorted(quotes, at) - 1]))
    return at + 1


def _beyond(codes: Bytes, at: Places, step: int, blank: npt.NDArray[np.bool_]) -> Places:
    """Where the first byte that is not blank stands beside each place."""
    at = at + step
    while (inside := blank[codes[at]]).any():
        at = at + step * inside
    return at


def _without(padded: Bytes, holes: list[tuple[Places, Places]]) -> bytes:
    kept = np.ones(len(padded), dtype=bool)
    kept[[0, -1]] = False
    for starts, ends in holes:
        lengths = ends - starts
        kept[starts[lengths > 0]] = False
        for i in np.flatnonzero(lengths > 1).tolist():  # few
            kept[starts[i] : ends[i]] = False
    return bytes(padded[kept])
