"""Candidates of the model ``auto``, each tried on the validation part."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...corpus.split import EvaluationSet
from ...models.base import Arrays, Recommender
from ...models.registry import model_class
from ...rank.protocols import evaluate
from ...train.checkpoint import FitState
from ..data import Data
from ..fit_steps import FitSteps
from ..resolving import preset_of, resolve
from .choice import seconds_of_a_fit

__all__ = ["Candidate", "Tried", "candidates", "tried"]

METRIC = "ndcg@20"

MOST_TRACKS = 8000
"""Tracks up to which the matrix of EASE is inverted in seconds."""

FITS = 5.0
"""Whole fits that a search comes to in which several models are trained."""

MOST_PAIRS = 5_000_000
"""Training pairs above which the graph is not propagated over."""


@dataclass(frozen=True)
class Candidate:
    """A model with its options, before it is fitted.

    Attributes:
        name: of the row in the table.
        options: what is not as the preset has it.
        trained: true if it has epochs, of which a first look takes a part.
    """

    name: str
    model: str
    options: dict[str, Any] = field(default_factory=dict)
    trained: bool = False


@dataclass(eq=False)
class Tried:
    """A candidate that was fitted to the training part, and its figures on the validation part.

    Attributes:
        per_query: (n_queries,) NDCG@20.
        seconds: of the fit and the ranking.
        outcome: what became of it.
    """

    candidate: Candidate
    steps: FitSteps
    arrays: Arrays
    state: FitState | None
    model: Recommender
    metrics: dict[str, float]
    per_query: npt.NDArray[np.float64]
    seconds: float
    outcome: str = ""

    @property
    def ndcg(self) -> float:
        """Mean NDCG@20 of the validation part."""
        return float(self.per_query.mean())


def candidates(data: Data, seconds: float) -> list[Candidate]:
    """The models to try on data of this size within so many seconds, the cheapest first.

    Where there is no time for several trained models there is one.
    """
    corpus = data.split.training(data.corpus)
    tracks, pairs = int(np.count_nonzero(corpus.popularity)), len(corpus.pairs[0])
    found = [
        Candidate("popularity", "popularity"),
        Candidate("itemknn", "itemknn", {"unit_playlists": True, "alpha": 0.6}),
        Candidate("gfcf", "gfcf"),
        Candidate("chebycf", "chebycf"),
    ]
    if tracks <= MOST_TRACKS:
        found.append(Candidate("ease", "ease", {"l2": 100.0, "l2_power": 0.5, "length_weight_exponent": 0.5}))
    if pairs > MOST_PAIRS:
        return [*found[:2], Candidate("aggregate", "aggregate", trained=True)]
    preset = preset_of(None, "lightgcn", data)
    usual = dict(preset.options) if preset else {}
    temperature = float(usual.get("temperature", 0.1))
    found.append(Candidate("lightgcn", "lightgcn", trained=True))
    if FITS * seconds_of_a_fit(corpus) > seconds:
        return found
    for factor in (0.6, 1.6):
        other = round(temperature * factor, 3)
        options = {"temperature": other, "popularity_prior": other / 2}
        found.append(Candidate(f"lightgcn, temperature {other:g}", "lightgcn", options, trained=True))
    found.append(Candidate("mf", "mf", trained=True))
    return found


def tried(
    candidate: Candidate,
    data: Data,
    queries: EvaluationSet,
    *,
    seed: int,
    device: torch.device,
    time_limit: float,
    epochs_share: float = 1.0,
    on_event: Callable[[Any], None],
) -> Tried:
    """Fit a candidate to the training part and rank the validation part.

    Args:
        time_limit: seconds after which training ends; there are as many epochs as will fit in it.
        epochs_share: of the preset's epochs, with the schedule that many have.
    """
    began = time.perf_counter()
    kind = model_class(candidate.model)
    preset = preset_of(None, candidate.model, data)
    options, training = resolve(kind, {**(preset.options if preset else {}), **candidate.options})
    if training is not None:
        needed = seconds_of_a_fit(data.split.training(data.corpus), training.epochs, getattr(options, "dim", 64))
        epochs_share = min(epochs_share, time_limit / max(needed, 1e-9))
    if training is not None and epochs_share < 1:
        epochs = max(2, round(training.epochs * epochs_share))
        given = {**training.as_dict(), "epochs": epochs, "eval_every": min(training.eval_every, epochs)}
        training = type(training).from_options(given)
    steps = FitSteps(data, kind, options, training, device, seed, False, time_limit, on_event)
    arrays, state = steps.first(None)
    model = kind.from_state(data.split.ranking(data.corpus, "valid"), steps.options, arrays).to(device)
    found = evaluate(model, queries, ks=(20,), metrics=("recall", "ndcg"))
    seconds = time.perf_counter() - began
    return Tried(candidate, steps, arrays, state, model, found.metrics, found.per_query[METRIC], seconds)
