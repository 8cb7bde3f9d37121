"""Factorisation machine over graph attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from ...config import Config, require
from ...nn.gat import AttentionConv
from .fm_graph import FMGraph, FMGraphConfig

__all__ = ["FMGAT", "FMGATConfig"]


@dataclass(frozen=True, kw_only=True)
class FMGATConfig(FMGraphConfig):
    """Options of the factorisation machine over graph attention.

    Attributes:
        heads: attention heads per layer, each over its own dim / heads columns.
        dropout: share of the attention weights that are dropped in training.
    """

    heads: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.heads >= 1, "heads", "at least 1", self.heads)
        require(self.dim % self.heads == 0, "heads", f"a divisor of dim = {self.dim}", self.heads)
        require(0 <= self.dropout < 1, "dropout", "at least 0 and below 1", self.dropout)


class FMGAT(FMGraph):
    """FM over graph attention: ``v_i = Σ_j softmax_j(LeakyReLU(a_s·e_j + a_d·e_i)) e_j``, each head in its own columns.

    Velickovic et al. 2018, eq. 1-5, of one-hot features, whose matrix W are the embeddings e; in an FM in place of a
    graph convolution: Ibero, Pérez & Martinez 2021.
    """

    name: ClassVar[str] = "fm-gat"
    summary: ClassVar[str] = "factorisation machine whose vectors are graph attention's"
    papers: ClassVar[tuple[str, ...]] = (
        "Ibero, Pérez & Martinez 2021 (attention within a factorisation machine)",
        'Veličković et al. 2018, "Graph attention networks", eq. 1-5',
    )
    config_class: ClassVar[type[Config]] = FMGATConfig
    nonlinearity: ClassVar[str] = "elu"

    def conv(self, config: FMGATConfig) -> nn.Module:
        return AttentionConv(None, config.dim // config.heads, config.heads, attn_drop=config.dropout, bias=False)

    def activate(self, h: Tensor) -> Tensor:
        return F.elu(h)
