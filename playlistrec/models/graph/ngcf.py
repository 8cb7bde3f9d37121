"""Neural graph collaborative filtering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from dgl import DGLGraph
from torch import Tensor, nn

from ...config import Config, require
from ...graph.norms import DegreeNorms
from ...nn.ngcf import NGCFConv
from .model import GraphConfig, GraphModel, with_self_loops

__all__ = ["NGCF", "NGCFConfig"]


@dataclass(frozen=True, kw_only=True)
class NGCFConfig(GraphConfig):
    """Options of neural graph collaborative filtering.

    Attributes:
        message_dropout: share of the entries of a layer's output that are 0 in training.
    """

    layers: int = 3
    layer_weights: str = "concat"
    message_dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = "at least 0 and below 1"
        require(0 <= self.message_dropout < 1, "message_dropout", rule, self.message_dropout)


class NGCF(GraphModel):
    """NGCF: ``E' = LeakyReLU((L + I) E W_1 + (L E * E) W_2)``, layers side by side. Wang et al. 2019, eq. 7 and 9.

    ``L = D^-1/2 A D^-1/2`` within each relation, as in LightGCN; one W_1 and W_2 a layer.
    """

    name: ClassVar[str] = "ngcf"
    summary: ClassVar[str] = "neural graph collaborative filtering: neighbours, and their products with the node"
    papers: ClassVar[tuple[str, ...]] = ('Wang et al. 2019, "Neural graph collaborative filtering", eq. 7 and 9',)
    config_class: ClassVar[type[Config]] = NGCFConfig
    tied: ClassVar[bool] = True
    nonlinearity = "leaky_relu"
    config: NGCFConfig

    def conv(self, config: NGCFConfig) -> nn.Module:
        conv = NGCFConv(config.dim, config.dim)
        for weight in conv.parameters():
            nn.init.orthogonal_(weight)  # keeps dot products of the first embeddings: better than Xavier on validation
        return conv

    def activate(self, h: Tensor) -> Tensor:
        return F.dropout(F.leaky_relu(h, 0.2), self.config.message_dropout, self.training)

    def normalise(self, graph: DGLGraph) -> DegreeNorms:
        own = {kind: torch.ones(graph.num_nodes(kind), device=graph.device) for kind in graph.ntypes}
        return with_self_loops(graph, super().normalise(graph), own)
