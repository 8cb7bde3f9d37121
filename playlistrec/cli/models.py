"""``playlistrec models``"""

from __future__ import annotations

from typing import Any

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("models")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, as_json: bool) -> None:
    """List the models: what each is, and the options that --set takes, with their defaults."""
    from ..experiment.presets import presets
    from ..models.registry import MODELS, model_class
    from ..train.options import TrainOptions

    models: dict[str, dict[str, Any]] = {}
    for name in MODELS:
        model = model_class(name)
        models[name] = {
            "summary": model.summary,
            "options": model.config_class().as_dict(),
            "trained": model.trainable,
            "presets": {
                p.name: {"min_pairs": p.min_pairs, "adapts": p.adapts, **p.options}
                for p in presets()
                if p.model == name
            },
        }
    training = TrainOptions().as_dict()
    if as_json:
        screen.json({"models": models, "training": training})
        return
    screen.table(
        [(name, about["summary"], _inline(about["options"])) for name, about in models.items()],
        ["model", "what it is", "options"],
    )
    trained = ", ".join(name for name, about in models.items() if about["trained"])
    screen.line(f"\nTrained models ({trained}) also take: {_inline(training)}")
    screen.line("\nPresets: what fit uses where nothing else is said, from so many training pairs on")
    rows = [(name, about) for about in models.values() for name, about in about["presets"].items()]
    screen.table(
        [
            (name, _from(about.pop("min_pairs")), "yes" if about.pop("adapts") else "", _inline(about))
            for name, about in rows
        ],
        ["preset", "from", "follows the data", "options"],
    )


def _from(min_pairs: int | None) -> str:
    return "on request" if min_pairs is None else f"{min_pairs:,}"


def _inline(options: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={value}".lower() if isinstance(value, bool) else f"{name}={value}" for name, value in options.items()
    )
