"""Random against hard negatives, by kind of layer: what validation says of each after the same number of epochs.

    python benchmarks/negatives.py DATA -m lightgcn -m sage -m gat --seeds 2 --set epochs=12

Everything but the negatives is as the option --set says, the same for all. Each line is the mean over the seeds of
the best validation, with the half width of their range; seconds are those of training, validations left out.
"""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

import click
import torch
from records import Recorder

import playlistrec as pr
from playlistrec.experiment.resolving import resolve
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.registry import model_class
from playlistrec.rank.protocols import evaluate
from playlistrec.train.fit import fit

KINDS: dict[str, dict[str, Any]] = {
    "uniform": {"negatives": "uniform"},
    "popularity^.75": {"negatives": "popularity", "popularity_power": 0.75},
    "in-batch": {"negatives": "in-batch"},
    "pool, down to the best 50 %": {"negatives": "pool", "pool_final_share": 0.5},
    "pool, down to the best 5 %": {"negatives": "pool", "pool_final_share": 0.05},
    "pool, down to the best 0.5 %": {"negatives": "pool", "pool_final_share": 0.005},
    "hardest of 8 uniform": {"negatives": "uniform", "hard_negative_candidates": 8},
    "same artist": {"negatives": "artist"},
    "two hops": {"negatives": "two-hop"},
}


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("-m", "models", multiple=True, default=("lightgcn",), show_default=True)
@click.option("--kind", "kinds", multiple=True, default=tuple(KINDS), help="Which negatives; all by default.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Options for all.")
@click.option("--seeds", type=int, default=2, show_default=True)
@click.option("--threads", type=int, default=os.cpu_count(), show_default=True)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    source: Path,
    models: tuple[str, ...],
    kinds: tuple[str, ...],
    sets: tuple[str, ...],
    seeds: int,
    threads: int,
    record: str | None,
) -> None:
    torch.set_num_threads(threads)
    data = pr.Data.load(source)
    corpus = data.split.training(data.corpus)
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    given = dict(text.split("=", 1) for text in sets)
    click.echo(f"{os.cpu_count()} cores, {threads} threads, {seeds} seeds, {data.name}, {given}\n")
    shared = {"data": source.name, "split": data.split.kind, "part": "valid", "seed": list(range(seeds))}
    recorder = Recorder(record, **shared, chosen="the best epoch by the validation part")
    click.echo(
        "| model | negatives | NDCG@20 | Recall@20 | MAP@10 | best epoch | s an epoch |\n|---|---|---|---|---|---|---|"
    )
    for name in models:
        kind = model_class(name)
        for negatives in kinds:
            if negatives == "same artist" and not corpus.n_artists:
                continue
            options, training = resolve(kind, {**given, **KINDS[negatives]})
            assert training is not None, "only trained models take part"
            found: list[dict[str, float]] = []
            for seed in range(seeds):
                ranking = 0.0

                def validate(model: EmbeddingModel) -> dict[str, float]:
                    nonlocal ranking
                    start = time.perf_counter()
                    result = evaluate(model, evaluation_set, ks=(10, 20), metrics=("ndcg", "recall", "map")).metrics
                    ranking += time.perf_counter() - start
                    return result

                model = kind.from_corpus(corpus, options, seed=seed)
                start = time.perf_counter()
                state = fit(model, corpus, training, seed=seed, validate=validate)  # type: ignore[arg-type]
                seconds = (time.perf_counter() - start - ranking) / state.epoch
                best = next(record for record in state.history if record["epoch"] == state.best_epoch)
                found.append({**best, "seconds": seconds})
            cells = [_spread([record[key] for record in found]) for key in ("ndcg@20", "recall@20", "map@10")]
            epoch = statistics.mean(record["epoch"] for record in found)
            seconds = statistics.mean(record["seconds"] for record in found)
            click.echo(f"| {name} | {negatives} | {' | '.join(cells)} | {epoch:g} | {seconds:.1f} |")
            values = {key: [record[key] for record in found] for key in ("ndcg@20", "recall@20", "map@10")}
            recorder.add(
                **{"row": negatives, "column": name, "model": name, "options": {**given, **KINDS[negatives]}},
                metrics={key: statistics.mean(of_key) for key, of_key in values.items()},
                spread={key: (max(of_key) - min(of_key)) / 2 for key, of_key in values.items()} if seeds > 1 else {},
                seconds={"epoch": seconds},
            )
    recorder.save()


def _spread(values: list[float]) -> str:
    return f"{statistics.mean(values):.4f} ± {(max(values) - min(values)) / 2:.4f}"


if __name__ == "__main__":
    main()
