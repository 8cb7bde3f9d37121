"""Progress as plain lines, for a log that is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..events import Event

__all__ = ["EVERY", "PlainLog"]

EVERY = 30.0
"""Seconds between lines."""


class PlainLog:
    """Turns progress into a line now and then; shorter work than :data:`EVERY` gets none.

    Args:
        now: seconds that have passed, by any clock.

    >>> seconds = iter([0.0, 31.0])
    >>> log = PlainLog(lambda: next(seconds))
    >>> log.line(Event("progress", "reading slices", {"done": 1, "total": 100}))
    >>> log.line(Event("progress", "reading slices", {"done": 41, "total": 100}))
    'reading slices: 41 of 100, 0:00:46 left'
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
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
        if now - self.said < EVERY:
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
