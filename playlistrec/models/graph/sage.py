"""GraphSAGE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from ...nn.sage import SAGEConv
from .transform import TransformConfig, TransformModel

__all__ = ["SAGE", "SAGEConfig"]


@dataclass(frozen=True, kw_only=True)
class SAGEConfig(TransformConfig):
    """Options of GraphSAGE.

    Attributes:
        aggregator: ``mean`` of the neighbours, or ``pool``, the maximum of their pooled features.
    """

    aggregator: Literal["mean", "pool"] = "mean"


class SAGE(TransformModel):
    """GraphSAGE: own features and the aggregate of the neighbours, each through a matrix. Hamilton et al. 2017."""

    name: ClassVar[str] = "sage"
    summary: ClassVar[str] = "GraphSAGE: mean or maximum of the neighbours beside a node's own features"
    papers: ClassVar[tuple[str, ...]] = (
        'Hamilton, Ying & Leskovec 2017, "Inductive representation learning on large graphs"',
    )
    config_class: ClassVar[type[TransformConfig]] = SAGEConfig

    def conv(self, config: SAGEConfig) -> nn.Module:
        return self.started(SAGEConv(config.dim, config.dim, config.aggregator), config)
