"""InfoNCE of two views (XSimGCL)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .softmax import softmax

__all__ = ["contrast"]


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """InfoNCE of two views, (n, d) each, by cosine, other rows being negatives. Yu et al. 2023 (XSimGCL), eq. 11."""
    each = torch.arange(len(first), device=first.device)
    return softmax(F.normalize(first) / temperature, F.normalize(second), (each, each))
