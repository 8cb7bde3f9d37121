"""``kill -9`` at random moments: the same call, or its ``--resume``, comes to the same figures, and nothing is left.

Run any number with ``KILLS=100 pytest tests/kills``.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from jobs import JOBS, called, stopped, uninterrupted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "waitstatus_to_exitcode") or os.name != "posix", reason="POSIX"),
]

KILLS = int(os.environ.get("KILLS", "5"))
"""Moments for each command; set KILLS for any other number."""
PATIENCE = 20.0
"""Seconds in which processes of a killed command must end by themselves."""


def ended(group: int) -> bool:
    """True once no process of the group is left."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    return False


@pytest.mark.parametrize("name", JOBS)
def test_a_kill_at_any_moment(name: str, base: Path, tmp_path: Path) -> None:
    job, dice, log = JOBS[name], random.Random(name), tmp_path / "log"
    expected, seconds = uninterrupted(job, base, tmp_path, log)
    counts = {"rerun": 0, "resumed": 0, "ended before": 0}
    for kill in range(KILLS):
        place = tmp_path / str(kill)
        after = dice.uniform(0, seconds)
        out, pid, code = stopped(job, base, place, log, after, lambda pid: os.kill(pid, signal.SIGKILL))
        killed = code == -signal.SIGKILL
        assert ended(pid), f"kill {kill}: a process was left behind"
        code, text, _ = called(job.arguments(base, out), log)
        how = "rerun" if killed else "ended before"
        if code and job.again:
            assert job.again[0] in text, text
            code, text, _ = called((*job.arguments(base, out), *job.again), log)
            how = "resumed"
        if code and not killed:
            assert "exists" in text or "already holds" in text, text
            code = 0
        assert code == 0, f"kill {kill}: {text}"
        assert job.figures(out) == expected, kill
        assert os.listdir(place) == [out.name], kill
        assert not list(place.rglob(".*")), kill
        counts[how] += 1
        shutil.rmtree(place)
    print(f"{name}: {counts}")  # noqa: T201 - the table of docs/trust.md
    assert sum(counts.values()) == KILLS
