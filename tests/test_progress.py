"""Progress in a log that is no terminal, and in a notebook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from playlistrec.events import Event, ignore
from playlistrec.notebook import own_progress
from playlistrec.progress_line import EVERY, ProgressLine


def epoch(number: int, done: int) -> Event:
    about = {"epoch": number, "epochs": 3, "loss": torch.tensor(1.5), "entries": 2_000_000}
    return Event("progress", "epoch", {"done": done, "total": 200, **about})


def test_a_long_epoch_says_how_far_it_is_how_fast_and_how_long_it_takes() -> None:
    clock = iter([0.0, 10.0, 40.0, 50.0, 71.0, 72.0, 103.0])
    log = ProgressLine(lambda: next(clock))
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
    log = ProgressLine(lambda: next(clock))
    assert log.line(Event("progress", "reading", {"done": 1})) is None
    assert log.line(Event("progress", "reading", {"done": 2})) is None
    assert log.line(Event("progress", "reading", {"done": 1500})) == "reading: 1,500"
    assert log.line(Event("progress", "reading", {"done": 1600})) is None


CELL = """
import playlistrec as pr
data = pr.preprocess({slices!r}, {out!r}, workers=1)
run = pr.fit(data, "mf", epochs=3, preset="none")
"""


@pytest.mark.slow
def test_a_notebook_shows_a_line_that_changes(slices: Path, tmp_path: Path) -> None:
    """A kernel of its own, as Jupyter starts it."""
    nbclient = pytest.importorskip("nbclient")
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": "one"}
    cell["source"] = CELL.format(slices=str(slices), out=str(tmp_path / "data"))
    nbformat = pytest.importorskip("nbformat")
    written = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    notebook = nbformat.reads(written, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    texts = [output["data"]["text/plain"] for output in notebook.cells[0].outputs]
    assert f"writing {tmp_path / 'data'}" in texts
    assert sum(text.startswith("mf: ") and text.endswith(" s") for text in texts) == 1, texts
    assert not any(text.startswith("epoch") for text in texts), "the line of the epochs became that of the end"


def test_elsewhere_nothing_is_shown() -> None:
    assert own_progress() is ignore
