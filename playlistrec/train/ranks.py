"""The processes that train a model together, as the trainer sees them; here the one that is alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..processes import Group

__all__ = ["ALONE", "Ranks"]


class Ranks(Group):
    """One process, which is all there is. Several are :class:`~playlistrec.distributed.process_group.ProcessGroup`."""

    def mean(self, loss: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of the whole batch, and the share of it that lies here; ``mass`` is the weight of this part."""
        return loss, torch.ones_like(loss)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Step with the sum of all processes' gradients; afterwards all have the same weights."""
        optimizer.step()

    def moments(self, optimizer: torch.optim.Optimizer) -> Mapping[int, Mapping[str, Any]]:
        """The state of the optimiser by parameter, whole, for a checkpoint."""
        state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
        return state


ALONE = Ranks()
