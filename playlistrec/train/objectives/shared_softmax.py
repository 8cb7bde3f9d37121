"""Softmax over a sample of tracks that all playlists of a step share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.aggregate import AggregateBatches
from ..batches.batch import SharedBatch
from ..batches.plan import BatchPlan, Sampled
from ..batches.playlists import SharedBatches
from ..batches.sampled import SampledSharedBatches
from ..losses.shared_softmax import shared_softmax
from .candidate_softmax import CandidateSoftmax
from .objective import Batches

__all__ = ["SharedSoftmax"]


@dataclass(frozen=True, kw_only=True)
class SharedSoftmax(CandidateSoftmax):
    """Softmax of each positive among ``n_negatives`` tracks drawn once for all playlists of a step, less their own.

    Bengio & Senécal 2008, section III; the correction: Yi et al. 2019, eq. 4. A batch is ``batch_size`` playlists with
    all their tracks.

    Attributes:
        n_negatives: tracks drawn a step.
        popularity_power: they are drawn in proportion to popularity to this power.
        logq_correction: share of the logarithm of a track's expected draws that is taken off its score; 1 makes the
            sum over the sample an unbiased estimate of that over all tracks.
        length_weight_exponent: a pair weighs the length of its playlist to minus this power.
    """

    aggregates: ClassVar[bool] = True
    n_negatives: int = 4096
    popularity_power: float = 0.75
    logq_correction: float = 1.0
    length_weight_exponent: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("popularity_power", "logq_correction", "length_weight_exponent"):
            require(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if model.aggregates:
            return AggregateBatches(model, corpus, plan, self.n_negatives, self.popularity_power)
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledSharedBatches(model, corpus, plan, self.n_negatives, self.popularity_power)
        return SharedBatches(model, corpus, replace(plan, look=self.look), self.n_negatives, self.popularity_power)

    def mass(self, batch: SharedBatch) -> Tensor:
        exponent = self.length_weight_exponent
        return batch.raw_weights(exponent).sum() if exponent else super().mass(batch)

    def loss(self, batch: SharedBatch) -> Tensor:
        queries, tracks, prior = self.divided(batch, *batch.vectors)
        rows, bias = batch.playlist, batch.bias(self.logq_correction)
        positive = (queries.index_select(0, rows) * tracks.index_select(0, batch.track)).sum(-1)
        if prior is not None:
            bias, positive = bias + prior[batch.candidates], positive + prior[batch.track]
        weights = batch.weights(self.length_weight_exponent)
        keys = tracks.index_select(0, batch.candidates)
        how: dict[str, Any] = {"bias": bias, "masked": batch.masked, "reduced": batch.reduced}
        if self.negative_exponent:
            return self.bilateral(queries, keys, positive, rows, weights, **how)
        return shared_softmax(
            queries, keys, positive, rows, weights=self.weighted(batch, weights, positive, rows), **how
        )
