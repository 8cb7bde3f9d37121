"""Quality of runs on data too large to rank every playlist of the test part: a sample of them, the same for all runs.

playlistrec synth SLICES --playlists 1000000
playlistrec preprocess SLICES -o M --k-core 5 --split continuation
playlistrec fit M -m popularity -o popularity
playlistrec fit M -m itemknn --set neighbours=100 -o itemknn
playlistrec fit M -m aggregate -o aggregate
python benchmarks/million.py M popularity itemknn aggregate
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import click
from records import Recorder

import playlistrec as pr
from playlistrec.rank.protocols import evaluate


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--playlists", type=int, default=5000, show_default=True, help="Of the test part, drawn with seed 0.")
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(data: Path, runs: tuple[Path, ...], playlists: int, record: str | None) -> None:
    loaded = pr.Data.load(data)
    queries = loaded.split.evaluation_set(loaded.corpus, "test").sample(playlists)
    split = f"{loaded.split.kind}; {len(queries):,} playlists of the test part are ranked"
    recorder = Recorder(record, data=data.name, split=split, part="test", seed=0, chosen="the runs' own validation")
    for folder in runs:
        began = time.perf_counter()
        run = pr.Run.load(folder, data=loaded)
        model = run.recommender("test")
        ready = time.perf_counter()
        metrics = evaluate(model, queries, ks=[20], metrics=["recall", "ndcg"]).metrics
        figures = " ".join(f"{name} {metrics[name]:.4f}" for name in ("recall@20", "ndcg@20"))
        seconds = f"loaded in {ready - began:.1f} s, {len(queries):,} ranked in {time.perf_counter() - ready:.1f} s"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        click.echo(f"{folder.name}: {figures}; {seconds}, peak {peak:,} MB")
        recorder.add(
            **{"row": folder.name, "model": run.info["model"], "options": run.info["options"], "metrics": metrics},
            seconds={"fit": run.info["seconds"], "load": ready - began, "rank": time.perf_counter() - ready},
            memory_mb=peak,
        )
    recorder.save()


if __name__ == "__main__":
    main()
