"""Commands that write, each with the figures that it must come to, and how it goes on after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from playlistrec.cli.main import main

__all__ = ["JOBS", "Job", "called", "prepare", "started"]

PLAYLISTS = 160
Figures = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A command.

    Attributes:
        arguments: of the command line, given the folder with what it reads and the place that it writes.
        figures: what it came to, read from that place: the same for every whole run of it.
        again: what is added to the arguments where the place is taken by an unfinished one.
        before: what is at the place before: nothing, or an older state that ``--force`` replaces.
        suffix: of the place, where it is a file.
    """

    arguments: Callable[[Path, Path], Sequence[object]]
    figures: Callable[[Path], Figures]
    again: tuple[str, ...] = ()
    before: Callable[[Path, Path], None] = lambda base, out: None
    suffix: str = ""


def started(arguments: Sequence[object], log: Path | int, limit: int | None = None) -> int:
    """Begin a command in a process of its own, with what is loaded here loaded; its number, also of its group.

    Args:
        log: a file, or a descriptor, for what it prints.
        limit: bytes that a file may grow to.
    """
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a worker of pytest-xdist has a handler of its own
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        to = log if isinstance(log, int) else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(to, 1)
        os.dup2(to, 2)
        sys.stdin = open(os.devnull)  # noqa: SIM115
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        try:
            main([str(a) for a in arguments])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except KeyboardInterrupt:  # before the command had its handlers
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def called(arguments: Sequence[object], log: Path) -> tuple[int, str, float]:
    """The exit code, the output and the seconds of a command."""
    began = time.monotonic()
    code = os.waitstatus_to_exitcode(os.waitpid(started(arguments, log), 0)[1])
    return code, log.read_text(errors="replace"), time.monotonic() - began


def uninterrupted(job: Job, base: Path, folder: Path, log: Path) -> tuple[object, float]:
    """The figures that a job comes to when nothing disturbs it, and its seconds."""
    whole = folder / f"whole{job.suffix}"
    job.before(base, whole)
    code, text, seconds = called(job.arguments(base, whole), log)
    assert code == 0, text
    return job.figures(whole), seconds


def stopped(
    job: Job, base: Path, place: Path, log: Path, after: float, stop: Callable[[int], None]
) -> tuple[Path, int, int]:
    """Begin a job in a new folder, and call ``stop`` with its number after so many seconds; output, number and code."""
    place.mkdir()
    out = place / f"whole{job.suffix}"
    job.before(base, out)
    pid = started(job.arguments(base, out), log)
    time.sleep(after)
    stop(pid)
    return out, pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def prepare(base: Path) -> None:
    """What the jobs read: slices of two days, data, two runs."""
    from playlistrec.corpus.synth.synthesize import synthesize

    whole = json.loads(next(synthesize(base / "synth", PLAYLISTS, seed=3).glob("*.json")).read_bytes())["playlists"]
    shutil.rmtree(base / "synth")
    for day, n in (("slices", PLAYLISTS - 20), ("slices2", PLAYLISTS)):
        (base / day).mkdir()
        for first in range(0, n, 20):
            piece = whole[first : min(first + 20, n)]
            (base / day / f"mpd.slice.{first}-{first + len(piece) - 1}.json").write_text(
                json.dumps({"playlists": piece})
            )
    for arguments in (
        ("preprocess", base / "slices", "-o", base / "data", "--workers", 1),
        ("preprocess", base / "slices2", "-o", base / "data2", "--workers", 1),
        ("preprocess", base / "slices", "-o", base / "small", "--workers", 1, "--k-core", 5),
        ("fit", base / "data", "-m", "mf", "-o", base / "mf", *MF),
        ("fit", base / "data", "-m", "itemknn", "-o", base / "itemknn"),
    ):
        code, text, _ = called(arguments, base / "log")
        assert code == 0, text


MF = ("--preset", "none", "--epochs", 12, "--set", "dim=8", "--set", "batch_size=256")


def hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def data_figures(out: Path) -> Figures:
    import playlistrec as pr

    return dict(pr.Data.load(out).manifest["files"])


def run_figures(out: Path) -> Figures:
    import playlistrec as pr

    run = pr.Run.load(out)
    arrays = {name: hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest() for name, a in run.arrays.items()}
    metrics = run.evaluate("valid", k=[10]).metrics
    return {"arrays": arrays, "metrics": metrics, "epoch": run.info.get("best_epoch"), "valid": run.info["valid"]}


def listed_figures(out: Path) -> Figures:
    files: Mapping[str, str] = json.loads((out / "manifest.json").read_text())["files"]
    for name, digest in files.items():
        assert hashed(out / name) == digest, name
    return dict(files)


def challenge_figures(out: Path) -> Figures:
    return {name: hashed(out / name) for name in ("challenge_set.json", "truth.json")} | data_figures(out / "data")


def tune_figures(out: Path) -> Figures:
    return {"best": (out / "best.toml").read_text()}


def compare_figures(out: Path) -> Figures:
    return {run.name: run_figures(run) for run in sorted(out.iterdir())}


def older_data(base: Path, out: Path) -> None:
    shutil.copytree(base / "small", out)


def older_report(base: Path, out: Path) -> None:
    out.write_text("an older report")


FIT = lambda base, out: ("fit", base / "data", "-m", "mf", "-o", out, *MF)  # noqa: E731
KNN = ("-m", "itemknn", "-m", "mf --preset none --epochs 6 --set dim=8")
JOBS: dict[str, Job] = {
    "fit": Job(FIT, run_figures, ("--resume",)),
    "fit --force": Job(
        lambda base, out: (*FIT(base, out), "--force"),
        run_figures,
        before=lambda b, o: shutil.copytree(b / "itemknn", o),
    ),
    "preprocess": Job(lambda base, out: ("preprocess", base / "slices", "-o", out, "--workers", 2), data_figures),
    "preprocess --force": Job(
        lambda base, out: ("preprocess", base / "slices", "-o", out, "--workers", 1, "--force"),
        data_figures,
        before=older_data,
    ),
    "challenge make": Job(
        lambda base, out: ("challenge", "make", base / "data", "-o", out, "--per-scenario", 2), challenge_figures
    ),
    "export": Job(
        lambda base, out: ("export", base / "mf", "-o", out, "--to", "npz", "--to", "safetensors"), listed_figures
    ),
    "tune": Job(lambda base, out: ("tune", base / "data", "-m", "itemknn", "-o", out, "--trials", 6), tune_figures),
    "compare": Job(lambda base, out: ("compare", base / "data", *KNN, "-o", out, "--resamples", 200), compare_figures),
    "report": Job(
        lambda base, out: ("report", base / "mf", base / "itemknn", "-o", out),
        lambda out: {"page": hashed(out)},
        before=older_report,
        suffix=".html",
    ),
    "synth": Job(
        lambda base, out: ("synth", out, "--playlists", 1100),
        lambda out: {path.name: hashed(path) for path in sorted(out.iterdir())},
    ),
    "update": Job(lambda base, out: ("update", base / "mf", base / "data2", "-o", out), run_figures),
}
