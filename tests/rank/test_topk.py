"""top_k against a full sort by (-score, index)."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from playlistrec.rank.topk import mask_seeds, top_k


def naive(scores: Tensor, k: int) -> tuple[list[list[float]], list[list[int]]]:
    values, indices = [], []
    for row in scores.tolist():
        best = sorted((-score, i) for i, score in enumerate(row) if score > -math.inf)[:k]
        values.append([-score for score, _ in best] + [-math.inf] * (k - len(best)))
        indices.append([i for _, i in best] + [-1] * (k - len(best)))
    return values, indices


rows = st.integers(1, 15).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([-math.inf, -1.0, 0.0, -0.0, 0.25, 3.0, math.inf]), min_size=n, max_size=n),
        max_size=5,
    ).map(lambda lists: torch.tensor(lists).view(-1, n))
)


@settings(max_examples=150, deadline=None)
@given(scores=rows, k=st.integers(1, 18))
def test_ties_go_to_the_lower_index(scores: Tensor, k: int) -> None:
    before = scores.clone()
    values, indices = top_k(scores, k)
    expected_values, expected_indices = naive(scores, k)
    assert indices.dtype == torch.int64
    assert indices.tolist() == expected_indices
    assert values.tolist() == expected_values
    assert torch.equal(scores, before), "the scores are left as they were"


@pytest.mark.parametrize("levels", [2, 50, 10**6])
@pytest.mark.parametrize("k", [1, 20, 250])
def test_on_many_columns(levels: int, k: int) -> None:
    generator = torch.Generator().manual_seed(levels + k)
    scores = torch.randint(0, levels, (7, 5000), generator=generator).float()
    scores[0] = 0.0
    scores[1, 10:] = -torch.inf
    assert top_k(scores, k)[1].tolist() == naive(scores, k)[1]


def test_float64_differences_count() -> None:
    scores = torch.tensor([[1.0, 1.0 + 1e-12]], dtype=torch.float64)
    values, indices = top_k(scores, 1)
    assert indices.tolist() == [[1]]
    assert values.dtype == torch.float64


def test_nan_and_no_k_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        top_k(torch.tensor([[0.0, 1.0], [-math.inf, math.nan]]), 1)
    with pytest.raises(ValueError, match="k must be at least 1"):
        top_k(torch.zeros(1, 2), 0)


def test_mask_seeds_in_place() -> None:
    scores = torch.arange(6.0).view(2, 3)
    assert mask_seeds(scores, torch.tensor([0, 1, 1]), torch.tensor([2, 0, 0])) is scores
    assert scores.tolist() == [[0, 1, -math.inf], [-math.inf, 4, 5]]
