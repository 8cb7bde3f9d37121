"""LightGCN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from dgl import DGLGraph
from torch import nn

from ...config import Config
from ...graph.norms import DegreeNorms
from ...nn.lightgcn import LightGCNConv
from .model import GraphConfig, GraphModel

__all__ = ["LightGCN"]


@dataclass(frozen=True, kw_only=True)
class LightGCNConfig(GraphConfig):
    """Options of LightGCN.

    Attributes:
        aggregator: message to a node: the ``symmetric`` normalised sum of its neighbours, as in the paper, or their
            ``mean``.
    """

    aggregator: Literal["symmetric", "mean"] = "symmetric"


class LightGCN(GraphModel):
    """LightGCN: ``z = 1/(L+1) Σ_l (D^-1/2 A D^-1/2)^l E``. He et al. 2020, eq. 3, 4 and 8."""

    name: ClassVar[str] = "lightgcn"
    summary: ClassVar[str] = "light graph convolution: embeddings smoothed over the graph"
    papers: ClassVar[tuple[str, ...]] = (
        'He et al. 2020, "LightGCN: simplifying and powering graph convolution network for recommendation", eq. 3-4, 8',
    )
    config_class: ClassVar[type[Config]] = LightGCNConfig
    config: LightGCNConfig

    def conv(self, config: LightGCNConfig) -> nn.Module:
        return LightGCNConv("both" if config.aggregator == "symmetric" else "right")

    def normalise(self, graph: DGLGraph) -> DegreeNorms:
        norms = super().normalise(graph)
        if self.config.aggregator == "symmetric":
            return norms
        factors = {
            key: (torch.ones_like(src), 1 / norms.in_degrees[key].clamp(min=1)) for key, (src, _) in norms.items()
        }
        return DegreeNorms(factors, norms.in_degrees)
