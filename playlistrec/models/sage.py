"""GraphSAGE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ..config import Config
from ..nn.sage import SAGEConv
from .graph import GraphModel, GraphOptions

__all__ = ["SAGE", "SAGEOptions"]


@dataclass(frozen=True, kw_only=True)
class SAGEOptions(GraphOptions):
    """Options of GraphSAGE.

    Attributes:
        aggregator: ``mean`` of the neighbours, or ``max`` over their pooled features.
    """

    layers: int = 2
    aggregator: Literal["mean", "max"] = "mean"


class SAGE(GraphModel):
    """GraphSAGE: own features and the aggregate of the neighbours, each through a matrix. Hamilton et al. 2017."""

    name: ClassVar[str] = "sage"
    summary: ClassVar[str] = "GraphSAGE: mean or max of the neighbours beside a node's own features"
    options: ClassVar[type[Config]] = SAGEOptions

    def conv(self, options: SAGEOptions) -> nn.Module:
        return SAGEConv(options.dim, options.dim, options.aggregator)

    def activate(self, h: Tensor) -> Tensor:
        return F.elu(h)
