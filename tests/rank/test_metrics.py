"""Metrics against hand-computed cases and against plain loops written from the definitions."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.rank import metrics

AT_K = {
    "recall": metrics.recall,
    "precision": metrics.precision,
    "hit_rate": metrics.hit_rate,
    "ndcg": metrics.ndcg,
    "mrr": metrics.mrr,
    "average_precision": metrics.average_precision,
}


def naive(name: str, hits: list[bool], n_truth: int, k: int) -> float:
    first = hits[:k]
    ranks = [rank for rank, hit in enumerate(first, start=1) if hit]
    if name == "recall":
        return len(ranks) / n_truth
    if name == "precision":
        return len(ranks) / k
    if name == "hit_rate":
        return 1.0 if ranks else 0.0
    if name == "mrr":
        return 1 / ranks[0] if ranks else 0.0
    if name == "average_precision":
        return sum((i + 1) / rank for i, rank in enumerate(ranks)) / min(k, n_truth)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, n_truth) + 1))
    return sum(1 / math.log2(rank + 1) for rank in ranks) / ideal


@st.composite
def rankings(draw: st.DrawFn) -> tuple[list[list[bool]], list[int]]:
    depth = draw(st.integers(1, 12))
    hits = draw(st.lists(st.lists(st.booleans(), min_size=depth, max_size=depth), min_size=1, max_size=6))
    return hits, [max(1, sum(row)) + draw(st.integers(0, 15)) for row in hits]


@pytest.mark.parametrize("name", AT_K)
@settings(max_examples=40, deadline=None)
@given(ranking=rankings(), data=st.data())
def test_at_k_is_the_naive_loop(name: str, ranking: tuple[list[list[bool]], list[int]], data: st.DataObject) -> None:
    hits, n_truth = ranking
    k = data.draw(st.integers(1, len(hits[0])))
    got = AT_K[name](torch.tensor(hits), torch.tensor(n_truth), k)
    assert got.dtype == torch.float64
    assert got.shape == (len(hits),)
    assert got.tolist() == pytest.approx([naive(name, row, n, k) for row, n in zip(hits, n_truth)], abs=1e-12)
    assert 0 <= got.min() <= got.max() <= 1 + 1e-12


@pytest.mark.parametrize("name", AT_K)
def test_a_perfect_ranking_scores_one(name: str) -> None:
    hits = torch.tensor([[True] * 4, [True] * 4])
    assert AT_K[name](hits, torch.tensor([4, 4]), 4).tolist() == pytest.approx([1, 1])


def test_hand_computed() -> None:
    hits, n_truth = torch.tensor([[True, False, True, False]]), torch.tensor([5])
    expected = {
        "recall": 2 / 5,
        "precision": 2 / 4,
        "hit_rate": 1.0,
        "ndcg": (1 + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)),
        "mrr": 1.0,
        "average_precision": (1 + 2 / 3) / 4,
    }
    for name, value in expected.items():
        assert AT_K[name](hits, n_truth, 4).item() == pytest.approx(value, abs=1e-12), name
    assert metrics.mrr(hits[:, 1:], n_truth, 3).item() == pytest.approx(1 / 2)
    assert metrics.average_precision(hits, torch.tensor([2]), 3).item() == pytest.approx((1 + 2 / 3) / 2)


def test_equals_ir_measures() -> None:
    """Random rankings; average precision, which ir-measures divides by all of the truth, on the same footing."""
    rng = np.random.default_rng(0)
    n, depth, catalogue = 60, 20, 50
    ranked = np.stack([rng.permutation(catalogue)[:depth] for _ in range(n)])
    truth = [rng.choice(catalogue, rng.integers(1, 30), replace=False) for _ in range(n)]
    hits = torch.tensor(np.stack([np.isin(row, hidden) for row, hidden in zip(ranked, truth)]))
    n_truth = torch.tensor([len(hidden) for hidden in truth])
    judged = {f"{i:02}": {str(track): 1 for track in hidden} for i, hidden in enumerate(truth)}
    run = {f"{i:02}": {str(t): float(-rank) for rank, t in enumerate(row)} for i, row in enumerate(ranked)}
    for k in (1, 5, 10, depth):
        for name, theirs in (
            ("recall", ir_measures.R @ k),
            ("precision", ir_measures.P @ k),
            ("ndcg", ir_measures.nDCG @ k),
            ("mrr", ir_measures.RR @ k),
            ("hit_rate", ir_measures.Success @ k),
            ("average_precision", ir_measures.AP @ k),
        ):
            values = {metric.query_id: metric.value for metric in ir_measures.iter_calc([theirs], judged, run)}
            expected = torch.tensor([values[query] for query in judged], dtype=torch.float64)
            if name == "average_precision":  # theirs divides by the size of the truth, beyond k too
                expected *= n_truth.double() / n_truth.clamp(max=k)
            got = AT_K[name](hits, n_truth, k)
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-9, msg=lambda m, n=name, k=k: f"{n}@{k}: {m}")


@settings(max_examples=40, deadline=None)
@given(ranking=rankings())
def test_r_precision_is_precision_at_the_size_of_the_truth(ranking: tuple[list[list[bool]], list[int]]) -> None:
    hits, n_truth = ranking
    depth = max(n_truth)
    padded = [row + [False] * max(0, depth - len(row)) for row in hits]
    expected = [sum(row[:n]) / n for row, n in zip(padded, n_truth)]
    assert metrics.r_precision(torch.tensor(padded), torch.tensor(n_truth)).tolist() == pytest.approx(expected)


def test_r_precision_needs_the_depth() -> None:
    with pytest.raises(ValueError, match="depth"):
        metrics.r_precision(torch.ones(2, 3, dtype=torch.bool), torch.tensor([1, 4]))


@pytest.mark.parametrize("name", AT_K)
@pytest.mark.parametrize(("n_truth", "k"), [([1, 0], 2), ([1, 1], 0), ([1, 1], -1), ([1, 1], 4)])
def test_what_has_no_value_is_refused(name: str, n_truth: list[int], k: int) -> None:
    with pytest.raises(ValueError, match=r"n_truth must be|k must lie"):
        AT_K[name](torch.ones(2, 3, dtype=torch.bool), torch.tensor(n_truth), k)
    if not all(n_truth):
        with pytest.raises(ValueError, match="empty truth"):
            metrics.r_precision(torch.ones(2, 3, dtype=torch.bool), torch.tensor(n_truth))


def test_coverage() -> None:
    indices = torch.tensor([[0, 3, 5], [3, 0, -1]])
    assert metrics.coverage(indices, 8, 2) == pytest.approx(2 / 8)
    assert metrics.coverage(indices, 8, 3) == pytest.approx(3 / 8), "an index of -1 is no track"
    assert metrics.recommended(indices, 8, 1).nonzero().flatten().tolist() == [0, 3]
    with pytest.raises(ValueError, match="k must lie"):
        metrics.coverage(indices, 8, 0)


scores = st.lists(st.sampled_from([-math.inf, -1.5, 0.0, 0.5, 2.0, 7.0]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(positive=scores, negative=scores)
def test_auc_counts_pairs(positive: list[float], negative: list[float]) -> None:
    wins = sum((p > n) + (p == n) / 2 for p in positive for n in negative)
    got = metrics.roc_auc(torch.tensor(positive), torch.tensor(negative))
    assert got == pytest.approx(wins / (len(positive) * len(negative)), abs=1e-12)
    swapped = metrics.roc_auc(torch.tensor(negative), torch.tensor(positive))
    assert got + swapped == pytest.approx(1)


def test_auc_refuses_nothing_and_nan() -> None:
    with pytest.raises(ValueError, match="empty"):
        metrics.roc_auc(torch.tensor([]), torch.tensor([1.0]))
    with pytest.raises(ValueError, match="NaN"):
        metrics.roc_auc(torch.tensor([1.0]), torch.tensor([math.nan]))
