"""MLflow: a run with the options as parameters, the losses and metrics by epoch."""

from __future__ import annotations

from typing import Any

from .sink import missing

__all__ = ["Tracker"]

CHUNK = 100
"""Parameters that a server takes at once."""


class Tracker:
    """Begins a run at the tracking uri ``where``, by default MLflow's own. Raises ConfigError without the package."""

    def __init__(self, name: str, where: str | None) -> None:
        try:
            import mlflow
        except ImportError:
            raise missing("mlflow") from None
        self.mlflow = mlflow
        if where is not None:
            mlflow.set_tracking_uri(where)
        mlflow.set_experiment("playlistrec")
        mlflow.start_run(run_name=name)

    def begin(self, options: dict[str, Any]) -> None:
        """Note the options of the fit."""
        pairs = [(key, str(value)) for key, value in options.items()]
        for low in range(0, len(pairs), CHUNK):
            self.mlflow.log_params(dict(pairs[low : low + CHUNK]))

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Note the figures of an epoch; MLflow's names have no ``@``."""
        self.mlflow.log_metrics({key.replace("@", "_at_"): value for key, value in figures.items()}, step=number)

    def end(self, figures: dict[str, float]) -> None:
        """Note the figures of the fit, and close."""
        self.mlflow.log_metrics({f"fit_{key.replace('@', '_at_')}": value for key, value in figures.items()})
        self.mlflow.end_run()
