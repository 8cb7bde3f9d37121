"""Binary cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["bce"]


def bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy, positives labelled 1 and negatives 0, both halves weighted alike. He et al. 2017, eq. 7.

    With one negative a positive it is the mean over all pairs, so that scores of 0 give log 2.

    >>> import torch
    >>> round(float(bce(torch.zeros(3), torch.zeros(3, 2))), 4)
    0.6931
    """
    return 0.5 * (F.softplus(-positive).mean() + F.softplus(negative).mean())
