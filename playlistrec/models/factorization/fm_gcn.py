"""Factorisation machine over a graph convolution."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from ...nn.lightgcn import LightGCNConv
from .fm_graph import FMGraph, FMGraphConfig

__all__ = ["FMGCN"]


class FMGCN(FMGraph):
    """FM over a graph convolution: ``V = D^-1/2 (A + I) D^-1/2 E``. Ibero, Pérez & Martinez 2021.

    Kipf & Welling 2017, eq. 2, of one-hot features, whose matrix W are the embeddings E.
    """

    name: ClassVar[str] = "fm-gcn"
    summary: ClassVar[str] = "factorisation machine whose vectors are a graph convolution's"
    papers: ClassVar[tuple[str, ...]] = (
        "Ibero, Pérez & Martinez 2021 (a graph convolution within a factorisation machine)",
        'Kipf & Welling 2017, "Semi-supervised classification with graph convolutional networks", eq. 2',
    )

    def conv(self, config: FMGraphConfig) -> nn.Module:
        return LightGCNConv()
