"""Graph convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from dgl import DGLGraph
from torch import nn

from ...graph.loader import Norms
from ...nn.gcn import GCNConv
from .model import with_own
from .transform import TransformModel, TransformOptions

__all__ = ["GCN", "GCNOptions"]


@dataclass(frozen=True, kw_only=True)
class GCNOptions(TransformOptions):
    """Options of the graph convolutional network."""

    activation: Literal["elu", "relu", "none"] = "relu"


class GCN(TransformModel):
    """GCN: ``H' = ReLU(D^-1/2 (A + I) D^-1/2 H W)`` over all nodes of the graph. Kipf & Welling 2017, eq. 2."""

    name: ClassVar[str] = "gcn"
    summary: ClassVar[str] = "graph convolution: neighbours and the node itself, normalised, through a matrix"
    options: ClassVar[type[TransformOptions]] = GCNOptions
    tied: ClassVar[bool] = True

    def conv(self, options: GCNOptions) -> nn.Module:
        return self.started(GCNConv(options.dim, options.dim), options)

    def normalise(self, graph: DGLGraph) -> Norms:
        degree = {kind: torch.ones(graph.num_nodes(kind), device=graph.device) for kind in graph.ntypes}
        for _, etype, target in graph.canonical_etypes:
            degree[target] += graph.in_degrees(etype=etype)
        norms: Norms = {
            etype: (degree[source].rsqrt(), degree[target].rsqrt()) for source, etype, target in graph.canonical_etypes
        }
        return with_own(graph, norms, {kind: 1 / count for kind, count in degree.items()})
