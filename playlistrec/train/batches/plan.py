"""Settings and state shared by all ways of making batches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...config import require
from .look import Look

__all__ = ["BatchPlan", "Full", "Regime", "Sampled"]


@dataclass(frozen=True, kw_only=True)
class Full:
    """Propagate over the whole graph in each step."""


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """Propagate over the sampled neighbourhood of a batch, without the batch's own edges.

    Attributes:
        fanout: neighbours sampled per node and layer, -1 for all.
        workers: loader processes.
    """

    fanout: int = 10
    workers: int = 0

    def __post_init__(self) -> None:
        require(self.fanout >= 1 or self.fanout == -1, "fanout", "at least 1, or -1 for all", self.fanout)
        require(self.workers >= 0, "workers", "at least 0", self.workers)


Regime = Full | Sampled

CPU, FULL, NO_LOOK = torch.device("cpu"), Full(), Look()


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """The settings of batches that no objective changes.

    Attributes:
        batch_size: positive pairs a step; playlists a step where batches hold whole playlists.
        regime: over what a step propagates.
        reduced: type in which products are multiplied; None for that of the vectors.
        noise: length of the noise of contrastive views; None for no views.
        message_edge_share: share of the training pairs that messages pass along, the others being supervised.
        message_edges_fixed: true to divide them once, false to do so anew each epoch.
        look: what is to be known of how each playlist ranks all tracks.
        rank, ranks: number of this process and how many share each batch.
    """

    batch_size: int = 8192
    device: torch.device = CPU
    regime: Regime = FULL
    reduced: torch.dtype | None = None
    noise: float | None = None
    message_edge_share: float = 1.0
    message_edges_fixed: bool = False
    look: Look = NO_LOOK
    rank: int = 0
    ranks: int = 1

    def __post_init__(self) -> None:
        require(self.batch_size >= 1, "batch_size", "at least 1", self.batch_size)
        require(self.batch_size >= self.ranks, "batch_size", f"at least the {self.ranks} processes", self.batch_size)

    def split(self, order: Tensor) -> list[Tensor]:
        """Batches of ``batch_size`` of the items in ``order``, each with one item or more for every process.

        Raises ConfigError where there are fewer items than processes.
        """
        require(len(order) >= self.ranks, "the number of processes", f"at most {len(order)} items", self.ranks)
        batches = list(torch.split(order, self.batch_size))
        if len(batches[-1]) < self.ranks and len(batches) > 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def n_batches(self, n: int) -> int:
        """How many batches :meth:`split` makes of ``n`` items."""
        return max(n // self.batch_size + (n % self.batch_size >= self.ranks), min(n, 1))

    def own(self, items: Tensor) -> Tensor:
        """The items of a batch that this process takes."""
        return items if self.ranks == 1 else items[self.rank :: self.ranks]
