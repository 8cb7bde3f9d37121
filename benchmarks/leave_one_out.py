"""Leave one out on validation with less noise than one film a user, one draw of negatives; prints a Markdown table.

    python benchmarks/leave_one_out.py DATA -m fm -m "fm preset=fm-softmax" -m "userknn neighbours=20" --positions 2

DATA is a folder of `playlistrec preprocess … --split leave-one-out`; its test part is dropped before anything else. The
last known track of each playlist is hidden, then in a second fit the one before it, with what came later unknown, and
so on: the positions. Each stands among all tracks that the playlist holds neither in train nor in validation part, and
HR@10 and NDCG@10 are their expectations over all draws of 99 of those, ties counted half. A model may be followed by
options, which go over those of its preset (`preset=NAME` for another). All epochs are run, and the table has the one
with the best mean NDCG@10 over positions and seeds, and the last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import torch
from records import Recorder
from scipy.stats import hypergeom

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.experiment.resolving import preset_of, resolve
from playlistrec.models.base import Query, Recommender
from playlistrec.models.embedding.trained import TrainedModel
from playlistrec.models.registry import model_class
from playlistrec.train.fit import fit

K, DRAWN = 10, 99


class Position:
    """The query for the ``back``-th track from the end of each playlist of ``known``, 1 being the last.

    Attributes:
        corpus: what stands before it, to learn from.
    """

    def __init__(self, known: Corpus, back: int) -> None:
        end = np.arange(known.n_entries) - known.offsets[1:][known.entry_playlist]
        self.corpus = known.where(end < -back)
        hidden = known.where(end == -back)
        self.playlists, self.truth = hidden.entry_playlist.astype(np.int64), hidden.tracks.astype(np.int64)
        self.held = np.zeros((known.n_playlists, known.n_tracks), dtype=bool)
        self.held[known.pairs] = True
        self.query = Query.of([self.corpus.playlist(p).tolist() for p in self.playlists], self.playlists.tolist())

    def __call__(self, model: Recommender) -> dict[str, float]:
        """The expected metrics."""
        scores = model.score(self.query).double().numpy().copy()
        own = scores[np.arange(len(scores)), self.truth][:, None].copy()
        free = ~self.held[self.playlists]
        above = ((scores > own) & free).sum(1) + ((scores == own) & free).sum(1) // 2
        place = np.arange(K)
        chance = hypergeom.pmf(place, free.sum(1)[:, None], above[:, None], np.minimum(DRAWN, free.sum(1))[:, None])
        return {
            f"hit@{K}": float(chance.sum(1).mean()),
            f"ndcg@{K}": float((chance / np.log2(place + 2)).sum(1).mean()),
        }


def ordered(data: pr.Data) -> Corpus:
    """Train and validation part, the track that validates last in its playlist."""
    if data.split.kind != "leave-one-out":
        raise click.UsageError(f"the data must be split leave-one-out (got {data.split.kind})")
    known = data.split.training(data.corpus, refit=True)
    hidden = data.split.mask(1)[data.split.mask(0, 1)]
    ends = known.offsets[1:][known.entry_playlist[hidden]] - 1
    if not np.array_equal(np.flatnonzero(hidden), ends):
        raise click.UsageError("the validation part must be the last track of each playlist")
    return known


def curve(position: Position, data: pr.Data, text: str, seed: int) -> dict[int, tuple[float, float]]:
    """HR and NDCG by epoch; of a model without epochs as epoch 0."""
    name, *given = text.split()
    options = dict(item.split("=", 1) for item in given)
    preset = preset_of(options.pop("preset", None), name, data)
    asked = {**(preset.options if preset else {}), **options}
    kind = model_class(name)
    if kind.trainable:
        asked |= {"criterion": f"ndcg@{K}", "patience": 10**6}
    config, training = resolve(kind, asked)
    model = kind.from_corpus(position.corpus, config, seed=seed)
    if training is None:
        records = [{"epoch": 0, **position(model)}]
    else:
        assert isinstance(model, TrainedModel)
        records = fit(model, position.corpus, training, seed=seed, validate=position).history
    return {int(r["epoch"]): (r[f"hit@{K}"], r[f"ndcg@{K}"]) for r in records if f"hit@{K}" in r}


def lines(data: pr.Data, models: tuple[str, ...], positions: int, seeds: int, recorder: Recorder) -> Iterator[str]:
    known = ordered(data)
    asked = [Position(known, back) for back in range(1, positions + 1)]
    for model in models:
        start = time.perf_counter()
        curves = [curve(position, data, model, seed) for position in asked for seed in range(seeds)]
        mean = {epoch: np.mean([one[epoch] for one in curves], axis=0) for epoch in curves[0]}
        best, last = max(mean, key=lambda epoch: mean[epoch][1]), max(mean)
        reported = [" / ".join(f"{value:.4f}".lstrip("0") for value in mean[epoch]) for epoch in (best, last)]
        name, *given = model.split()
        recorder.add(
            **{"row": model, "model": name, "options": dict(item.split("=", 1) for item in given)},
            metrics={f"hit@{K}": float(mean[best][0]), f"ndcg@{K}": float(mean[best][1]), "best_epoch": best},
            seconds={"all fits": time.perf_counter() - start},
        )
        yield f"| {model} | {reported[0]} | {best} | {reported[1]} | {last} | {time.perf_counter() - start:.0f} |"


@click.command(help=__doc__)
@click.argument("folder")
@click.option("-m", "--model", "models", multiple=True, required=True)
@click.option("--positions", default=2)
@click.option("--seeds", default=1)
@click.option("--threads", default=1)
@click.option("--record", metavar="TABLE", help="Keep the figures in benchmarks/results/TABLE.json.")
def main(folder: str, models: tuple[str, ...], positions: int, seeds: int, threads: int, record: str | None) -> None:
    torch.set_num_threads(threads)
    print(f"{positions} positions, {seeds} seeds, {threads} threads\n")
    print(f"| model | HR@{K} / NDCG@{K} | epoch | after the last | epoch | seconds |\n|---|---|---|---|---|---|")
    split = f"the last {positions} known positions, each as the expectation over all draws of {DRAWN} negatives"
    shared = {"data": Path(folder).name, "split": split, "part": "valid", "seed": list(range(seeds))}
    recorder = Recorder(record, **shared, chosen="the best epoch by the same figures")
    for line in lines(pr.Data.load(folder), models, positions, seeds, recorder):
        print(line, flush=True)
    recorder.save()


if __name__ == "__main__":
    main()
