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
        temperature: divides the scores in softmax.
        logq_correction: share of the logarithm of a candidate's sampling probability that softmax subtracts from its
            score. 0 counts popular tracks as negatives too often; 1 corrects that.
        length_weight_exponent: a pair has the weight (length of its playlist)^-exponent, so long playlists count less.
            0 weighs pairs alike, 1 playlists alike. Needs softmax over ``shared`` or ``all``.
        top_k: SL@K: a positive weighs more if it is in the first K of its playlist; 0 weighs all alike. This and the
            next five need negatives that rows share: ``in-batch``, ``shared`` or ``all``.
        top_k_temperature: softness of that weight.
        temperature_spread: Adap-tau: each playlist has a temperature of its own, by how well it is fitted. More keeps
            it nearer to ``temperature``; 0 is ``temperature`` for all.
        look_every: epochs between updates of the K-th best scores, and of the fit of each playlist.
        negative_exponent: BSL: exponent of the sum over negatives; 0 for plain softmax.
        pooled_positives: BSL averages the positives of a playlist before the logarithm (``shared`` or ``all``).
        surrogate: PSL: function in place of the exponential of differences: ``tanh``, ``atan`` or ``relu``. Needs
            negatives of each pair, or ``in-batch``. ``exp`` is plain softmax.
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
