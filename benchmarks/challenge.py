"""Models on a challenge set, by scenario and overall; prints Markdown tables.

    python benchmarks/challenge.py SET -m "itemknn" -m "lightgcn --set dim=128 --refit" -o RUNS
    python benchmarks/challenge.py SET RUN RUN …

SET is a folder made by `playlistrec challenge make`. With -m, as `playlistrec compare` takes it, what RUNS does not
hold yet is fitted to SET/data, each model in a process of its own. Every run then continues all playlists of SET, and
is scored without a file between. First comes a table of the means over all playlists, with the seconds of fit and
answer; then one for each metric, with a row for each scenario. The best is bold.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from records import Recorder, add_record

import playlistrec as pr
from playlistrec.challenge.score import Scores, score_run
from playlistrec.cli.compare import fit_request
from playlistrec.events import Event
from playlistrec.experiment.fit_each import fit_each

METRICS = {"r_precision": "R-precision", "ndcg": "NDCG", "clicks": "clicks"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("runs", type=Path, nargs="*", metavar="RUN")
    parser.add_argument("-m", "--model", action="append", default=[], metavar='"MODEL [OPTIONS]"')
    parser.add_argument("-o", "--out", type=Path, metavar="RUNS", help="where the runs of -m go")
    parser.add_argument("--variant", choices=["2018", "2020"], default="2018")
    parser.add_argument("--seed", type=int, default=0, help="of the fits")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    add_record(parser)
    options = parser.parse_args()
    if bool(options.model) == bool(options.runs) or bool(options.model) != bool(options.out):
        parser.error("give either runs, or models (-m) and a folder for their runs (-o)")
    failed: dict[str, Exception] = {}
    runs = {run.resolve().name: run for run in options.runs}
    if options.model:
        data = options.set / "data"
        requests = [fit_request(text) for text in options.model]
        runs, failed = fit_each(data, requests, options.out, seed=options.seed, on_event=tell)
    found: dict[str, Scores] = {}
    seconds: dict[str, tuple[float, float]] = {}
    infos: dict[str, dict[str, Any]] = {}
    for name, folder in runs.items():
        run = pr.Run.load(folder)
        start = time.perf_counter()
        found[name] = score_run(run, options.set, variant=options.variant, device=options.device, on_event=tell)
        seconds[name] = run.info["seconds"], time.perf_counter() - start
        infos[name] = run.info
        del run  # a model may be large
    for name, error in failed.items():
        print(f"{name}: {error}", file=sys.stderr)
    if not found:
        sys.exit(1)
    print_tables(found, seconds, options)
    record(found, seconds, infos, options)
    sys.exit(1 if failed else 0)


def tell(event: Event) -> None:
    if event.kind in ("message", "warning"):
        print(event.text, file=sys.stderr, flush=True)


def print_tables(
    found: dict[str, Scores], seconds: dict[str, tuple[float, float]], options: argparse.Namespace
) -> None:
    one = next(iter(found.values()))
    n = sum(one.n_playlists.values())
    print(f"{options.set}: {n:,} playlists, variant {options.variant}, {os.cpu_count()} cores, seed {options.seed}\n")
    values = {metric: {name: scores.overall[metric] for name, scores in found.items()} for metric in METRICS}
    print_row("model", *METRICS.values(), "fit, s", "answer, s")
    print_row("---", *["---:"] * 5)
    for name in found:
        print_row(
            name, *(cell(metric, values[metric], name) for metric in METRICS), *(f"{s:.1f}" for s in seconds[name])
        )
    for metric, title in METRICS.items():
        print(f"\n{title}\n")
        print_row("scenario", "playlists", *found)
        print_row("---", *["---:"] * (1 + len(found)))
        for scenario, count in one.n_playlists.items():
            row = {name: scores.scenarios[scenario][metric] for name, scores in found.items()}
            print_row(scenario, f"{count:,}", *(cell(metric, row, name) for name in found))
        print_row("all", f"{n:,}", *(cell(metric, values[metric], name) for name in found))


def record(
    found: dict[str, Scores],
    seconds: dict[str, tuple[float, float]],
    infos: dict[str, dict[str, Any]],
    options: argparse.Namespace,
) -> None:
    """Keep the figures of each scenario and of all."""
    n = sum(next(iter(found.values())).n_playlists.values())
    split = f"challenge make, variant {options.variant}: {n:,} playlists"
    shared = {"data": Path(options.set).name, "split": split, "part": "test", "seed": options.seed}
    recorder = Recorder(options.record, **shared, chosen="the presets and options of the models")
    for name, scores in found.items():
        for scenario, metrics in {**scores.scenarios, "all": scores.overall}.items():
            fit, answer = seconds[name]
            recorder.add(
                **{"row": scenario, "column": name, "model": infos[name]["model"], "options": infos[name]["options"]},
                metrics={"ndcg@500" if metric == "ndcg" else metric: metrics[metric] for metric in METRICS},
                seconds={"fit": fit, "answer": answer} if scenario == "all" else {},
            )
    recorder.save()


def cell(metric: str, row: dict[str, float], name: str) -> str:
    """The figure of a model, bold where it is the best of the row."""
    text = f"{row[name]:.3f}" if metric == "clicks" else f"{row[name]:.4f}"
    best = (min if metric == "clicks" else max)(row.values())
    return f"**{text}**" if row[name] == best else text


def print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
