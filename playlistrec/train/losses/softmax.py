"""Softmax over candidates that all rows share, without ever keeping the logits."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...graph.products import products

__all__ = ["softmax"]

Pairs = tuple[Tensor, Tensor]

OUT = -1e30
"""Logit of what is no candidate: finite, so that a row without any stays a number."""

CHUNK = {"cpu": 2**21, "cuda": 2**28}
"""Logits computed at a time: on a CPU what stays in the cache (8 MB), on a GPU usually all of them."""


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
    """Bounds of each chunk in the ascending ``rows``. One chunk needs no copy from the device."""
    if len(starts) == 1:
        return [slice(None)]
    bounds = torch.arange(0, n + step, step, device=rows.device, dtype=rows.dtype)
    edges = torch.searchsorted(rows.contiguous(), bounds).tolist()
    return [slice(low, high) for low, high in pairwise(edges)]
