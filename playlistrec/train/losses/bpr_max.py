"""BPR and BPR-max over candidates that all rows of a batch share.

All take ``scores`` (n, m) of the candidates in each row, ``target`` (n,) the column of each row's positive, and
``counts`` (m,) how often each candidate stands for a negative: one that was drawn twice counts twice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["bpr_max", "shared_bpr"]

OUT = -1e30
"""Logarithm of the weight of what is no negative: finite, so that a row without any stays a number."""


def shared_bpr(scores: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """``-mean_j ln sigmoid(r_i - r_j)`` over the negatives j. Hidasi et al. 2016, section 3.1.3 (BPR).

    >>> import torch
    >>> round(float(shared_bpr(torch.zeros(1, 3), torch.tensor([1]), torch.ones(3))), 4)
    0.6931
    """
    positive = scores.gather(1, target.unsqueeze(1))
    weights = _weights(scores, target, counts)
    share = weights / weights.sum(1, keepdim=True).clamp(min=1)
    return (share * F.softplus(scores - positive)).sum(1).mean()


def bpr_max(scores: Tensor, target: Tensor, counts: Tensor, bpr_max_reg: float = 1.0) -> Tensor:
    """``-ln Σ_j s_j sigmoid(r_i - r_j) + λ Σ_j s_j r_j²`` with ``s`` the softmax of the negatives' scores.

    Hidasi & Karatzoglou 2018, eq. 10 and 13. Rows without a negative are left out.

    Args:
        bpr_max_reg: λ, which keeps the scores of negatives near 0.

    >>> import torch
    >>> round(float(bpr_max(torch.zeros(1, 3), torch.tensor([1]), torch.ones(3))), 4)
    0.6931
    """
    positive = scores.gather(1, target.unsqueeze(1))
    weights = _weights(scores, target, counts)
    some = weights.sum(1) > 0
    log_s = F.log_softmax(scores + torch.where(weights > 0, weights.clamp(min=1e-30).log(), OUT), dim=1)
    margin = (log_s + F.logsigmoid(positive - scores)).logsumexp(1)
    penalty = (log_s.exp() * scores.square()).sum(1)
    return torch.where(some, bpr_max_reg * penalty - margin, 0.0).sum() / some.sum().clamp(min=1)


def _weights(scores: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """(n, m) ``counts`` of each row's negatives: all candidates but its own target."""
    weights = counts.to(scores.dtype).expand(scores.shape)
    return weights.scatter(1, target.unsqueeze(1), 0.0)
