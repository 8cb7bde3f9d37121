"""``playlistrec models``"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..experiment.model_facts import ModelFacts, OptionFacts

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
    from ..experiment.model_facts import model_facts
    from ..models.registry import MODELS
    from ..train.options import TrainOptions

    chosen = {model: model_facts(model) for model in (MODELS if name is None else [name])}
    if as_json:
        about = {model: _object(facts) for model, facts in chosen.items()}
        screen.json({"models": about, "training": TrainOptions().as_dict()})
    elif name is None:
        screen.table([(model, facts.summary) for model, facts in chosen.items()], ["model", "what it is"])
        screen.line("\n`playlistrec models NAME` lists the options and presets of one.")
    else:
        _describe(screen, chosen[name])


def _object(facts: ModelFacts) -> dict[str, Any]:
    from ..models.registry import model_class

    return {
        "summary": facts.summary,
        "papers": facts.papers,
        "options": model_class(facts.name).config_class().as_dict(),
        "trained": facts.trained,
        "presets": {p.name: {"min_pairs": p.min_pairs, "adapts": p.adapts, **p.options} for p in facts.presets},
    }


def _describe(screen: Screen, facts: ModelFacts) -> None:
    """The facts of a model, its options by owner."""
    from ..experiment.model_facts import training_options

    screen.text(f"{facts.name}: {facts.summary}\n")
    screen.text(_plain(facts.description))
    for paper in facts.papers:
        screen.text(f"\npaper: {paper}")
    owners = {"model": facts.options, **(training_options() if facts.trained else {})}
    for owner, options in owners.items():
        if options:
            screen.line("")
            screen.table([_row(option) for option in options], [f"options of the {owner}", "default", "what it is"])
    for preset in facts.presets:
        at = "on request" if preset.min_pairs is None else f"the default from {preset.min_pairs:,} pairs on"
        at += "; some options follow the data" if preset.adapts else ""
        screen.text(f"\npreset {preset.name} ({at}): {_inline(preset.options)}")
        screen.text(" ".join(preset.found.split()))


def _row(option: OptionFacts) -> tuple[str, str, str]:
    return option.name, option.default, _plain(option.meaning)


def _plain(text: str) -> str:
    """A docstring's text without its markup."""
    return re.sub(r":\w+:`~?\.*([^`]*)`|``([^`]*)``", lambda m: m[1] or m[2], text)


def _inline(options: Any) -> str:
    from ..experiment.model_facts import as_value

    return ", ".join(f"{name}={as_value(value)}" for name, value in options.items())
