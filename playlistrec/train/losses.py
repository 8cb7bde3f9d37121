"""Losses over the scores of positives and their negatives: pure functions of tensors.

Shapes: ``positive`` (batch,), ``negative`` (batch, n_negatives). All return a scalar, the mean over the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch.nn.functional as F
from torch import Tensor

__all__ = ["LOSSES", "bce", "bpr", "l2_penalty"]

Loss = Callable[[Tensor, Tensor], Tensor]


def bpr(positive: Tensor, negative: Tensor) -> Tensor:
    """Bayesian personalised ranking: ``-ln sigmoid(positive - negative)``. Rendle et al. 2009, section 4.1.

    >>> import torch
    >>> round(float(bpr(torch.tensor([2.0]), torch.tensor([[2.0]]))), 4)
    0.6931
    """
    return F.softplus(negative - positive.unsqueeze(1)).mean()


def bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy, positives labelled 1 and negatives 0, both halves weighted alike. He et al. 2017, eq. 7."""
    return F.softplus(-positive).mean() + F.softplus(negative).mean()


def l2_penalty(vectors: Iterable[Tensor], batch_size: int) -> Tensor:
    """``1/2 · sum of squares / batch_size`` of the layer-0 vectors of a batch. He et al. 2020 (LightGCN), eq. 15."""
    total = sum(vector.square().sum() for vector in vectors)
    assert isinstance(total, Tensor), "there is at least one block of vectors"
    return 0.5 * total / batch_size


LOSSES: dict[str, Loss] = {"bpr": bpr, "bce": bce}
