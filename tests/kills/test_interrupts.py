"""Ctrl-C and SIGTERM at any moment: one line, exit code 130 or 143; a reader that has gone; a full disk."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jobs import JOBS, called, started, stopped, uninterrupted
from test_kills import KILLS, ended

pytestmark = pytest.mark.slow

SIGNALS = {signal.SIGINT: (130, "error: interrupted"), signal.SIGTERM: (143, "error: terminated")}


@pytest.mark.parametrize("name", JOBS)
def test_a_signal_at_any_moment(name: str, base: Path, tmp_path: Path) -> None:
    job, dice, log = JOBS[name], random.Random(name), tmp_path / "log"
    expected, seconds = uninterrupted(job, base, tmp_path, log)
    counts = {"interrupted": 0, "before it began": 0, "ended before": 0}
    for i in range(KILLS):
        number = (signal.SIGINT, signal.SIGTERM)[i % 2]
        place = tmp_path / str(i)
        to = os.killpg if number == signal.SIGINT else os.kill  # Ctrl-C goes to the whole group
        out, pid, code = stopped(
            job, base, place, log, dice.uniform(0, seconds), lambda pid, to=to, number=number: to(pid, number)
        )
        text = log.read_text()
        assert ended(pid), f"signal {i}: a process was left behind"
        if code in (0, -number):  # the latter before the command had its handlers
            counts["before it began" if code else "ended before"] += 1
        else:
            counts["interrupted"] += 1
            expected_code, said = SIGNALS[number]
            assert code == expected_code, text
            errors = [line for line in text.splitlines() if line.startswith("error:")]
            assert len(errors) == 1, text
            assert errors[0].startswith(said)
            assert "Traceback" not in text
            assert not list(place.rglob(".*")), i
            if out.exists() and not out.is_file() and (out / "checkpoint.npz").exists() and "fit" in name:
                assert "--resume" in errors[0]
        if code:
            code, text, _ = called(job.arguments(base, out), log)
            if code and job.again:
                code, text, _ = called((*job.arguments(base, out), *job.again), log)
            assert code == 0, text
        assert job.figures(out) == expected, i
        assert os.listdir(place) == [out.name], i
        shutil.rmtree(place)
    print(f"{name}: {counts}")  # noqa: T201 - the table of docs/trust.md


READING = {
    "stats": lambda base: ("stats", base / "data"),
    "playlists": lambda base: ("playlists", base / "data"),
    "recommend": lambda base: ("recommend", base / "itemknn", "--playlist", 3, "-k", 100),
    "recommend --json": lambda base: ("recommend", base / "itemknn", "--playlist", 3, "-k", 100, "--json"),
    "evaluate": lambda base: ("evaluate", base / "itemknn"),
    "compare": lambda base: ("compare", base / "itemknn", base / "mf", "--resamples", 50),
    "models": lambda base: ("models", "--json"),
}


@pytest.mark.parametrize("name", READING)
def test_a_reader_that_has_gone_is_no_error_with_a_traceback(name: str, base: Path, tmp_path: Path) -> None:
    arguments = [str(a) for a in READING[name](base)]
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "playlistrec", *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert ran.returncode == 1
    assert ran.stderr == ""


@pytest.mark.parametrize("name", JOBS)
def test_a_file_that_cannot_grow_is_one_line_and_leaves_what_was_there(name: str, base: Path, tmp_path: Path) -> None:
    """A limit on the size of files, as a full disk is: every write fails from so many bytes on."""
    job = JOBS[name]
    for limit in (0, 100, 3000, 40_000):
        place = tmp_path / str(limit)
        place.mkdir()
        out = place / f"whole{job.suffix}"
        job.before(base, out)
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}

        read, write = os.pipe()
        pid = started(job.arguments(base, out), write, limit)
        os.close(write)
        with os.fdopen(read) as printed:
            text = printed.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == 0:
            job.figures(out)
        else:
            errors = [line for line in text.splitlines() if line.startswith("error:")]
            assert code == 1, text
            assert len(errors) == 1, text
            assert "unexpected" not in errors[0]
            assert "Traceback" not in text
            kept = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
            if name not in ("tune", "compare"):
                assert kept == before, limit
            assert not list(place.rglob(".*"))
