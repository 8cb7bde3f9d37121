"""Presets: the options that `fit` uses where nothing else is said, one file each in ``playlistrec/presets``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...errors import ConfigError, nearest
from ...storage import parse_toml, read_toml
from ...train.options import TrainOptions

__all__ = ["Preset", "preset_for", "preset_named", "presets"]


@dataclass(frozen=True)
class Preset:
    """Options of a model and of its training that were found to go well together.

    Attributes:
        name: that of the file.
        model: what it is for.
        found: how it was found, and what it gave.
        options: by name, of the model and of :class:`~playlistrec.train.options.TrainOptions`.
        min_pairs: training pairs from which it is the model's default; None if it is never the default.
        max_pairs, min_density: those up to which it is, and the share of all pairs that are there from which it is;
            such a preset goes before one without.
        adapts: true if the temperature, the prior and the batch size follow the data: see
            :func:`~playlistrec.experiment.presets.adapting.adapted`.
    """

    name: str
    model: str
    found: str
    options: Mapping[str, Any]
    min_pairs: int | None = None
    max_pairs: int | None = None
    min_density: float = 0.0
    adapts: bool = False

    @property
    def loss(self) -> str:
        """The loss its options were found for."""
        return str(self.options.get("loss", TrainOptions.loss))

    def suits(self, n_pairs: int, density: float) -> bool:
        """True if it may be the default for so many training pairs, that share of all that there could be."""
        if self.min_pairs is None or not self.min_pairs <= n_pairs:
            return False
        return (self.max_pairs is None or n_pairs <= self.max_pairs) and density >= self.min_density


def presets() -> list[Preset]:
    """All presets, by name."""
    folder = files(__package__)
    return [
        Preset(name=path.name.removesuffix(".toml"), **parse_toml(path.read_bytes(), path.name))
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    ]


def preset_for(model: str, n_pairs: int, density: float = 0.0, loss: str | None = None) -> Preset | None:
    """The default of ``model`` for that many training pairs; none where a model has no preset.

    Args:
        loss: the loss that is wished. A default with another one gives way to the nearest that has it.
    """
    defaults = [preset for preset in presets() if preset.model == model and preset.min_pairs is not None]
    suitable = [preset for preset in defaults if preset.suits(n_pairs, density)]
    found = max(suitable, key=lambda preset: (preset.min_pairs or 0, preset.min_density), default=None)
    if found is None or loss in (None, found.loss):
        return found
    return next((preset for preset in defaults if preset.loss == loss), None)


def preset_named(name: str, model: str) -> Preset:
    """The preset called ``name``, or in the file ``name`` where that ends in ``.toml``.

    Raises ConfigError where there is none, or it is for another model.
    """
    if name.endswith(".toml"):
        return _in_file(Path(name), model)
    known = {preset.name: preset for preset in presets() if preset.model == model}
    if name not in known:
        raise ConfigError(f"{model} has no preset {name!r}{nearest(name, known)}; it has: {', '.join(known) or 'none'}")
    return known[name]


def _in_file(path: Path, model: str) -> Preset:
    content = read_toml(path, "preset")
    try:
        preset = Preset(name=str(path), **content)
    except TypeError:
        raise ConfigError(
            f"{path} is not a preset: it needs model, found and [options], and may have min_pairs, max_pairs, "
            "min_density and adapts"
        ) from None
    if preset.model != model:
        raise ConfigError(f"the preset {path} is for {preset.model} (got {model})")
    return preset
