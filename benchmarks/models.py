"""Fit and judge several models on one data set with the commands themselves; print a Markdown table.

    python benchmarks/models.py SOURCE -m popularity -m "lightgcn --time-limit 15m" --split test -k 10 -k 20

Each model is a word and, if wanted, options of `playlistrec fit`. Seconds are those of the commands, start included;
memory is the peak of the fitting process.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import click

COMMAND = [sys.executable, "-m", "playlistrec"]


def run(arguments: list[str], log: Path) -> tuple[str, float, int]:
    """Run a command to its end: stdout, wall seconds, peak memory in MB."""
    start = time.perf_counter()
    with log.open("w") as stderr:
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True)
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"playlistrec {shlex.join(arguments)} failed: {log.read_text()}")
    return text, time.perf_counter() - start, usage.ru_maxrss // 1024


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("-m", "models", multiple=True, required=True, metavar='"MODEL [OPTIONS]"')
@click.option("-o", "out", type=click.Path(path_type=Path), default=Path("benchmark-runs"), show_default=True)
@click.option("--preprocess", "how", default="", help="Options of `playlistrec preprocess`.")
@click.option("--split", type=click.Choice(["valid", "test"]), default="valid", show_default=True)
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(
    source: Path, models: tuple[str, ...], out: Path, how: str, split: str, ks: tuple[int, ...], seed: int
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    data = out / "data"
    if not data.exists():
        text, seconds, memory = run(["preprocess", str(source), "-o", str(data), *shlex.split(how)], out / "log")
        click.echo(f"{text.strip()}\n{seconds:.1f} s, {memory} MB\n")
    click.echo(f"{os.cpu_count()} cores, seed {seed}, {split}\n")
    names = [f"{metric}@{k}" for metric in ("recall", "ndcg", "map") for k in ks]
    click.echo("| model | " + " | ".join(names) + " | best epoch | fit, s | fit, MB | evaluate, s |")
    click.echo("|---|" + "---|" * (len(names) + 4))
    for spec in models:
        model, *options = shlex.split(spec)
        folder = out / "-".join([model, *(option.strip("-").replace("=", "-") for option in options)])
        if not (folder / "MODEL.md").exists():
            fit = ["fit", str(data), "-m", model, "-o", str(folder), "--seed", str(seed), "--force", *options]
            run(fit, out / "log")
        info = json.loads((folder / "run.json").read_text())
        cuts = [argument for k in ks for argument in ("-k", str(k))]
        text, _, _ = run(["evaluate", str(folder), "--split", split, *cuts, "--json"], out / "log")
        told = json.loads(text)
        figures = " | ".join(f"{told['metrics'][name]:.4f}" for name in names)
        click.echo(
            f"| {spec} | {figures} | {info['best_epoch'] or ''} | {info['seconds']:.1f} | {info['peak_memory_mb']} "
            f"| {told['seconds']:.1f} |"
        )


if __name__ == "__main__":
    main()
