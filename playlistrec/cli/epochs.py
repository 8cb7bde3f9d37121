"""The table of a fit as it grows: text alone, which the console prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .sparkline import sparkline

__all__ = ["EpochTable", "Line"]


@dataclass(frozen=True)
class Line:
    """A line of the table, and whether it is a heading."""

    text: str
    heading: bool = False


@dataclass
class EpochTable:
    """Takes the records of ``"epoch"`` events; a record of an earlier epoch begins a new table.

    >>> table = EpochTable()
    >>> record = {"epoch": 1, "loss": 0.5, "ndcg@20": 0.1, "best": 0.1, "best_epoch": 1, "seconds": 2.0, "epochs": 3}
    >>> for line in table.add(record): print(line.text)
     epoch      loss   ndcg@20      best       s
         1    0.5000    0.1000    0.1000     2.0
    >>> table.status()
    'epoch 1 of 3  loss ▁  best 0.1000 in epoch 1  0.50 epochs/s  0:00:04 left at most'
    """

    records: list[Mapping[str, Any]] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)

    def add(self, record: Mapping[str, Any]) -> list[Line]:
        """The lines to print for one epoch: headings where the columns are new, and its figures."""
        if self.records and record["epoch"] <= self.records[-1]["epoch"]:
            self.records, self.metrics = [], []
        new = [name for name in record if "@" in name and name not in self.metrics]
        self.metrics += new
        columns = ["loss", *self.metrics, *(["best"] if record["best"] is not None else [])]
        lines = []
        if new or not self.records:
            lines.append(
                Line(f"{'epoch':>6}" + "".join(f"{name:>{_width(name)}}" for name in columns) + f"{'s':>8}", True)
            )
        self.records.append(record)
        cells = (f"{record[name]:.4f}" if name in record else "" for name in columns)
        figures = "".join(f"{cell:>{_width(name)}}" for name, cell in zip(columns, cells))
        lines.append(Line(f"{record['epoch']:>6}{figures}{record['seconds']:>8.1f}"))
        return lines

    def status(self) -> str:
        """The progress of a fit: losses, the criterion and its best value, the speed, the time left."""
        last = self.records[-1]
        parts = [f"epoch {last['epoch']} of {last['epochs']}", "loss " + sparkline([r["loss"] for r in self.records])]
        for name in self.metrics[-1:]:
            values = [r[name] for r in self.records if name in r]
            parts += [f"{name} {sparkline(values)}"] if len(values) > 1 else []
        if last["best"] is not None:
            parts.append(f"best {last['best']:.4f} in epoch {last['best_epoch']}")
        rate = len(self.records) / max(1e-9, sum(record["seconds"] for record in self.records))
        left = round((last["epochs"] - last["epoch"]) / rate)
        parts += [f"{rate:.2f} epochs/s", f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left at most"]
        return "  ".join(parts)


def _width(name: str) -> int:
    return max(10, len(name) + 3)
