"""How a gradient model is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..config import Config, require

__all__ = ["TrainOptions"]


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Config):
    """Options of the training loop.

    Attributes:
        epochs: passes over the training pairs, at most.
        batch_size: positive pairs a step.
        lr: Adam's learning rate.
        l2: weight of the penalty on the layer-0 embeddings a batch touches.
        loss: ``bpr`` or ``bce``.
        n_negatives: uniform negatives per positive.
        regime: ``full`` propagates over the whole graph each step, ``sampled`` over the sampled neighbourhood of
            the batch without its own edges; ``auto`` picks by the size of the graph.
        fanout: neighbours sampled per node and layer in the sampled regime, -1 for all.
        workers: loader processes of the sampled regime.
        eval_every: epochs between validations.
        patience: validations without a better NDCG after which fitting stops.
    """

    epochs: int = 100
    batch_size: int = 8192
    lr: float = 0.005
    l2: float = 1e-4
    loss: Literal["bpr", "bce"] = "bpr"
    n_negatives: int = 1
    regime: Literal["auto", "full", "sampled"] = "auto"
    fanout: int = 10
    workers: int = 0
    eval_every: int = 5
    patience: int = 5

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "n_negatives", "eval_every", "patience"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        require(self.lr > 0, "lr", "above 0", self.lr)
        require(self.l2 >= 0, "l2", "at least 0", self.l2)
        require(self.fanout >= 1 or self.fanout == -1, "fanout", "at least 1, or -1 for all", self.fanout)
        require(self.workers >= 0, "workers", "at least 0", self.workers)
