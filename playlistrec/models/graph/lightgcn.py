"""LightGCN."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from ...nn.lightgcn import LightGCNConv
from .model import GraphConfig, GraphModel

__all__ = ["LightGCN"]


class LightGCN(GraphModel):
    """LightGCN: ``z = 1/(L+1) Σ_l (D^-1/2 A D^-1/2)^l E``. He et al. 2020, eq. 3, 4 and 8."""

    name: ClassVar[str] = "lightgcn"
    summary: ClassVar[str] = "light graph convolution: embeddings smoothed over the graph"

    def conv(self, config: GraphConfig) -> nn.Module:
        return LightGCNConv()
