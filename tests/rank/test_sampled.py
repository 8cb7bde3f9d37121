"""The sampled protocol against a loop that ranks one hidden track at a time, and the draw against its definition."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import EvaluationSet, Split
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.events import Event
from playlistrec.models.base import Query, Recommender
from playlistrec.rank import complement as untouched
from playlistrec.rank.complement import Complement, draw_ranks
from playlistrec.rank.sampled import evaluate_sampled, sampled_of

N_TRACKS, KS = 30, (1, 4, 40)


class Scripted(Recommender):
    """Scores by playlist; with ``levels`` of them there are ties, and some tracks cannot be ranked."""

    name = "scripted"
    from_corpus = from_state = state = None  # type: ignore[assignment]

    def __init__(self, levels: int = 10**6, n_tracks: int = N_TRACKS) -> None:
        self.levels, self.n_tracks = levels, n_tracks

    def row(self, playlist: int) -> np.ndarray:
        rng = np.random.default_rng(playlist + 1)
        scores = rng.integers(0, self.levels, self.n_tracks).astype(np.float32)
        scores[rng.random(self.n_tracks) < 0.1] = -math.inf
        return scores

    def score(self, query: Query) -> Tensor:
        return torch.from_numpy(np.stack([self.row(int(playlist)) for playlist in query.playlists]))


def example(seed: int = 0, longest: int = 20) -> tuple[Corpus, EvaluationSet]:
    """Playlists with duplicates; about a third of the tracks is valid, a third test, one of each at least train."""
    rng = np.random.default_rng(seed)
    lists = [[f"t{i}" for i in rng.integers(0, N_TRACKS, rng.integers(1, longest))] for _ in range(40)]
    corpus = Corpus.from_lists([[f"t{i}" for i in range(N_TRACKS)], *lists])
    code = rng.integers(0, 3, (corpus.n_playlists, N_TRACKS))
    code[np.arange(corpus.n_playlists), corpus.tracks[corpus.offsets[:-1]]] = 0
    code[0] = 0
    part = code[corpus.entry_playlist, corpus.tracks].astype(np.uint8)
    return corpus, Split("edges", part).evaluation_set(corpus, "valid")


def asked(evaluation_set: EvaluationSet) -> list[tuple[int, list[int]]]:
    truth = np.split(evaluation_set.truth, evaluation_set.truth_offsets[1:-1])
    return [(int(p), tracks.tolist()) for p, tracks in zip(evaluation_set.playlists, truth)]


def naive_with_all(model: Scripted, corpus: Corpus, evaluation_set: EvaluationSet) -> dict[str, float]:
    """The protocol where every untouched track is a negative, so that nothing is left to chance."""
    found: dict[str, list[float]] = {}
    shown: dict[int, set[int]] = {k: set() for k in KS}
    for playlist, truth in asked(evaluation_set):
        scores = model.row(playlist).tolist()
        free = set(range(N_TRACKS)) - set(corpus.playlist(playlist).tolist())
        of_tracks: dict[str, list[float]] = {}
        for track in truth:
            order = sorted((t for t in {*free, track} if scores[t] > -math.inf), key=lambda t: (-scores[t], t))
            rank = order.index(track) + 1 if track in order else math.inf
            for k in KS:
                of_tracks.setdefault(f"hit@{k}", []).append(float(rank <= k))
                of_tracks.setdefault(f"ndcg@{k}", []).append(1 / math.log2(rank + 1) if rank <= k else 0.0)
                of_tracks.setdefault(f"mrr@{k}", []).append(1 / rank if rank <= k else 0.0)
                shown[k] |= set(order[:k])
        for name, values in of_tracks.items():
            found.setdefault(name, []).append(sum(values) / len(values))
    means = {name: sum(values) / len(values) for name, values in found.items()}
    return means | {f"coverage@{k}": len(tracks) / N_TRACKS for k, tracks in shown.items()}


@pytest.mark.parametrize("levels", [10**6, 3])
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_with_all_untouched_tracks_it_is_the_naive_loop(levels: int, batch_size: int | None) -> None:
    corpus, evaluation_set = example()
    model = Scripted(levels)
    events: list[Event] = []
    result = evaluate_sampled(
        model, evaluation_set, corpus, N_TRACKS, ks=KS, batch_size=batch_size, on_event=events.append
    )
    assert result.metrics == pytest.approx(naive_with_all(model, corpus, evaluation_set), abs=1e-12)
    assert result.protocol == f"sampled:{N_TRACKS}"
    assert result.n_queries == len(evaluation_set) == len(result.per_query["ndcg@4"])
    assert result.n_queries + result.n_left_out == corpus.n_playlists
    warnings = [event for event in events if event.kind == "warning"]
    assert [event.data for event in warnings] == [{"short": len(evaluation_set)}], "all of them, once"
    assert {name: values.mean() for name, values in result.per_query.items()} == pytest.approx(
        {name: value for name, value in result.metrics.items() if "coverage" not in name}
    )


class Spy(Scripted):
    """Every track gets its own score, lower than those of the tracks before it; the hidden ones get the lowest."""

    def __init__(self, truth: dict[int, list[int]]) -> None:
        super().__init__()
        self.truth = truth

    def row(self, playlist: int) -> np.ndarray:
        scores = -np.arange(self.n_tracks, dtype=np.float32)
        scores[self.truth[playlist]] -= 100
        return scores


@pytest.mark.parametrize("n_negatives", [1, 3, 9])
def test_a_hidden_track_below_all_others_stands_behind_exactly_its_negatives(n_negatives: int) -> None:
    corpus, evaluation_set = example(longest=12)
    depth = n_negatives + 1
    result = evaluate_sampled(
        Spy(dict(asked(evaluation_set))), evaluation_set, corpus, n_negatives, ks=(n_negatives, depth)
    )
    assert result.metrics[f"hit@{n_negatives}"] == 0, "what is drawn is neither hidden nor drawn twice"
    assert result.metrics[f"mrr@{depth}"] == pytest.approx(1 / depth)


def test_neither_the_batch_nor_the_model_changes_the_negatives_and_the_seed_does() -> None:
    corpus, evaluation_set = example(longest=12)
    one, *others = (
        evaluate_sampled(Scripted(), evaluation_set, corpus, 5, batch_size=size).metrics for size in (1, 4, 1000, None)
    )
    assert all(other == one for other in others)
    assert evaluate_sampled(Scripted(), evaluation_set, corpus, 5, seed=1).metrics != one


def test_several_draws_are_the_mean_of_each() -> None:
    corpus, evaluation_set = example(longest=12)
    alone = [evaluate_sampled(Scripted(), evaluation_set, corpus, 5, seed=seed).metrics for seed in (3, 4, 5)]
    together = evaluate_sampled(Scripted(), evaluation_set, corpus, 5, draws=3, seed=3, batch_size=4)
    assert together.metrics == pytest.approx({name: np.mean([one[name] for one in alone]) for name in alone[0]})
    assert len({one["ndcg@10"] for one in alone}) == 3
    assert together.protocol == "sampled:5x3"
    assert together.per_query["hit@10"].mean() == pytest.approx(together.metrics["hit@10"])


def test_a_track_of_another_part_is_never_a_negative() -> None:
    """The playlist holds all but one track, most of them test: that one is the only negative there is."""
    corpus = Corpus.from_lists([["a", "b", "c", "d"], ["e"]])
    evaluation_set = Split("edges", np.array([0, 1, 2, 2, 0], np.uint8)).evaluation_set(corpus, "valid")

    class Last(Scripted):
        def row(self, playlist: int) -> np.ndarray:
            return np.array([5, 2, 4, 3, 1], np.float32)  # b beats e alone

    result = evaluate_sampled(Last(n_tracks=5), evaluation_set, corpus, 99, ks=(1, 2))
    assert result.metrics == {
        **{f"{name}@{k}": 1.0 for name in ("hit", "ndcg", "mrr") for k in (1, 2)},
        "coverage@1": 0.2,
        "coverage@2": 0.4,
    }


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), max_size=20),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_drawn_tracks_are_distinct_and_free(taken: list[tuple[int, int]], n: int, seed: int) -> None:
    rows, tracks = (np.array([pair[i] for pair in taken], dtype=np.int64) for i in (0, 1))
    free = Complement(rows, tracks, 4, 8)
    open_to = [sorted(set(range(8)) - {t for r, t in taken if r == row}) for row in range(4)]
    assert free.size.tolist() == [len(tracks) for tracks in open_to]
    ranks = draw_ranks(free.size, n, np.random.default_rng(seed))
    for row in range(4):
        drawn = ranks[row][ranks[row] >= 0]
        got = free.tracks(np.full(len(drawn), row), drawn).tolist()
        assert len(got) == min(n, len(open_to[row])) == len(set(got))
        assert set(got) <= set(open_to[row])


def test_every_set_is_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    n_draws, sets = 12_000, list(combinations(range(5), 3))
    whole = draw_ranks(np.full(n_draws, 5), 3, np.random.default_rng(4))
    counts = Counter(map(tuple, np.sort(whole).tolist()))
    assert set(counts) == set(sets)
    # Chi-squared with 9 degrees of freedom exceeds 33.7 once in ten thousand.
    assert sum((counts[s] - n_draws / 10) ** 2 / (n_draws / 10) for s in sets) < 33.7
    monkeypatch.setattr(untouched, "BITMAP_BYTES", 64)
    assert (draw_ranks(np.full(n_draws, 5), 3, np.random.default_rng(4)) == whole).all()


def test_names_of_protocols() -> None:
    assert sampled_of("full") is None
    assert sampled_of("sampled:99") == (99, 1)
    assert sampled_of("sampled:99x20") == (99, 20)
    for text in (
        "sampled",
        "sampled:",
        "sampled:0",
        "sampled:-1",
        "sampled:x",
        "Full",
        "",
        "sampled:99 ",
        "sampled:9x0",
        "sampled:9x",
    ):
        with pytest.raises(ConfigError, match="protocol must be full, sampled:N, such as sampled:99"):
            sampled_of(text)


def test_refuses_what_cannot_be() -> None:
    corpus, evaluation_set = example()
    with pytest.raises(ConfigError, match="n_negatives must be at least 1"):
        evaluate_sampled(Scripted(), evaluation_set, corpus, 0)
    with pytest.raises(ConfigError, match="ks must be"):
        evaluate_sampled(Scripted(), evaluation_set, corpus, ks=())
    with pytest.raises(ConfigError, match="draws must be at least 1"):
        evaluate_sampled(Scripted(), evaluation_set, corpus, draws=0)
    empty, none = np.array([0]), np.array([], np.int32)
    with pytest.raises(DataError, match="nothing was hidden"):
        evaluate_sampled(Scripted(), EvaluationSet(none, True, empty, none, empty, none, 5), corpus)

    class Diverged(Scripted):
        def row(self, playlist: int) -> np.ndarray:
            return np.full(self.n_tracks, math.nan, np.float32)

    with pytest.raises(RunError, match="model scripted gave"):
        evaluate_sampled(Diverged(), evaluation_set, corpus)
