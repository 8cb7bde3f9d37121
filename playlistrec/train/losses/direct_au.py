"""Alignment and uniformity of unit vectors (DirectAU)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["alignment", "uniformity"]


def alignment(queries: Tensor, keys: Tensor) -> Tensor:
    """``mean |q_i - k_i|²`` of unit vectors that belong together, (n, d) each. Wang et al. 2022 (DirectAU), eq. 4."""
    return (queries - keys).square().sum(1).mean()


def uniformity(vectors: Tensor) -> Tensor:
    """``ln mean e^(-2 |x_i - x_j|²)`` over the pairs i ≠ j of (n, d) unit vectors. Wang et al. 2022, eq. 5.

    >>> import torch
    >>> round(float(uniformity(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))), 4)
    -8.0
    """
    n = len(vectors)
    if n < 2:
        return vectors.sum() * 0
    exponents = 4 * (vectors @ vectors.T) - 4
    exponents.fill_diagonal_(-torch.inf)
    return exponents.flatten().logsumexp(0) - math.log(n * (n - 1))
