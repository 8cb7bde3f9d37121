"""The base of softmaxes over candidates that rows share, with what may replace their plain form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...config import require
from ...errors import ConfigError
from ..batches.batch import Batch
from ..batches.look import Look
from ..batches.plan import BatchPlan, Sampled
from ..losses.bilateral import log_sum, positive_half
from ..losses.top_k import top_k_weights
from .objective import Batches, Objective

__all__ = ["CandidateSoftmax"]

Pairs = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class CandidateSoftmax(Objective):
    """Softmax of positives among candidates, each row having many.

    Attributes:
        temperature: T, which divides the scores.
        top_k: K of SL@K, which weighs a positive by whether it stands among its playlist's first K: see
            :func:`~playlistrec.train.losses.top_k.top_k_weights`; 0: all weigh alike.
        top_k_temperature: how softly.
        temperature_spread: ν of Adap-τ, by which each playlist has a temperature of its own: see
            :func:`~playlistrec.train.losses.adaptive_temperature.adaptive_temperatures`; 0: all have T.
        look_every: epochs between looks at the K-th best scores and at the fit of each playlist.
        negative_exponent: exponent of the sum over negatives in BSL, ``-ln(e^(s_i/T) / (Σ_c e^(s_c/T))^exponent)``;
            0: plain softmax, where the positive is in the sum too.
        pooled_positives: whether BSL averages a playlist's positives before the logarithm.
    """

    temperature: float = 0.1
    top_k: int = 0
    top_k_temperature: float = 0.75
    temperature_spread: float = 0.0
    look_every: int = 5
    negative_exponent: float = 0.0
    pooled_positives: bool = False

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(self.top_k_temperature > 0, "top_k_temperature", "above 0", self.top_k_temperature)
        require(self.negative_exponent >= 0, "negative_exponent", "at least 0", self.negative_exponent)
        if self.pooled_positives and not self.negative_exponent:
            raise ConfigError("pooled_positives is of BSL: give a negative_exponent, such as 1 (got 0)")
        if self.top_k and self.negative_exponent:
            raise ConfigError(f"top_k and negative_exponent do not go together (got {self.top_k} and both)")
        self.look  # noqa: B018 - checks its numbers

    @property
    def look(self) -> Look:
        """The facts of each playlist that the loss reads."""
        return Look(
            top_k=self.top_k, spread=self.temperature_spread, temperature=self.temperature, every=self.look_every
        )

    @property
    def needs_whole_graph(self) -> str:
        if self.look.wanted:
            return "top_k" if self.top_k else "temperature_spread"
        return super().needs_whole_graph

    def batches(self, model: Any, corpus: Any, plan: BatchPlan) -> Batches:
        if self.look.wanted and model.aggregates:
            raise ConfigError(f"{self.needs_whole_graph} must be 0 for {model.name}, whose playlists have no vectors")
        made = super().batches(model, corpus, plan)
        if self.look.wanted and not isinstance(plan.regime, Sampled):
            unmet = getattr(made, "contexts", None) is None
            require(unmet, self.needs_whole_graph, "0 for tracks in contexts", self.top_k or self.temperature_spread)
        return made

    def divided(self, batch: Batch, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Queries divided by the temperature, keys (all rows of tracks), and (n_tracks,) what the prior adds."""
        if batch.temperature is None:
            return queries / self.temperature, keys, None if batch.prior is None else batch.prior / self.temperature
        if batch.prior is not None:  # each row divides it by a temperature of its own
            queries, keys = F.pad(queries, (0, 1), value=1.0), torch.cat([keys, batch.prior.unsqueeze(1)], dim=1)
        return queries / batch.temperature.unsqueeze(1), keys, None

    def weighted(self, batch: Batch, weights: Tensor | None, positive: Tensor, rows: Tensor) -> Tensor | None:
        """``weights`` (p,) of the pairs, times those of SL@K. ``positive``: their divided scores, of ``rows``."""
        if batch.threshold is None:
            return weights
        scale = self.temperature if batch.temperature is None else batch.temperature[rows]
        first = top_k_weights(positive.detach() * scale, batch.threshold[rows], self.top_k_temperature)
        return first / len(first) if weights is None else weights * first

    def bilateral(
        self,
        queries: Tensor,
        keys: Tensor,
        positive: Tensor,
        rows: Tensor,
        weights: Tensor | None,
        *,
        bias: Tensor | None,
        masked: Pairs,
        reduced: torch.dtype | None,
    ) -> Tensor:
        """BSL of positives (p,) of ``rows`` among the keys that are not masked."""
        if weights is None:
            weights = positive.new_full((len(positive),), 1 / len(positive))
        each = weights.new_zeros(len(queries)).index_add_(0, rows, weights)
        first = positive_half(positive, rows, weights, len(queries), self.pooled_positives)
        each = each * self.negative_exponent
        return first + log_sum(queries, keys, each, bias=bias, masked=masked, reduced=reduced)
