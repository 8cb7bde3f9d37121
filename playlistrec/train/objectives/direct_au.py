"""Alignment and uniformity in place of negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.batch import Batch
from ..batches.full import PositiveBatches
from ..batches.plan import BatchPlan, Sampled
from ..batches.sampled import SampledPairBatches
from ..losses.direct_au import alignment, uniformity
from ..negatives import Uniform
from .objective import Batches, Objective

__all__ = ["DirectAU"]


@dataclass(frozen=True, kw_only=True)
class DirectAU(Objective):
    """``mean |q_p - k_t|²`` of unit vectors, and their uniformity on the sphere. Wang et al. 2022, eq. 4-6.

    Attributes:
        uniformity: weight of the uniformity, the mean of that of playlists and tracks.
    """

    uniformity: float = 1.0

    def __post_init__(self) -> None:
        require(self.uniformity >= 0, "uniformity", "at least 0", self.uniformity)

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledPairBatches(model, corpus, plan, Uniform())
        return PositiveBatches(model, corpus, plan)

    def loss(self, batch: Batch) -> Tensor:
        queries, positive = F.normalize(batch.queries), F.normalize(batch.vectors[1].index_select(0, batch.track))
        spread = (uniformity(queries) + uniformity(positive)) / 2
        return alignment(queries, positive) + self.uniformity * spread
