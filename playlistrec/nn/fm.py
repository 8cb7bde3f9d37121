"""The order-2 term of factorisation machines."""

from __future__ import annotations

from torch import Tensor

__all__ = ["pair_interactions"]


def pair_interactions(vectors: Tensor) -> Tensor:
    """Sum over all pairs of fields of the dot product of their vectors: ``Σ_i<j <v_i, v_j> = ½ (|Σ v|² - Σ |v|²)``.

    Linear in the number of fields. Rendle 2010, "Factorization Machines", lemma 3.1, with each field's value in its
    vector.

    Args:
        vectors: (…, fields, d).

    Returns:
        (…,).

    >>> import torch
    >>> float(pair_interactions(torch.tensor([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])))
    5.0
    """
    return (vectors.sum(-2).square() - vectors.square().sum(-2)).sum(-1) / 2
