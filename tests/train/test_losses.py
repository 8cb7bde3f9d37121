"""Losses against their formulas written out."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from playlistrec.train.losses import (
    alignment,
    bce,
    bpr,
    contrast,
    l2_penalty,
    sampled_softmax,
    softmax,
    uniformity,
)
from playlistrec.train.losses.softmax import CHUNK


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


POSITIVE, NEGATIVE = [0.3, -1.2, 2.0], [[0.1, 0.5], [-2.0, 0.0], [1.0, 3.0]]


def test_bpr_is_the_mean_over_pairs() -> None:
    by_hand = [-math.log(sigmoid(p - n)) for p, row in zip(POSITIVE, NEGATIVE) for n in row]
    assert float(bpr(torch.tensor(POSITIVE), torch.tensor(NEGATIVE))) == pytest.approx(sum(by_hand) / 6, rel=1e-6)


def test_bce_weighs_both_halves_alike() -> None:
    ones = [-math.log(sigmoid(p)) for p in POSITIVE]
    zeros = [-math.log(1 - sigmoid(n)) for row in NEGATIVE for n in row]
    expected = (sum(ones) / 3 + sum(zeros) / 6) / 2
    assert float(bce(torch.tensor(POSITIVE), torch.tensor(NEGATIVE))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("pairwise", [bpr, bce, sampled_softmax])
def test_losses_stay_finite_and_push_apart(pairwise: Any) -> None:
    positive = torch.tensor([500.0, -500.0], requires_grad=True)
    negative = torch.tensor([[-500.0], [500.0]], requires_grad=True)
    loss = pairwise(positive, negative)
    loss.backward()
    assert torch.isfinite(loss)
    assert positive.grad is not None
    assert negative.grad is not None
    assert positive.grad[1] < 0 < negative.grad[1, 0]


def test_penalty_is_half_the_squares_over_the_batch() -> None:
    vectors = [torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]])]
    assert float(l2_penalty(vectors, 2)) == pytest.approx(0.5 * (1 + 4 + 9 + 1) / 2)


def test_sampled_softmax_is_the_positive_among_its_negatives() -> None:
    by_hand = [-math.log(math.exp(p) / (math.exp(p) + sum(map(math.exp, row)))) for p, row in zip(POSITIVE, NEGATIVE)]
    loss = sampled_softmax(torch.tensor(POSITIVE), torch.tensor(NEGATIVE))
    assert float(loss) == pytest.approx(sum(by_hand) / 3, rel=1e-6)


def vectors(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def dense_softmax(queries: Tensor, keys: Tensor, positives: list[tuple[int, int]], **options: Tensor) -> Tensor:
    """The sum over the pairs, one at a time, in logits that are kept."""
    logits = queries @ keys.T + options.get("bias", torch.zeros(len(keys)))
    for row, column in options.get("masked", torch.zeros(0, 2, dtype=torch.int64)).tolist():
        left_out = torch.zeros_like(logits, dtype=torch.bool)
        left_out[row, column] = True
        logits = logits.masked_fill(left_out, -math.inf)
    weights = options.get("weights", torch.full((len(positives),), 1 / len(positives)))
    each = []
    for weight, (row, column) in zip(weights, positives):
        others = [c for c in range(len(keys)) if c == column or (row, c) not in positives]
        each.append(weight * F.cross_entropy(logits[row, others], torch.tensor(others.index(column))))
    return torch.stack(each).sum()


SEVERAL = [(0, 1), (0, 4), (2, 0), (3, 3), (3, 1), (3, 6), (6, 2)]  # rows 1, 4 and 5 have none
MASKED = torch.tensor([[0, 0], [0, 2], [1, 5], [3, 0], [6, 6]])
CASES: dict[str, dict[str, Tensor]] = {
    "plain": {},
    "weights": {"weights": torch.tensor([0.1, 0.0, 2.0, 0.3, 0.3, 0.5, 1.0], dtype=torch.float64)},
    "bias": {"bias": torch.linspace(-2, 1, 7, dtype=torch.float64)},
    "masked": {"masked": MASKED},
    "everything": {
        "weights": torch.linspace(0.2, 1, 7, dtype=torch.float64),
        "bias": torch.linspace(3, -1, 7, dtype=torch.float64),
        "masked": MASKED,
    },
}


@pytest.mark.parametrize("rows_at_a_time", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("case", list(CASES))
def test_softmax_and_its_gradients_are_those_of_the_dense_one(
    case: str, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHUNK, "cpu", 7 * rows_at_a_time)
    options = CASES[case]
    queries, keys = vectors(7, 4), vectors(7, 4, seed=1)
    rows, columns = torch.tensor(SEVERAL).T
    masked = tuple(options["masked"].T) if "masked" in options else None
    ours = 3 * softmax(
        queries, keys, (rows, columns), weights=options.get("weights"), bias=options.get("bias"), masked=masked
    )
    dense = 3 * dense_softmax(queries, keys, SEVERAL, **options)
    torch.testing.assert_close(ours, dense)
    for ours_grad, dense_grad in zip(
        torch.autograd.grad(ours, (queries, keys)), torch.autograd.grad(dense, (queries, keys))
    ):
        torch.testing.assert_close(ours_grad, dense_grad)
        assert float(ours_grad.abs().sum()) > 0


def test_softmax_with_one_positive_a_row_is_cross_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CHUNK, "cpu", 40)
    queries, keys = vectors(33, 5), vectors(12, 5, seed=1)
    target = torch.randint(12, (33,), generator=torch.Generator().manual_seed(2))
    ours, torchs = softmax(queries, keys, (torch.arange(33), target)), F.cross_entropy(queries @ keys.T, target)
    torch.testing.assert_close(ours, torchs)
    torch.testing.assert_close(torch.autograd.grad(ours, (queries, keys)), torch.autograd.grad(torchs, (queries, keys)))


def test_softmax_stays_finite_where_logits_are_large() -> None:
    queries = torch.tensor([[200.0], [-200.0], [30.0]], requires_grad=True)
    keys, target = torch.tensor([[1.0], [-1.0]], requires_grad=True), torch.tensor([1, 1, 1])
    ours, exact = softmax(queries, keys, (torch.arange(3), target)), F.cross_entropy(queries @ keys.T, target)
    torch.testing.assert_close(ours, exact)
    torch.testing.assert_close(torch.autograd.grad(ours, (queries, keys)), torch.autograd.grad(exact, (queries, keys)))


@pytest.mark.parametrize("rows_at_a_time", [3, 100])
@pytest.mark.parametrize("case", list(CASES))
def test_softmax_of_products_in_fewer_bits_is_near(
    case: str, rows_at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHUNK, "cpu", 7 * rows_at_a_time)
    rows, columns = torch.tensor(SEVERAL).T
    options: dict[str, Any] = {k: v.float() for k, v in CASES[case].items() if k != "masked"}
    if "masked" in CASES[case]:
        options["masked"] = tuple(MASKED.T)
    vector = [vectors(7, 4, seed=seed).detach().float().requires_grad_() for seed in (0, 1)]
    found = []
    for reduced in (None, torch.bfloat16):
        value = softmax(*vector, (rows, columns), **options, reduced=reduced)
        found.append([value, *torch.autograd.grad(value, vector)])
    for whole, half in zip(*found):
        assert half.dtype == torch.float32
        assert float((whole - half).detach().norm()) < 0.02 * float(whole.detach().norm())
        assert not torch.equal(whole, half)


def test_a_row_without_candidates_adds_nothing() -> None:
    queries, keys = vectors(2, 3), vectors(3, 3, seed=1)
    positives = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 2, 0])
    ours = softmax(queries, keys, positives)
    torch.testing.assert_close(ours, F.cross_entropy(queries[1:] @ keys.T, torch.tensor([0])) / 4)
    ours.backward()
    assert queries.grad is not None
    assert not queries.grad[0].any()


def test_softmax_hands_on_what_is_not_a_number() -> None:
    """So that the training loop notices."""
    queries = torch.full((2, 1), torch.inf)
    assert softmax(queries, torch.tensor([[1.0], [-1.0]]), (torch.arange(2), torch.tensor([0, 1]))).isnan()


def test_softmax_needs_a_positive() -> None:
    none = torch.zeros(0, dtype=torch.int64)
    with pytest.raises(ValueError, match="softmax needs at least one positive"):
        softmax(vectors(3, 2), vectors(4, 2), (none, none))


def test_alignment_and_uniformity_are_the_means_over_pairs() -> None:
    x, y = (F.normalize(vectors(6, 3, seed=seed)).detach().requires_grad_() for seed in (0, 1))
    apart = [(x[i] - y[i]).square().sum() for i in range(6)]
    torch.testing.assert_close(alignment(x, y), torch.stack(apart).mean())
    potentials = [torch.exp(-2 * (x[i] - x[j]).square().sum()) for i in range(6) for j in range(6) if i != j]
    ours, slow = uniformity(x), torch.stack(potentials).mean().log()
    torch.testing.assert_close(ours, slow)
    # On the sphere: what points off it is not compared, since |x| = 1 is used.
    tangents = [g - (g * x).sum(1, keepdim=True) * x for (g,) in (torch.autograd.grad(v, x) for v in (ours, slow))]
    torch.testing.assert_close(*tangents)
    assert uniformity(x[:1]).item() == 0, "one vector has no pair"


def test_contrast_is_a_softmax_over_cosines() -> None:
    first, second = vectors(5, 3), vectors(5, 3, seed=1)
    terms = []
    for i in range(5):
        cosines = torch.stack([F.cosine_similarity(first[i], second[j], dim=0) for j in range(5)]) / 0.2
        terms.append(-torch.log(cosines[i].exp() / cosines.exp().sum()))
    ours, slow = contrast(first, second, 0.2), torch.stack(terms).mean()
    torch.testing.assert_close(ours, slow)
    torch.testing.assert_close(torch.autograd.grad(ours, (first, second)), torch.autograd.grad(slow, (first, second)))
