"""The penalty on embeddings."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

__all__ = ["l2_penalty"]


def l2_penalty(vectors: Iterable[Tensor], batch_size: int) -> Tensor:
    """``1/2 · sum of squares / batch_size`` of the layer-0 vectors of a batch. He et al. 2020 (LightGCN), eq. 15."""
    total = sum(vector.square().sum() for vector in vectors)
    assert isinstance(total, Tensor), "there is at least one block of vectors"
    return 0.5 * total / batch_size
