"""Options that follow the data: what one temperature and one batch size for all would get wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...corpus.corpus import Corpus
from . import Preset

__all__ = ["adapted"]

LENGTH = 22.0
"""Training tracks of a playlist, on average, from which a preset's own temperature is right."""

POWER = 1.2
"""The temperature rises as lengths fall below that, to this power."""

HIGHEST = 3.0
"""How many times the preset's temperature it may become."""

STEPS, SMALLEST = 12, 64
"""Steps an epoch has where that takes batches of fewer playlists, and the fewest playlists of one."""


def adapted(preset: Preset, corpus: Corpus) -> Preset:
    """The preset with the options that suit ``corpus``, the training part; as it is where it does not adapt.

    Short playlists say little, and softmax at a low temperature learns them by heart: ``T = T_0 (22 / length)^1.2``
    between T_0 and 3 T_0, with the prior at the same share of it. Batches hold no more playlists than give an epoch a
    dozen steps. Found on subsets of Gowalla and Polimi and on synthetic playlists (docs/results/ablations.md).

    >>> short = Corpus.from_lists([["a", "b"], ["b", "c"]])
    >>> preset = Preset("mine", "mf", "by hand", {"temperature": 0.1, "popularity_prior": 0.05}, adapts=True)
    >>> adapted(preset, short).options["temperature"]
    0.3
    """
    if not preset.adapts:
        return preset
    playlists = int(np.count_nonzero(corpus.lengths))
    length = len(corpus.pairs[0]) / max(1, playlists)
    factor = min(max((LENGTH / max(length, 1e-9)) ** POWER, 1.0), HIGHEST)
    return replace(preset, options={**preset.options, **_following(preset.options, factor, playlists)})


def _following(options: Mapping[str, Any], factor: float, playlists: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("temperature", "popularity_prior"):
        if name in options:
            found[name] = round(options[name] * factor, 4)
    if "batch_size" in options:
        found["batch_size"] = min(options["batch_size"], max(SMALLEST, -(-playlists // STEPS)))
    return found
