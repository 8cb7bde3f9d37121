"""Measures beyond accuracy against loops over lists of Python numbers."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import Split
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query, Recommender
from playlistrec.rank.beyond_accuracy import BEYOND, BeyondAccuracy, diversity, gini, list_mean
from playlistrec.rank.protocols import METRICS, evaluate

N_TRACKS, DEPTH = 7, 5
ARTIST_OF = {"t0": "A", "t1": "A", "t2": "B", "t3": "B", "t4": "B"}  # those of t5 and t6 are unknown

LISTS = st.lists(st.lists(st.integers(0, N_TRACKS - 1), max_size=DEPTH, unique=True), min_size=1)
PLAYLISTS = st.lists(st.lists(st.integers(0, N_TRACKS - 2), max_size=6), min_size=1, max_size=5)


def known_corpus(playlists: list[list[int]], artist_of: dict[str, str]) -> Corpus:
    """``playlists`` over all tracks, the last of which nobody holds."""
    named = [[f"t{i}" for i in tracks] for tracks in (range(N_TRACKS), *playlists)]
    everything = Corpus.from_lists(named, artist_of)
    return everything.where(everything.entry_playlist > 0)


def padded(lists: list[list[int]]) -> Tensor:
    return torch.tensor([list(tracks) + [-1] * (DEPTH - len(tracks)) for tracks in lists])


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def naive(lists: list[list[int]], playlists: list[list[int]], k: int, artist_of: dict[str, str]) -> dict[str, float]:
    lists = [tracks[:k] for tracks in lists]
    shown = [sum(t in tracks for tracks in lists) for t in range(N_TRACKS)]
    holding = [sum(t in set(p) for p in playlists) for t in range(N_TRACKS)]
    n = sum(bool(p) for p in playlists)
    artists = [[artist_of[f"t{t}"] for t in tracks if f"t{t}" in artist_of] for tracks in lists]
    pairs = [[a != b for a, b in combinations(of_list, 2)] for of_list in artists]
    # Half the mean difference of two tracks drawn at random, relative to the mean.
    difference = sum(abs(a - b) for a in shown for b in shown)
    found = {
        f"gini@{k}": difference / (2 * N_TRACKS * sum(shown)) if sum(shown) else math.nan,
        f"popularity@{k}": mean([mean([holding[t] for t in tracks]) for tracks in lists if tracks]),
    }
    if n:
        found[f"novelty@{k}"] = mean(
            [mean([-math.log2(max(holding[t], 1) / n) for t in tracks]) for tracks in lists if tracks]
        )
    if artist_of:
        found[f"diversity@{k}"] = mean([mean(of_list) for of_list in pairs if of_list])
    return found


@settings(max_examples=150, deadline=None)
@given(LISTS, PLAYLISTS.filter(any), st.sampled_from([ARTIST_OF, {}]), st.integers(1, 4))
def test_is_the_naive_loop(lists, playlists, artist_of, batch_size) -> None:
    ks = (1, 3, DEPTH)
    beyond = BeyondAccuracy(known_corpus(playlists, artist_of), ks)
    for batch in padded(lists).split(batch_size):
        beyond.add(batch)
    expected: dict[str, float] = {}
    for k in ks:
        expected |= naive(lists, playlists, k, artist_of)
    assert beyond.metrics() == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_gini_of_known_cases() -> None:
    assert gini(torch.tensor([3, 3, 3])) == pytest.approx(0)
    assert gini(torch.tensor([0, 9, 0, 0])) == pytest.approx(0.75)
    assert gini(torch.tensor([1, 2, 3, 4])) == pytest.approx(0.25)
    assert math.isnan(gini(torch.tensor([0, 0])))


def test_short_and_empty_lists() -> None:
    indices = torch.tensor([[2, 0, -1], [-1, -1, -1], [1, -1, -1]])
    means = list_mean(torch.tensor([1, 5, 9]), indices, 3)
    assert means[[0, 2]].tolist() == [5, 5]
    assert means.isnan().tolist() == [False, True, False]
    of_lists = diversity(torch.tensor([0, 0, 1]), indices, 3)
    assert of_lists[0] == 1
    assert of_lists.isnan().tolist() == [False, True, True]
    assert diversity(torch.tensor([0, 0, -1]), torch.tensor([[0, 1, 2]]), 3).tolist() == [0]
    assert diversity(torch.tensor([0, 0, -1]), torch.tensor([[0, 1, 2]]), 1).isnan().all()


class ByNumber(Recommender):
    """Scores tracks by their number, the same for everybody."""

    name = "by number"
    from_corpus = from_state = state = None  # type: ignore[assignment]
    n_tracks = N_TRACKS

    def score(self, query: Query) -> Tensor:
        return torch.arange(N_TRACKS, dtype=torch.float32).repeat(len(query), 1)


def test_evaluate_takes_them_from_the_same_ranking() -> None:
    corpus = Corpus.from_lists([[f"t{i}" for i in range(N_TRACKS)], ["t1", "t2", "t6"], ["t6", "t5", "t0"]], ARTIST_OF)
    part = np.array([0] * N_TRACKS + [0, 0, 2, 0, 0, 2], np.uint8)
    split = Split("edges", part)
    evaluation_set = split.evaluation_set(corpus, "test")
    known = split.ranking(corpus, "test")
    plain = evaluate(ByNumber(), evaluation_set, ks=(2,)).metrics
    full = evaluate(ByNumber(), evaluation_set, ks=(2,), history=known, batch_size=1)
    assert {name.partition("@")[0] for name in full.metrics} == {*METRICS, *BEYOND}
    assert {name: full.metrics[name] for name in plain} == plain
    expected = naive([[6, 5], [4, 3]], [list(range(N_TRACKS)), [1, 2], [6, 5]], 2, ARTIST_OF)
    assert {n: v for n, v in full.metrics.items() if n not in plain} == pytest.approx(expected, nan_ok=True)
    assert not {name.partition("@")[0] for name in full.per_query} & {*BEYOND, "coverage", "pooled_auc"}
    some = evaluate(ByNumber(), evaluation_set, ks=(2,), history=known, metrics=("hit", "novelty")).metrics
    assert list(some) == ["hit@2", "novelty@2"]
    with pytest.raises(ConfigError, match="novelty needs history"):
        evaluate(ByNumber(), evaluation_set, metrics=["novelty"])
    with pytest.raises(ConfigError, match="did you mean 'novelty'"):
        evaluate(ByNumber(), evaluation_set, metrics=["novelti"])
