"""Disjoint message and supervision edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from torch import Tensor

from ...config import require
from ..batches.plan import BatchPlan
from .objective import Batches, Term

__all__ = ["MessageEdges"]


@dataclass(frozen=True)
class MessageEdges(Term):
    """Messages pass along a share of the training pairs, and the others are supervised.

    It adds nothing to the loss: ``weight`` is the share of message edges, above 0 and below 1.

    Attributes:
        split: divided anew each ``epoch``, or ``once``, the same for every seed.
    """

    split: Literal["epoch", "once"] = "epoch"

    whole_graph: ClassVar[str] = "message_edge_share"

    def __post_init__(self) -> None:
        require(0 < self.weight < 1, "message_edge_share", "above 0 and at most 1", self.weight)

    def plan(self, plan: BatchPlan) -> BatchPlan:
        return replace(plan, message_edge_share=self.weight, message_edges_fixed=self.split == "once")

    def check(self, model: Any, batches: Batches) -> None:
        unsupported = f"1.0 for {model.name}, which does not support it"
        require(model.propagates, "message_edge_share", unsupported, self.weight)

    def apply(self, total: Tensor, batch: Any) -> Tensor:
        return total

    def loss(self, batch: Any) -> Tensor:
        raise NotImplementedError("message edges add nothing to the loss")
