"""Objectives over sessions: what follows each track, among candidates that the rows of a step share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ...corpus.corpus import Corpus
from ..batches.plan import BatchPlan
from ..batches.sessions import SessionBatch, SessionBatches, SessionNegatives
from ..losses.bpr_max import bpr_max, shared_bpr
from ..losses.softmax import softmax
from .objective import Batches, Objective

__all__ = ["BPRMax", "SessionBPR", "SessionObjective", "SessionSoftmax"]


NO_OTHERS = SessionNegatives()


@dataclass(frozen=True, kw_only=True)
class SessionObjective(Objective):
    """Base of the objectives of models that read playlists in order. Hidasi & Karatzoglou 2018.

    At the end of an epoch, when rows run out of playlists, batches are small: their loss counts by the share of a whole
    batch that they are, so that a track weighs the same wherever it is.

    Attributes:
        negatives: what competes with a track that follows.
    """

    negatives: SessionNegatives = NO_OTHERS

    def make_batches(self, model: Any, corpus: Corpus, plan: BatchPlan) -> Batches:
        return SessionBatches(model, corpus, plan, self.negatives)


@dataclass(frozen=True, kw_only=True)
class SessionSoftmax(SessionObjective):
    """Cross-entropy of the track that follows. Hidasi & Karatzoglou 2018, eq. 4.

    Attributes:
        temperature: divides the scores.
        logq_correction: share of the logarithm of a candidate's expected draws that is taken off its score.
    """

    temperature: float = 0.1
    logq_correction: float = 0.0

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", "above 0", self.temperature)

    def loss(self, batch: SessionBatch) -> Tensor:
        each = torch.arange(len(batch.queries), device=batch.queries.device)
        bias = batch.counts.log() - self.logq_correction * batch.log_expected
        return softmax(batch.queries / self.temperature, batch.keys, (each, batch.target), bias=bias)


@dataclass(frozen=True, kw_only=True)
class SessionBPR(SessionObjective):
    """BPR of the track that follows against all other candidates. Hidasi et al. 2016, section 3.1.3."""

    def loss(self, batch: SessionBatch) -> Tensor:
        return shared_bpr(batch.queries @ batch.keys.T, batch.target, batch.counts)


@dataclass(frozen=True, kw_only=True)
class BPRMax(SessionObjective):
    """BPR against the likeliest candidate, softly. Hidasi & Karatzoglou 2018, eq. 10 and 13.

    Attributes:
        bpr_max_reg: weight of the penalty on the scores of negatives.
    """

    bpr_max_reg: float = 1.0

    def __post_init__(self) -> None:
        require(self.bpr_max_reg >= 0, "bpr_max_reg", "at least 0", self.bpr_max_reg)

    def loss(self, batch: SessionBatch) -> Tensor:
        return bpr_max(batch.queries @ batch.keys.T, batch.target, batch.counts, self.bpr_max_reg)
