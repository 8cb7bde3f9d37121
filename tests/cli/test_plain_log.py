"""Progress in a log that is no terminal."""

from __future__ import annotations

import torch

from playlistrec.cli.plain_log import EVERY, PlainLog
from playlistrec.events import Event


def epoch(number: int, done: int) -> Event:
    about = {"epoch": number, "epochs": 3, "loss": torch.tensor(1.5), "entries": 2_000_000}
    return Event("progress", "epoch", {"done": done, "total": 200, **about})


def test_a_long_epoch_says_how_far_it_is_how_fast_and_how_long_it_takes() -> None:
    clock = iter([0.0, 10.0, 40.0, 50.0, 71.0, 72.0, 103.0])
    log = PlainLog(lambda: next(clock))
    assert log.line(epoch(1, 0)) is None
    assert log.line(epoch(1, 10)) is None
    assert log.line(epoch(1, 40)) == "epoch 1 of 3, 20% done: loss 1.5000, 10,000 entries/s, 0:02:40 left"
    assert log.line(epoch(1, 50)) is None
    assert log.line(epoch(1, 71)) == "epoch 1 of 3, 36% done: loss 1.5000, 10,000 entries/s, 0:02:09 left"
    assert log.line(epoch(2, 1)) is None
    line = log.line(epoch(2, 32))
    assert line is not None
    assert line.startswith("epoch 2 of 3, 16% done")  # the speed is that of this epoch
    assert "10,000 entries/s" in line


def test_short_work_leaves_no_line_and_work_of_unknown_length_counts() -> None:
    clock = iter([0.0, EVERY - 1, EVERY, EVERY + 1])
    log = PlainLog(lambda: next(clock))
    assert log.line(Event("progress", "reading", {"done": 1})) is None
    assert log.line(Event("progress", "reading", {"done": 2})) is None
    assert log.line(Event("progress", "reading", {"done": 1500})) == "reading: 1,500"
    assert log.line(Event("progress", "reading", {"done": 1600})) is None
