"""Graph attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ...config import require
from ...nn.gat import GATConv
from .transform import TransformConfig, TransformModel

__all__ = ["GAT", "GATConfig"]


@dataclass(frozen=True, kw_only=True)
class GATConfig(TransformConfig):
    """Options of the attention model.

    Attributes:
        heads: attention heads per layer, merged by a linear layer.
        head_dim: ``split`` for heads of width dim / heads, ``full`` for heads of width dim.
    """

    heads: int = 4
    head_dim: Literal["split", "full"] = "split"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.heads >= 1, "heads", "at least 1", self.heads)
        divides = self.head_dim == "full" or self.dim % self.heads == 0
        require(divides, "heads", f"a divisor of dim = {self.dim}", self.heads)


class GAT(TransformModel):
    """Multi-head graph attention over the neighbours. Velickovic et al. 2018; heads merged by a linear layer."""

    name: ClassVar[str] = "gat"
    summary: ClassVar[str] = "graph attention: neighbours weighted by a softmax over edges"
    papers: ClassVar[tuple[str, ...]] = ('Veličković et al. 2018, "Graph attention networks"',)
    config_class: ClassVar[type[TransformConfig]] = GATConfig

    def conv(self, config: GATConfig) -> nn.Module:
        return self.started(GATConv(config.dim, config.dim, config.heads, head_dim=config.head_dim), config)
