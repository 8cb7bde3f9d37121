"""The options of a fit: those of a preset, sorted into the model's and the training loop's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..config import Config
from ..errors import ConfigError, nearest
from ..models.base import Recommender
from ..models.embedding.trained import TrainedModel
from ..train.options import TrainOptions
from .data import Data
from .presets import Preset, preset_for, preset_named
from .presets.adapting import adapted

__all__ = ["preset_of", "resolve"]


def resolve(model_type: type[Recommender], given: Mapping[str, Any]) -> tuple[Config, TrainOptions | None]:
    """Sort options into the model's and the training loop's."""
    trained = issubclass(model_type, TrainedModel)
    own = {f.name for f in fields(model_type.config_class)}
    loop = {f.name for f in fields(TrainOptions)} if trained else set()
    for name in given:
        if name not in own | loop:
            rest = (
                f", and those of the training loop (`playlistrec models {model_type.name}` lists them)" if loop else ""
            )
            raise ConfigError(
                f"{model_type.name} has no option {name!r}{nearest(name, own | loop)}; "
                f"it has: {', '.join(sorted(own)) or 'none'}{rest}"
            )
    options = model_type.config_class.from_options({k: v for k, v in given.items() if k in own})
    if not trained:
        return options, None
    return options, TrainOptions.from_options({k: v for k, v in given.items() if k in loop})


def preset_of(name: str | None, model: str, data: Data, given: Mapping[str, Any] | None = None) -> Preset | None:
    """The preset that :func:`fit` takes ``name`` for, adapted to the data; none for the plain defaults.

    Args:
        given: options that the user sets. Options of a preset hold for its loss, so that with another ``loss`` the
            model's default preset is one for that loss, or none.
    """
    if name == "none":
        return None
    corpus = data.split.training(data.corpus)
    n_pairs = len(corpus.pairs[0])
    all_there_could_be = int(np.count_nonzero(corpus.lengths)) * int(np.count_nonzero(corpus.popularity))
    density = n_pairs / max(1, all_there_could_be)
    loss = (given or {}).get("loss")
    found = preset_for(model, n_pairs, density, loss) if name is None else preset_named(name, model)
    return None if found is None else adapted(found, corpus)
