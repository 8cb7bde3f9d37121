"""Binary cross-entropy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["bce"]


def bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy, positives labelled 1 and negatives 0, both halves weighted alike. He et al. 2017, eq. 7."""
    return F.softplus(-positive).mean() + F.softplus(negative).mean()
