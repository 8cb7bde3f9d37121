"""How fast slices are read, and how much memory that takes: MB of JSON a second with one and with two workers.

python benchmarks/preprocess_speed.py --playlists 30000
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from records import Recorder

from playlistrec.corpus.synth.synthesize import synthesize

READ = """
from pathlib import Path
from playlistrec.corpus.sources.read import read
if __name__ == "__main__":
    corpus, _ = read(Path({source!r}), workers={workers})
    print(f"{{corpus.n_playlists:,}} playlists, {{corpus.n_tracks:,}} tracks, {{corpus.n_entries:,}} entries")
"""


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold (Linux)."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") + sum(map(resident, children))


def processor_seconds() -> float:
    """Processor time of all descendants that have ended; on a busy machine it says more than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(command: list[str]) -> tuple[float, float, int, str]:
    """Run a command: seconds, processor seconds, peak memory sampled each 20 ms, and what it printed."""
    started, used, peak = time.perf_counter(), processor_seconds(), 0
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output)
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        output.seek(0)
        printed = output.read().strip()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return seconds, processor_seconds() - used, peak, printed


@click.command()
@click.option("--playlists", default=30_000, show_default=True, help="Playlists to make and read.")
@click.option("--seed", default=0, show_default=True)
@click.option("--source", type=click.Path(exists=True, path_type=Path), help="Read this folder instead.")
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(playlists: int, seed: int, source: Path | None, record: str | None) -> None:
    """Time the reading of slices, and the whole command around it; starting Python is part of each figure."""
    with tempfile.TemporaryDirectory() as scratch:
        if source is None:
            source = synthesize(Path(scratch) / "slices", playlists, seed)
        megabytes = sum(path.stat().st_size for path in source.rglob("*.json")) / 1e6
        print(f"{os.cpu_count()} cores, {megabytes:,.0f} MB of JSON, seed {seed}")
        named = f"{source.name}, {megabytes:,.0f} MB of JSON"
        shared = {"data": named, "split": "edges", "part": "none", "seed": seed, "chosen": "nothing is chosen"}
        recorder = Recorder(record, **shared, model="preprocess")
        script = Path(scratch) / "read.py"
        for workers in (1, 2):
            script.write_text(READ.format(source=str(source), workers=workers))
            report(f"read, {workers} worker{'s' * (workers > 1)}", [sys.executable, str(script)], megabytes, recorder)
        out = Path(scratch) / "data"
        command = [sys.executable, "-m", "playlistrec", "preprocess", str(source), "-o", str(out)]
        report("preprocess", command, megabytes, recorder)
        recorder.save()


def report(what: str, command: list[str], megabytes: float, recorder: Recorder) -> None:
    seconds, used, peak, printed = measure(command)
    print(
        f"{what}: {seconds:.1f} s, {megabytes / seconds:,.0f} MB/s, {used:.1f} s of processor time, "
        f"peak {peak / 1e6:,.0f} MB"
    )
    speed = {"MB a second": round(megabytes / seconds)}
    taken = {"clock": seconds, "processor": used}
    recorder.add(row=what, metrics=speed, seconds=taken, memory_mb=round(peak / 1e6))
    if printed and what.startswith("read"):
        print(f"  {printed}")


if __name__ == "__main__":
    main()
