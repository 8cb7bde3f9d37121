"""Softmax over negatives drawn for each positive."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...config import require
from ..batches.batch import PairBatch
from ..losses.pairwise_softmax import Surrogate, pairwise_softmax
from ..losses.sampled_softmax import sampled_softmax
from .objective import PairwiseObjective

__all__ = ["SampledSoftmax"]


@dataclass(frozen=True, kw_only=True)
class SampledSoftmax(PairwiseObjective):
    """Softmax of each positive among negatives of its own. Bengio & Senécal 2008, section III.

    Attributes:
        temperature: divides the scores.
        surrogate: what takes the place of the exponential of differences in PSL, ``exp`` for plain softmax: see
            :func:`~playlistrec.train.losses.pairwise_softmax.pairwise_softmax`.
        logq_correction: share of the logarithm of the sampling probability that is taken off the scores; uniform draws
            need none.
    """

    temperature: float = 0.1
    surrogate: Surrogate = "exp"
    logq_correction: float = 0.0

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(self.logq_correction >= 0, "logq_correction", "at least 0", self.logq_correction)

    def loss(self, batch: PairBatch) -> Tensor:
        positive, negative = batch.scores()
        if self.surrogate != "exp":
            bias = None
            if self.logq_correction and batch.log_q is not None:
                bias = self.logq_correction * (batch.log_q(batch.track).unsqueeze(1) - batch.log_q(batch.negatives))
            return pairwise_softmax(positive, negative, self.temperature, self.surrogate, bias=bias)
        positive, negative = positive / self.temperature, negative / self.temperature
        if self.logq_correction and batch.log_q is not None:
            positive = positive - self.logq_correction * batch.log_q(batch.track)
            negative = negative - self.logq_correction * batch.log_q(batch.negatives)
        return sampled_softmax(positive, negative)
