"""Softmax of each positive among negatives of its own."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["sampled_softmax"]


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
