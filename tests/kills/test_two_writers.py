"""Two processes write one place at once: one of them, or one after the other; the place is whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jobs import JOBS, called, started

pytestmark = pytest.mark.slow

SAID = ("is being written by another process", "exists: choose another folder", "already holds slices")


@pytest.mark.parametrize("name", JOBS)
def test_one_wins_and_the_other_says_so(name: str, base: Path, tmp_path: Path) -> None:
    job, place = JOBS[name], tmp_path / "place"
    whole, out = tmp_path / f"whole{job.suffix}", place / f"whole{job.suffix}"
    place.mkdir()
    for path in (whole, out):
        job.before(base, path)
    code, text, _ = called(job.arguments(base, whole), tmp_path / "log")
    assert code == 0, text
    both = [started(job.arguments(base, out), tmp_path / f"log{i}") for i in range(2)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in both]
    assert min(codes) == 0
    for i, code in enumerate(codes):
        if code:
            errors = [line for line in (tmp_path / f"log{i}").read_text().splitlines() if line.startswith("error: ")]
            assert len(errors) == 1
            assert any(said in errors[0] for said in SAID), errors
    assert job.figures(out) == job.figures(whole)
    assert os.listdir(place) == [out.name]
    assert not list(place.rglob(".*"))
