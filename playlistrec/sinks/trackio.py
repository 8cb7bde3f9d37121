"""Trackio: a run with the options as its config, the losses and metrics by epoch."""

from __future__ import annotations

from typing import Any

from .sink import missing

__all__ = ["Tracker"]


class Tracker:
    """Begins a run in the project ``where``, by default playlistrec. Raises ConfigError without the package."""

    def __init__(self, name: str, where: str | None) -> None:
        try:
            import trackio
        except ImportError:
            raise missing("trackio") from None
        self.trackio, self.name, self.project = trackio, name, where or "playlistrec"

    def begin(self, options: dict[str, Any]) -> None:
        """Begin the run, the options being its config."""
        self.trackio.init(project=self.project, name=self.name, config=options)

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Note the figures of an epoch."""
        self.trackio.log(figures, step=number)

    def end(self, figures: dict[str, float]) -> None:
        """Note the figures of the fit, and close."""
        self.trackio.log({f"fit/{key}": value for key, value in figures.items()})
        self.trackio.finish()
