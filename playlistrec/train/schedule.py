"""The learning rate over the course of a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Constant", "Cosine", "Schedule"]


@dataclass(frozen=True)
class Constant:
    """A constant learning rate."""

    def rate(self, lr: float, done: float) -> float:
        """The learning rate after the share ``done`` of all steps."""
        return lr


@dataclass(frozen=True)
class Cosine:
    """Up to the learning rate over the ``warm_up`` share of all steps, and along a cosine down to ``lowest`` of it.

    Loshchilov & Hutter 2017 (SGDR), eq. 5, without restarts.
    """

    warm_up: float = 0.05
    lowest: float = 0.01

    def rate(self, lr: float, done: float) -> float:
        """The learning rate after the share ``done`` of all steps."""
        warm = min(1.0, (done + 1e-3) / self.warm_up)
        return lr * warm * max(self.lowest, (1 + math.cos(math.pi * min(1.0, done))) / 2)


Schedule = Constant | Cosine
