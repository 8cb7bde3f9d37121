"""The base of all trackers: what they get of the events of a fit, and how one is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, Protocol

from ..errors import ConfigError, nearest
from ..events import Event, OnEvent

__all__ = ["TRACKERS", "Sink", "missing", "tracked"]

TRACKERS = ("tensorboard", "mlflow", "wandb", "trackio")
"""Names of the trackers, which are modules of this package."""


class Sink(Protocol):
    """The interface of a tracker of fits."""

    def begin(self, options: dict[str, Any]) -> None: ...
    def epoch(self, number: int, figures: dict[str, float]) -> None: ...
    def end(self, figures: dict[str, float]) -> None: ...


def missing(name: str) -> ConfigError:
    """The error for a package that is not installed."""
    return ConfigError(f"tracking with {name} needs the package {name}: pip install 'playlistrec[{name}]'")


@contextmanager
def tracked(trackers: tuple[str, ...] | list[str], name: str, on_event: OnEvent) -> Iterator[OnEvent]:
    """Within this block the events of a fit go to trackers too, and then to ``on_event``.

    Args:
        trackers: names out of :data:`TRACKERS`, each alone or as ``NAME:WHERE``: the folder of TensorBoard, the
            tracking uri of MLflow, the project of W&B or Trackio.
        name: that of the run.

    Raises:
        ConfigError: a name that is none, or a package that is missing.
    """
    sinks: list[Sink] = []
    for text in trackers:
        kind, _, where = text.partition(":")
        if kind not in TRACKERS:
            raise ConfigError(f"unknown tracker {kind!r}{nearest(kind, TRACKERS)}; known: {', '.join(TRACKERS)}")
        sinks.append(import_module(f".{kind}", __package__).Tracker(name, where or None))
    ended: dict[str, float] = {}

    def listen(event: Event) -> None:
        if event.kind == "begin":
            options = {**event.data.get("options", {}), **(event.data.get("training") or {})}
            about: dict[str, Any] = {
                key: event.data[key] for key in ("model", "seed", "preset", "data") if key in event.data
            }
            for sink in sinks:
                sink.begin({**about, **options})
        elif event.kind == "epoch":
            for sink in sinks:
                sink.epoch(event.data["epoch"], _figures(event.data))
        elif event.kind == "end":
            ended.update(_figures({**event.data, **(event.data.get("valid") or {})}))
        on_event(event)

    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.end, ended)
        yield listen


def _figures(record: dict[str, Any]) -> dict[str, float]:
    """The numbers of a record that make a curve."""
    kept = {key: value for key, value in record.items() if "@" in key or key in ("loss", "seconds", "peak_memory_mb")}
    return {key: float(value) for key, value in kept.items() if isinstance(value, int | float)}
