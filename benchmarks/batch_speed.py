"""How many playlists a second `playlistrec recommend --batch` answers: a file of JSON lines in, one out.

    OMP_NUM_THREADS=2 python benchmarks/batch_speed.py [--run RUN]

Reading the run, and answering the first lines, in which what is kept is made, are not in the figure. Without a run the
model is a LightGCN of 64 dimensions that was not trained, on random playlists: what is asked takes as long.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import click
import msgspec
import numpy as np
import torch
from records import Recorder

import playlistrec as pr
from playlistrec.models.registry import model_class
from playlistrec.serving.batch import Batch
from playlistrec.serving.recommender import RecommendationService, RecommendOptions
from playlistrec.storage import write_file

PLAYLISTS, SEEDS = 20_000, 27
"""Random playlists, and the mean number of tracks in these and in the queries."""


def lists(n: int, uris: list[str], rng: np.random.Generator) -> list[list[str]]:
    """Playlists of distinct random tracks."""
    sizes = rng.poisson(SEEDS - 1, n) + 1
    return [[uris[row] for row in dict.fromkeys(rng.integers(0, len(uris), size).tolist())] for size in sizes]


def untrained(name: str, n_tracks: int, rng: np.random.Generator) -> RecommendationService:
    """A model that has learned nothing, on random playlists in which every track stands."""
    uris = [f"spotify:track:{row:022d}" for row in range(n_tracks)]
    shuffled = [uris[row] for row in rng.permutation(n_tracks).tolist()]
    every = [shuffled[low : low + SEEDS] for low in range(0, n_tracks, SEEDS)]
    corpus = pr.Corpus.from_lists([*every, *lists(PLAYLISTS, uris, rng)])
    kind = model_class(name)
    return RecommendationService(kind.from_corpus(corpus, kind.config_class()), corpus)


@click.command(context_settings={"show_default": True})
@click.option("--run", type=click.Path(exists=True, path_type=Path), help="Run folder; none: an untrained model.")
@click.option("--model", default="lightgcn", help="Which, where there is no run.")
@click.option("--tracks", "n_tracks", default=40_000, help="How many, where there is no run.")
@click.option("-k", default=100, help="How many are recommended.")
@click.option("--lines", default=5_000, help="EvaluationSet.")
@click.option("--repeats", default=5)
@click.option("--seed", default=0)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    run: Path | None, model: str, n_tracks: int, k: int, lines: int, repeats: int, seed: int, record: str | None
) -> None:
    """Tell the best and the median of some repeats."""
    rng = np.random.default_rng(seed)
    service = pr.Run.load(run).service("cpu") if run is not None else untrained(model, n_tracks, rng)
    uris = service.history.track_table["uri"].to_pylist()
    asked = [msgspec.json.encode({"id": i, "tracks": seeds}) for i, seeds in enumerate(lists(lines, uris, rng))]
    rates, used = [], []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "queries.jsonl", Path(folder) / "out.jsonl"
        source.write_bytes(b"\n".join(asked) + b"\n")
        batch = Batch(service, RecommendOptions(k=k))
        list(batch.results(asked[:500]))
        for _ in range(repeats):
            start, before = time.perf_counter(), time.process_time()
            with source.open("rb") as file:
                write_file(out, batch.results(file))
            rates.append(lines / (time.perf_counter() - start))
            used.append((time.process_time() - before) / lines)
        assert len(out.read_bytes().splitlines()) == lines
    click.echo(
        f"{service.model.name}, {len(uris):,} tracks, k = {k}, {lines:,} lines, seed {seed}, "
        f"{torch.get_num_threads()} threads of {os.cpu_count()} cores: "
        f"best {max(rates):,.0f} playlists/s, median {statistics.median(rates):,.0f}; "
        f"{min(used) * 1000:.2f} ms of processor time a playlist at best"
    )
    split = "none: the model is not trained" if run is None else "none: all of the data"
    shared = {"data": f"{len(uris):,} tracks", "split": split, "part": "none", "seed": seed, "options": {"k": k}}
    recorder = Recorder(record, **shared, chosen="nothing is chosen", note=f"{lines:,} lines, {repeats} repeats")
    rate = {"playlists a second, best": max(rates), "playlists a second, median": statistics.median(rates)}
    used_ms = {"ms of processor time a playlist": round(min(used) * 1000, 3)}
    rounded = {name: round(value) for name, value in rate.items()}
    recorder.add(row="recommend --batch", model=service.model.name, metrics={**rounded, **used_ms})
    recorder.save()


if __name__ == "__main__":
    main()
