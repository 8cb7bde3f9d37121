"""Losses against their formulas written out."""

from __future__ import annotations

import math

import pytest
import torch

from playlistrec.train.losses import LOSSES, bce, bpr, l2_penalty


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


POSITIVE, NEGATIVE = [0.3, -1.2, 2.0], [[0.1, 0.5], [-2.0, 0.0], [1.0, 3.0]]


def test_bpr_is_the_mean_over_pairs() -> None:
    by_hand = [-math.log(sigmoid(p - n)) for p, row in zip(POSITIVE, NEGATIVE) for n in row]
    assert float(bpr(torch.tensor(POSITIVE), torch.tensor(NEGATIVE))) == pytest.approx(sum(by_hand) / 6, rel=1e-6)


def test_bce_weighs_both_halves_alike() -> None:
    ones = [-math.log(sigmoid(p)) for p in POSITIVE]
    zeros = [-math.log(1 - sigmoid(n)) for row in NEGATIVE for n in row]
    expected = sum(ones) / 3 + sum(zeros) / 6
    assert float(bce(torch.tensor(POSITIVE), torch.tensor(NEGATIVE))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", list(LOSSES))
def test_losses_stay_finite_and_push_apart(name: str) -> None:
    positive = torch.tensor([500.0, -500.0], requires_grad=True)
    negative = torch.tensor([[-500.0], [500.0]], requires_grad=True)
    loss = LOSSES[name](positive, negative)
    loss.backward()
    assert torch.isfinite(loss)
    assert positive.grad is not None
    assert negative.grad is not None
    assert positive.grad[1] < 0 < negative.grad[1, 0]


def test_penalty_is_half_the_squares_over_the_batch() -> None:
    vectors = [torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]])]
    assert float(l2_penalty(vectors, 2)) == pytest.approx(0.5 * (1 + 4 + 9 + 1) / 2)
