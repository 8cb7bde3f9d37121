"""Aggregate: vectors, batches, loss, sparse steps, and fits that stop and go on within an epoch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.events import Event
from playlistrec.models.base import Query
from playlistrec.models.graph.aggregate import Aggregate, AggregateConfig
from playlistrec.rank.recommend import recommend
from playlistrec.train.batches.aggregate import SHARE, AggregateBatches
from playlistrec.train.checkpoint import FitState
from playlistrec.train.fit import fit, trainer_of
from playlistrec.train.optimizer import RowAdam
from playlistrec.train.options import TrainOptions


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(5)
    lists = [[f"t{t}" for t in rng.choice(25, size=rng.integers(1, 12))] for _ in range(60)]  # some tracks twice
    return Corpus.from_lists([[], *lists], {f"t{t}": f"a{t % 6}" for t in range(20)})


OPTIONS = TrainOptions(
    **{"loss": "softmax", "negatives": "shared", "n_negatives": 30, "batch_size": 8, "logq_correction": 0.7},
    **{"epochs": 4, "lr": 0.02, "l2": 0.0, "temperature": 0.5, "length_weight_exponent": 0.5, "eval_every": 1},
)


def made(corpus: Corpus, **options: Any) -> Aggregate:
    return Aggregate.from_corpus(corpus, AggregateConfig(dim=4, popularity_prior=0.3, **options), seed=3)


def test_a_playlist_is_the_weighted_sum_of_its_distinct_seeds(corpus: Corpus) -> None:
    model = made(corpus, seed_weight_exponent=0.7)
    with torch.no_grad():
        model.tables["artist"].normal_()
    seeds = [3, 7, 7, 24]
    artist = [a if a >= 0 else corpus.n_artists for a in corpus.track_artist]
    want = sum(
        float(corpus.popularity[t]) ** -0.7 * (model.tables["seed"][t] + model.tables["artist"][artist[t]])
        for t in {3, 7, 24}
    ) / np.sqrt(3)
    torch.testing.assert_close(model.fold_in(Query.of([seeds]))[0], want.detach())
    playlists, tracks = model.vectors()
    assert playlists.shape == (corpus.n_playlists, 4)
    row = int(np.argmax(corpus.lengths))
    known = Query.of([corpus.playlist(row).tolist()], [row])
    torch.testing.assert_close(playlists[row], model.fold_in(known)[0])
    torch.testing.assert_close(model.score(known)[0], tracks @ playlists[row] + model.prior)


@pytest.mark.parametrize("conv", ["lightgcn", "gat", "sage"])
@pytest.mark.parametrize("artists", [True, False])
def test_every_layer_learns_and_is_restored(conv: str, artists: bool) -> None:
    rng = np.random.default_rng(0)  # three tastes
    lists = [[f"t{3 * t + p % 3}" for t in rng.permutation(12)[:7]] for p in range(60)]
    corpus = Corpus.from_lists(lists, {f"t{t}": f"a{t % 9}" for t in range(36)})
    model = made(corpus, conv=conv, artists=artists, heads=2)
    fit(model, corpus, replace(OPTIONS, epochs=25))
    ranked, _ = recommend(model, Query.of([corpus.playlist(p).tolist() for p in range(60)]), 5)
    number = np.array([int(uri[1:]) for uri in corpus.track_table["uri"].to_pylist()])
    assert (number[ranked] % 3 == np.arange(60)[:, None] % 3).mean() > 0.9  # a third by chance
    again = Aggregate.from_state(corpus, model.config, model.state())
    query = Query.of([[1, 2], [], [5]])
    torch.testing.assert_close(again.score(query), model.score(query), rtol=0, atol=0)


def test_seeds_and_targets_divide_a_playlist_and_every_playlist_comes_once(corpus: Corpus) -> None:
    batches = trainer_of(made(corpus), corpus, OPTIONS).batches
    assert isinstance(batches, AggregateBatches)
    seen, shares = [], []
    for batch in batches.epoch(7, 0):
        for i, playlist in enumerate(batch.playlist_ids.tolist()):
            targets = batch.track_ids[batch.track[batch.playlist == i]].tolist()
            held = set(corpus.playlist(playlist).tolist())
            assert set(targets) <= held
            assert len(targets) == len(set(targets)) >= 1
            assert len(targets) < len(held) or len(held) == 1
            seen.append(playlist)
            shares.append(1 - len(targets) / len(held))
    assert sorted(seen) == np.flatnonzero(corpus.lengths >= 2).tolist()
    assert np.std(shares) > 0.1
    assert SHARE[0] < np.mean(shares) < SHARE[1]


def test_the_loss_is_softmax_over_the_shared_tracks_that_a_playlist_does_not_hold(corpus: Corpus) -> None:
    made_ = trainer_of(made(corpus), corpus, OPTIONS)
    batch = next(iter(made_.batches.epoch(7, 0)))
    prior = made_.model.prior_of(None)
    scores = (batch.vectors[0] @ batch.vectors[1].T + prior[batch.track_ids]).detach() / 0.5
    popularity = corpus.popularity**0.75 / (corpus.popularity**0.75).sum()
    total = weight = 0.0
    for row, column in zip(batch.playlist.tolist(), batch.track.tolist()):
        held = set(corpus.playlist(int(batch.playlist_ids[row])).tolist())
        others = [
            scores[row, c].item() + np.log(n) - 0.7 * np.log(30 * popularity[batch.track_ids[c]])
            for c, n in zip(batch.candidates.tolist(), batch.counts.tolist())
            if int(batch.track_ids[c]) not in held
        ]
        own, w = scores[row, column].item(), len(held) ** -0.5
        total, weight = total + w * (np.logaddexp.reduce([own, *others]) - own), weight + w
    assert made_.objective(batch)[0].item() == pytest.approx(total / weight, rel=1e-4)


def test_a_step_touches_the_rows_of_its_batch_alone(corpus: Corpus) -> None:
    trainer = trainer_of(made(corpus), corpus, OPTIONS)
    batch = next(iter(trainer.batches.epoch(7, 0)))
    before = {name: table.detach().clone() for name, table in trainer.model.tables.items()}
    trainer.step(batch)
    moved = (trainer.model.tables["track"] != before["track"]).any(1)
    assert set(torch.nonzero(moved).flatten().tolist()) <= set(batch.track_ids.tolist())
    held = {t for p in batch.playlist_ids.tolist() for t in corpus.playlist(p).tolist()}
    moved = (trainer.model.tables["seed"] != before["seed"]).any(1)
    assert 0 < int(moved.sum()) < corpus.n_tracks
    assert set(torch.nonzero(moved).flatten().tolist()) <= held


def test_row_adam_is_adam_where_every_row_moves() -> None:
    torch.manual_seed(0)
    start, ids = torch.randn(6, 3), torch.arange(6)
    tables = [torch.nn.Parameter(start.clone()) for _ in range(3)]
    optimizers: list[torch.optim.Optimizer] = [
        *(RowAdam([table], lr=0.1) for table in tables[:2]),
        torch.optim.Adam([tables[2]], lr=0.1),
    ]
    for step in range(5):
        for i, (table, optimizer) in enumerate(zip(tables, optimizers)):
            optimizer.zero_grad()
            rows = torch.nn.functional.embedding(ids.repeat(2), table, sparse=i == 0)
            (rows * torch.arange(3.0) * (step + 1)).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(tables[0], tables[2])
    torch.testing.assert_close(tables[1], tables[2])


def test_a_row_that_is_seen_late_moves_as_far_as_one_seen_first() -> None:
    table = torch.nn.Parameter(torch.zeros(2, 1))
    optimizer = RowAdam([table], lr=0.1)
    for row in [0] * 50 + [1]:
        optimizer.zero_grad()
        torch.nn.functional.embedding(torch.tensor([row]), table, sparse=True).sum().backward()
        optimizer.step()
    assert table[1].item() == pytest.approx(-0.1, rel=1e-4)


def spread(model: Any) -> dict[str, float]:
    return {"ndcg@20": float(sum(np.abs(array).sum() for array in model.state().values()))}


class Killed(Exception):
    """Stands for a kill in the middle of an epoch."""


@pytest.mark.parametrize("step", [2, 5])
def test_killed_within_an_epoch_and_resumed_it_is_one_that_never_stopped(
    step: int, corpus: Corpus, tmp_path: Path
) -> None:
    for name in ("straight", "broken"):
        (tmp_path / name).mkdir()
    straight = fit(made(corpus), corpus, OPTIONS, validate=spread, folder=tmp_path / "straight")

    def kill(event: Event) -> None:
        if event.kind == "progress" and event.data["epoch"] == 2 and event.data["done"] == step + 1:
            raise Killed

    folder = tmp_path / "broken"
    with pytest.raises(Killed):
        fit(made(corpus), corpus, OPTIONS, validate=spread, folder=folder, checkpoint_every=1e-9, on_event=kill)
    model = made(corpus)
    resumed = fit(model, corpus, OPTIONS, validate=spread, folder=folder, resume=True)
    assert resumed.history == straight.history
    for name in ("weights.npz", "history.jsonl"):
        assert (folder / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


@pytest.mark.parametrize("checkpoint_every", [None, 1e-9])
def test_time_that_is_up_within_an_epoch_keeps_the_model_and_resumes(
    checkpoint_every: float | None, corpus: Corpus, tmp_path: Path
) -> None:
    straight = fit(made(corpus), corpus, OPTIONS, validate=spread)
    state: FitState = fit(
        made(corpus),
        corpus,
        OPTIONS,
        validate=spread,
        folder=tmp_path,
        time_limit=1e-9,
        checkpoint_every=checkpoint_every,
    )
    assert (state.epoch, state.stopped, state.best_epoch) == (0, "time", 1)
    assert "ndcg@20" in json.loads((tmp_path / "history.jsonl").read_text())
    assert (tmp_path / "weights.npz").exists()
    resumed = fit(made(corpus), corpus, OPTIONS, validate=spread, folder=tmp_path, resume=True)
    assert resumed.history == straight.history


def test_a_later_epoch_that_is_cut_off_and_better_does_not_lose_the_best_before(corpus: Corpus, tmp_path: Path) -> None:
    values = iter([3.0, 5.0, 2.0, 1.0, 0.5])
    options = replace(OPTIONS, epochs=3)
    first = fit(made(corpus), corpus, options, validate=lambda _: {"ndcg@20": 3.0}, folder=tmp_path, last_epoch=1)
    kept = {name: array.copy() for name, array in first_weights(tmp_path).items()}
    fit(
        made(corpus),
        corpus,
        options,
        validate=lambda _: {"ndcg@20": next(values) + 1},
        folder=tmp_path,
        resume=True,
        time_limit=1e-9,
    )
    model = made(corpus)
    state = fit(model, corpus, options, validate=lambda _: {"ndcg@20": 0.1}, folder=tmp_path, resume=True)
    assert first.best_epoch == state.best_epoch == 1
    for name, array in kept.items():
        np.testing.assert_array_equal(model.state()[name], array)


def first_weights(folder: Path) -> dict[str, np.ndarray]:
    from playlistrec.storage import read_arrays

    return read_arrays(folder / "weights.npz")[0]


def test_other_objectives_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match=r"aggregate needs loss=softmax and negatives=shared \(got BPR\)"):
        trainer_of(made(corpus), corpus, TrainOptions())


def test_from_the_command_line_to_recommendations(tmp_path: Path) -> None:
    data = pr.preprocess(pr.synthesize(tmp_path / "slices", playlists=400, seed=0), tmp_path / "data", k_core=3)
    run = pr.fit(data, "aggregate", tmp_path / "run", epochs=6)
    popular = pr.fit(data, "popularity", tmp_path / "popularity")
    found, base = (r.evaluate("test").metrics["ndcg@20"] for r in (run, popular))
    assert found > 2 * base
    tracks, _ = pr.Run.load(tmp_path / "run").recommend(tracks=[3, 5], k=5)
    assert len(tracks) == 5
