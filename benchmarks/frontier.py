"""The frontier: both Gowalla splits and the Polimi playlists from the presets, with seconds and memory.

    python benchmarks/frontier.py DATA [--only gowalla] [--test] [-m "lightgcn --preset lightgcn-temporal"]

DATA holds the folders gowalla (the NGCF split), gowalla-iid (IR-Benchmark's) and polimi2018. Each fit is a process of
its own, and is kept: what is there already is not fitted again. Without --test the validation part is ranked. With it
the models are fitted again on training and validation part, and the test part is ranked.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from pathlib import Path
from typing import Literal

import click
from records import Recorder

import playlistrec as pr
from playlistrec.cli.compare import fit_request
from playlistrec.experiment.fit_each import fit_each
from playlistrec.experiment.runs import Run

DATA = {
    "gowalla": ("Gowalla, the NGCF split", "ChebyCF .1941 / .1616, LightGCN .1830 / .1554", ("recall@20", "ndcg@20")),
    "gowalla-iid": (
        "Gowalla, at random by users",
        "SL@20 .2128 / .1729, softmax .2068 / .1628",
        ("recall@20", "ndcg@20"),
    ),
    "polimi2018": ("Polimi playlists", "the course's hardest baseline .0930", ("map@10", "recall@20", "ndcg@20")),
}
"""Title, what is published, and the metrics of each data set."""

MODELS = (
    "itemknn --set unit_playlists=true --set alpha=0.7",
    "gfcf",
    "chebycf",
    "mf",
    "lightgcn",
    "lightgcn --set dim=128",
)


def source_of(name: str, given: Path, out: Path) -> Path:
    """The source that ``preprocess`` reads: adjacency lists of the tables of IR-Benchmark, else what is given."""
    if name != "gowalla-iid":
        return given / name
    folder = out / "source"
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        lists: dict[str, list[str]] = defaultdict(list)
        with gzip.open(given / name / f"{part}.tsv.gz", "rt") as file:
            rows = csv.reader(file, delimiter="\t")
            next(rows)
            for user, item in rows:
                lists[user].append(item)
        lines = [" ".join([user, *items]) for user, items in lists.items()]
        (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return folder


def table(name: str, data: Path, models: tuple[str, ...], out: Path, test: bool, seed: int, recorder: Recorder) -> None:
    """Print the table of one data set."""
    title, published, metrics = DATA[name]
    part: Literal["valid", "test"] = "test" if test else "valid"
    requests = [fit_request(f"{text} --refit" if test else text) for text in models]
    runs, failed = fit_each(data, requests, out / "runs", seed=seed)
    click.echo(f"\n{title}, {part}; published: {published}\n")
    click.echo(f"| model | {' | '.join(metrics)} | fit, s | fit, MB | rank, s |")
    click.echo(f"|---|{'---:|' * (len(metrics) + 3)}")
    for label, folder in runs.items():
        run = Run.load(folder)
        found = run.evaluate(part, k=[10, 20])
        figures = " | ".join(f"{found.metrics[metric]:.4f}" for metric in metrics)
        cost = f"{run.info['seconds']:.0f} | {run.info['peak_memory_mb']:,} | {found.seconds:.0f}"
        click.echo(f"| {label} | {figures} | {cost} |")
        info = run.info
        recorder.add(
            row=label,
            **{"model": info["model"], "preset": info.get("preset"), "options": {**info["options"], "refit": test}},
            **{"data": name, "part": part, "seed": seed, "memory_mb": info["peak_memory_mb"]},
            metrics={metric: found.metrics[metric] for metric in ("recall@20", "ndcg@20", "map@10")},
            seconds={"fit": info["seconds"], "rank": found.seconds},
        )
    for label, error in failed.items():
        click.echo(f"| {label} | {error} |")


@click.command()
@click.argument("given", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DATA")
@click.option("--only", type=click.Choice(list(DATA)), multiple=True, help="These data sets alone.")
@click.option("-m", "models", multiple=True, default=MODELS, metavar='"MODEL [OPTIONS]"', help="As of `compare`.")
@click.option("--hide", type=click.Choice(["random", "contiguous"]), default="random", help="How validation is drawn.")
@click.option("--test", is_flag=True, help="Rank the test part, after a refit.")
@click.option("-o", "out", type=click.Path(path_type=Path), default=Path("benchmark-frontier"), show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    given: Path,
    only: tuple[str, ...],
    models: tuple[str, ...],
    hide: Literal["random", "contiguous"],
    test: bool,
    out: Path,
    seed: int,
    record: str | None,
) -> None:
    click.echo(f"{os.cpu_count()} cores, seed {seed}, load {os.getloadavg()[0]:.1f}")
    split = f"given; {'a contiguous fifth' if hide == 'contiguous' else 'a random tenth'} of train validates"
    recorder = Recorder(record, split=split, chosen="the presets; the epoch by the validation part")
    for name in only or DATA:
        if not (given / name).is_dir():
            click.echo(f"\n{name}: not in {given}, left out")
            continue
        folder = out / f"{name}-{hide}"
        data = folder / "data"
        if not data.exists():
            valid = 0.2 if hide == "contiguous" else 0.1
            pr.preprocess(source_of(name, given, folder), data, valid=valid, hide=hide)
        table(name, data, models, folder, test, seed, recorder)
    recorder.save()


if __name__ == "__main__":
    main()
