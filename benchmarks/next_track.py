"""Predicting the next track of playlists whose order is known; prints a Markdown table.

    python benchmarks/next_track.py DATA -m popularity -m markov -m itemknn -m "itemknn alpha=0.4" -m gru4rec --test

DATA is a folder made by `playlistrec preprocess`; a test part that came with it is left out altogether. Of each
playlist with an order (all, unless the table of playlists has a column `ordered`) the last track is hidden for the test
and the one before it for validation; the others are learned whole. All tracks but the seeds are ranked. A model may be
followed by options, which go over those of its preset. Validation chooses the epoch; with --test each model is then
fitted once more on training and validation part for as many epochs, and ranks the test part once.

`markov` is a first-order Markov chain: the tracks that most often followed the last one in playlists with an order, the
more popular first among equals.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pyarrow.compute as pc
import torch
from records import Recorder
from scipy import sparse
from torch import Tensor

import playlistrec as pr
from playlistrec.config import Config
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import TRAIN, Part, Split
from playlistrec.corpus.splitting import split_leave_one_out
from playlistrec.models.base import Query, Recommender
from playlistrec.rank.protocols import evaluate

SHOWN = ("recall@20", "mrr@20", "ndcg@20")


class Markov(Recommender):
    """``score(p, t) = |{times t followed the last seed}| + ε popularity(t)``."""

    name = "markov"
    state = from_state = None  # type: ignore[assignment]

    def __init__(self, follows: sparse.csr_array, popularity: Tensor) -> None:
        self.follows, self.popularity = follows, popularity
        self.n_tracks = len(popularity)

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: Config, *, seed: int = 0) -> Markov:
        same = np.diff(corpus.entry_playlist) == 0
        chosen = np.flatnonzero(same & ordered(corpus)[corpus.entry_playlist[:-1]])
        pairs = corpus.tracks[chosen], corpus.tracks[chosen + 1]
        shape = corpus.n_tracks, corpus.n_tracks
        popularity = np.bincount(corpus.pairs[1], minlength=corpus.n_tracks)
        follows = sparse.csr_array((np.ones(len(chosen), dtype=np.float32), pairs), shape=shape)
        return cls(follows, torch.from_numpy(popularity / (1 + popularity.max())).float())

    def score(self, query: Query) -> Tensor:
        scores = self.popularity.repeat(len(query), 1)
        asked = np.flatnonzero(np.diff(query.offsets))
        scores[asked] += torch.from_numpy(self.follows[query.tracks[query.offsets[asked + 1] - 1]].toarray())
        return scores


@dataclass
class Line:
    """A line of the table: the metrics of each part."""

    name: str
    found: dict[Part, dict[str, float]]
    epoch: int | None
    seconds: float


def ordered(corpus: Corpus) -> np.ndarray:
    """(n_playlists,) whether the order of the tracks means anything."""
    if "ordered" not in corpus.playlists.column_names:
        return np.ones(corpus.n_playlists, dtype=bool)
    return np.asarray(pc.fill_null(corpus.playlists["ordered"], True), dtype=bool)


def asked(folder: str, only_ordered: bool) -> pr.Data:
    """The data with the last tracks of its ordered playlists hidden."""
    whole = pr.Data.load(folder)
    corpus = whole.split.training(whole.corpus, refit=True) if whole.split.kind == "given" else whole.corpus
    if only_ordered:
        corpus = corpus.where(ordered(corpus)[corpus.entry_playlist])
    part = split_leave_one_out(corpus).part
    return pr.Data.of(corpus, Split("leave-one-out", np.where(ordered(corpus)[corpus.entry_playlist], part, TRAIN)))


def judged(data: pr.Data, model: str, seed: int, parts: list[Part]) -> Line:
    """Fit one model and rank."""
    name, *given = model.split()
    start = time.perf_counter()
    found: dict[Part, dict[str, float]] = {}
    if name == Markov.name:
        for part in parts:
            chain = Markov.from_corpus(data.split.ranking(data.corpus, part), Config())
            evaluation_set = data.split.evaluation_set(data.corpus, part)
            found[part] = evaluate(chain, evaluation_set, ks=(20,), metrics=("recall", "mrr", "ndcg")).metrics
        return Line(model, found, None, time.perf_counter() - start)
    options = dict(item.split("=", 1) for item in given)
    run = pr.fit(data, name, options=options, seed=seed, device="cpu", refit="test" in parts)
    seconds = time.perf_counter() - start
    found = {part: run.evaluate(part, [20], device="cpu").metrics for part in parts}
    return Line(model, found, run.info["best_epoch"], seconds)


@click.command(help=__doc__)
@click.argument("folder")
@click.option("-m", "--model", "models", multiple=True, required=True)
@click.option("--only-ordered", is_flag=True, help="Learn from the playlists with an order alone.")
@click.option("--test", is_flag=True, help="Rank the test part too.")
@click.option("--seed", default=0)
@click.option("--threads", default=1)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(
    folder: str, models: tuple[str, ...], only_ordered: bool, test: bool, seed: int, threads: int, record: str | None
) -> None:
    torch.set_num_threads(threads)
    data = asked(folder, only_ordered)
    parts: list[Part] = ["valid", "test"] if test else ["valid"]
    counts = data.split.counts()
    print(f"{counts['train']:,} training entries, {counts['valid']:,} queries; seed {seed}, {threads} threads\n")
    heads = [f"{name} ({part})" for part in parts for name in SHOWN]
    print("| model | " + " | ".join(heads) + " | epoch | seconds |")
    print("|---|" + "---|" * (len(heads) + 2))
    shared = {"data": Path(folder).name, "split": "the last track, and the one before it", "seed": seed}
    recorder = Recorder(record, **shared, chosen="presets; the epoch by the validation part")
    for model in models:
        line = judged(data, model, seed, parts)
        figures = [f"{line.found[part][name]:.4f}".lstrip("0") for part in parts for name in SHOWN]
        print(f"| {line.name} | {' | '.join(figures)} | {line.epoch or ''} | {line.seconds:.0f} |", flush=True)
        name, *given = model.split()
        for part, metrics in line.found.items():
            recorder.add(
                **{"row": model, "model": name, "options": dict(item.split("=", 1) for item in given), "part": part},
                **{"column": part, "metrics": metrics, "seconds": {"fit": line.seconds}},
            )
    recorder.save()


if __name__ == "__main__":
    main()
