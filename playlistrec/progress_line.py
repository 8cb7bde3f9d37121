"""Progress as plain lines, for a log that is no terminal, and for a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .events import Event

__all__ = ["EVERY", "ProgressLine"]

EVERY = 30.0
"""Seconds between lines."""


class ProgressLine:
    """Turns progress into a line now and then; shorter work than ``every`` gets none.

    Args:
        now: seconds that have passed, by any clock.
        every: seconds between lines.

    >>> seconds = iter([0.0, 31.0])
    >>> log = ProgressLine(lambda: next(seconds))
    >>> log.line(Event("progress", "reading slices", {"done": 1, "total": 100}))
    >>> log.line(Event("progress", "reading slices", {"done": 41, "total": 100}))
    'reading slices: 41 of 100, 0:00:46 left'
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, every: float = EVERY) -> None:
        self.now, self.every = now, every
        self.said: float | None = None
        self.task: tuple[str, int] | None = None
        self.began, self.first = 0.0, 0

    def line(self, event: Event) -> str | None:
        """The line that is due, if one is."""
        data, now = event.data, self.now()
        task = event.text, data.get("epoch", 0)
        if task != self.task:
            self.task, self.began, self.first = task, now, data["done"]
        self.said = now if self.said is None else self.said
        if now - self.said < self.every:
            return None
        self.said = now
        rate = (data["done"] - self.first) / max(now - self.began, 1e-9)
        left = f", {_clock((data['total'] - data['done']) / rate)} left" if data.get("total") and rate else ""
        if "epoch" not in data:
            return f"{event.text}: {data['done']:,}" + (f" of {data['total']:,}" if data.get("total") else "") + left
        return self._of_epoch(data, rate) + left

    def _of_epoch(self, data: Mapping[str, Any], rate: float) -> str:
        share, speed = data["done"] / data["total"], rate / data["total"] * data["entries"]
        where = f"epoch {data['epoch']} of {data['epochs']}, {share:.0%} done"
        return f"{where}: loss {float(data['loss']):.4f}, {speed:,.0f} entries/s"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
