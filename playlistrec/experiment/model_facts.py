"""The facts of a model that its code states: summary, papers, options by owner, presets."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from inspect import cleandoc
from typing import Any

from ..models.registry import model_class
from ..train.options import OWNERS
from .presets import Preset, presets

__all__ = ["ModelFacts", "OptionFacts", "as_value", "model_facts", "training_options"]


@dataclass(frozen=True)
class OptionFacts:
    """An option of a model or of its training.

    Attributes:
        name: as in ``--set``.
        default: as ``--set`` takes it.
        meaning: the words of the docstring, with their markup.
    """

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class ModelFacts:
    """A model, as its class and its presets describe it.

    Attributes:
        name: as in ``-m``.
        summary: a line.
        description: the docstring of the class, without attributes and examples.
        papers: the sources, the first of the model itself.
        trained: true if it is trained by gradient and has the options of training.
        options: those of the model alone.
        presets: by name.
    """

    name: str
    summary: str
    description: str
    papers: tuple[str, ...]
    trained: bool
    options: tuple[OptionFacts, ...]
    presets: tuple[Preset, ...]


def model_facts(name: str) -> ModelFacts:
    """The facts of the model called ``name``."""
    kind = model_class(name)
    return ModelFacts(
        name=kind.name,
        summary=kind.summary,
        description=re.split(r"^(?:Attributes:|>>>)", cleandoc(kind.__doc__ or ""), flags=re.M)[0].strip(),
        papers=kind.papers,
        trained=kind.trainable,
        options=_options(kind.config_class),
        presets=tuple(preset for preset in presets() if preset.model == name),
    )


def training_options() -> dict[str, tuple[OptionFacts, ...]]:
    """The options of training by their owner."""
    return {owner: _options(config) for owner, config in OWNERS.items()}


def as_value(value: object) -> str:
    """A value as ``--set`` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def _options(config: Any) -> tuple[OptionFacts, ...]:
    return tuple(
        OptionFacts(field.name, as_value(field.default), _meaning(config, field.name)) for field in fields(config)
    )


def _meaning(config: type, name: str) -> str:
    """The words on an option in the docstring of its class or of a base of that."""
    docs = (cleandoc(base.__doc__ or "") for base in config.__mro__)
    pattern = rf"^    (?:\w+, )*{name}(?:, \w+)*: (.*?)(?=^ {{0,4}}\S|\Z)"
    said = next((m[1] for doc in docs if (m := re.search(pattern, doc, re.S | re.M))), "")
    return " ".join(said.split())
