"""Softmax over the tracks of a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ...errors import ConfigError
from ..batches.batch import InBatchBatch
from ..batches.full import InBatchBatches
from ..batches.plan import BatchPlan, Sampled
from ..batches.sampled import SampledInBatchBatches
from ..losses.pairwise_softmax import Surrogate, pairwise_softmax
from ..losses.softmax import softmax
from .candidate_softmax import CandidateSoftmax
from .objective import Batches

__all__ = ["InBatchSoftmax"]


@dataclass(frozen=True, kw_only=True)
class InBatchSoftmax(CandidateSoftmax):
    """Softmax of each positive among the tracks of the batch, each as often as it occurs, less the playlist's own.

    Yi et al. 2019, eq. 3-4.

    Attributes:
        surrogate: what takes the place of the exponential of differences in PSL, ``exp`` for plain softmax: see
            :func:`~playlistrec.train.losses.pairwise_softmax.pairwise_softmax`.
        logq_correction: share of the logarithm of a track's popularity that is taken off its score.
    """

    surrogate: Surrogate = "exp"
    logq_correction: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pooled_positives:
            raise ConfigError("pooled_positives needs batches of whole playlists: negatives=shared or all")
        if self.surrogate != "exp" and (self.look.wanted or self.negative_exponent):
            raise ConfigError("surrogate must be exp with top_k, temperature_spread or negative_exponent")
        require(self.logq_correction >= 0, "logq_correction", "at least 0", self.logq_correction)

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledInBatchBatches(model, corpus, plan)
        return InBatchBatches(model, corpus, replace(plan, look=self.look))

    def loss(self, batch: InBatchBatch) -> Tensor:
        bias = batch.counts.float().log()
        if self.logq_correction:
            bias = bias - self.logq_correction * batch.log_popularity
        if self.surrogate != "exp":
            return self._pairwise(batch, bias)
        queries, tracks, prior = self.divided(batch, batch.queries, batch.vectors[1])
        keys = tracks.index_select(0, batch.candidates)
        rows = torch.arange(len(queries), device=queries.device)
        if prior is not None:
            bias = bias + prior[batch.candidates]
        how: dict[str, Any] = {"bias": bias, "reduced": batch.reduced}
        if batch.threshold is None and not self.negative_exponent:
            return softmax(queries, keys, (rows, batch.target), masked=batch.masked, **how)
        positive = (queries * keys.index_select(0, batch.target)).sum(-1)
        if prior is not None:
            positive = positive + prior[batch.track]
        if self.negative_exponent:
            masked = torch.cat([batch.masked[0], rows]), torch.cat([batch.masked[1], batch.target])
            return self.bilateral(queries, keys, positive, rows, None, masked=masked, **how)
        weights = self.weighted(batch, None, positive, rows)
        return softmax(queries, keys, (rows, batch.target), weights=weights, masked=batch.masked, **how)

    def _pairwise(self, batch: InBatchBatch, bias: Tensor) -> Tensor:
        queries, keys = batch.queries, batch.vectors[1].index_select(0, batch.candidates)
        scores = queries @ keys.T
        if batch.prior is not None:
            scores = scores + batch.prior[batch.candidates]
        rows = torch.arange(len(queries), device=queries.device)
        positive = scores[rows, batch.target]
        masked = torch.cat([batch.masked[0], rows]), torch.cat([batch.masked[1], batch.target])
        return pairwise_softmax(positive, scores, self.temperature, self.surrogate, bias=bias, masked=masked)
