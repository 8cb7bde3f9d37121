"""Graph convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from dgl import DGLGraph
from torch import nn

from ...graph.norms import DegreeNorms
from ...nn.gcn import GCNConv
from .model import with_self_loops
from .transform import TransformConfig, TransformModel

__all__ = ["GCN", "GCNConfig"]


@dataclass(frozen=True, kw_only=True)
class GCNConfig(TransformConfig):
    """Options of the graph convolutional network."""

    activation: Literal["elu", "relu", "none"] = "relu"


class GCN(TransformModel):
    """GCN: ``H' = ReLU(D^-1/2 (A + I) D^-1/2 H W)`` over all nodes of the graph. Kipf & Welling 2017, eq. 2."""

    name: ClassVar[str] = "gcn"
    summary: ClassVar[str] = "graph convolution: neighbours and the node itself, normalised, through a matrix"
    papers: ClassVar[tuple[str, ...]] = (
        'Kipf & Welling 2017, "Semi-supervised classification with graph convolutional networks", eq. 2',
    )
    config_class: ClassVar[type[TransformConfig]] = GCNConfig
    tied: ClassVar[bool] = True

    def conv(self, config: GCNConfig) -> nn.Module:
        return self.started(GCNConv(config.dim, config.dim), config)

    def normalise(self, graph: DGLGraph) -> DegreeNorms:
        degree = {kind: torch.ones(graph.num_nodes(kind), device=graph.device) for kind in graph.ntypes}
        for _, etype, target in graph.canonical_etypes:
            degree[target] += graph.in_degrees(etype=etype)
        factors = {
            etype: (degree[source].rsqrt(), degree[target].rsqrt()) for source, etype, target in graph.canonical_etypes
        }
        degree_norms = DegreeNorms(factors, super().normalise(graph).in_degrees)
        return with_self_loops(graph, degree_norms, {kind: 1 / count for kind, count in degree.items()})
