"""PSL: softmax over differences that pass through a surrogate of the step function."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

__all__ = ["Surrogate", "pairwise_softmax"]

Surrogate = Literal["exp", "tanh", "atan", "relu"]

SMALLEST = 1e-6
"""A surrogate's least value, whose logarithm is still a number."""


def pairwise_softmax(
    positive: Tensor,
    negative: Tensor,
    temperature: float,
    surrogate: Surrogate,
    *,
    bias: Tensor | None = None,
    masked: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """``mean_i ln Σ_j σ(s_ij - s_i)^(1/τ)`` with σ in place of the exponential: ``tanh(d) + 1`` and the like.

    With ``exp`` it is softmax without the positive among the negatives. ``atan`` and ``relu`` (``max(d + 1, 0)``) are
    meant for differences between -1 and 1: cosines, halved. Yang et al. 2024, "PSL: rethinking and improving softmax
    loss from pairwise perspective for recommendation" (NeurIPS).

    Args:
        positive: (n,) scores, not divided by the temperature.
        negative: (n, k).
        temperature: τ.
        bias: (n, k) or (k,) added to the logarithms, as for negatives that stand for several.
        masked: rows and columns of ``negative`` that are none.

    >>> round(float(pairwise_softmax(torch.zeros(1), torch.zeros(1, 3), 0.1, "tanh")), 4)  # tanh(0) + 1 = 1, thrice
    1.0986
    """
    away = negative - positive.unsqueeze(1)
    if surrogate == "exp":
        logits = away / temperature
    else:
        raised = {"tanh": torch.tanh, "atan": torch.atan, "relu": lambda d: d}[surrogate](away) + 1
        logits = raised.clamp(min=SMALLEST).log() / temperature
    if bias is not None:
        logits = logits + bias
    if masked is not None:
        out = torch.zeros_like(logits, dtype=torch.bool)
        out[masked] = True
        logits = logits.masked_fill(out, -1e30)
    return logits.logsumexp(1).mean()
