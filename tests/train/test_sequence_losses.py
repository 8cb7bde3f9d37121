"""Losses over shared negatives against the papers' formulas, one negative at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from playlistrec.train.losses import bpr_max, shared_bpr


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def negatives(scores: np.ndarray, target: int, counts: np.ndarray) -> list[float]:
    """The scores of a row's negatives, each as often as it was drawn."""
    return [float(scores[j]) for j in range(len(scores)) if j != target for _ in range(int(counts[j]))]


def slow_bpr(scores: np.ndarray, target: np.ndarray, counts: np.ndarray) -> float:
    rows = []
    for row, positive in zip(scores, target):
        others = negatives(row, positive, counts)
        rows.append(-sum(math.log(sigmoid(row[positive] - other)) for other in others) / len(others))
    return float(np.mean(rows))


def slow_bpr_max(scores: np.ndarray, target: np.ndarray, counts: np.ndarray, bpr_max_reg: float) -> float:
    rows = []
    for row, positive in zip(scores, target):
        others = negatives(row, positive, counts)
        whole = sum(math.exp(other) for other in others)
        share = [math.exp(other) / whole for other in others]
        likely = sum(s * sigmoid(row[positive] - other) for s, other in zip(share, others))
        rows.append(-math.log(likely) + bpr_max_reg * sum(s * other**2 for s, other in zip(share, others)))
    return float(np.mean(rows))


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(7, 11)), rng.integers(0, 11, 7), rng.integers(1, 4, 11)


def as_tensors(batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    scores, target, counts = (torch.from_numpy(array) for array in batch)
    return scores.requires_grad_(), target, counts


def test_bpr_is_the_mean_over_negatives(batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    assert shared_bpr(*as_tensors(batch)).item() == pytest.approx(slow_bpr(*batch))


@pytest.mark.parametrize("bpr_max_reg", [0.0, 0.5])
def test_bpr_max_is_that_of_the_paper(batch: tuple[np.ndarray, np.ndarray, np.ndarray], bpr_max_reg: float) -> None:
    assert bpr_max(*as_tensors(batch), bpr_max_reg).item() == pytest.approx(slow_bpr_max(*batch, bpr_max_reg))


@pytest.mark.parametrize("loss", [shared_bpr, bpr_max])
def test_gradients_are_those_of_differences(loss, batch: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, target, counts = as_tensors(batch)
    assert torch.autograd.gradcheck(lambda s: loss(s, target, counts), (scores,))


@pytest.mark.parametrize("loss", [shared_bpr, bpr_max])
def test_rows_without_negatives_and_large_scores_stay_numbers(loss) -> None:
    alone = torch.zeros(2, 1, requires_grad=True)
    loss(alone, torch.tensor([0, 0]), torch.ones(1)).backward()
    assert alone.grad is not None
    assert not alone.grad.any()
    large = torch.tensor([[500.0, -500.0, 400.0]], requires_grad=True)
    for target in range(3):
        value = loss(large, torch.tensor([target]), torch.ones(3))
        (grad,) = torch.autograd.grad(value, large)
        assert value.isfinite()
        assert grad.isfinite().all()
