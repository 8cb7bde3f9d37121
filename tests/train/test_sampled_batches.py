"""The sampled regime with every loss: what a batch's loss is, against a loop over ids that knows nothing of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.experiment.presets import presets
from playlistrec.models.registry import model_class
from playlistrec.rank.recommend import recommend
from playlistrec.testing import known_playlists
from playlistrec.train.batches.sampled import SampledBatches
from playlistrec.train.fit import trainer_of
from playlistrec.train.options import TrainOptions
from playlistrec.train.trainer import Trainer


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(5)
    lists = [[f"t{t}" for t in rng.choice(25, size=rng.integers(2, 12))] for _ in range(40)]
    return Corpus.from_lists([[], *lists], {f"t{t}": f"a{t % 6}" for t in range(20)})


def trainer(corpus: Corpus, teacher: bool = False, **options: Any) -> Trainer:
    kind = model_class("lightgcn")
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 4, "popularity_prior": 0.3}), seed=3)
    given = {"batch_size": 24, "fanout": 3, "regime": "sampled", "l2": 0.0, "temperature": 0.5, **options}
    vectors = None
    if teacher:
        generator = torch.Generator().manual_seed(0)
        vectors = tuple(torch.randn(n, 3, generator=generator) for n in (corpus.n_playlists, corpus.n_tracks))
        given["teacher"] = "elsewhere"
    return trainer_of(model, corpus, TrainOptions(**given), teacher_vectors=vectors)


def first(made: Trainer) -> Any:
    assert isinstance(made.batches, SampledBatches)
    with made.batches.seeded(7):
        return next(iter(made.batches.epoch(0, 0)))


def scores_by_id(made: Trainer, batch: Any, corpus: Corpus, temperature: float) -> Tensor:
    """(n_playlists, n_tracks) scores over the temperature, nan where the batch holds no vector."""
    playlists = torch.full((corpus.n_playlists, 4), torch.nan)
    tracks = torch.full((corpus.n_tracks, 4), torch.nan)
    playlists[batch.playlist_ids] = batch.vectors[0].detach()
    ids = torch.arange(corpus.n_tracks) if batch.track_ids is None else batch.track_ids
    tracks[ids] = batch.vectors[1].detach()
    prior = made.model.prior_of(None)
    assert prior is not None
    return (playlists @ tracks.T + prior) / temperature


def pairs_by_id(batch: Any) -> list[tuple[int, int]]:
    tracks = batch.track if batch.track_ids is None else batch.track_ids[batch.track]
    return list(zip(batch.playlist_ids[batch.playlist].tolist(), tracks.tolist()))


def softmax_by_loop(
    scores: Tensor, pairs: list[tuple[int, int]], bias: dict[int, float], corpus: Corpus, weights: list[float]
) -> float:
    """``-sum w ln(e^s / (e^s + sum_c e^(s_c + bias_c)))`` over the candidates that the playlist does not hold."""
    total = 0.0
    for (p, t), weight in zip(pairs, weights):
        held = set(corpus.playlist(p).tolist())
        others = [scores[p, c].item() + b for c, b in bias.items() if c not in held]
        own = scores[p, t].item()
        total += weight * (np.logaddexp.reduce([own, *others]) - own)
    return total


@pytest.mark.parametrize("exponent", [0.0, 0.5])
@pytest.mark.parametrize("negatives", ["all", "shared"])
def test_softmax_over_shared_tracks(negatives: str, exponent: float, corpus: Corpus) -> None:
    options = {"logq_correction": 0.7} if negatives == "shared" else {}
    made = trainer(
        corpus, loss="softmax", negatives=negatives, n_negatives=30, length_weight_exponent=exponent, **options
    )
    batch = first(made)
    pairs = pairs_by_id(batch)
    assert set(pairs) <= set(zip(*(ids.tolist() for ids in corpus.pairs)))
    bias = dict.fromkeys(range(corpus.n_tracks), 0.0)
    if negatives == "shared":
        ids = batch.track_ids[batch.candidates].tolist()
        assert int(batch.counts.sum()) == 30
        expected = 30 * torch.exp(made.batches.sampler.log_q(torch.tensor(ids))).double()
        bias = {c: np.log(n) - 0.7 * np.log(e) for c, n, e in zip(ids, batch.counts.tolist(), expected.tolist())}
    lengths = np.array([len(set(corpus.playlist(p).tolist())) for p, _ in pairs], dtype=float)
    weights = lengths**-exponent / (lengths**-exponent).sum()
    want = softmax_by_loop(scores_by_id(made, batch, corpus, 0.5), pairs, bias, corpus, weights.tolist())
    loss, _ = made.objective(batch)
    assert loss.item() == pytest.approx(want, rel=1e-4)


def test_softmax_over_the_batch(corpus: Corpus) -> None:
    made = trainer(corpus, loss="softmax", negatives="in-batch", logq_correction=0.7)
    batch = first(made)
    pairs = pairs_by_id(batch)
    popularity = np.bincount(corpus.pairs[1], minlength=corpus.n_tracks) / len(corpus.pairs[1])
    tracks, counts = np.unique([t for _, t in pairs], return_counts=True)
    bias = {int(t): np.log(n) - 0.7 * np.log(popularity[t]) for t, n in zip(tracks, counts)}
    scores, total = scores_by_id(made, batch, corpus, 0.5), 0.0
    for p, t in pairs:
        others = [scores[p, c].item() + b for c, b in bias.items() if c == t or c not in corpus.playlist(p)]
        total += np.logaddexp.reduce(others) - scores[p, t].item() - bias[t]
    assert made.objective(batch)[0].item() == pytest.approx(total / len(pairs), rel=1e-4)


def test_negatives_of_the_batch_are_its_tracks_that_the_playlist_does_not_hold(corpus: Corpus) -> None:
    batch = first(trainer(corpus, loss="bpr", negatives="in-batch", n_negatives=3))
    present = {t for _, t in pairs_by_id(batch)}
    for (p, _), row in zip(pairs_by_id(batch), batch.track_ids[batch.negatives].tolist()):
        assert not set(row) & set(corpus.playlist(p).tolist())
        assert len(set(row) & present) >= 2  # a few draws may all be the playlist's own


def test_distillation_reads_the_teacher_by_id(corpus: Corpus) -> None:
    made = trainer(corpus, teacher=True, loss="softmax", negatives="shared", n_negatives=30, logq_correction=1.0)
    batch = first(made)
    (term,) = made.objective.terms
    playlists, tracks = term.teacher_vectors
    ids = batch.track_ids[batch.candidates]
    bias = batch.counts.log() - batch.log_expected
    teacher = playlists[batch.playlist_ids] @ tracks[ids].T / 0.07 + bias
    prior = made.model.prior_of(ids)
    student = batch.vectors[0] @ batch.vectors[1][batch.candidates].T / 0.07 + bias + prior / 0.07
    held = torch.tensor([[c in corpus.playlist(p) for c in ids.tolist()] for p in batch.playlist_ids.tolist()])
    teacher, student = (x.masked_fill(held, -1e9) for x in (teacher, student))
    rows = torch.bincount(batch.playlist, minlength=len(batch.playlist_ids)) / len(batch.playlist)
    want = -(rows * (teacher.softmax(1) * student.log_softmax(1)).sum(1)).sum()
    torch.testing.assert_close(term.loss(batch), want, rtol=1e-3, atol=1e-4)


def test_the_other_way_round(corpus: Corpus) -> None:
    made = trainer(corpus, loss="softmax", negatives="shared", n_negatives=30, symmetric_weight=0.5)
    batch = first(made)
    (term,) = made.objective.terms
    scores = scores_by_id(made, batch, corpus, 0.5) - made.model.prior_of(None) / 0.5
    total, pairs = 0.0, pairs_by_id(batch)
    for p, t in pairs:
        others = [scores[q, t].item() for q in batch.playlist_ids.tolist() if q == p or t not in corpus.playlist(q)]
        total += np.logaddexp.reduce(others) - scores[p, t].item()
    assert term.loss(batch).item() == pytest.approx(total / len(pairs), rel=1e-4)


@pytest.mark.parametrize(
    "preset", [p for p in presets() if p.model in ("lightgcn", "gat", "sage", "gcn", "ngcf")], ids=lambda p: p.name
)
def test_every_preset_trains_in_the_sampled_regime(preset: Any) -> None:
    rng = np.random.default_rng(0)  # three tastes: what can be learned from the other edges of a playlist
    corpus = Corpus.from_lists([[f"t{3 * t + p % 3}" for t in rng.permutation(12)[:7]] for p in range(60)])
    kind = model_class(preset.model)
    own = set(TrainOptions.__dataclass_fields__)
    config = {name: value for name, value in preset.options.items() if name not in own} | {"dim": 8}
    options = {name: value for name, value in preset.options.items() if name in own}
    options |= {"regime": "sampled", "fanout": 3, "batch_size": 64, "n_negatives": 8, "lr": 0.02}
    model = kind.from_corpus(corpus, kind.config_class.from_options(config), seed=0)
    made = trainer_of(model, corpus, TrainOptions(**options))
    list(made.epochs(6))
    ranked, _ = recommend(model, known_playlists(corpus), 5)
    number = np.array([int(uri[1:]) for uri in corpus.track_table["uri"].to_pylist()])
    assert (number[ranked] % 3 == np.arange(60)[:, None] % 3).mean() > 0.8  # a third by chance
