"""The base of graph models whose layers have weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model import GraphConfig, GraphModel

__all__ = ["TransformConfig", "TransformModel"]

Conv = TypeVar("Conv", bound=nn.Module)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"elu": F.elu, "relu": F.relu, "none": lambda h: h}


@dataclass(frozen=True, kw_only=True)
class TransformConfig(GraphConfig):
    """Options of graph models whose layers have matrices.

    Attributes:
        weight_init: first matrices of the layers: ``xavier``, at random, or ``identity``. The identity keeps all layers
            in the space of the embeddings, with which they are summed.
        activation: function after each layer: ``elu``, ``relu`` or ``none``.
    """

    layers: int = 2
    weight_init: Literal["xavier", "identity"] = "xavier"
    activation: Literal["elu", "relu", "none"] = "elu"


class TransformModel(GraphModel):
    """A graph model whose layers have matrices and are followed by an activation."""

    config_class: ClassVar[type[TransformConfig]] = TransformConfig
    config: TransformConfig

    @property
    def nonlinearity(self) -> str:  # type: ignore[override]
        return self.config.activation

    def activate(self, h: Tensor) -> Tensor:
        return ACTIVATIONS[self.config.activation](h)

    @staticmethod
    def started(conv: Conv, config: TransformConfig) -> Conv:
        """The layer with its matrices as the options have them start."""
        if config.weight_init == "identity":
            for module in conv.modules():
                if isinstance(module, nn.Linear):
                    rows, columns = module.weight.shape
                    eye = torch.eye(min(rows, columns))  # each head of full width starts as a whole one
                    start = eye.repeat(rows // columns, 1) if rows >= columns else eye.repeat(1, columns // rows)
                    with torch.no_grad():
                        module.weight.copy_(start * min(1.0, rows / columns))
        return conv
