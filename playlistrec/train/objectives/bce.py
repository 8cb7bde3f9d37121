"""Binary cross-entropy of positives and negatives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..batches.batch import PairBatch
from ..losses.bce import bce
from .objective import PairwiseObjective

__all__ = ["BCE"]


@dataclass(frozen=True, kw_only=True)
class BCE(PairwiseObjective):
    """Binary cross-entropy of positives and negatives. He et al. 2017, eq. 7."""

    def loss(self, batch: PairBatch) -> Tensor:
        return bce(*batch.scores())
