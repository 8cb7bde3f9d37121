"""What a batch is worth, against loops over pairs that follow the formulas."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.registry import model_class
from playlistrec.train.batches.batch import Batch, PairBatch, PlaylistBatch, SharedBatch
from playlistrec.train.fit import trainer_of
from playlistrec.train.losses import bpr, contrast
from playlistrec.train.objectives import Batches, Objective
from playlistrec.train.options import TrainOptions


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(8)
    chance = np.arange(20, 0, -1) / 210  # some tracks are popular, so that they repeat in a batch
    lists = [[f"t{t}" for t in rng.choice(20, size=rng.integers(2, 8), replace=False, p=chance)] for _ in range(30)]
    return Corpus.from_lists([*lists, []])


def setting(
    corpus: Corpus,
    name: str = "mf",
    *,
    model: dict[str, Any] | None = None,
    teacher_vectors: tuple[Tensor, Tensor] | None = None,
    **options: Any,
) -> tuple[EmbeddingModel, Batches, Objective]:
    kind = model_class(name)
    built = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 6, **(model or {})}), seed=3)
    assert isinstance(built, EmbeddingModel)
    with torch.no_grad():
        for table in built.tables.values():
            table.mul_(3)  # far enough from 0 for softmax to have something to choose
    training = TrainOptions(**{"batch_size": 48, "l2": 0.0, "temperature": 0.5, **options})
    trainer = trainer_of(built, corpus, training, teacher_vectors=teacher_vectors)
    return built, trainer.batches, trainer.objective


def all_batches(batches: Batches) -> list[Any]:
    with batches.seeded(11):
        return list(batches.epoch(11, 0))


def assert_worth(model: EmbeddingModel, objective: Objective, batch: Batch, wanted: Tensor, part: int = 0) -> None:
    """The same value, and the same gradients of all tables."""
    ours = objective(batch)[part]
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-6)
    tables = list(model.tables.values())
    grads = [
        torch.autograd.grad(value, tables, retain_graph=True, allow_unused=True, materialize_grads=True)
        for value in (ours, wanted)
    ]
    for ours_grad, wanted_grad in zip(*grads):
        torch.testing.assert_close(ours_grad, wanted_grad, rtol=1e-3, atol=1e-6)


def advance(corpus: Corpus, prior: float) -> Tensor:
    """(n_tracks,) what popularity adds to the scores of tracks."""
    held = np.array([sum(t in own for own in own_tracks(corpus)) for t in range(corpus.n_tracks)])
    return torch.from_numpy(prior * np.log(np.maximum(held, 1))).float()


def own_tracks(corpus: Corpus) -> list[set[int]]:
    return [set(corpus.playlist(p).tolist()) for p in range(corpus.n_playlists)]


@pytest.mark.parametrize(("logq_correction", "prior"), [(0.0, 0.0), (1.0, 0.0), (0.5, 0.2)])
@pytest.mark.parametrize("name", ["mf", "lightgcn"])
def test_in_batch_softmax_is_a_double_loop_over_the_batch(
    name: str, logq_correction: float, prior: float, corpus: Corpus
) -> None:
    model, batches, objective = setting(
        corpus,
        name,
        model={"popularity_prior": prior},
        loss="softmax",
        negatives="in-batch",
        logq_correction=logq_correction,
        temperature=0.3,
    )
    own = own_tracks(corpus)
    favour = advance(corpus, prior)
    chance = torch.from_numpy(np.bincount(corpus.pairs[1], minlength=corpus.n_tracks) / len(corpus.pairs[1])).float()
    for batch in all_batches(batches)[:2]:  # the second finds what the first left behind
        playlists, tracks = batch.vectors
        repeated, left_out, total = 0, 0, playlists.new_zeros(())
        for p, t in zip(batch.playlist.tolist(), batch.track.tolist()):
            others = [u for u in batch.track.tolist() if u == t or u not in own[p]]
            repeated += others.count(t) - 1
            left_out += len(batch.track) - len(others)
            logits = (tracks @ playlists[p] + favour) / 0.3 - logq_correction * chance.log()
            total = total + logits[others].logsumexp(0) - logits[t] - math.log(others.count(t))
        assert repeated
        assert left_out
        assert_worth(model, objective, batch, total / len(batch.track))


def test_in_batch_softmax_leaves_out_what_messages_pass_along(corpus: Corpus) -> None:
    """Tracks that a playlist holds are no negatives, whether or not this epoch asks for them."""
    model, batches, objective = setting(
        corpus, "lightgcn", loss="softmax", negatives="in-batch", message_edge_share=0.5, batch_size=500
    )
    own = own_tracks(corpus)
    with batches.seeded(11):
        (batch,) = batches.epoch(11, 0)
    playlists, tracks = batch.vectors
    total = playlists.new_zeros(())
    for p, t in zip(batch.playlist.tolist(), batch.track.tolist()):
        others = [u for u in batch.track.tolist() if u == t or u not in own[p]]
        logits = playlists[p] @ tracks[others].T / 0.5
        total = total + logits.logsumexp(0) - playlists[p] @ tracks[t] / 0.5 - math.log(others.count(t))
    assert_worth(model, objective, batch, total / len(batch.track))


@pytest.mark.parametrize(("prior", "power"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.5)])
@pytest.mark.parametrize("name", ["mf", "fm", "lightgcn"])
def test_softmax_over_all_tracks_leaves_out_the_playlist_s_own(
    name: str, prior: float, power: float, corpus: Corpus
) -> None:
    given = {"popularity_prior": prior}
    model, batches, objective = setting(
        corpus, name, model=given, loss="softmax", negatives="all", length_weight_exponent=power, batch_size=500
    )
    (batch,) = all_batches(batches)
    playlists, tracks = model.embed()
    scores = (playlists @ tracks.T + advance(corpus, prior)) / 0.5
    total, weights = playlists.new_zeros(()), 0.0
    for p, own in enumerate(own_tracks(corpus)):
        others = [t for t in range(corpus.n_tracks) if t not in own]
        weights += sum(len(own) ** -power for _ in own)
        for t in own:
            total = total + len(own) ** -power * (scores[p, [t, *others]].logsumexp(0) - scores[p, t])
    assert_worth(model, objective, batch, total / weights)


@pytest.mark.parametrize(("logq_correction", "prior"), [(0.0, 0.0), (1.0, 0.2)])
@pytest.mark.parametrize(
    ("name", "share", "power"), [("mf", 1.0, 0.0), ("lightgcn", 1.0, 0.5), ("lightgcn", 0.5, 1.0), ("fm", 1.0, 0.5)]
)
def test_softmax_over_shared_tracks_is_a_loop_over_pairs_and_draws(
    name: str, share: float, power: float, logq_correction: float, prior: float, corpus: Corpus
) -> None:
    given: dict[str, Any] = {"popularity_prior": prior} | ({"context": "previous"} if name == "fm" else {})
    model, batches, objective = setting(
        corpus,
        name,
        model=given,
        loss="softmax",
        negatives="shared",
        n_negatives=30,
        logq_correction=logq_correction,
        length_weight_exponent=power,
        message_edge_share=share,
        batch_size=12,
    )
    own, held = own_tracks(corpus), np.array([sum(t in o for o in own_tracks(corpus)) for t in range(corpus.n_tracks)])
    chance = torch.from_numpy(held**0.75 / (held**0.75).sum()).float()
    with batches.seeded(11):
        for batch in list(batches.epoch(11, 0))[:2]:  # the second finds what the first left behind
            playlists, tracks = batch.vectors
            shared = drawn_tracks(batch)
            assert len(shared) == 30
            scores = (playlists @ tracks.T + advance(corpus, prior)) / 0.5
            whose = whose_rows(batch, corpus)
            total, weights, left_out = playlists.new_zeros(()), 0.0, 0
            for row, t in zip(batch.playlist.tolist(), batch.track.tolist()):
                drawn = [c for c in shared if c not in own[whose[row]]]
                left_out += 30 - len(drawn)
                logits = scores[row] - logq_correction * (chance.log() + math.log(30))
                weight = len(own[whose[row]]) ** -power
                total = total + weight * (torch.cat([scores[row, [t]], logits[drawn]]).logsumexp(0) - scores[row, t])
                weights += weight
            assert left_out
            assert_worth(model, objective, batch, total / weights)


@pytest.mark.parametrize(("negatives", "share"), [("shared", 1.0), ("all", 1.0), ("all", 0.5)])
def test_the_reverse_asks_every_track_for_the_playlists_of_the_batch(
    negatives: str, share: float, corpus: Corpus
) -> None:
    options = {"loss": "softmax", "negatives": negatives, "n_negatives": 30, "batch_size": 12, "symmetric_weight": 0.3}
    model, batches, objective = setting(corpus, "lightgcn", message_edge_share=share, **options)
    own = own_tracks(corpus)
    with batches.seeded(11):
        for batch in list(batches.epoch(11, 0))[:2]:
            playlists, tracks = batch.vectors
            whose = whose_rows(batch, corpus)
            scores, total, left_out = playlists @ tracks.T / 0.5, playlists.new_zeros(()), 0
            for row, t in zip(batch.playlist.tolist(), batch.track.tolist()):
                others = [r for r in range(len(playlists)) if t not in own[whose[r]]]
                left_out += len(playlists) - 1 - len(others)
                total = total + scores[[row, *others], t].logsumexp(0) - scores[row, t]
            assert left_out
            loss, _ = objective(batch)
            assert_worth(model, objective, batch, loss + 0.3 * total / len(batch.track), part=1)


@pytest.mark.parametrize(
    ("name", "share", "power", "prior"), [("mf", 1.0, 0.0, 0.0), ("lightgcn", 0.5, 0.5, 0.2), ("fm", 1.0, 0.5, 0.2)]
)
def test_a_teacher_is_imitated_on_the_shared_tracks_that_the_playlist_does_not_hold(
    name: str, share: float, power: float, prior: float, corpus: Corpus
) -> None:
    draw = torch.Generator().manual_seed(4)
    teacher = torch.randn(corpus.n_playlists, 9, generator=draw), torch.randn(corpus.n_tracks, 9, generator=draw)
    given: dict[str, Any] = {"popularity_prior": prior} | ({"context": "previous"} if name == "fm" else {})
    options = {"loss": "softmax", "negatives": "shared", "n_negatives": 30, "logq_correction": 1.0, "batch_size": 12}
    distilled = {"teacher": "R", "teacher_weight": 0.7, "teacher_temperature": 0.8}
    model, batches, objective = setting(
        corpus,
        name,
        model=given,
        teacher_vectors=teacher,
        length_weight_exponent=power,
        message_edge_share=share,
        **options,
        **distilled,
    )
    own, held = own_tracks(corpus), np.array([sum(t in o for o in own_tracks(corpus)) for t in range(corpus.n_tracks)])
    chance = torch.from_numpy(held**0.75 / (held**0.75).sum()).float()
    with batches.seeded(11):
        for batch in list(batches.epoch(11, 0))[:2]:
            shared = drawn_tracks(batch)
            playlists, tracks = batch.vectors
            whose = whose_rows(batch, corpus)
            ours, theirs = (playlists @ tracks.T + advance(corpus, prior)) / 0.8, teacher[0] @ teacher[1].T / 0.8
            total, weights = playlists.new_zeros(()), 0.0
            for row in batch.playlist.tolist():  # each playlist as often as it is asked
                drawn = [c for c in shared if c not in own[whose[row]]]
                drawn, often = zip(*sorted(Counter(drawn).items()))
                extra = torch.tensor(often).log() - chance[list(drawn)].log()
                wanted = F.softmax(theirs[whose[row], drawn] + extra, dim=0)
                weight = len(own[whose[row]]) ** -power
                total = total - weight * (wanted * F.log_softmax(ours[row, drawn] + extra, dim=0)).sum()
                weights += weight
            loss, _ = objective(batch)
            assert_worth(model, objective, batch, loss + 0.7 * total / weights, part=1)


def test_a_teacher_is_named_and_given(corpus: Corpus) -> None:
    vectors = torch.zeros(corpus.n_playlists, 2), torch.zeros(corpus.n_tracks, 2)
    options = {"loss": "softmax", "negatives": "shared"}
    with pytest.raises(ConfigError, match="teacher must be a run whose vectors are given, or empty"):
        setting(corpus, teacher_vectors=vectors, **options)
    with pytest.raises(ConfigError, match=r"teacher must be .* \(got 'R'\)"):
        setting(corpus, **{"teacher": "R", **options})


def drawn_tracks(batch: SharedBatch) -> list[int]:
    """The tracks that were drawn for all playlists of a batch, as often as they were."""
    return batch.candidates.repeat_interleave(batch.counts).tolist()


def whose_rows(batch: PlaylistBatch, corpus: Corpus) -> dict[int, int]:
    """The playlist that each row of a batch's vectors is of, which holds all its tracks, supervised or not."""
    whose, own = dict(enumerate(batch.playlist_ids.tolist())), own_tracks(corpus)
    for rows, tracks in [(batch.playlist, batch.track), *([] if batch.own is None else [batch.own])]:
        assert all(track in own[whose[row]] for row, track in zip(rows.tolist(), tracks.tolist()))
    return whose


def row_ids(batch: Batch, rows: Tensor) -> Tensor:
    return rows if batch.track_ids is None else batch.track_ids[rows]


@pytest.mark.parametrize("regime", ["full", "sampled"])
@pytest.mark.parametrize(("logq_correction", "prior"), [(0.0, 0.0), (0.7, 0.0), (0.7, 0.2)])
def test_sampled_softmax_takes_off_the_logarithm_of_the_chance(
    logq_correction: float, prior: float, regime: str, corpus: Corpus
) -> None:
    model, batches, objective = setting(
        corpus,
        "lightgcn",
        model={"layers": 1, "popularity_prior": prior},
        loss="softmax",
        negatives="popularity",
        n_negatives=4,
        logq_correction=logq_correction,
        popularity_power=0.5,
        regime=regime,
        fanout=-1,
    )
    weight = np.sqrt(np.bincount(corpus.pairs[1], minlength=corpus.n_tracks))
    chance = weight / weight.sum()
    favour = advance(corpus, prior)
    for batch in all_batches(batches)[:2]:
        playlists, tracks = batch.vectors
        terms = []
        for p, t, negatives in zip(batch.playlist.tolist(), batch.track.tolist(), batch.negatives.tolist()):
            rows = torch.tensor([t, *negatives])
            logits = (tracks[rows] @ playlists[p] + favour[row_ids(batch, rows)]) / 0.5
            logits = logits - logq_correction * torch.tensor(np.log(chance[row_ids(batch, rows).numpy()])).float()
            terms.append(logits.logsumexp(0) - logits[0])
        assert_worth(model, objective, batch, torch.stack(terms).mean())


def test_uniform_draws_need_no_correction(corpus: Corpus) -> None:
    for logq_correction in (0.0, 1.0):
        model, batches, objective = setting(corpus, loss="softmax", n_negatives=3, logq_correction=logq_correction)
        batch = all_batches(batches)[0]
        playlists, tracks = batch.vectors
        rows = torch.cat([batch.track[:, None], batch.negatives], dim=1)
        logits = (tracks[rows] @ playlists[batch.playlist][:, :, None]).squeeze(2) / 0.5
        assert_worth(model, objective, batch, F.cross_entropy(logits, torch.zeros(len(rows), dtype=torch.int64)))


@pytest.mark.parametrize("regime", ["full", "sampled"])
@pytest.mark.parametrize("prior", [0.0, 3.0])
@pytest.mark.parametrize("keep", [1, 3])
def test_of_the_candidates_the_best_scored_count(keep: int, prior: float, regime: str, corpus: Corpus) -> None:
    given = {"layers": 1, "popularity_prior": prior}
    options: dict[str, Any] = {"model": given, "regime": regime, "fanout": -1}
    model, batches, objective = setting(corpus, "lightgcn", hard_negative_candidates=8, n_negatives=keep, **options)
    _, all_drawn, _ = setting(corpus, "lightgcn", n_negatives=8, **options)
    favour = advance(corpus, prior)
    for batch, whole in zip(all_batches(batches)[:2], all_batches(all_drawn)):
        playlists, tracks = batch.vectors
        assert torch.equal(batch.playlist, whole.playlist)
        positive, negative = [], []
        for p, t, candidates in zip(batch.playlist.tolist(), batch.track.tolist(), whole.negatives.tolist()):
            assert len(candidates) == 8
            values = tracks @ playlists[p] + favour[row_ids(batch, torch.arange(len(tracks)))]
            scores = sorted((values[c] for c in candidates), key=Tensor.item, reverse=True)
            positive.append(values[t])
            negative.append(torch.stack(scores[:keep]))
        assert_worth(model, objective, batch, bpr(torch.stack(positive), torch.stack(negative)))


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_directau_is_alignment_and_uniformity_on_the_sphere(similarity: str, corpus: Corpus) -> None:
    """Of unit vectors in any case, as in the paper: else all vectors would shrink to one point."""
    model, batches, objective = setting(
        corpus, "lightgcn", model={"similarity": similarity}, loss="directau", uniformity=0.7
    )
    for batch in all_batches(batches)[:2]:
        playlists, tracks = (F.normalize(vectors) for vectors in model.embed())
        ends = playlists[batch.playlist], tracks[batch.track]
        n = len(batch.track)
        spread = 0.0
        for x in ends:
            potential = [torch.exp(-2 * (x[i] - x[j]).square().sum()) for i in range(n) for j in range(i)]
            spread = spread + torch.stack(potential).mean().log() / 2
        assert_worth(model, objective, batch, (ends[0] - ends[1]).square().sum(1).mean() + 0.7 * spread)


@pytest.mark.parametrize("options", [{}, {"loss": "softmax", "negatives": "all", "batch_size": 12}])
def test_the_contrastive_term_is_that_of_the_views(options: dict[str, Any], corpus: Corpus) -> None:
    settings: dict[str, Any] = {"contrast": 0.3, "contrast_noise": 0.15, "contrast_temperature": 0.4}
    model, batches, objective = setting(corpus, "lightgcn", **{**settings, **options})
    assert isinstance(model, GraphModel)
    batch = all_batches(batches)[0]
    assert batch.first_layer is not None
    loss, whole = objective(batch)
    wanted = loss
    for rows, last, first in zip((batch.playlist, batch.track), batch.vectors, batch.first_layer):
        chosen = sorted(set(rows.tolist()))
        cosines = F.cosine_similarity(last[chosen][:, None], first[chosen][None], dim=-1) / 0.4
        wanted = wanted + 0.3 * F.cross_entropy(cosines, torch.arange(len(chosen)))
    torch.testing.assert_close(whole, wanted, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(batch.vectors[1], model.embed()[1]), "there is noise in it"


def test_views_that_the_contrast_compares_come_from_one_propagation(corpus: Corpus) -> None:
    model, batches, objective = setting(
        corpus, "lightgcn", contrast=2.0, contrast_noise=0.0, contrast_temperature=0.5, batch_size=500
    )
    (batch,) = all_batches(batches)
    loss, whole = objective(batch)
    playlists, tracks = model.embed()
    assert isinstance(model, GraphModel)
    _, first = model.contrastive_views(0.0)
    held = [torch.from_numpy(np.unique(ids)).long() for ids in corpus.pairs]
    terms = [contrast(z[rows], f[rows], 0.5) for z, f, rows in zip((playlists, tracks), first, held)]
    torch.testing.assert_close(whole, loss + 2 * (terms[0] + terms[1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"n_negatives": 2},
        {"regime": "sampled", "fanout": 2},
        {"loss": "softmax", "negatives": "in-batch"},
        {"loss": "directau"},
    ],
)
def test_the_penalty_is_on_the_first_embeddings_of_the_batch(options: dict[str, Any], corpus: Corpus) -> None:
    model, batches, objective = setting(corpus, "lightgcn", **{"l2": 0.2, **options})
    for batch in all_batches(batches)[:2]:
        loss, whole = objective(batch)
        playlists, tracks = batch.tables
        rows = [playlists[row] for row in batch.playlist.tolist()] + [tracks[row] for row in batch.track.tolist()]
        if isinstance(batch, PairBatch):
            rows += [tracks[row] for row in batch.negatives.flatten().tolist()]
        penalty = torch.stack([row.square().sum() for row in rows]).sum() / (2 * len(batch.track))
        torch.testing.assert_close(whole, loss + 0.2 * penalty)
        ids = {int((model.tables["track"] == row).all(1).nonzero()) for row in tracks[batch.track]}
        if batch.track_ids is None:
            assert ids == set(batch.track.tolist()), "layer 0, not the final vectors"


def test_the_penalty_where_every_track_is_a_candidate(corpus: Corpus) -> None:
    model, batches, objective = setting(corpus, "lightgcn", l2=0.2, loss="softmax", negatives="all", batch_size=500)
    (batch,) = all_batches(batches)
    loss, whole = objective(batch)
    held = np.unique(corpus.pairs[0])
    playlists = model.tables["playlist"][held].square().sum() / (2 * len(held))
    tracks = model.tables["track"].square().sum() / (2 * corpus.n_tracks)
    torch.testing.assert_close(whole, loss + 0.2 * (playlists + tracks))
