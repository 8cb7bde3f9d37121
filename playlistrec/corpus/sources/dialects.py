"""How a delimited file is written: which separator, which line is the header, what stands before it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

__all__ = ["SEPARATORS", "Layout", "find_layout", "in_words", "letters", "names_among", "split_records"]

SEPARATORS = (",", ";", "\t")
LINES_BEFORE = 20
"""Lines in which a header is looked for."""
LINES_LOOKED_AT = 200
"""Lines that may hold those, where fields go over several."""
EXCEL = re.compile(r"sep=(.)\s*$", re.IGNORECASE)

Score = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Layout:
    """The layout of one file.

    Attributes:
        separator: what stands between fields; more than one character only where fields have no quotes.
        header: names of the columns as the file has them, without outer blanks; none where no line is a header.
        line: the line on which the header ends, 0 where there is none.
        before: the lines before the header that are not empty.
        escape: a backslash before a quote makes it part of the field.
    """

    separator: str
    header: tuple[str, ...] = ()
    line: int = 0
    before: tuple[str, ...] = ()
    escape: bool = False

    @property
    def character(self) -> str:
        """The separator for parsers that take one character only: a tab in place of a longer one."""
        return self.separator if len(self.separator) == 1 else "\t"


def find_layout(head: str, score: Score) -> Layout:
    r"""The layout that a file's first lines prove.

    A line is a header if its fields have known names; the separator is the one with which most of them are found,
    and of lines with as many the first is taken. Excel's ``sep=;`` counts as a line before the header. Where no
    separator gives a known name, that with which most lines have the same number of fields, at least two, is taken.

    Args:
        head: the beginning of the file.
        score: how many of a line's fields are known names of columns.

    >>> find_layout('Library\nTitle;By\n"a, b";c\n', names_among(["title", "by"])).header
    ('Title', 'By')
    """
    whole, head = head, "".join(islice(io.StringIO(head, newline="\n"), LINES_LOOKED_AT))
    said = EXCEL.match(head.partition("\n")[0].strip("\r"))
    candidates = (said[1],) if said and said[1] in (*SEPARATORS, "|") else SEPARATORS
    best, layout = 0, None
    for separator in candidates:
        for begun, end, fields in _first(head, separator):
            if (found := score(fields)) > best:
                best = found
                before = [text.strip() for text in head.split("\n")[: begun - 1]]
                names = tuple(name.strip() for name in fields)
                layout = Layout(separator, names, end, tuple(filter(None, before)))
    layout = layout or Layout(max(candidates, key=lambda separator: _regular(head, separator)))
    return replace(layout, escape=_escapes(whole, layout.separator))


def names_among(known: Sequence[str]) -> Score:
    """A score: the number of fields that are one of these names, compared as :func:`letters`."""
    names = {letters(name) for name in known}
    return lambda fields: len({letters(field) for field in fields} & names)


@lru_cache(4096)
def letters(name: str) -> str:
    """A column's name as it is compared: letters and digits alone, lower case.

    >>> letters(" Track URI"), letters("track_uri")
    ('trackuri', 'trackuri')
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def split_records(
    text: str, separator: str, *, escape: bool = False, quoted: bool = True, strict: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The records of a text, with the number of physical lines that were read when each was complete.

    Raises csv.Error for a field that is too long, and for a quote that is not closed or is followed by other text, if
    ``strict``; else the records end before such a field, for which there is an error with its line when all is read.
    """
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        escapechar="\\" if escape else None,
        skipinitialspace=True,
        strict=strict,
    )
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error:
        if strict:
            raise


def _first(head: str, separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """The records on the first lines, with the lines on which each begins and ends."""
    begun = 1
    for line, fields in split_records(head, separator, strict=False):
        yield begun, line, fields
        begun = line + 1
        if begun > LINES_BEFORE:
            return


def _regular(head: str, separator: str) -> int:
    """The number of records that have as many fields, two or more, as the first has."""
    widths = [len(fields) for _, _, fields in _first(head, separator) if fields]
    return widths.count(widths[0]) if widths and widths[0] > 1 else 0


def _escapes(head: str, separator: str) -> bool:
    r"""True if of the lines with ``\"`` more are as CSV has them with the backslash as an escape than without."""
    lines = [line for line in head.split("\n") if '\\"' in line] if '\\"' in head else []
    with_, without = (sum(_sound(line, separator, escape) for line in lines) for escape in (True, False))
    return with_ > without


def _sound(head: str, separator: str, escape: bool) -> bool:
    try:
        for _ in split_records(head, separator, escape=escape):
            pass
    except csv.Error:
        return False
    return True


def in_words(error: csv.Error) -> str:
    """The fault that the strict reader found, for a person."""
    text = str(error)
    if "unexpected end" in text or "field limit" in text:
        return "a quote that opens here is not closed"
    if "expected after" in text:
        return "text after a closing quote (an open quote before it?)"
    return text
