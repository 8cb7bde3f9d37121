"""The contrastive term."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...config import require
from ..batches.batch import Batch
from ..batches.plan import BatchPlan
from ..losses.contrast import contrast
from .objective import Batches, Term

__all__ = ["Contrast"]


@dataclass(frozen=True)
class Contrast(Term):
    """InfoNCE between the first and all layers under noise. Yu et al. 2023 (XSimGCL), eq. 11 and section 4.1.

    Attributes:
        noise: length of the noise that every layer adds.
        temperature: divides the cosines.
    """

    whole_graph: ClassVar[str] = "contrast"
    noise: float = 0.2
    temperature: float = 0.2

    def __post_init__(self) -> None:
        require(self.temperature > 0, "contrast_temperature", "above 0", self.temperature)

    def plan(self, plan: BatchPlan) -> BatchPlan:
        return replace(plan, noise=self.noise)

    def check(self, model: Any, batches: Batches) -> None:
        unsupported = f"0.0 for {model.name}, which does not support it"
        require(model.propagates, "contrast", unsupported, self.weight)

    def loss(self, batch: Batch) -> Tensor:
        assert batch.first_layer is not None, "the plan asks for it"
        total = torch.zeros((), device=batch.playlist.device)
        for rows, last, first in zip((batch.playlist, batch.track), batch.vectors, batch.first_layer):
            chosen = torch.unique(rows)
            total = total + contrast(last.index_select(0, chosen), first.index_select(0, chosen), self.temperature)
        return total
