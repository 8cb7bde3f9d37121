"""Softmax over the tracks of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.batch import InBatchBatch
from ..batches.full import InBatchBatches
from ..batches.plan import BatchPlan, Sampled
from ..batches.sampled import SampledInBatchBatches
from ..losses.softmax import softmax
from .objective import Batches, Objective

__all__ = ["InBatchSoftmax"]


@dataclass(frozen=True, kw_only=True)
class InBatchSoftmax(Objective):
    """Softmax of each positive among the tracks of the batch, each as often as it occurs, less the playlist's own.

    Yi et al. 2019, eq. 3-4.

    Attributes:
        temperature: divides the scores.
        logq_correction: share of the logarithm of a track's popularity that is taken off its score.
    """

    temperature: float = 0.1
    logq_correction: float = 0.0

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(self.logq_correction >= 0, "logq_correction", "at least 0", self.logq_correction)

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledInBatchBatches(model, corpus, plan)
        return InBatchBatches(model, corpus, plan)

    def loss(self, batch: InBatchBatch) -> Tensor:
        queries = batch.queries
        bias = batch.counts.float().log()
        if self.logq_correction:
            bias = bias - self.logq_correction * batch.log_popularity
        if batch.prior is not None:
            bias = bias + batch.prior[batch.candidates] / self.temperature
        keys = batch.vectors[1].index_select(0, batch.candidates)
        pairs = torch.arange(len(queries), device=queries.device), batch.target
        return softmax(queries / self.temperature, keys, pairs, bias=bias, masked=batch.masked, reduced=batch.reduced)
