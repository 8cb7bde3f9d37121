"""Which columns of a table stand side by side: those of figures go on below, and no cell of them is ever broken."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["NARROW", "groups_of_columns"]

GAP = 2
NARROW = 24
"""Cells up to this wide are kept whole; a column with wider ones is text, which is folded."""
NAME = 30
"""Most that the first column, which every group repeats, may take."""


def groups_of_columns(wide: Sequence[int], width: int) -> list[list[int]]:
    """The columns to show side by side: all where they fit or hold text, else the first one and some others.

    Args:
        wide: widest cell of each column, in characters of the terminal.
        width: that of the terminal.

    >>> groups_of_columns([5, 6, 4], 15), groups_of_columns([5, 6, 4], 80)
    ([[0, 1], [0, 2]], [[0, 1, 2]])
    """
    whole = list(range(len(wide)))
    if sum(wide) + GAP * (len(wide) - 1) <= width or any(w > NARROW for w in wide[1:]) or len(wide) < 3:
        return [whole]
    first = min(wide[0], NAME)
    groups, used = [[0]], first
    for index in whole[1:]:
        if len(groups[-1]) > 1 and used + GAP + wide[index] > width:
            groups.append([0])
            used = first
        groups[-1].append(index)
        used += GAP + wide[index]
    return groups
