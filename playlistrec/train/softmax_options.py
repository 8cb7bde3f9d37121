"""The options of softmax, and of what may replace its plain form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .losses.pairwise_softmax import Surrogate
from .option_group import OptionGroup

__all__ = ["SoftmaxOptions"]


@dataclass(frozen=True, kw_only=True)
class SoftmaxOptions(OptionGroup):
    """Options of ``loss=softmax``.

    Attributes:
        temperature: what softmax divides scores by.
        logq_correction: how much of the logarithm of a candidate's sampling probability softmax takes off its score:
            0 leaves popular tracks more often in the way, 1 makes up for that.
        length_weight_exponent: a pair weighs the length of its playlist to minus this power, so that long playlists say
            less: 0 for alike, 1 for every playlist as much (softmax over ``shared`` or ``all``).
        top_k: SL@K: a positive weighs by whether it stands among the first K of its playlist; 0 for all alike. Like the
            next five for negatives that rows share: ``in-batch``, ``shared`` or ``all``.
        top_k_temperature: how softly it does.
        temperature_spread: Adap-tau: each playlist has a temperature of its own, by how well it is fitted; more keeps
            them nearer to ``temperature``, 0 at it.
        look_every: epochs between looks at the K-th best scores, and at the fit of each playlist.
        negative_exponent: BSL: exponent of the sum over negatives; 0 for plain softmax.
        pooled_positives: BSL averages the positives of a playlist before the logarithm (``shared`` or ``all``).
        surrogate: PSL: what takes the place of the exponential of differences: ``tanh``, ``atan`` or ``relu`` (a
            pair's own negatives, or ``in-batch``); ``exp`` for plain softmax.
    """

    ABOVE_0: ClassVar[tuple[str, ...]] = ("temperature", "top_k_temperature")
    AT_LEAST_0: ClassVar[tuple[str, ...]] = (
        "logq_correction",
        "length_weight_exponent",
        "top_k",
        "temperature_spread",
        "negative_exponent",
    )
    AT_LEAST_1: ClassVar[tuple[str, ...]] = ("look_every",)

    temperature: float = 0.1
    logq_correction: float = 0.0
    length_weight_exponent: float = 0.0
    top_k: int = 0
    top_k_temperature: float = 0.75
    temperature_spread: float = 0.0
    look_every: int = 5
    negative_exponent: float = 0.0
    pooled_positives: bool = False
    surrogate: Surrogate = "exp"
