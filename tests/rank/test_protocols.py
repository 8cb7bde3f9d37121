"""Full ranking against a loop over playlists that sorts Python lists."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import EvaluationSet, Split
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.events import Event
from playlistrec.models.base import Query, Recommender
from playlistrec.rank.protocols import METRICS, evaluate
from playlistrec.rank.recommend import recommend

N_TRACKS, KS = 40, (1, 5, 60)


class Scripted(Recommender):
    """Scores that depend on the seeds and the playlist alone; remembers what it was asked."""

    name = "scripted"

    def __init__(self, n_tracks: int = N_TRACKS, levels: int = 10**6) -> None:
        self.n_tracks, self.levels, self.asked = n_tracks, levels, []

    def row(self, seeds: list[int], playlist: int) -> np.ndarray:
        rng = np.random.default_rng([len(seeds), *seeds, playlist + 1])
        scores = rng.integers(0, self.levels, self.n_tracks).astype(np.float32)
        scores[rng.random(self.n_tracks) < 0.1] = -math.inf
        return scores

    def score(self, query: Query) -> Tensor:
        parts = [(query.seeds(i).tolist(), int(query.playlists[i])) for i in range(len(query))]
        self.asked += parts
        return torch.from_numpy(np.stack([self.row(*part) for part in parts]))

    from_corpus = from_state = state = None  # type: ignore[assignment]


class Oracle(Scripted):
    """Scores seeds highest, then ``levels`` for the tracks given as truth of a playlist, then 0."""

    def __init__(self, truth: dict[int, list[int]], at: float) -> None:
        super().__init__()
        self.truth, self.at = truth, at

    def row(self, seeds: list[int], playlist: int) -> np.ndarray:
        scores = np.zeros(self.n_tracks, np.float32)
        scores[self.truth[playlist]] = self.at
        scores[seeds] = 100
        return scores


class Caller(Scripted):
    """Scores the track whose number is the playlist's title."""

    def score(self, query: Query) -> Tensor:
        assert query.titles is not None
        return torch.eye(self.n_tracks)[[int(title) for title in query.titles]]


def example(kind: str) -> tuple[Corpus, EvaluationSet]:
    rng = np.random.default_rng(3)
    catalogue = [[f"t{i}" for i in range(N_TRACKS)]]  # all of it in one playlist: numbered 0..39
    lists = [[f"t{i}" for i in rng.integers(0, N_TRACKS, rng.integers(1, 25))] for _ in range(50)]
    corpus = Corpus.from_lists([*catalogue, *lists])
    code = np.where(rng.random((corpus.n_playlists, N_TRACKS)) < 0.3, 2, 0)  # one code a pair, copies included
    if kind == "continuation":
        hidden = rng.random(corpus.n_playlists) < 0.5
        code = np.where(hidden[:, None], np.where(code == 2, 2, 4), 0)
    else:  # as a split leaves it, every playlist keeps a track
        code[np.arange(corpus.n_playlists), corpus.tracks[corpus.offsets[:-1]]] = 0
    code[:8] = 0
    part = code[corpus.entry_playlist, corpus.tracks].astype(np.uint8)
    return corpus, Split(kind, part).evaluation_set(corpus, "test")  # type: ignore[arg-type]


def naive(model: Scripted, evaluation_set: EvaluationSet) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    shown: dict[int, set[int]] = {k: set() for k in KS}
    for i, playlist in enumerate(evaluation_set.playlists.tolist()):
        seeds = evaluation_set.seeds[evaluation_set.seed_offsets[i] : evaluation_set.seed_offsets[i + 1]].tolist()
        truth = set(
            evaluation_set.truth[evaluation_set.truth_offsets[i] : evaluation_set.truth_offsets[i + 1]].tolist()
        )
        scores = model.row(seeds, playlist if evaluation_set.known else -1).tolist()
        order = [t for t in range(N_TRACKS) if t not in seeds and scores[t] > -math.inf]
        order.sort(key=lambda t: (-scores[t], t))
        for k in KS:
            hits = [rank for rank, t in enumerate(order[:k], 1) if t in truth]
            ideal = sum(1 / math.log2(r + 1) for r in range(1, min(k, len(truth)) + 1))
            values = {
                "recall": len(hits) / len(truth),
                "precision": len(hits) / k,
                "hit": float(bool(hits)),
                "mrr": 1 / hits[0] if hits else 0.0,
                "map": sum((j + 1) / rank for j, rank in enumerate(hits)) / min(k, len(truth)),
                "ndcg": sum(1 / math.log2(rank + 1) for rank in hits) / ideal,
            }
            shown[k] |= set(order[:k])
            for name, value in values.items():
                found.setdefault(f"{name}@{k}", []).append(value)
        others = [t for t in range(N_TRACKS) if t not in truth and t not in seeds]
        wins = [(scores[t] > scores[o]) + (scores[t] == scores[o]) / 2 for t in truth for o in others]
        found.setdefault("auc", []).append(sum(wins) / len(wins))
        found.setdefault("r_precision", []).append(len(truth & set(order[: len(truth)])) / len(truth))
    return {name: sum(v) / len(v) for name, v in found.items()} | {
        f"coverage@{k}": len(tracks) / N_TRACKS for k, tracks in shown.items()
    }


@pytest.mark.parametrize("kind", ["edges", "continuation"])
@pytest.mark.parametrize("levels", [10**6, 3])
def test_is_the_naive_loop(kind: str, levels: int) -> None:
    corpus, evaluation_set = example(kind)
    model = Scripted(levels=levels)
    result = evaluate(model, evaluation_set, ks=KS, batch_size=7)
    got = dict(result.metrics)
    assert 0 < got.pop("pooled_auc") < 1
    assert got == pytest.approx(naive(model, evaluation_set), abs=1e-12)
    assert result.n_queries == len(evaluation_set)
    assert result.n_queries + result.n_left_out == corpus.n_playlists
    assert result.n_left_out >= 8, "playlists of which nothing was hidden"
    assert all((playlist >= 0) == (kind == "edges") for _, playlist in model.asked)


@pytest.mark.parametrize("kind", ["edges", "continuation"])
def test_batch_size_does_not_matter(kind: str) -> None:
    _, evaluation_set = example(kind)
    one, *others = (evaluate(Scripted(), evaluation_set, batch_size=size).metrics for size in (1, 3, 1000, None))
    assert set(one) == {f"{m}@{k}" for m in METRICS[:-3] for k in (10, 20)} | {"r_precision", "auc", "pooled_auc"}
    for other in others:
        assert other == one


def truths(evaluation_set: EvaluationSet) -> dict[int, list[int]]:
    return {
        playlist: evaluation_set.truth[evaluation_set.truth_offsets[i] : evaluation_set.truth_offsets[i + 1]].tolist()
        for i, playlist in enumerate(evaluation_set.playlists.tolist())
    }


def test_seeds_are_masked_and_an_oracle_is_perfect() -> None:
    _, evaluation_set = example("edges")
    got = evaluate(Oracle(truths(evaluation_set), 1.0), evaluation_set, ks=(N_TRACKS,)).metrics
    for name in ("recall", "ndcg", "map", "hit", "mrr"):
        assert got[f"{name}@{N_TRACKS}"] == pytest.approx(1)
    assert got["r_precision"] == 1
    assert got["auc"] == 1, "a negative that is truth would tie"


def test_negatives_are_never_seeds() -> None:
    _, evaluation_set = example("edges")
    got = evaluate(Oracle(truths(evaluation_set), -1.0), evaluation_set, metrics=["auc", "pooled_auc"]).metrics
    assert got == {"auc": 0.0, "pooled_auc": 0.0}, "a negative that is a seed has -inf and would lose"


def test_negatives_are_uniform() -> None:
    offsets = np.array([0, 2])
    evaluation_set = EvaluationSet(
        np.array([0]), True, offsets, np.array([3, 1], np.int32), offsets, np.array([0, 5]), 0
    )

    class Ladder(Scripted):
        def row(self, seeds: list[int], playlist: int) -> np.ndarray:
            return np.array([3.5, 9, 1, 9, 2, 3.5, 3, 4, 5, 6], np.float32)  # free: 1 2 3 4 5 6

    names = ["auc", "pooled_auc"]
    found = [evaluate(Ladder(10), evaluation_set, metrics=names, seed=seed).metrics for seed in range(800)]
    assert {one["auc"] for one in found} == {0.5}, "exact: nothing is drawn"
    draws = [one["pooled_auc"] for one in found]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.04)
    # Both negatives below, one, or none: 1/4, 1/2, 1/4 when each is drawn uniformly and on its own.
    assert np.bincount((2 * np.array(draws)).astype(int)) / 800 == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def test_a_playlist_that_takes_every_track_has_no_auc() -> None:
    offsets = np.array([0, 2])
    evaluation_set = EvaluationSet(
        np.array([0]), True, offsets, np.array([0, 1], np.int32), offsets, np.array([2, 3]), 0
    )
    model = Scripted(4)
    for name in ("auc", "pooled_auc"):
        assert math.isnan(evaluate(model, evaluation_set, metrics=[name]).metrics[name])


def test_the_scale_of_one_playlists_scores_changes_the_pooled_figure_alone() -> None:
    """Scores of different playlists do not compare: LightGCN's grow with the length of a playlist's vector."""
    _, evaluation_set = example("edges")

    class Scaled(Scripted):
        def row(self, seeds: list[int], playlist: int) -> np.ndarray:
            return super().row(seeds, playlist) * np.float32(1 + playlist % 7)

    one, other = (
        evaluate(kind(50), evaluation_set, metrics=["auc", "pooled_auc"]).metrics for kind in (Scripted, Scaled)
    )
    assert one["auc"] == other["auc"]
    assert one["pooled_auc"] != other["pooled_auc"]


def test_only_what_is_asked_for() -> None:
    _, evaluation_set = example("edges")
    every = evaluate(Scripted(), evaluation_set, ks=(20,)).metrics
    some = evaluate(Scripted(), evaluation_set, ks=(20,), metrics=("recall", "ndcg")).metrics
    assert some == {name: every[name] for name in ("recall@20", "ndcg@20")}


def test_progress_reaches_the_total() -> None:
    events: list[Event] = []
    _, evaluation_set = example("edges")
    evaluate(Scripted(), evaluation_set, batch_size=10, on_event=events.append)
    assert [e.data["done"] for e in events] == [*range(10, len(evaluation_set), 10), len(evaluation_set)]
    assert {(e.kind, e.data["total"]) for e in events} == {("progress", len(evaluation_set))}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": ["recal"]}, "did you mean 'recall'"),
        ({"ks": (0, 5)}, "ks must be"),
        ({"ks": ()}, "ks must be"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_refuses_what_cannot_be(options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        evaluate(Scripted(), example("edges")[1], **options)


def test_no_questions_and_nan() -> None:
    empty, none = np.array([0]), np.array([], np.int32)
    with pytest.raises(DataError, match="nothing was hidden"):
        evaluate(Scripted(), EvaluationSet(none, True, empty, none, empty, none, 5))

    class Diverged(Scripted):
        def row(self, seeds: list[int], playlist: int) -> np.ndarray:
            return np.where(np.arange(self.n_tracks) == 30, math.nan, 1).astype(np.float32)

    for ask in (lambda m: evaluate(m, example("edges")[1]), lambda m: recommend(m, Query.of([[1]]), 3)):
        with pytest.raises(RunError, match="model scripted gave"):
            ask(Diverged())


def test_recommend() -> None:
    model, query = Scripted(levels=4), Query.of([[4, 2, 4], [], list(range(35))], [1, -1, 7])
    indices, scores = recommend(model, query, 10)
    assert indices.shape == scores.shape == (3, 10)
    for i in range(3):
        row = model.row(query.seeds(i).tolist(), int(query.playlists[i]))
        free = [t for t in range(N_TRACKS) if t not in query.seeds(i) and row[t] > -math.inf]
        best = sorted(free, key=lambda t: (-row[t], t))[:10]
        assert indices[i].tolist() == best + [-1] * (10 - len(best))
        assert scores[i].tolist() == [row[t] for t in best] + [-math.inf] * (10 - len(best))
    with pytest.raises(ConfigError, match="k must be at least 1"):
        recommend(model, query, 0)


def test_questions_are_asked_with_their_titles():
    offsets, playlists = np.array([0, 1, 2, 3]), np.array([4, 5, 6])
    seeds, truth = np.array([0, 0, 0], np.int32), np.array([9, 7, 8], np.int32)
    evaluation_set = EvaluationSet(playlists, False, offsets, seeds, offsets, truth, 0, ("9", "7", "8"))
    assert evaluate(Caller(), evaluation_set, ks=(1,), metrics=("hit",), batch_size=2).metrics == {"hit@1": 1.0}
