"""The distillation term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...config import require
from ...models.embedding.model import Vectors
from ..batches.batch import SharedBatch
from ..losses.distillation import distillation_loss
from .objective import Term

__all__ = ["Distillation"]


@dataclass(frozen=True, eq=False)
class Distillation(Term):
    """Divergence of the softmax over shared tracks from a teacher's. Hinton, Vinyals & Dean 2015, section 2.

    For SharedSoftmax, whose candidates both rank. A playlist weighs as much as all its pairs.

    Attributes:
        teacher_vectors: final vectors of all playlists and all tracks of the teacher, perhaps wider ones; their dot
            products are its scores.
        temperature: divides the scores of both.
        logq_correction, length_weight_exponent: as of the objective.
    """

    teacher_vectors: Vectors
    temperature: float = 0.07
    logq_correction: float = 1.0
    length_weight_exponent: float = 0.0

    def __post_init__(self) -> None:
        require(self.temperature > 0, "teacher_temperature", "above 0", self.temperature)

    def loss(self, batch: SharedBatch) -> Tensor:
        (playlists, tracks), temperature, prior = batch.vectors, self.temperature, batch.prior
        candidates, bias = batch.candidates, batch.bias(self.logq_correction)
        weights = batch.weights(self.length_weight_exponent)
        if weights is None:
            weights = torch.full_like(batch.playlist, 1 / len(batch.playlist), dtype=playlists.dtype)
        teacher: Any = self.teacher_vectors
        ids = candidates if batch.track_ids is None else batch.track_ids[candidates]
        return distillation_loss(
            (playlists / temperature, tracks.index_select(0, candidates)),
            (teacher[0][batch.playlist_ids] / temperature, teacher[1][ids]),
            weights.new_zeros(len(playlists)).index_add_(0, batch.playlist, weights),
            student_bias=bias if prior is None else bias + prior[candidates] / temperature,
            teacher_bias=bias,
            masked=batch.masked,
            reduced=batch.reduced,
        )
