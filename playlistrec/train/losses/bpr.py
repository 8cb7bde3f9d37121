"""Bayesian personalised ranking."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["bpr"]


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """Bayesian personalised ranking: ``-ln sigmoid(positive - negative)``. Rendle et al. 2009, section 4.1.

    >>> import torch
    >>> round(float(bpr(torch.tensor([2.0]), torch.tensor([[2.0]]))), 4)
    0.6931
    """
    return F.softplus(negative - positive.unsqueeze(1)).mean()
