"""TensorBoard: the losses and metrics of a fit as curves."""

from __future__ import annotations

from typing import Any

from .sink import missing

__all__ = ["Tracker"]


class Tracker:
    """Writes event files into the folder ``where``. Raises ConfigError without the package."""

    def __init__(self, name: str, where: str | None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise missing("tensorboard") from None
        self.writer: Any = SummaryWriter(f"{where or 'runs'}/{name}")

    def begin(self, options: dict[str, Any]) -> None:
        """Note the options of the fit."""
        rows = "".join(f"| {key} | {value} |\n" for key, value in options.items())
        self.writer.add_text("options", f"| option | value |\n|---|---|\n{rows}")

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Note the figures of an epoch."""
        for key, value in figures.items():
            self.writer.add_scalar(key, value, number)

    def end(self, figures: dict[str, float]) -> None:
        """Note the figures of the fit, and close."""
        for key, value in figures.items():
            self.writer.add_scalar(f"fit/{key}", value, 0)
        self.writer.close()
