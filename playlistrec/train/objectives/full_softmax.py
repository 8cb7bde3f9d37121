"""Softmax over all tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.batch import PlaylistBatch
from ..batches.plan import BatchPlan, Sampled
from ..batches.playlists import PlaylistBatches
from ..batches.sampled import SampledAllBatches
from ..losses.softmax import softmax
from .objective import Batches, Objective

__all__ = ["FullSoftmax"]


@dataclass(frozen=True, kw_only=True)
class FullSoftmax(Objective):
    """``-mean ln(e^(s_pt/T) / (e^(s_pt/T) + Σ_c e^(s_pc/T)))`` over all tracks c that the playlist p does not hold.

    Sampled softmax (Wu et al. 2022, eq. 5) with all negatives in the sample: a playlist's tracks do not compete with
    each other. A batch is ``batch_size`` playlists with all their tracks.

    Attributes:
        temperature: T, which divides the scores.
        length_weight_exponent: a pair weighs the length of its playlist to minus this power: 0 for all pairs alike, 1
            for all playlists alike.
    """

    temperature: float = 0.1
    length_weight_exponent: float = 0.0

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        exponent = self.length_weight_exponent
        require(exponent >= 0, "length_weight_exponent", "at least 0", exponent)

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        if isinstance(plan.regime, Sampled) and model.propagates:
            return SampledAllBatches(model, corpus, plan)
        return PlaylistBatches(model, corpus, plan)

    def loss(self, batch: PlaylistBatch) -> Tensor:
        playlists, tracks = batch.vectors
        bias = None if batch.prior is None else batch.prior / self.temperature
        weights = batch.weights(self.length_weight_exponent)
        queries, pairs = playlists / self.temperature, (batch.playlist, batch.track)
        return softmax(queries, tracks, pairs, weights=weights, bias=bias, masked=batch.own, reduced=batch.reduced)
