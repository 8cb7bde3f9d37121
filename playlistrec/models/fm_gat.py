"""Factorisation machine over graph attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from ..config import Config, require
from ..nn.gat import GATConv
from .fm_graph import FMGraph, FMGraphOptions

__all__ = ["FMGAT", "FMGATOptions"]


@dataclass(frozen=True, kw_only=True)
class FMGATOptions(FMGraphOptions):
    """Options of the factorisation machine over graph attention.

    Attributes:
        heads: attention heads per layer, each of width dim / heads, merged by a linear layer.
    """

    heads: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.heads >= 1, "heads", "at least 1", self.heads)
        require(self.dim % self.heads == 0, "heads", f"a divisor of dim = {self.dim}", self.heads)


class FMGAT(FMGraph):
    """FM over graph attention: a feature's vector is a weighted sum of those it occurs with, by the softmax of heads.

    Velickovic et al. 2018; in place of a graph convolution Ibero, Pérez & Martinez 2021.
    """

    name: ClassVar[str] = "fm-gat"
    summary: ClassVar[str] = "factorisation machine whose vectors are graph attention's"
    options: ClassVar[type[Config]] = FMGATOptions

    def conv(self, options: FMGATOptions) -> nn.Module:
        return GATConv(options.dim, options.dim, options.heads)

    def activate(self, h: Tensor) -> Tensor:
        return F.elu(h)
