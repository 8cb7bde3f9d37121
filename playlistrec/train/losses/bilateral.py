"""BSL: softmax whose two halves, positives and negatives, have a strength of their own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...graph.products import products

__all__ = ["log_sum", "positive_half"]

Pairs = tuple[Tensor, Tensor]

OUT = -1e30
"""Logit of what is no candidate: finite, so that a row without any stays a number."""

CHUNK = {"cpu": 2**21, "cuda": 2**28}
"""Logits computed at a time."""


def positive_half(positive: Tensor, rows: Tensor, weights: Tensor, n_rows: int, pooled: bool) -> Tensor:
    """``-Σ_i w_i s_i``; ``pooled``: ``-Σ_u W_u ln mean_(i of u) e^s_i``, with W_u the weights of u's positives summed.

    The positive half of BSL. Wu et al. 2024, "BSL: understanding and improving softmax loss for recommendation"
    (ICDE); its authors call the plain one "reweight" and the pooled one "multi".

    Args:
        positive: (p,) scores of the positives, divided by the temperature.
        rows: (p,) the playlists they are of.
        weights: (p,).

    >>> positive, rows = torch.tensor([0.0, 0.0]), torch.tensor([0, 0])
    >>> float(positive_half(positive, rows, torch.full((2,), 0.5), 1, True))
    -0.0
    """
    if not pooled:
        return -(weights * positive).sum()
    largest = positive.detach().new_full((n_rows,), OUT).scatter_reduce(0, rows, positive.detach(), "amax")
    total = positive.new_zeros(n_rows).index_add(0, rows, (positive - largest[rows]).exp())
    count = torch.bincount(rows, minlength=n_rows).clamp(min=1)
    weight = weights.new_zeros(n_rows).index_add(0, rows, weights)
    some = weight > 0
    return -(weight * ((total / count).where(some, torch.ones_like(total)).log() + largest.where(some, 0.0))).sum()


def log_sum(
    queries: Tensor,
    keys: Tensor,
    weights: Tensor,
    *,
    bias: Tensor | None = None,
    masked: Pairs | None = None,
    reduced: torch.dtype | None = None,
) -> Tensor:
    """``Σ_u w_u ln Σ_c e^s_uc`` with ``s_uc = q_u·k_c + b_c``, less the candidates masked in row u.

    The negative half of BSL, with the exponent in the weights. Neither the logits nor their gradients are kept.

    Args:
        queries: (n, d), divided by the temperature.
        keys: (m, d).
        weights: (n,), without a gradient.
        bias: (m,) added to the logits.
        masked: rows and columns of candidates that are none.
        reduced: type in which the products are multiplied.

    >>> round(float(log_sum(torch.zeros(1, 1), torch.zeros(4, 1), torch.ones(1))), 4)
    1.3863
    """
    value: Tensor = _LogSum.apply(queries, keys, weights, bias, masked, reduced)  # type: ignore[no-untyped-call]
    return value


class _LogSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        keys: Tensor,
        weights: Tensor,
        bias: Tensor | None,
        masked: Pairs | None,
        reduced: torch.dtype | None,
    ) -> Tensor:
        step = max(1, CHUNK.get(queries.device.type, CHUNK["cpu"]) // max(1, len(keys)))
        grad_queries, grad_keys = torch.empty_like(queries), torch.zeros_like(keys)
        total = queries.new_zeros(())
        for low in range(0, len(queries), step):
            some = queries[low : low + step]
            if reduced is None:
                logits = products(some, keys, bias)
            else:
                logits = (some.to(reduced) @ keys.to(reduced).T).to(queries.dtype)
                logits = logits if bias is None else logits + bias
            if masked is not None:
                here = (masked[0] >= low) & (masked[0] < low + step)
                logits[masked[0][here] - low, masked[1][here]] = OUT
            weight = weights[low : low + step]
            total += (weight * logits.logsumexp(1)).sum()
            pull = logits.softmax(1).mul_(weight.unsqueeze(1))
            grad_queries[low : low + step] = pull @ keys
            grad_keys.addmm_(pull.T, some)
        ctx.save_for_backward(grad_queries, grad_keys)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_queries, grad_keys = ctx.saved_tensors
        return grad_queries * grad, grad_keys * grad, None, None, None, None
