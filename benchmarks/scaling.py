"""What data costs: bytes and seconds per entry, track and process at several sizes, and the formula held to them.

python benchmarks/scaling.py                                            # 10,000, 30,000 and 100,000 playlists
python benchmarks/scaling.py --size 100000 --size 300000 --size 1000000 # on a quiet machine
python benchmarks/scaling.py --ranks 2                                  # and what a second process exchanges

It ends with 1 where the cost of a step grows faster than the entries to the power of 1.05.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np
from preprocess_speed import measure

STEPS = ("preprocess", "fit", "evaluate")
SMALLEST = 1000
"""Playlists whose cost stands for what every command costs at any size: starting Python, importing, writing."""
MOST = 1.05
"""The exponent of cost that is still linear."""
FIXED = ("batch_size=2048", "n_negatives=8192", "epochs=1", "eval_every=1", "n_validated=500", "init=xavier")
"""Options of the fit that are the same at all sizes, where the preset's may follow the size."""


@dataclass
class Size:
    """One size of data, and what each step cost: processor seconds and peak bytes."""

    playlists: int
    entries: int = 0
    tracks: int = 0
    queries: int = 0
    cost: dict[str, tuple[float, float]] = field(default_factory=dict)

    def run(self, step: str, *arguments: str) -> None:
        _, processor, peak, _ = measure([sys.executable, "-m", "playlistrec", *arguments, "-q"])
        self.cost[step] = processor, peak


def measured(playlists: int, seed: int, dim: int) -> Size:
    """Make so many playlists, and read, fit and evaluate them, one process and one thread."""
    size = Size(playlists)
    folder = Path(tempfile.mkdtemp(prefix="scaling-"))
    try:
        slices, data, run = folder / "slices", folder / "data", folder / "run"
        measure([sys.executable, "-m", "playlistrec", "synth", str(slices), "--playlists", str(playlists), "-q"])
        kept = ["--k-core", "5", "--split", "continuation", "--valid", "0.1", "--test", "0.02", "--seed", str(seed)]
        size.run("preprocess", "preprocess", str(slices), "-o", str(data), "--workers", "1", *kept)
        counts = json.loads((data / "manifest.json").read_text())["counts"]
        size.entries, size.tracks, size.queries = counts["entries"], counts["tracks"], playlists // 10
        sets = [part for option in (f"dim={dim}", *FIXED) for part in ("--set", option)]
        size.run("fit", "fit", str(data), "-m", "aggregate", "-o", str(run), *sets)
        size.run("evaluate", "evaluate", str(run))
    finally:
        shutil.rmtree(folder)
    return size


def work_of(step: str, size: Size) -> float:
    """What the seconds of a step are proportional to."""
    return float(size.queries * size.tracks if step == "evaluate" else size.entries)


def exponent(step: str, base: Size, sizes: list[Size]) -> float | None:
    """The slope of log seconds over log work, both beyond those of ``base``: 1 where the cost is linear.

    None where two sizes do not cost twice as much as ``base``: what is fixed would be measured.
    """
    more = [size for size in sizes if size.cost[step][0] > 2 * base.cost[step][0]]
    if len(more) < 2:
        return None
    seconds = np.log([size.cost[step][0] - base.cost[step][0] for size in more])
    work = np.log([work_of(step, size) - work_of(step, base) for size in more])
    return float(np.polyfit(work, seconds, 1)[0])


def bytes_of(step: str, base: Size, sizes: list[Size]) -> tuple[float, float]:
    """Peak bytes per entry and per track beyond those of ``base``: non-negative least squares of relative errors."""
    from scipy.optimize import nnls

    peaks = np.array([size.cost[step][1] - base.cost[step][1] for size in sizes])
    counts = np.array([[s.entries - base.entries, s.tracks - base.tracks] for s in sizes], dtype=float)
    return tuple(nnls(counts / peaks[:, None], np.ones(len(peaks)))[0])


def report(base: Size, sizes: list[Size]) -> bool:
    """Print the constants and hold the formula to each size. True if every step is linear."""
    linear = True
    for step in STEPS:
        fixed_seconds, fixed_bytes = base.cost[step]
        done = work_of(step, base)
        per_work = float(np.mean([(s.cost[step][0] - fixed_seconds) / (work_of(step, s) - done) for s in sizes]))
        per_entry, per_track = bytes_of(step, base, sizes)
        found = exponent(step, base, sizes)
        linear &= found is None or found <= MOST
        slope = "not measurable at these sizes" if found is None else f"{found:.3f}"
        unit = "query and track" if step == "evaluate" else "entry"
        print(
            f"\n{step}: {fixed_seconds:.1f} s + {per_work * 1e6:.4f} µs per {unit}, exponent {slope}; "
            f"{fixed_bytes / 1e6:,.0f} MB + {per_entry:.0f} bytes per entry + {per_track:.0f} per track"
        )
        for size in sizes:
            seconds, peak = size.cost[step]
            said = fixed_seconds + per_work * (work_of(step, size) - done)
            held = fixed_bytes + per_entry * (size.entries - base.entries) + per_track * (size.tracks - base.tracks)
            print(
                f"  {size.playlists:>9,} playlists: {seconds:.1f} s, formula {said:.1f} ({said / seconds - 1:+.0%}); "
                f"{peak / 1e6:,.0f} MB, formula {held / 1e6:,.0f} ({held / peak - 1:+.0%})"
            )
    return linear


def loopback() -> int:
    """Bytes that have been sent over the loopback device."""
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[8])


def exchanged(playlists: int, ranks: int, dim: int) -> None:
    """Print what a fit of several processes on this machine sends, per entry, and holds, per process."""
    with tempfile.TemporaryDirectory(prefix="scaling-") as scratch:
        folder = Path(scratch)
        start = [sys.executable, "-m"]
        measure([*start, "playlistrec", "synth", str(folder / "slices"), "--playlists", str(playlists), "-q"])
        kept = ["--k-core", "5", "--split", "continuation", "--valid", "0.02", "--test", "0.02"]
        measure([*start, "playlistrec", "preprocess", str(folder / "slices"), "-o", str(folder / "data"), *kept, "-q"])
        counts = json.loads((folder / "data" / "manifest.json").read_text())["counts"]
        torchrun = [*start, "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), "-m"]
        sets = [part for option in (f"dim={dim}", *FIXED) for part in ("--set", option)]
        arguments = ["fit", str(folder / "data"), "-m", "aggregate", "-o", str(folder / "run")]
        before = loopback()
        seconds, _, peak, _ = measure([*torchrun, "playlistrec", *arguments, *sets])
        sent = (loopback() - before) / counts["entries"]
    print(
        f"\n{ranks} processes, {playlists:,} playlists: {seconds:.1f} s, {peak / ranks / 1e6:,.0f} MB a process, "
        f"{sent:,.0f} bytes sent per entry by all"
    )


@click.command()
@click.option("--size", "sizes", type=int, multiple=True, default=(10_000, 30_000, 100_000), show_default=True)
@click.option("--dim", default=64, show_default=True)
@click.option("--ranks", type=int, help="Then fit the smallest size with so many processes, and count what they send.")
@click.option("--seed", default=0, show_default=True)
def main(sizes: tuple[int, ...], dim: int, ranks: int | None, seed: int) -> None:
    if len(sizes) < 2 or min(sizes) < 5 * SMALLEST:
        raise click.UsageError(f"the sizes are two or more numbers of at least {5 * SMALLEST:,} playlists")
    os.environ["OMP_NUM_THREADS"] = "1"
    base = measured(SMALLEST, seed, dim)
    found = []
    for n in sorted(sizes):
        found.append(measured(n, seed, dim))
        print(f"{n:,} playlists: {found[-1].entries:,} entries, {found[-1].tracks:,} tracks", flush=True)
    linear = report(base, found)
    if ranks:
        exchanged(min(sizes), ranks, dim)
    sys.exit(not linear)


if __name__ == "__main__":
    main()
