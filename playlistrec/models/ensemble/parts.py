"""Models made of models: fitting the parts, and keeping them as arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...corpus.corpus import Corpus
from ...errors import ConfigError, RunError
from ..base import Arrays, Recommender
from ..registry import model_class, model_of_run

__all__ = ["fit_parts", "parts_described", "parts_from_state", "state_of_parts", "under"]


def fit_parts(names: Sequence[str], corpus: Corpus, *, seed: int = 0) -> list[Recommender]:
    """Models with their default options, fitted to ``corpus``. Raises ConfigError for one that is trained."""
    kinds = [model_class(name) for name in names]
    for kind in kinds:
        if kind.trainable:
            raise ConfigError(f"parts must be models that are not trained: fit {kind.name}, and give its run (runs=…)")
    return [kind.from_corpus(corpus, kind.config_class(), seed=seed) for kind in kinds]


def state_of_parts(parts: Sequence[Recommender]) -> Arrays:
    """All that the parts learned, each name behind the number of its part; ``parts`` says what they are."""
    about = [{"model": part.name, "options": part.config.as_dict()} for part in parts]
    arrays: Arrays = {"parts": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)}
    return arrays | {f"{i}/{name}": a for i, part in enumerate(parts) for name, a in part.state().items()}


def parts_from_state(corpus: Corpus, arrays: Arrays) -> list[Recommender]:
    """The parts that :func:`state_of_parts` was given. Raises RunError where one is none of ours and not trusted."""
    parts = []
    for index, about in enumerate(parts_described(arrays)):
        kind = model_of_run(about["model"], "parts")
        config, state = kind.config_class.from_options(about["options"]), under(str(index), arrays)
        kind.check_state(corpus, config, state)
        parts.append(kind.from_state(corpus, config, state))
    return parts


def parts_described(arrays: Arrays) -> list[dict[str, Any]]:
    """The models and options of the parts."""
    try:
        parts = json.loads(arrays["parts"].tobytes())
    except (KeyError, ValueError, RecursionError):
        parts = None
    fine = isinstance(parts, list) and all(
        isinstance(part, dict) and isinstance(part.get("model"), str) and isinstance(part.get("options"), dict)
        for part in parts
    )
    if not fine or not isinstance(parts, list) or not parts:
        raise RunError("parts must say the model and the options of each part")
    return parts


def under(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays called ``prefix/…``, by what comes after it."""
    return {name[len(prefix) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{prefix}/")}
