"""Weights of positives that make softmax look at the first K places."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["top_k_weights"]


def top_k_weights(positive: Tensor, threshold: Tensor, temperature: float) -> Tensor:
    """``σ((s_i - β_u) / τ_w)``: near 1 for a positive above its playlist's K-th best score β_u, near 0 far below.

    The weight of each positive's softmax in SL@K, a bound of NDCG@K. Yang et al. 2025, "Breaking the top-K barrier:
    advancing top-K ranking metrics optimization in recommender systems" (KDD). The objectives pass no gradient through
    the weight: through it a step lowers the scores of positives that softmax has not raised yet, and with many
    negatives that undoes the rest (docs/results/ablations.md).

    Args:
        positive: (p,) scores, not divided by the temperature of softmax.
        threshold: (p,) β of the positive's playlist.
        temperature: τ_w.

    >>> top_k_weights(torch.tensor([0.5, 0.0]), torch.tensor([0.5, 0.5]), 0.25)
    tensor([0.5000, 0.1192])
    """
    return torch.sigmoid((positive - threshold) / temperature)
