"""Bayesian personalised ranking."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..batches.batch import PairBatch
from ..losses.bpr import bpr
from .objective import PairwiseObjective

__all__ = ["BPR"]


@dataclass(frozen=True, kw_only=True)
class BPR(PairwiseObjective):
    """Bayesian personalised ranking: each positive above its negatives. Rendle et al. 2009, section 4.1."""

    def loss(self, batch: PairBatch) -> Tensor:
        return bpr(*batch.scores())
