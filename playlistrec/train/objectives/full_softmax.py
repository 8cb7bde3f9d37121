"""Softmax over all tracks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.batch import PlaylistBatch
from ..batches.plan import BatchPlan, Sampled
from ..batches.playlists import PlaylistBatches
from ..batches.sampled import SampledAllBatches
from ..losses.softmax import softmax
from .candidate_softmax import CandidateSoftmax
from .objective import Batches

__all__ = ["FullSoftmax"]


@dataclass(frozen=True, kw_only=True)
class FullSoftmax(CandidateSoftmax):
    """``-mean ln(e^(s_pt/T) / (e^(s_pt/T) + Σ_c e^(s_pc/T)))`` over all tracks c that the playlist p does not hold.

    Sampled softmax (Wu et al. 2022, eq. 5) with all negatives in the sample: a playlist's tracks do not compete with
    each other. A batch is ``batch_size`` playlists with all their tracks.

    Attributes:
        length_weight_exponent: a pair weighs the length of its playlist to minus this power: 0 for all pairs alike, 1
            for all playlists alike.
    """

    length_weight_exponent: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        exponent = self.length_weight_exponent
        require(exponent >= 0, "length_weight_exponent", "at least 0", exponent)

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledAllBatches(model, corpus, plan)
        return PlaylistBatches(model, corpus, replace(plan, look=self.look))

    def mass(self, batch: PlaylistBatch) -> Tensor:
        exponent = self.length_weight_exponent
        return batch.raw_weights(exponent).sum() if exponent else super().mass(batch)

    def loss(self, batch: PlaylistBatch) -> Tensor:
        queries, keys, bias = self.divided(batch, *batch.vectors)
        rows, weights = batch.playlist, batch.weights(self.length_weight_exponent)
        how: dict[str, Any] = {"bias": bias, "reduced": batch.reduced}
        if batch.threshold is None and not self.negative_exponent:
            return softmax(queries, keys, (rows, batch.track), weights=weights, masked=batch.own, **how)
        positive = (queries.index_select(0, rows) * keys.index_select(0, batch.track)).sum(-1)
        positive = positive if bias is None else positive + bias[batch.track]
        if self.negative_exponent:
            return self.bilateral(queries, keys, positive, rows, weights, masked=batch.held(), **how)
        weights = self.weighted(batch, weights, positive, rows)
        return softmax(queries, keys, (rows, batch.track), weights=weights, masked=batch.own, **how)
