"""Progress in notebooks: a line below the cell, which changes while a long call runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .events import Event, OnEvent, ignore
from .progress_line import ProgressLine
from .text import shown

__all__ = ["own_progress"]

EVERY = 0.5
"""Seconds between changes of the line."""


def own_progress() -> OnEvent:
    """What draws the events of a call that names nothing for them: a line in a notebook, nothing elsewhere."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return ignore if getattr(shell, "kernel", None) is None else Below()


class Below:
    """A line below the cell for progress and epochs, and one that stays for each message and warning."""

    def __init__(self) -> None:
        self._display: Any = import_module("IPython.display").display
        self._progress = ProgressLine(every=EVERY)
        self._line: Any = None

    def __call__(self, event: Event) -> None:
        if event.kind == "progress":
            self._show(self._progress.line(event))
        elif event.kind == "epoch":
            self._show(_of_epoch(event.data))
        elif event.kind == "end":
            self._show(f"{event.data['model']}: {event.data['seconds']:.1f} s")
        elif event.text:
            text = f"warning: {event.text}" if event.kind == "warning" else event.text
            self._display({"text/plain": shown(text)}, raw=True)

    def _show(self, text: str | None) -> None:
        if text is None:
            return
        content = {"text/plain": shown(text)}
        if self._line is None:
            self._line = self._display(content, raw=True, display_id=True)
        else:
            self._line.update(content, raw=True)


def _of_epoch(record: Mapping[str, Any]) -> str:
    """The line of an epoch.

    >>> _of_epoch({"epoch": 1, "epochs": 3, "loss": 0.5, "best": 0.1, "best_epoch": 1})
    'epoch 1 of 3: loss 0.5000, best 0.1000 in epoch 1'
    """
    best = "" if record["best"] is None else f", best {record['best']:.4f} in epoch {record['best_epoch']}"
    return f"epoch {record['epoch']} of {record['epochs']}: loss {record['loss']:.4f}{best}"
