"""A blend: several models' scores, put on one scale and summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from ...config import Config, require
from ...corpus.corpus import Corpus
from ..base import Arrays, Query, Recommender
from ..state_schema import Field, check_arrays
from .parts import fit_parts, parts_described, parts_from_state, state_of_parts

__all__ = ["Blend", "BlendConfig", "reciprocal_ranks", "standardised"]

RANK_OFFSET = 60
"""Of the reciprocal rank: how little the first places differ from each other (Cormack, Clarke & Büttcher 2009)."""


@dataclass(frozen=True, kw_only=True)
class BlendConfig(Config):
    """Options of :class:`Blend`.

    Attributes:
        runs: run folders to blend; all of the data and split that the blend is fitted to.
        parts: models to fit with their defaults and blend, where there are no ``runs``; none that is trained.
        mix: what is summed: ``weighted``, scores with mean 0 and variance 1 over the tracks of each playlist, or
            ``reciprocal-rank``, ``1 / (60 + rank)``.
        weights: one a part; if not given ``fit`` finds those with the best NDCG@20 on the validation part.
    """

    runs: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("itemknn", "popularity")
    mix: Literal["weighted", "reciprocal-rank"] = "weighted"
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        require(len(self.members) > 0, "parts", "one or more models", self.parts)
        if self.weights is not None:
            fine = len(self.weights) == len(self.members) and isfinite(sum(self.weights))
            fine = fine and min(self.weights) >= 0 and sum(self.weights) > 0
            rule = f"{len(self.members)} numbers of at least 0, not all 0 (one for each of {', '.join(self.members)})"
            require(fine, "weights", rule, self.weights)

    @property
    def members(self) -> tuple[str, ...]:
        """The blended models: the ``runs`` or else the ``parts``."""
        return self.runs or self.parts


class Blend(Recommender[BlendConfig]):
    """``score(p, t) = Σ_i w_i · f(s_i(p, ·))_t`` over the parts' scores ``s_i``, with ``f`` the option ``mix``.

    The first ``f`` is CombSUM with z-scores (Fox & Shaw 1994; Renda & Straccia 2003), the second reciprocal rank
    fusion (Cormack, Clarke & Büttcher 2009). A track that a part cannot rank counts as that part's last; one that no
    part can rank is not ranked. A blend keeps all that its parts learned, so it needs their run folders no more.

    Attributes:
        weights: (n_parts,) float32; a part of weight 0 is not scored.

    >>> corpus = Corpus.from_lists([["a", "b"], ["a", "b"], ["a", "c"]])
    >>> model = Blend.from_corpus(corpus, BlendConfig(parts=("popularity",), mix="reciprocal-rank"))
    >>> (1 / model.score(Query.of([[]]))).round().tolist()
    [[61.0, 62.0, 63.0]]
    """

    name = "blend"
    summary = "several runs' or models' scores on one scale, weighted and summed"
    papers = (
        'Fox & Shaw 1994, "Combination of multiple searches" (`mix=weighted`)',
        'Cormack, Clarke & Büttcher 2009, "Reciprocal rank fusion outperforms Condorcet and individual '
        'rank learning methods" (`mix=reciprocal-rank`)',
    )
    config_class = BlendConfig
    made_of_runs = True

    def __init__(self, parts: Sequence[Recommender], weights: Sequence[float] | None, config: BlendConfig) -> None:
        self.parts = list(parts)
        self.weights = torch.tensor(weights or [1 / len(self.parts)] * len(self.parts))
        self.config = config
        self.n_tracks = self.parts[0].n_tracks
        self.device = torch.device("cpu")

    @classmethod
    def from_corpus(cls, corpus: Corpus, config: BlendConfig, *, seed: int = 0) -> Self:
        return cls(fit_parts(config.parts, corpus, seed=seed), config.weights, config)

    def features(self, part: Recommender, query: Query) -> tuple[Tensor, Tensor]:
        """(batch, n_tracks) the scores of one part as they are summed, and which tracks it can rank."""
        scores = part.score(query).to(self.device)
        mix = standardised if self.config.mix == "weighted" else reciprocal_ranks
        return mix(scores), scores != -torch.inf

    @torch.no_grad()
    def score(self, query: Query) -> Tensor:
        total = torch.zeros(len(query), self.n_tracks, device=self.device)
        ranked = torch.zeros_like(total, dtype=torch.bool)
        for part, weight in zip(self.parts, self.weights.tolist()):
            if weight:
                features, known = self.features(part, query)
                total += weight * features
                ranked |= known
        return total.masked_fill_(~ranked, -torch.inf)

    def cold(self, query: Query) -> npt.NDArray[np.bool_]:
        cold: npt.NDArray[np.bool_] = np.all([part.cold(query) for part in self.parts], axis=0)
        return cold

    def state(self) -> Arrays:
        return state_of_parts(self.parts) | {"weights": self.weights.numpy()}

    @classmethod
    def check_state(cls, corpus: Corpus, config: BlendConfig, state: Arrays) -> None:
        check_arrays({"weights": Field("f", (len(parts_described(state)),))}, state, {})

    @classmethod
    def from_state(cls, corpus: Corpus, config: BlendConfig, state: Arrays) -> Self:
        return cls(parts_from_state(corpus, state), state["weights"].tolist(), config)

    def to(self, device: torch.device) -> Self:
        self.parts = [part.to(device) for part in self.parts]
        self.device = device
        return self


def standardised(scores: Tensor) -> Tensor:
    """Each row with mean 0 and variance 1 over what is not ``-inf``; what is gets the lowest; a constant row is 0.

    >>> standardised(torch.tensor([[1.0, 3.0, -torch.inf], [2.0, 2.0, 2.0]]))
    tensor([[-1.,  1., -1.],
            [ 0.,  0.,  0.]])
    """
    known = scores != -torch.inf
    count = known.sum(1, keepdim=True).clamp(min=1)
    filled = scores.where(known, 0.0)
    centred = (scores - filled.sum(1, keepdim=True) / count).where(known, 0.0)
    spread = (centred.square().sum(1, keepdim=True) / count).sqrt()
    rounding = 1e-6 * filled.abs().amax(1, keepdim=True)
    unit = torch.where(spread > rounding, centred / spread, centred * 0.0)  # times 0: NaN stays NaN
    return unit.where(known, unit.amin(1, keepdim=True))


def reciprocal_ranks(scores: Tensor) -> Tensor:
    """``1 / (60 + rank)`` along each row, the rank being 1 + how many score higher; 0 for ``-inf``.

    >>> (1 / reciprocal_ranks(torch.tensor([[5.0, 9.0, 5.0, -torch.inf]]))).round().tolist()
    [[62.0, 61.0, 62.0, inf]]
    """
    ordered, indices = scores.sort(dim=1, descending=True)
    places = torch.arange(scores.shape[1], device=scores.device).expand_as(indices)
    tied = ordered[:, 1:] == ordered[:, :-1]
    first = places.clone()
    first[:, 1:][tied] = 0
    values = 1.0 / (RANK_OFFSET + 1 + first.cummax(1).values)
    values = torch.where(ordered.isnan(), ordered, values.where(ordered != -torch.inf, 0.0))
    return torch.empty_like(scores).scatter_(1, indices, values)
