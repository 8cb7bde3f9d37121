"""``playlistrec models``"""

from __future__ import annotations

import re
from dataclasses import fields
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..experiment.presets import Preset
    from ..models.base import Recommender

__all__ = ["command"]


@verb("models")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, name: str | None, as_json: bool) -> None:
    """List the models in a line each, or describe the one called NAME: its options, presets and papers.

    \b
    playlistrec models
    playlistrec models lightgcn
    """
    from ..experiment.presets import presets
    from ..models.registry import MODELS, model_class
    from ..train.options import TrainOptions

    chosen = list(MODELS) if name is None else [name]
    classes = {model: model_class(model) for model in chosen}
    found = {model: [p for p in presets() if p.model == model] for model in chosen}
    if as_json:
        about = {model: _object(classes[model], found[model]) for model in chosen}
        screen.json({"models": about, "training": TrainOptions().as_dict()})
    elif name is None:
        screen.table([(model, kind.summary) for model, kind in classes.items()], ["model", "what it is"])
        screen.line("\n`playlistrec models NAME` lists the options and presets of one.")
    else:
        _describe(screen, classes[name], found[name])


def _object(kind: type[Recommender], found: list[Preset]) -> dict[str, Any]:
    return {
        "summary": kind.summary,
        "options": kind.config_class().as_dict(),
        "trained": kind.trainable,
        "presets": {p.name: {"min_pairs": p.min_pairs, "adapts": p.adapts, **p.options} for p in found},
    }


def _describe(screen: Screen, kind: type[Recommender], found: list[Preset]) -> None:
    """What a model is, and its options by owner."""
    from ..train.options import OWNERS

    screen.text(f"{kind.name}: {kind.summary}\n")
    screen.text(_plain(cleandoc(kind.__doc__ or "")))
    owners: dict[str, Any] = {"model": kind.config_class, **(OWNERS if kind.trainable else {})}
    for owner, config in owners.items():
        rows = [_option(config, field) for field in fields(config)]
        if rows:
            screen.line("")
            screen.table(rows, [f"options of the {owner}", "default", "what it is"])
    for preset in found:
        at = "on request" if preset.min_pairs is None else f"the default from {preset.min_pairs:,} pairs on"
        at += "; some options follow the data" if preset.adapts else ""
        screen.text(f"\npreset {preset.name} ({at}): {_inline(preset.options)}")
        screen.text(" ".join(preset.found.split()))


def _option(config: Any, field: Any) -> tuple[str, str, str]:
    """Name, default and meaning of an option, as the docstring of its class or a base of that says."""
    docs = (cleandoc(base.__doc__ or "") for base in config.__mro__)
    pattern = rf"^    (?:\w+, )*{field.name}(?:, \w+)*: (.*?)(?=^ {{0,4}}\S|\Z)"
    said = next((m[1] for doc in docs if (m := re.search(pattern, doc, re.S | re.M))), "")
    return field.name, _value(field.default), " ".join(_plain(said).split())


def _plain(text: str) -> str:
    """A docstring's text without its markup."""
    return re.sub(r":\w+:`~?\.*([^`]*)`|``([^`]*)``", lambda m: m[1] or m[2], text)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def _inline(options: Any) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in options.items())
