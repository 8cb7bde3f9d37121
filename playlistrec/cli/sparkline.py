"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["sparkline"]

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 24, *, low: float | None = None) -> str:
    """One block a value, its height from the lowest (or ``low``) to the highest; the last ones where there are more.

    >>> sparkline([0, 1, 2, 7])
    '▁▂▃█'
    >>> sparkline([5.0, 5.0])
    '▁▁'
    """
    shown = values[-width:]
    if not shown:
        return ""
    floor = min(shown) if low is None else low
    span = max(shown) - floor
    return "".join(BLOCKS[round((value - floor) / span * 7) if span > 0 else 0] for value in shown)
