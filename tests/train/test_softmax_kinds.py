"""SL@K, Adap-τ, BSL and PSL against loops that follow their formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.registry import model_class
from playlistrec.train.fit import fit, trainer_of
from playlistrec.train.losses import adaptive_temperatures, log_sum, pairwise_softmax, positive_half
from playlistrec.train.losses import bilateral as module
from playlistrec.train.options import TrainOptions

PRIOR, T = 0.2, 0.4


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(8)
    chance = np.arange(20, 0, -1) / 210
    lists = [[f"t{t}" for t in rng.choice(20, size=rng.integers(2, 8), replace=False, p=chance)] for _ in range(30)]
    return Corpus.from_lists([*lists, []])


def setting(corpus: Corpus, name: str = "mf", prior: float = PRIOR, **options: Any) -> Any:
    kind = model_class(name)
    built: Any = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 6, "popularity_prior": prior}), seed=3)
    with torch.no_grad():
        for table in built.tables.values():
            table.mul_(3)
    training = TrainOptions(loss="softmax", l2=0.0, temperature=T, **{"batch_size": 12, **options})
    trainer = trainer_of(built, corpus, training)
    with trainer.batches.seeded(11):
        return built, list(trainer.batches.epoch(11, 0)), trainer.objective


def scores(batch: Any) -> Tensor:
    """(rows, n_tracks) with gradients; rows are the playlists of the batch, or all of them."""
    found = batch.vectors[0] @ batch.vectors[1].T
    return found if batch.prior is None else found + batch.prior


def assert_worth(model: Any, objective: Any, batch: Any, wanted: Tensor) -> None:
    ours, tables = objective(batch)[0], list(model.tables.values())
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-6)
    for one, other in zip(
        *(
            torch.autograd.grad(v, tables, retain_graph=True, allow_unused=True, materialize_grads=True)
            for v in (ours, wanted)
        )
    ):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
        assert not len(other) or float(other.abs().sum()) > 0


def own(corpus: Corpus) -> list[list[int]]:
    return [sorted(set(corpus.playlist(p).tolist())) for p in range(corpus.n_playlists)]


def competitors(batch: Any, tracks: list[int], negatives: str, row: int) -> list[tuple[int, float]]:
    """Tracks that compete in a row of scores, and what is added to their logits."""
    if negatives == "all":
        return [(t, 0.0) for t in range(20) if t not in tracks]
    counted = batch.counts.tolist()
    extra = [0.0] * len(counted)
    if negatives == "shared":
        extra = (-batch.log_expected).tolist()
    return [(c, math.log(n) + e) for c, n, e in zip(batch.candidates.tolist(), counted, extra) if c not in tracks]


def rows_of(batch: Any, negatives: str) -> list[tuple[int, int, int]]:
    """Row of scores, playlist and track of each pair."""
    rows, tracks = batch.playlist.tolist(), batch.track.tolist()
    ids = rows if negatives == "in-batch" else batch.playlist_ids[batch.playlist].tolist()
    return list(zip(rows, ids, tracks))


def options_of(negatives: str) -> dict[str, Any]:
    more = {"n_negatives": 30, "logq_correction": 1.0} if negatives == "shared" else {}
    return {"negatives": negatives, **more}


@pytest.mark.parametrize("negatives", ["all", "shared", "in-batch"])
@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_top_k_weighs_each_positive_by_its_playlists_kth_best(name: str, negatives: str, corpus: Corpus) -> None:
    model, batches, objective = setting(corpus, name, top_k=4, top_k_temperature=0.3, **options_of(negatives))
    with torch.no_grad():
        whole = model.eval().score_vectors().scores()
    best = whole.sort(dim=1, descending=True).values[:, 3].detach()
    held = own(corpus)
    for batch in batches[:2]:
        total, seen = torch.zeros(()), scores(batch)
        pairs = rows_of(batch, negatives)
        for row, playlist, track in pairs:
            s = seen[row]
            weight = 1 / (1 + torch.exp(-(s[track].detach() - best[playlist]) / 0.3))
            rivals = competitors(batch, held[playlist], negatives, row)
            logits = [s[track] / T if negatives != "in-batch" else s[track] / T + _own_count(batch, track)]
            logits += [s[t] / T + extra for t, extra in rivals]
            total = total + weight * (torch.stack(logits).logsumexp(0) - logits[0])
        assert_worth(model, objective, batch, total / len(pairs))


def _own_count(batch: Any, track: int) -> float:
    return math.log(batch.counts[batch.candidates.tolist().index(track)])


@pytest.mark.parametrize("negatives", ["all", "shared", "in-batch"])
@pytest.mark.parametrize("prior", [0.0, PRIOR])
def test_each_playlist_has_the_temperature_of_its_fit(negatives: str, prior: float, corpus: Corpus) -> None:
    model, batches, objective = setting(corpus, "lightgcn", prior, temperature_spread=0.4, **options_of(negatives))
    with torch.no_grad():
        whole, held = model.eval().score_vectors().scores().double(), own(corpus)
    losses = [
        float(whole[p].logsumexp(0) - whole[p][tracks].mean()) if tracks else math.nan for p, tracks in enumerate(held)
    ]
    mean = np.nanmean(losses)
    temperatures = []
    for loss in losses:
        low, high = -1.0, 50.0  # W solves w e^w = x; on [-1, ∞) the left side rises
        x = max(-1 / math.e, (loss - mean) / 0.4) if loss == loss else 0.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if middle * math.exp(middle) < x else (low, middle)
        temperatures.append(T * math.exp(low))
    assert min(temperatures) < T < max(temperatures)
    for batch in batches[:2]:
        total, seen = torch.zeros(()), scores(batch)
        pairs = rows_of(batch, negatives)
        for row, playlist, track in pairs:
            s = seen[row] / temperatures[playlist]
            mine = s[track] + (_own_count(batch, track) if negatives == "in-batch" else 0.0)
            rivals = [s[t] + extra for t, extra in competitors(batch, held[playlist], negatives, row)]
            total = total + torch.stack([mine, *rivals]).logsumexp(0) - mine
        assert_worth(model, objective, batch, total / len(pairs))


@pytest.mark.parametrize("exponent", [0.8, 1.2])
@pytest.mark.parametrize(
    ("negatives", "pooled"), [("all", False), ("all", True), ("shared", True), ("in-batch", False)]
)
def test_bsl_raises_the_sum_of_negatives_and_pools_positives(
    negatives: str, pooled: bool, exponent: float, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.CHUNK, "cpu", 60)  # a few rows at a time
    model, batches, objective = setting(
        corpus, "lightgcn", negative_exponent=exponent, pooled_positives=pooled, **options_of(negatives)
    )
    held = own(corpus)
    for batch in batches[:2]:
        total, seen = torch.zeros(()), scores(batch) / T
        pairs = rows_of(batch, negatives)
        for row, playlist, track in pairs:
            s = seen[row]
            rivals = [s[t] + extra for t, extra in competitors(batch, held[playlist], negatives, row)]
            mine = s[track]
            if pooled:
                mine = torch.stack([s[t].exp() for _, p, t in pairs if p == playlist]).mean().log()
            total = total - mine + exponent * torch.stack(rivals).logsumexp(0)
        assert_worth(model, objective, batch, total / len(pairs))


SURROGATES = {"tanh": torch.tanh, "atan": torch.atan, "relu": lambda d: d}


@pytest.mark.parametrize("surrogate", list(SURROGATES))
@pytest.mark.parametrize("negatives", ["uniform", "popularity", "in-batch"])
def test_psl_passes_differences_through_a_surrogate(surrogate: str, negatives: str, corpus: Corpus) -> None:
    model, batches, objective = setting(
        corpus, surrogate=surrogate, negatives=negatives, n_negatives=3 if negatives != "in-batch" else 1
    )
    held = own(corpus)
    for batch in batches[:2]:
        total, seen = torch.zeros(()), scores(batch)
        pairs = rows_of(batch, "in-batch")
        for index, (row, playlist, track) in enumerate(pairs):
            s = seen[row]
            if negatives == "in-batch":
                drawn = [c for c in batch.track.tolist() if c not in held[playlist]]
            else:
                drawn = batch.negatives[index].tolist()
            powers = [(SURROGATES[surrogate](s[c] - s[track]) + 1).clamp(min=1e-6) ** (1 / T) for c in drawn]
            total = total + torch.stack(powers).sum().log()
        assert_worth(model, objective, batch, total / len(pairs))


def test_with_exp_psl_is_softmax_without_the_positive() -> None:
    positive, negative = torch.randn(5), torch.randn(5, 7)
    wanted = (negative / T).logsumexp(1) - positive / T
    torch.testing.assert_close(pairwise_softmax(positive, negative, T, "exp"), wanted.mean())


def test_losses_stay_finite_at_the_ends() -> None:
    far = torch.tensor([-50.0, 0.0, 50.0], requires_grad=True)
    for surrogate in ("tanh", "atan", "relu"):
        loss = pairwise_softmax(far, torch.tensor([[50.0], [0.0], [-50.0]]), 0.1, surrogate)  # type: ignore[arg-type]
        assert torch.isfinite(torch.autograd.grad(loss, far)[0]).all()
    temperatures = adaptive_temperatures(torch.tensor([-1e6, 0.0, 1e6, math.inf, math.nan]), 0.1, 0.1)
    assert temperatures.isfinite().all()
    assert temperatures[0] == pytest.approx(0.1 / math.e, rel=1e-3)
    assert temperatures[3:].tolist() == pytest.approx([0.1, 0.1])
    rows, weights = torch.tensor([0, 2]), torch.tensor([0.5, 0.5])
    pooled = positive_half(torch.tensor([900.0, -900.0]), rows, weights, 3, True)
    assert float(pooled) == pytest.approx(0.0)
    assert torch.isfinite(log_sum(torch.full((2, 1), 900.0), torch.ones(4, 1), torch.ones(2)))


@pytest.mark.parametrize("options", [{"top_k": 3}, {"temperature_spread": 0.5}])
def test_a_resumed_fit_looks_when_the_whole_one_does(options: dict[str, Any], corpus: Corpus, tmp_path: Path) -> None:
    training = TrainOptions(loss="softmax", negatives="all", batch_size=10, epochs=5, look_every=3, **options)
    kind = model_class("mf")

    def fitted(folder: str, *lasts: int) -> Any:
        for index, last in enumerate(lasts):
            model: Any = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 4}), seed=1)
            fit(model, corpus, training, folder=tmp_path / folder, resume=index > 0, last_epoch=last)
        return model.state()

    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, parts = fitted("whole", 5), fitted("parts", 1, 2, 5)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top_k": 20, "negatives": "uniform"}, "top_k needs loss=softmax and negatives that rows share"),
        ({"negative_exponent": 1.0, "loss": "bpr"}, "negative_exponent needs loss=softmax"),
        ({"surrogate": "tanh", "negatives": "all"}, "surrogate needs"),
        ({"surrogate": "relu", "loss": "bpr"}, "surrogate needs"),
        ({"pooled_positives": True, "negatives": "all"}, "pooled_positives is of BSL"),
        ({"pooled_positives": True, "negative_exponent": 1.0, "negatives": "in-batch"}, "pooled_positives needs"),
        ({"top_k": 5, "negative_exponent": 1.0, "negatives": "all"}, "do not go together"),
        ({"top_k": -1, "negatives": "all"}, "top_k must"),
        ({"look_every": 0}, "look_every must"),
        ({"top_k": 5, "negatives": "all", "regime": "sampled"}, "top_k needs the full regime"),
        ({"surrogate": "step"}, "surrogate must"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainOptions.from_options({"loss": "softmax", **options})


def test_models_whose_playlists_have_no_rows_refuse_looks(corpus: Corpus) -> None:
    options = {"loss": "softmax", "negatives": "shared", "top_k": 5}
    with pytest.raises(ConfigError, match="top_k must be 0 for aggregate"):
        setting(corpus, "aggregate", **{k: v for k, v in options.items() if k != "loss"})


BOARD = [[f"t{t}" for t in range(12) if t % 2 == p % 2 and t % 12 != p % 12] for p in range(24)]


@pytest.mark.parametrize(
    "options",
    [
        {"negatives": "all", "top_k": 5},
        {"negatives": "all", "temperature_spread": 1.0},
        {"negatives": "all", "negative_exponent": 0.9, "pooled_positives": True},
        {"negatives": "in-batch", "surrogate": "tanh"},
    ],
)
def test_each_learns_the_checkerboard(options: dict[str, Any]) -> None:
    """Even playlists hold even tracks: what one lacks is the even track that the others hold."""
    corpus = Corpus.from_lists(BOARD)
    given = {
        "dim": 8,
        "similarity": "cosine",
        "epochs": 40,
        "lr": 0.05,
        "batch_size": 24,
        "temperature": 0.2,
        **options,
    }
    run = pr.fit(
        pr.Data.of(corpus, split_edges(corpus, valid=0, test=0)),
        "mf",
        preset="none",
        options={"loss": "softmax", **given},
    )
    scores = run.recommender().score(Query.of([corpus.playlist(p).tolist() for p in range(24)], range(24)))
    for playlist in range(24):
        held = torch.from_numpy(np.array(corpus.playlist(playlist), dtype=np.int64))
        best = int(scores[playlist].index_fill(0, held, -math.inf).argmax())
        assert best == corpus.track_index(f"t{playlist % 12}")
