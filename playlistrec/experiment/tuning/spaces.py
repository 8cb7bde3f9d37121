"""Search spaces: the values of options that `tune` tries, one file a model in ``playlistrec/presets/spaces``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigError, Hint
from ...storage import parse_toml, read_toml

if TYPE_CHECKING:
    from optuna import Trial

__all__ = ["Choice", "Dimension", "Range", "Space", "space_for"]


@dataclass(frozen=True)
class Dimension:
    """One option; ``when`` other options have these values only, those that stand before it in the space included."""

    when: Mapping[str, Any]


@dataclass(frozen=True)
class Range(Dimension):
    """From ``low`` to ``high``, both included, whole numbers where both are; ``log``: evenly on a logarithmic scale."""

    low: int | float
    high: int | float
    log: bool

    def suggest(self, trial: Trial, name: str) -> int | float:
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choice(Dimension):
    """One of ``values``."""

    values: tuple[Any, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)


Space = dict[str, Range | Choice]
"""By the option's name."""


def space_for(model: str, path: Path | None = None) -> Space:
    """The search space in the file ``path``, or else that of ``model``.

    A line is ``lr = { low = 0.001, high = 0.1, log = true }`` or ``layers = { choices = [1, 2, 3] }``; with
    ``when = { loss = "softmax" }`` the option is tried where those others have these values.

    Raises:
        ConfigError: the model has none, or the file cannot be read as one.
    """
    if path is None:
        found = files(__package__) / "options" / f"{model}.toml"
        if not found.is_file():
            raise ConfigError(
                f"{model} has no search space: write one, lines such as `lr = {{ low = 0.001, high = 0.1, "
                "log = true }`",
                Hint("give it with {space}", {"space": None}),
            )
        return _space(parse_toml(found.read_bytes(), found.name), found.name)
    return _space(read_toml(path, "search space"), str(path))


def _space(lines: Mapping[str, Any], where: str) -> Space:
    if not lines:
        raise ConfigError(f"{where} names no option to search")
    return {name: _dimension(f"{where}: {name}", line) for name, line in lines.items()}


def _dimension(name: str, line: Any) -> Range | Choice:
    """One line of a space, ``name`` saying where it stands."""
    if isinstance(line, dict) and isinstance(when := line.get("when", {}), dict):
        keys = set(line) - {"when"}
        if keys == {"choices"} and isinstance(line["choices"], list) and line["choices"]:
            return Choice(when, tuple(line["choices"]))
        if {"low", "high"} <= keys <= {"low", "high", "log"}:
            low, high, log = line["low"], line["high"], line.get("log", False)
            if _number(low) and _number(high) and low <= high and isinstance(log, bool) and (low > 0 or not log):
                return Range(when, low, high, log)
    rule = "{ low = …, high = … } (low at most high, and above 0 with log = true) or { choices = [ … ] }"
    raise ConfigError(f"{name} must be {rule} (got {line!r})")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
