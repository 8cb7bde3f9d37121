"""Losses: pure functions of tensors, each a scalar.

Pairwise losses compare scores of positives, (batch,), with those of their negatives, (batch, n_negatives). The softmax
over shared candidates, alignment and uniformity, and the contrastive loss work on the vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...graph.products import products

__all__ = [
    "LOSSES",
    "alignment",
    "bce",
    "bpr",
    "contrast",
    "distillation_loss",
    "l2_penalty",
    "sampled_softmax",
    "shared_softmax",
    "softmax",
    "uniformity",
]

Loss = Callable[[Tensor, Tensor], Tensor]
Pairs = tuple[Tensor, Tensor]

OUT = -1e30
"""Logit of what is no candidate: finite, so that a row without any stays a number."""

CHUNK = {"cpu": 2**21, "cuda": 2**28}
"""Logits computed at a time: on a CPU what stays in the cache (8 MB), on a GPU usually all of them."""


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """Bayesian personalised ranking: ``-ln sigmoid(positive - negative)``. Rendle et al. 2009, section 4.1.

    >>> import torch
    >>> round(float(bpr(torch.tensor([2.0]), torch.tensor([[2.0]]))), 4)
    0.6931
    """
    return F.softplus(negative - positive.unsqueeze(1)).mean()


def bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy, positives labelled 1 and negatives 0, both halves weighted alike. He et al. 2017, eq. 7."""
    return F.softplus(-positive).mean() + F.softplus(negative).mean()


def sampled_softmax(positive: Tensor, negative: Tensor) -> Tensor:
    """``-ln(e^positive / (e^positive + Σ e^negative))``, each positive among its own negatives.

    The scores come divided by the temperature and, where that is wanted, corrected by the logarithm of the
    probability with which they are drawn. Bengio & Senécal 2008, section III; Wu et al. 2022, eq. 5.

    >>> import torch
    >>> round(float(sampled_softmax(torch.tensor([2.0]), torch.tensor([[2.0, 2.0, 2.0]]))), 4)
    1.3863
    """
    every = torch.cat([positive.unsqueeze(1), negative], dim=1)
    return (every.logsumexp(1) - positive).mean()


LOSSES: dict[str, Loss] = {"bpr": bpr, "bce": bce, "softmax": sampled_softmax}
"""The pairwise losses by name."""


def softmax(
    queries: Tensor,
    keys: Tensor,
    positives: Pairs,
    *,
    weights: Tensor | None = None,
    bias: Tensor | None = None,
    masked: Pairs | None = None,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """Softmax of each positive among shared candidates: ``-Σ_(i,j) w_ij ln(e^s_ij / (e^s_ij + Σ_c e^s_ic))``.

    ``s_ic = q_i·k_c + b_c``; the sum is over the candidates c that are neither positives of row i nor masked there: a
    playlist's own tracks do not compete with each other, as they would in a multinomial likelihood. With every track a
    candidate this is sampled softmax (Wu et al. 2022, eq. 5) with all negatives in the sample; with the tracks of the
    batch, in-batch softmax (Yi et al. 2019, eq. 3-4; their correction goes into ``bias``). Neither the logits nor their
    gradients are kept: the gradients of both sides are computed on the way, a few rows at a time.

    Args:
        queries: (n, d), divided by the temperature.
        keys: (m, d) candidates.
        positives: rows (ascending) and columns of the pairs to make likely, each once.
        weights: one for each of them; 1 / their number if not given.
        bias: (m,) added to the logits.
        masked: rows (ascending) and columns of candidates that are none.
        reduced: type in which the products are multiplied, such as bfloat16; the sums of softmax stay as they are.

    Raises:
        ValueError: there are no positives.
    """
    rows, columns = positives
    if not len(rows):
        raise ValueError("softmax needs at least one positive")
    if weights is None:
        weights = queries.new_full((len(rows),), 1 / len(rows))
    value: Tensor = _Softmax.apply(queries, keys, rows, columns, weights, bias, masked, reduced)  # type: ignore[no-untyped-call]
    return value


def shared_softmax(
    queries: Tensor,
    keys: Tensor,
    positive: Tensor,
    rows: Tensor,
    *,
    bias: Tensor,
    masked: Pairs,
    weights: Tensor | None = None,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """Mean of ``-ln(e^positive / (e^positive + Σ_c e^s_ic))``: each positive among negatives that all rows share.

    ``s_ic = q_i·k_c + b_c``, less the candidates masked in row i. With candidates drawn with probabilities Q and
    ``b_c = -ln(n Q_c)`` the sum estimates that over everything without bias. Bengio & Senécal 2008, section III;
    Yi et al. 2019, eq. 4.

    Args:
        queries: (n, d), divided by the temperature.
        keys: (m, d) candidates, each once; how often it was drawn is in the bias.
        positive: (p,) scores of the positives, divided by the temperature.
        rows: (p,) the queries they are of.
        bias: (m,) added to the logits.
        masked: rows and columns of candidates that are none.
        weights: (p,) of the positives, in place of 1 / p.
        reduced: type in which the products are multiplied.

    >>> import torch
    >>> one, first, none = torch.ones(1, 1), torch.tensor([0]), torch.tensor([], dtype=torch.long)
    >>> loss = shared_softmax(one, one, torch.ones(1), first, bias=torch.zeros(1), masked=(none, none))
    >>> round(float(loss), 4)
    0.6931
    """
    logits = _logits(queries, keys, bias, masked, reduced)
    each = F.softplus(logits.logsumexp(1).index_select(0, rows) - positive)
    return each.mean() if weights is None else (weights * each).sum()


def distillation_loss(
    student: Pairs,
    teacher: Pairs,
    weights: Tensor,
    *,
    student_bias: Tensor,
    teacher_bias: Tensor,
    masked: Pairs,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """``-Σ_i w_i Σ_c p_ic ln q_ic``: the softmax q of one model's scores drawn to the softmax p of another's.

    Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2, over candidates that all
    rows share.

    Args:
        student, teacher: (n, d) queries, divided by the temperature, and (m, d) keys, each model with a d of its own.
        weights: (n,) of the rows.
        student_bias, teacher_bias: (m,) added to their logits.
        masked: rows and columns of candidates that are none.
        reduced: type in which the products are multiplied.

    >>> import torch
    >>> one, two, none = torch.ones(1, 1), torch.tensor([[0.0], [0.0]]), torch.tensor([], dtype=torch.long)
    >>> biases = {"student_bias": torch.zeros(2), "teacher_bias": torch.zeros(2)}
    >>> loss = distillation_loss((one, two), (one, two), torch.ones(1), masked=(none, none), **biases)
    >>> round(float(loss), 4)
    0.6931
    """
    with torch.no_grad():
        wanted = _logits(*teacher, teacher_bias, masked, reduced).softmax(1)
    return -(weights * (wanted * _logits(*student, student_bias, masked, reduced).log_softmax(1)).sum(1)).sum()


def _logits(queries: Tensor, keys: Tensor, bias: Tensor, masked: Pairs, reduced: torch.dtype | None) -> Tensor:
    """(n, m) products and biases, in float32 whatever they are multiplied in, of what is masked ``OUT``."""
    small = (queries.to(reduced), keys.to(reduced)) if reduced else (queries, keys)
    logits = (small[0] @ small[1].T).to(queries.dtype) + bias
    logits[masked] = logits.new_full((), OUT)
    return logits


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        rows: Tensor,
        columns: Tensor,
        weights: Tensor,
        bias: Tensor | None,
        masked: Pairs | None,
        reduced: torch.dtype | None,
    ) -> Tensor:
        n, m = len(queries), len(keys)
        step = min(n, max(1, CHUNK.get(queries.device.type, CHUNK["cpu"]) // m))
        starts = range(0, n, step)
        of_positives = _slices(rows, starts, step, n)
        of_masked = None if masked is None else _slices(masked[0], starts, step, n)
        grad_queries, grad_keys = torch.empty_like(queries), torch.zeros_like(keys)
        buffer = queries.new_empty(step, m)
        small_keys, small_buffer = keys.to(reduced or keys.dtype), torch.empty_like(buffer, dtype=reduced)
        loss, out = (
            queries.new_zeros(()),
            queries.new_full((), OUT),
        )  # a number would be copied to a GPU, and waited for
        for index, low in enumerate(starts):
            high = min(low + step, n)
            logits, some = buffer[: high - low], queries[low:high]
            if reduced is not None:
                torch.mm(some.to(reduced), small_keys.T, out=small_buffer[: high - low])
                logits.copy_(small_buffer[: high - low])
                if bias is not None:
                    logits += bias
            else:
                products(some, keys, bias, out=logits)
            here = of_positives[index]
            at, weight = (rows[here] - low, columns[here]), weights[here]
            positive = logits[at]
            logits[at] = out
            if masked is not None and of_masked is not None:
                there = of_masked[index]
                logits[masked[0][there] - low, masked[1][there]] = out
            largest = logits.amax(1)
            torch.softmax(logits, 1, out=logits)
            margin = (largest - logits.amax(1).log())[at[0]] - positive  # ln Σ e^s_ic - s_ij
            loss += (weight * F.softplus(margin)).sum()
            pull = weight * torch.sigmoid(margin)
            logits.mul_(pull.new_zeros(high - low).index_add_(0, at[0], pull).unsqueeze(1))
            logits[at] = -pull
            if reduced is None:
                torch.mm(logits, keys, out=grad_queries[low:high])
                grad_keys.addmm_(logits.T, some)
            else:
                gradient = logits.to(reduced)
                grad_queries[low:high] = gradient @ small_keys
                grad_keys += gradient.T @ some.to(reduced)
        ctx.save_for_backward(grad_queries, grad_keys)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_queries, grad_keys = ctx.saved_tensors
        return grad_queries * grad, grad_keys * grad, None, None, None, None, None, None


def _slices(rows: Tensor, starts: range, step: int, n: int) -> list[slice]:
    """Where in the ascending ``rows`` each chunk's lie. One chunk needs no look at the device."""
    if len(starts) == 1:
        return [slice(None)]
    bounds = torch.arange(0, n + step, step, device=rows.device, dtype=rows.dtype)
    edges = torch.searchsorted(rows.contiguous(), bounds).tolist()
    return [slice(low, high) for low, high in pairwise(edges)]


def alignment(queries: Tensor, keys: Tensor) -> Tensor:
    """``mean |q_i - k_i|²`` of unit vectors that belong together, (n, d) each. Wang et al. 2022 (DirectAU), eq. 4."""
    return (queries - keys).square().sum(1).mean()


def uniformity(vectors: Tensor) -> Tensor:
    """``ln mean e^(-2 |x_i - x_j|²)`` over the pairs i ≠ j of (n, d) unit vectors. Wang et al. 2022, eq. 5.

    >>> import torch
    >>> round(float(uniformity(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))), 4)
    -8.0
    """
    n = len(vectors)
    if n < 2:
        return vectors.sum() * 0
    exponents = 4 * (vectors @ vectors.T) - 4
    exponents.fill_diagonal_(-torch.inf)
    return exponents.flatten().logsumexp(0) - math.log(n * (n - 1))


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """InfoNCE of two views, (n, d) each, by cosine, other rows being negatives. Yu et al. 2023 (XSimGCL), eq. 11."""
    each = torch.arange(len(first), device=first.device)
    return softmax(F.normalize(first) / temperature, F.normalize(second), (each, each))


def l2_penalty(vectors: Iterable[Tensor], batch_size: int) -> Tensor:
    """``1/2 · sum of squares / batch_size`` of the layer-0 vectors of a batch. He et al. 2020 (LightGCN), eq. 15."""
    total = sum(vector.square().sum() for vector in vectors)
    assert isinstance(total, Tensor), "there is at least one block of vectors"
    return 0.5 * total / batch_size
