"""Training histories of runs: loss and validation metrics, by epoch and by time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from ...errors import RunError
from ...experiment.run_folder import read_info
from ...storage import open_file

__all__ = ["History", "Points", "averaged", "read_history"]

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class History:
    """The history of a fit, read from its run folder.

    Attributes:
        records: one an epoch: ``epoch``, ``loss``, and the metrics where it was validated.
        seconds: each epoch's, validation included.
        best_epoch: the epoch whose weights were kept, none where nothing was trained.
        loss, criterion: the options of those names, none where nothing was trained.
        fit: all that decides the fit but its seed; equal for fits that differ in their seed only.
    """

    records: list[dict[str, float]]
    seconds: list[float]
    best_epoch: int | None
    loss: str | None
    criterion: str | None
    fit: str = ""

    def points(self, name: str) -> Points:
        """Epoch and value wherever ``name`` was measured."""
        return [(record["epoch"], record[name]) for record in self.records if name in record]

    def clock(self) -> Points:
        """Epoch and the minutes of training up to its end."""
        return [(epoch, spent / 60) for epoch, spent in enumerate(accumulate(self.seconds), start=1)]


def read_history(folder: Path) -> History:
    """Read ``history.jsonl`` and ``timing.jsonl``; empty for a model that is not trained. RunError where damaged."""
    info = read_info(folder)
    training: dict[str, Any] = info["training"] or {}
    records, times = _lines(folder / "history.jsonl", "epoch"), _lines(folder / "timing.jsonl", "seconds")
    return History(
        records,
        [row["seconds"] for row in times],
        info.get("best_epoch"),
        training.get("loss"),
        training.get("criterion"),
        json.dumps([info["model"], info["options"], training, info.get("data")], sort_keys=True),
    )


def averaged(curves: Sequence[Points]) -> tuple[Points, list[float]]:
    """The mean of curves wherever all have a value, and the standard deviation of a sample; none for one curve.

    >>> averaged([[(1, 2.0), (2, 4.0)], [(1, 4.0)]])
    ([(1, 3.0)], [1.4142135623730951])
    >>> averaged([[(1, 2.0)]])
    ([(1, 2.0)], [])
    """
    values = [dict(curve) for curve in curves]
    shared = sorted(set.intersection(*(set(found) for found in values)))
    every = {x: [found[x] for found in values] for x in shared}
    deviations = [stdev(found) for found in every.values()] if len(curves) > 1 else []
    return [(x, mean(found)) for x, found in every.items()], deviations


def _lines(path: Path, key: str) -> list[dict[str, float]]:
    if not path.exists():
        return []
    try:
        with open_file(path, RunError) as file:
            rows = [json.loads(line) for line in file.read().decode().splitlines()]
        for row in rows:
            if not isinstance(row, dict) or key not in row or not all(isinstance(v, int | float) for v in row.values()):
                raise ValueError(f"each line must hold numbers, {key} among them")
        return rows
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
