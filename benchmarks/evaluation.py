"""How long full ranking takes: every track scored for every playlist, seeds masked, the first 20 judged.

    python benchmarks/evaluation.py --data DATA --run RUN

ranks the test part of a data folder with the model of a run folder; it tells the seconds alone, not how good the model
is. Each repeat begins with the model just made, so that propagating its vectors is part of the figure, while reading
and building it are not. Without a run the vectors are random; without data too, queries are drawn of Gowalla's size.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from records import Recorder
from torch import Tensor

import playlistrec as pr
from playlistrec.corpus.split import EvaluationSet
from playlistrec.experiment.runs import pick_device
from playlistrec.graph.products import products
from playlistrec.models.base import Query, Recommender
from playlistrec.rank.protocols import METRICS, evaluate

GOWALLA = 29_858, 40_981
SEEDS, TRUTH = 27, 7
"""Mean seeds and hidden tracks of a playlist of Gowalla."""


class Dot(Recommender):
    """Inner products of random vectors; evaluation sees no more of a model than this."""

    name = "random vectors"
    from_corpus = from_state = state = None  # type: ignore[assignment]

    def __init__(self, n_playlists: int, n_tracks: int, dim: int, seed: int, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.n_tracks = n_tracks
        drawn = (torch.randn(n, dim, generator=generator) for n in (n_playlists, n_tracks))
        self.playlists, self.tracks = (vectors.to(device) for vectors in drawn)

    def score(self, query: Query) -> Tensor:
        rows = torch.from_numpy(query.playlists).to(self.playlists.device)
        return products(self.playlists[rows], self.tracks)


def random_questions(n_playlists: int, n_tracks: int, seed: int) -> EvaluationSet:
    """Random queries; seeds and truth differ in parity."""
    rng = np.random.default_rng(seed)

    def ragged(mean: int, parity: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.concatenate([np.arange(n_playlists), rng.integers(0, n_playlists, n_playlists * (mean - 1))])
        keys = np.unique(rows * n_tracks + 2 * rng.integers(0, n_tracks // 2, len(rows)) + parity)
        offsets = np.searchsorted(keys, np.arange(n_playlists + 1) * n_tracks)
        return offsets, (keys % n_tracks).astype(np.int32)

    return EvaluationSet(np.arange(n_playlists), True, *ragged(SEEDS, 0), *ragged(TRUTH, 1), 0)


def prepared(
    data: Path | None, run: Path | None, dim: int, seed: int, device: torch.device
) -> tuple[EvaluationSet, Callable[[], Recommender]]:
    """What is asked, and what makes the model that answers."""
    if run is not None:
        loaded = pr.Run.load(run, data=data)
        evaluation_set = loaded.data.split.evaluation_set(loaded.data.corpus, "test")
        return evaluation_set, lambda: loaded.recommender("test", device=device.type)
    if data is not None:
        known = pr.Data.load(data)
        evaluation_set = known.split.evaluation_set(known.corpus, "test")
        return evaluation_set, lambda: Dot(known.corpus.n_playlists, known.corpus.n_tracks, dim, seed, device)
    return random_questions(*GOWALLA, seed), lambda: Dot(*GOWALLA, dim, seed, device)


@click.command(context_settings={"show_default": True})
@click.option("--data", type=click.Path(exists=True, path_type=Path), help="Data folder.")
@click.option("--run", type=click.Path(exists=True, path_type=Path), help="Run folder.")
@click.option("--dim", default=64, help="Of random vectors.")
@click.option("--seed", default=0, help="Of random vectors and queries.")
@click.option("--repeats", default=5)
@click.option("--device", "chosen", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    data: Path | None, run: Path | None, dim: int, seed: int, repeats: int, chosen: str, record: str | None
) -> None:
    """Time full ranking at k = 20 with one and with all threads."""
    device = pick_device(chosen)
    evaluation_set, make = prepared(data, run, dim, seed, device)
    model, most = make(), torch.get_num_threads()
    width = f", {dim} dimensions, seed {seed}" if isinstance(model, Dot) else ""
    gpu = f"{torch.cuda.get_device_name()}, " if chosen == "cuda" else ""
    print(
        f"{gpu}{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before, torch {torch.__version__}; "
        f"{len(evaluation_set):,} playlists x {model.n_tracks:,} tracks, {model.name}{width}; {repeats} repeats\n"
    )
    size = f"{len(evaluation_set):,} playlists x {model.n_tracks:,} tracks"
    shared = {"data": data.name if data else size, "split": "given", "part": "none", "seed": seed, "model": model.name}
    recorder = Recorder(record, **shared, options={"dim": dim}, chosen="nothing is chosen")
    print("| metrics | threads | best, s | median, s |\n|---|---|---|---|")
    for threads in sorted({1, most}):
        torch.set_num_threads(threads)
        for label, names in (("recall, ndcg", ("recall", "ndcg")), ("all", METRICS)):
            runs = [evaluate(make(), evaluation_set, ks=(20,), metrics=names).seconds for _ in range(repeats)]
            print(f"| {label} | {threads} | {min(runs):.2f} | {statistics.median(runs):.2f} |")
            seconds = {"rank": round(min(runs), 3), "rank, median": round(statistics.median(runs), 3)}
            recorder.add(row=label, column=f"{threads} threads", seconds=seconds)
    recorder.save()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print(f"\npeak memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
