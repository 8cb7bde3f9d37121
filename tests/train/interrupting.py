"""What the tests of interrupted fits share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from playlistrec.events import Event
from playlistrec.models.embedding.model import EmbeddingModel


class Interrupted(Exception):
    """Stands for a kill in the middle of an epoch."""


def interrupt_in(epoch: int) -> Callable[[Event], None]:
    """Raise after the second step of that epoch."""
    done = 0

    def on_event(event: Event) -> None:
        nonlocal done
        if event.kind == "epoch":
            done = event.data["epoch"]
        elif event.kind == "progress" and done == epoch - 1 and event.data["done"] == 2:
            raise Interrupted

    return on_event


def spread(model: EmbeddingModel) -> dict[str, float]:
    """A stand-in for a validation metric that depends on every weight."""
    return {"ndcg@20": float(sum(np.abs(array).sum() for array in model.state().values()))}
