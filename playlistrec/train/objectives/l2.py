"""The L2 penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .objective import Term

__all__ = ["L2"]


@dataclass(frozen=True)
class L2(Term):
    """Half the sum of squares of the layer-0 embeddings of a batch, by pair. He et al. 2020 (LightGCN), eq. 15."""

    def loss(self, batch: Any) -> Tensor:
        penalty: Tensor = batch.l2()
        return penalty
