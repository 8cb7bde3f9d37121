"""Session-parallel batches against a slow loop that plays every playlist through alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from interrupting import Interrupted, interrupt_in, spread
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.models.factorization.mf import MF
from playlistrec.models.sequence.gru4rec import GRU4Rec, GRU4RecConfig
from playlistrec.storage import read_arrays
from playlistrec.train.batches.plan import BatchPlan
from playlistrec.train.batches.session_layout import stretches
from playlistrec.train.batches.sessions import SessionBatches, SharedNegatives
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions
from playlistrec.train.registry import objective_of

OPTIONS = TrainOptions(
    epochs=5, batch_size=12, lr=0.02, l2=0.0, loss="softmax", temperature=1.0, negatives="popularity", n_negatives=9
)


def lists(n: int = 17, seed: int = 0) -> list[list[str]]:
    """Playlists of 1 to 12 tracks of which no two are the same, so that a track says where it stands."""
    rng = np.random.default_rng(seed)
    return [[f"{p}.{i}" for i in range(rng.integers(1, 13))] for p in range(n)]


def shared(n: int = 30) -> Corpus:
    rng = np.random.default_rng(1)
    return Corpus.from_lists([[f"t{t}" for t in rng.choice(25, rng.integers(2, 10), replace=False)] for _ in range(n)])


def made(corpus: Corpus, options: TrainOptions, **given: object) -> SessionBatches:
    model = GRU4Rec.from_corpus(corpus, GRU4RecConfig.from_options({"dim": 6, "unroll": 3, **given}), seed=2)
    batches = objective_of(options, model).batches(model, corpus, BatchPlan(batch_size=options.batch_size))
    assert isinstance(batches, SessionBatches)
    return batches


def alone(model: GRU4Rec, tracks: list[int]) -> Tensor:
    """(n, dim) the states after each track of one playlist, by the equations of the GRU."""
    inputs = model.tables["track"][torch.tensor(tracks)]
    for layer in range(model.config.layers):
        w_in, w_state, b_in, b_state = (
            getattr(model.gru, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, states = torch.zeros(model.config.dim), []
        for x in inputs:
            r_in, z_in, n_in = (w_in @ x + b_in).chunk(3)
            r_h, z_h, n_h = (w_state @ h + b_state).chunk(3)
            z = torch.sigmoid(z_in + z_h)
            h = (1 - z) * torch.tanh(n_in + torch.sigmoid(r_in + r_h) * n_h) + z * h
            states.append(h)
        inputs = torch.stack(states)
    return inputs


@pytest.mark.parametrize(("n_rows", "unroll"), [(1, 1), (4, 1), (4, 3), (3, 100), (40, 5)])
def test_rows_play_one_playlist_after_another(n_rows: int, unroll: int) -> None:
    lengths = np.random.default_rng(n_rows).integers(1, 13, 29)
    waiting = list(range(len(lengths)))
    rows: list[tuple[int, int] | None] = [None] * n_rows
    wanted, time = {}, 0
    while True:
        for row in range(n_rows):
            if rows[row] is None and waiting:
                rows[row] = waiting.pop(0), 0
        if not any(rows):
            break
        for row, playing in enumerate(rows):
            if playing is not None:
                playlist, place = playing
                wanted[playlist, place] = (time, row)
                rows[row] = (playlist, place + 1) if place + 1 < lengths[playlist] else None
        time += 1
    plan = stretches(lengths, n_rows, unroll)
    found = {}
    last = (-1, -1, -1)
    for step, row, playlist, first, length in zip(plan.step, plan.row, plan.playlist, plan.first, plan.length):
        begin = wanted[playlist, first][0]
        assert (step, row, begin) > last, "by step, row and time"
        last = (step, row, begin)
        for place in range(first, first + length):
            assert (playlist, place) not in found
            found[playlist, place] = (int(begin + place - first), int(row))
            assert found[playlist, place][0] // unroll == step
    assert found == wanted


@pytest.mark.parametrize(
    "options", [{}, {"layers": 2, "unroll": 1}, {"unroll": 50}, {"unroll": 5, "constrained": False}]
)
def test_states_are_those_of_each_playlist_alone(options: dict[str, object]) -> None:
    corpus = Corpus.from_lists(lists())
    batches = made(corpus, OPTIONS, **options)
    wanted = {}
    for p in range(corpus.n_playlists):
        tracks = corpus.playlist(p).tolist()
        for state, track, following in zip(alone(batches.model, tracks), tracks, tracks[1:]):
            wanted[track] = following, state
    found = {}
    for batch in batches.epoch(3, 0):
        assert len(batch.track) <= max(OPTIONS.batch_size, batches.model.config.unroll)
        after = batch.candidates[batch.target].tolist()
        for track, state, following in zip(batch.track.tolist(), batch.queries[:, :-1], after):
            assert track not in found, "once an epoch"
            found[track] = following, state
    assert found.keys() == wanted.keys(), "nothing is cut off"
    for track, (following, state) in wanted.items():
        assert found[track][0] == following
        torch.testing.assert_close(found[track][1], state)


@pytest.mark.parametrize("loss", ["softmax", "bpr", "bpr-max"])
@pytest.mark.parametrize("logq_correction", [0.0, 1.0])
def test_loss_and_gradients_are_those_of_playlists_alone(loss: str, logq_correction: float) -> None:
    """With the whole of a playlist in a step, the gradient flows back through all of it."""
    if loss != "softmax" and logq_correction:
        pytest.skip("the correction is of softmax")
    corpus = shared(8)
    options = replace(OPTIONS, loss=loss, logq_correction=logq_correction, batch_size=800)
    batches = made(corpus, options, unroll=100)
    model = batches.model
    (batch,) = batches.epoch(3, 0)
    value, _ = objective_of(options, model)(batch)
    found = torch.autograd.grad(value, list(model.parameters()))
    counts = dict(zip(batch.candidates.tolist(), batch.counts.tolist()))
    expected = dict(zip(batch.candidates.tolist(), batch.log_expected.exp().tolist()))
    losses = []
    for p in range(corpus.n_playlists):
        tracks = corpus.playlist(p).tolist()
        for state, following in zip(alone(model, tracks), tracks[1:]):
            score = {t: state @ model.output[t] + model.bias[t] for t in counts}
            positive = score[following]
            others = [score[t] for t in counts if t != following for _ in range(int(counts[t]))]
            if loss == "softmax":
                weight = {t: counts[t] / expected[t] ** logq_correction for t in counts}
                total = torch.stack([weight[t] * score[t].exp() for t in counts]).sum()
                losses.append(-(weight[following] * positive.exp() / total).log())
                continue
            rest = torch.stack(others)
            if loss == "bpr":
                losses.append(-torch.sigmoid(positive - rest).log().mean())
            else:
                share = rest.softmax(0)
                losses.append(-(share * torch.sigmoid(positive - rest)).sum().log() + (share * rest**2).sum())
    slow = torch.stack(losses).mean()
    torch.testing.assert_close(value, slow)
    for one, other in zip(found, torch.autograd.grad(slow, list(model.parameters()))):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_gradient_ends_where_a_step_begins() -> None:
    corpus = Corpus.from_lists([["a", "b", "c", "d"]])
    batches = made(corpus, replace(OPTIONS, batch_size=1), unroll=1)
    tables = batches.model.tables["track"]
    for place, batch in enumerate(batches.epoch(0, 0)):
        (grad,) = torch.autograd.grad(batch.queries.sum(), tables)
        assert grad.abs().sum(1).nonzero().flatten().tolist() == [place]


def test_small_batches_weigh_what_they_hold() -> None:
    batches = made(Corpus.from_lists(lists()), OPTIONS)
    objective_of_batch = objective_of(OPTIONS, batches.model)
    shares = []
    for batch in batches.epoch(0, 0):
        loss, objective = objective_of_batch(batch)
        shares.append(len(batch.track) / OPTIONS.batch_size)
        torch.testing.assert_close(objective, loss * shares[-1])
    assert min(shares) < 0.5 < max(shares) == 1


def test_shared_negatives_follow_their_weights() -> None:
    weight = torch.tensor([4.0, 0.0, 1.0, 3.0, 0.0])
    sampler = SharedNegatives(weight, 80_000)
    drawn = sampler.draw(torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=5) / len(drawn)
    assert share[1] == share[4] == 0
    np.testing.assert_allclose(share, weight / 8, atol=4 * np.sqrt(0.25 / len(drawn)))
    rows = sampler.sample(torch.tensor([7, 8]), torch.Generator().manual_seed(0))
    assert torch.equal(rows, drawn.expand(2, -1)), "the same for each source"


def marked(corpus: Corpus) -> Corpus:
    """Every other playlist has no order."""
    marks = pa.array([bool(p % 2) for p in range(corpus.n_playlists)])
    return replace(corpus, playlists=corpus.playlists.append_column("ordered", marks))


@pytest.mark.parametrize(("negatives", "power"), [("popularity", 0.5), ("uniform", 0.0), ("in-batch", None)])
def test_candidates_are_as_many_as_expected(negatives: str, power: float | None) -> None:
    """Over many epochs a track is a candidate as often as the correction takes it to be."""
    corpus = marked(shared())
    options = replace(OPTIONS, negatives=negatives, popularity_power=power or 0.0, batch_size=24)
    batches = made(corpus, options, unroll=2)
    follow = np.zeros(corpus.n_tracks)
    for p in range(corpus.n_playlists):
        tracks = corpus.playlist(p)
        follow[tracks] += 1 - 1 / len(tracks) if p % 2 == 0 else np.arange(len(tracks)) > 0
    drawn = 0 if power is None else OPTIONS.n_negatives * follow**power / (follow**power).sum()
    seen, expected = np.zeros(corpus.n_tracks), np.zeros(corpus.n_tracks)
    for seed in range(60):
        for batch in batches.epoch(seed, 0):
            here = len(batch.track) * follow / follow.sum() + drawn
            np.testing.assert_allclose(batch.log_expected.exp(), here[batch.candidates], rtol=1e-5)
            np.add.at(seen, batch.candidates.numpy(), batch.counts.numpy())
            expected += here
    np.testing.assert_allclose(seen, expected, rtol=0.1)


def test_all_tracks_can_be_candidates() -> None:
    corpus = shared()
    batches = made(corpus, replace(OPTIONS, negatives="all"))
    for batch in batches.epoch(0, 0):
        assert batch.candidates.tolist() == list(range(corpus.n_tracks))
        assert (batch.counts == 1).all()
        assert not batch.log_expected.any()


def test_only_playlists_without_an_order_are_shuffled() -> None:
    corpus = Corpus.from_lists(lists())
    marks = [None if p == 0 else bool(p % 2) for p in range(corpus.n_playlists)]
    corpus = replace(corpus, playlists=corpus.playlists.append_column("ordered", pa.array(marks)))
    batches = made(corpus, OPTIONS)
    orders: dict[int, set[tuple[int, ...]]] = {p: set() for p in range(corpus.n_playlists)}
    for epoch in range(6):
        tracks = batches._tracks(np.random.default_rng(epoch))
        for p in orders:
            orders[p].add(tuple(tracks[corpus.offsets[p] : corpus.offsets[p + 1]].tolist()))
    for p, found in orders.items():
        own = tuple(corpus.playlist(p).tolist())
        assert {tuple(sorted(order)) for order in found} == {own}, "nobody else's tracks"
        if marks[p] is not False:
            assert found == {own}
        elif len(own) > 4:
            assert len(found) > 2


def test_steps_an_epoch_are_at_most_its_length() -> None:
    for unroll in (1, 4):
        batches = made(Corpus.from_lists(lists()), OPTIONS, unroll=unroll)
        counts = [sum(1 for _ in batches.epoch(seed, 0)) for seed in range(20)]
        assert max(counts) <= len(batches) <= 2 * min(counts)


def fitted(corpus: Corpus, options: TrainOptions, folder: Path, seed: int = 1, **how: object) -> None:
    given = GRU4RecConfig(dim=6, unroll=3, layers=2, dropout=0.2, embedding_dropout=0.2)
    folder.mkdir(exist_ok=True)
    fit(GRU4Rec.from_corpus(corpus, given, seed=1), corpus, options, seed=seed, validate=spread, folder=folder, **how)


def same(one: Path, other: Path) -> bool:
    weights = [read_arrays(folder / "weights.npz")[0] for folder in (one, other)]
    return all(np.array_equal(array, weights[1][name]) for name, array in weights[0].items())


@pytest.mark.parametrize("loss", ["softmax", "bpr-max"])
def test_a_resumed_fit_is_one_that_never_stopped(loss: str, tmp_path: Path) -> None:
    corpus, options = marked(shared()), replace(OPTIONS, loss=loss, schedule="cosine", eval_every=2)
    fitted(corpus, options, tmp_path / "straight")
    fitted(corpus, options, tmp_path / "other", seed=2)
    with pytest.raises(Interrupted):
        fitted(corpus, options, tmp_path / "broken", on_event=interrupt_in(4))
    fitted(corpus, options, tmp_path / "broken", resume=True)
    assert same(tmp_path / "straight", tmp_path / "broken")
    assert not same(tmp_path / "straight", tmp_path / "other")
    histories = [(tmp_path / name / "history.jsonl").read_bytes() for name in ("straight", "broken")]
    assert histories[0] == histories[1]


def test_divergence_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the embeddings of track are no longer finite, likely lr = 1e\+30 is too high"):
        fitted(shared(), replace(OPTIONS, lr=1e30), tmp_path / "run")


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"loss": "bce"}, "loss must be one of bpr, bpr-max, softmax for gru4rec (got 'bce')"),
        ({"negatives": "two-hop"}, "negatives must be one of uniform, popularity, in-batch, all for gru4rec"),
        ({"precision": "bf16"}, "precision must be float32 for gru4rec, to which it means nothing (got 'bf16')"),
        ({"hard_negative_candidates": 20}, "hard_negative_candidates must be 0 for gru4rec"),
        ({"regime": "sampled"}, "regime must be auto for gru4rec, to which it means nothing (got 'sampled')"),
    ],
)
def test_what_would_be_ignored_is_refused(given: dict[str, object], rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(shared(), replace(OPTIONS, **given))
    assert str(caught.value).startswith(rule)


def test_other_models_refuse_its_loss() -> None:
    corpus = shared()
    with pytest.raises(ConfigError, match="loss must be another for mf: its negatives are not shared"):
        fit(MF.from_corpus(corpus, MF.config_class()), corpus, TrainOptions(loss="bpr-max", epochs=1))


def test_playlists_of_one_track_teach_nothing() -> None:
    with pytest.raises(DataError, match="it needs playlists of two tracks or more"):
        made(Corpus.from_lists([["a"], ["b"]]), OPTIONS)
