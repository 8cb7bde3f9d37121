"""Presets: the options that `fit` uses where nothing else is said, one file each in ``playlistrec/presets``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ...errors import ConfigError, nearest
from ...storage import parse_toml, read_toml

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
    """

    name: str
    model: str
    found: str
    options: Mapping[str, Any]
    min_pairs: int | None = None


def presets() -> list[Preset]:
    """All presets, by name."""
    folder = files(__package__)
    return [
        Preset(name=path.name.removesuffix(".toml"), **parse_toml(path.read_bytes(), path.name))
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    ]


def preset_for(model: str, n_pairs: int) -> Preset | None:
    """The default of ``model`` for that many training pairs; none where a model has no preset."""
    fit = [p for p in presets() if p.model == model and p.min_pairs is not None and p.min_pairs <= n_pairs]
    return max(fit, key=lambda preset: preset.min_pairs or 0, default=None)


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
            f"{path} is not a preset: it needs model, found and [options], and may have min_pairs"
        ) from None
    if preset.model != model:
        raise ConfigError(f"the preset {path} is for {preset.model} (got {model})")
    return preset
