"""Lines of ids, told apart by proof: ``user item item …``, ``user:item item …`` or ``user item weight``."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["LOOKED_AT", "are_numbers", "separator_of_triples", "three_fields", "users_end_in_colons"]

LOOKED_AT = 1000
"""Lines, or the words of a long one."""
MOST = 0.9
NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d+)?")
WITH_COLON = re.compile(r"([^\s:]+):([^:]*)")


def separator_of_triples(head: str) -> tuple[str, int] | None:
    """The separator and the number of fields, three or four, if each line is a user, an item, a weight and no more.

    So it is if nine lines in ten have as many fields, those behind the item are numbers, and users stand on several of
    them; the reader refuses the others.

    >>> separator_of_triples("0 7 5\\n0 8 3\\n"), separator_of_triples("0 7 5\\n1 8 3\\n")
    ((' ', 3), None)
    """
    lines = _lines(head)
    for separator in ("\t", " ", ",", ";", "::"):
        widths = [line.count(separator) + 1 for line in lines]
        for width in (3, 4):
            if widths.count(width) < MOST * len(lines):
                continue  # seen without parting the lines
            fields = [line.split(separator) for line, n in zip(lines, widths) if n == width]
            rows = [row for row in fields if are_numbers(row[2:])]
            if len(rows) >= MOST * len(lines) and len({row[0] for row in rows}) < len(rows):
                return separator, width
    return None


def are_numbers(fields: Sequence[str]) -> bool:
    """True if all of some fields are numbers."""
    return all(NUMBER.fullmatch(field.strip()) for field in fields)


def three_fields(head: str) -> bool:
    """True if each of several lines has three fields, so that they may be a user, an item and a weight."""
    lines = _lines(head)
    return len(lines) > 2 and all(len(line.split()) == 3 for line in lines)


def users_end_in_colons(head: str) -> bool:
    """True if each line is a user, a colon and items: no other colons, and not one prefix that all ids share.

    >>> users_end_in_colons("1:5 7\\n2:8\\n"), users_end_in_colons("u:1 5 7\\nu:2 8\\n")
    (True, False)
    """
    found = [WITH_COLON.fullmatch(line) for line in _lines(head)]
    if not found or not all(found):
        return False
    users = {match[1] for match in found if match}
    return len(users) == len(found) and (len(users) > 1 or all(user.isdecimal() for user in users))


def _lines(head: str) -> list[str]:
    return [line.strip() for line in head.split("\n")[:LOOKED_AT] if line.strip()]
