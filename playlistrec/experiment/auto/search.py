"""The model ``auto``: several models tried on the validation part within a time, the best kept or blended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...corpus.split import EvaluationSet
from ...errors import ConfigError, DataError
from ...events import Event, OnEvent, ignore
from ...models.ensemble.blend import Blend, BlendConfig
from ...rank.protocols import evaluate
from ...rank.significance import permutation_test
from ..data import Data
from ..ensembles.blending import fit_weights
from ..runs import Run, pick_device
from .kept import folder_of, kept
from .tries import METRIC, Candidate, Tried, candidates, tried

__all__ = ["SECONDS", "fit_auto"]

SECONDS = 600.0
"""The time that is taken where none is given."""

TRIES = 0.6
"""Share of the time in which models are tried; the rest is for the refit."""

LOOK = 0.25
"""Share of the epochs of the first look at a trained model."""

LOSERS = 0.85
"""NDCG@20 over the best one's below which a model is dropped."""

WINNERS = 2
"""Trained models whose fit goes on after the first look."""

PARTS = 4
"""The most parts of a blend."""

MOST_QUERIES = 4000
"""Playlists of the validation part that are ranked."""

REFIT = 2.3
"""Time of a fit and its refit, over that of the fit."""

SIGNIFICANT = 0.05


def fit_auto(
    data: Data,
    out: Path | None,
    *,
    time_limit: float | None = None,
    seed: int = 0,
    device: str = "auto",
    force: bool = False,
    slim: bool = False,
    on_event: OnEvent = ignore,
) -> Run:
    """Try closed-form and graph models on the validation part, keep the best or a blend, and refit it.

    Closed-form models come first. Trained ones get a quarter of their epochs; the two best of them are fitted whole.
    What has less than .85 of the best NDCG@20 is dropped. A blend of the best four is kept where weights found on one
    half of the queries beat the best model on the other half, by a paired test. What is kept is fitted again on
    training and validation part together where the time allows. The run is one of the kept model: ``run.json`` says
    under ``auto`` what was tried and what became of it.

    Args:
        time_limit: seconds for all of it; 600 if not given.
        slim: leave the data out of the run folder.

    Raises:
        DataError: there is no validation part to choose by. RunError: ``out`` exists.
    """
    queries = data.split.evaluation_set(data.corpus, "valid").sample(MOST_QUERIES, seed=seed)
    if len(queries) < 2:
        raise DataError(f"{data.name} has no validation part, by which auto chooses: name a model instead")
    began, limit = time.perf_counter(), time_limit or SECONDS
    with folder_of(data, out, seed=seed, force=force) as work:
        search = _Search(data, queries, seed, pick_device(device), began, limit, on_event)
        search.try_all()
        best = max(search.rows, key=lambda row: row.ndcg)
        parts, weights, why = search.blended(best)
        for row in search.rows:
            if row in parts:
                row.outcome = why if len(parts) == 1 else f"kept, weight {weights[parts.index(row)]:.2f}"
        refits = search.refitted(parts)
        on_event(Event("message", f"chosen: {' + '.join(part.candidate.name for part in parts)} ({why})"))
        table = {"why": why, "tried": [*map(_row, search.rows), *search.untried]}
        return kept(
            data, out, work, parts, weights, refits, table, seconds=time.perf_counter() - began, seed=seed, slim=slim
        )


def _row(row: Tried) -> dict[str, Any]:
    return {
        "model": row.candidate.name,
        "recall@20": round(row.metrics["recall@20"], 4),
        "ndcg@20": round(row.ndcg, 4),
        "seconds": round(row.seconds, 1),
        "outcome": row.outcome,
    }


class _Search:
    """One call of :func:`fit_auto`."""

    def __init__(
        self,
        data: Data,
        queries: EvaluationSet,
        seed: int,
        device: torch.device,
        began: float,
        limit: float,
        on_event: OnEvent,
    ) -> None:
        self.data, self.queries, self.seed, self.device = data, queries, seed, device
        self.began, self.limit, self.on_event = began, limit, on_event
        self.rows: list[Tried] = []
        self.untried: list[dict[str, Any]] = []

    def left(self, share: float = 1.0) -> float:
        """Seconds left of a share of the time."""
        return share * self.limit - (time.perf_counter() - self.began)

    def try_all(self) -> None:
        """Fill the rows: closed-form models, a look at trained ones, and the best of these whole."""
        found = candidates(self.data, self.left())
        for candidate in (c for c in found if not c.trained):
            self._try(candidate)
        trained = [c for c in found if c.trained]
        if len(trained) == 1:
            self._try(trained[0], limit=self.left() / REFIT)
            return
        looks = []
        for index, candidate in enumerate(trained):
            share = self.left(TRIES / 2) / (len(trained) - index)
            look = self._try(candidate, share=LOOK, limit=share)
            if look is not None:
                looks.append(look)
        looks.sort(key=lambda row: -row.ndcg)
        best = max((row.ndcg for row in self.rows), default=0.0)
        for place, look in enumerate(looks):
            if place >= WINNERS or look.ndcg < LOSERS * best:
                look.outcome = f"dropped after {_epochs(look)}: {look.ndcg / max(best, 1e-9):.2f} of the best"
                continue
            whole = self._try(look.candidate, limit=self.left() / (WINNERS - place + REFIT - 1))
            if whole is not None:
                self.rows.remove(look)
        self._widen()

    def _widen(self) -> None:
        """Where much time is left, the best LightGCN with twice the width."""
        graphs = [row for row in self.rows if row.candidate.model == "lightgcn" and not row.outcome]
        best = max(graphs, key=lambda row: row.ndcg, default=None)
        if best is None or (1 + REFIT) * 2 * best.seconds > self.left():
            return
        name = f"{best.candidate.name}, dim {2 * best.steps.options.as_dict()['dim']}"
        options = {**best.candidate.options, "dim": 2 * best.steps.options.as_dict()["dim"]}
        self._try(Candidate(name, "lightgcn", options, True), limit=self.left() / REFIT)

    def _try(self, candidate: Candidate, *, share: float = 1.0, limit: float | None = None) -> Tried | None:
        """Fit and rank one candidate, where there is time and memory for it."""
        seconds = self.left(TRIES) if limit is None else limit
        if self.rows and seconds <= 0:
            self._untried(candidate, "no time left")
            return None
        try:
            row = tried(
                candidate,
                self.data,
                self.queries,
                seed=self.seed,
                device=self.device,
                time_limit=max(seconds, 0.1),
                epochs_share=share,
                on_event=lambda event: self.on_event(event) if event.kind == "progress" else None,
            )
        except (ConfigError, MemoryError) as error:
            self._untried(candidate, str(error).partition(":")[0])
            return None
        self.on_event(
            Event("message", f"{candidate.name}: ndcg@20 {row.ndcg:.4f} on the validation part, {row.seconds:.1f} s")
        )
        self.rows.append(row)
        return row

    def _untried(self, candidate: Candidate, why: str) -> None:
        empty: dict[str, Any] = {"recall@20": None, "ndcg@20": None, "seconds": 0.0}
        self.untried.append({"model": candidate.name, **empty, "outcome": f"not tried: {why}"})

    def blended(self, best: Tried) -> tuple[list[Tried], tuple[float, ...], str]:
        """The best model, or a blend that beats it on queries that its weights were not found on."""
        for row in self.rows:
            row.outcome = row.outcome or f"{row.ndcg / max(best.ndcg, 1e-9):.2f} of the best"
        near = [row for row in self.rows if row.ndcg >= LOSERS * best.ndcg and not row.outcome.startswith("dropped")]
        parts = sorted(near, key=lambda row: -row.ndcg)[:PARTS]
        if len(parts) < 2 or len(self.queries) < 20:
            return [best], (1.0,), "the best, and nothing near it to blend with"
        halves = np.random.default_rng(self.seed).permutation(len(self.queries))
        first, second = (np.sort(half) for half in np.array_split(halves, 2))
        weights = fit_weights(self._blend(parts, None), self.queries.at(first), seed=self.seed)
        found = evaluate(self._blend(parts, weights), self.queries.at(second), ks=(20,), metrics=("recall", "ndcg"))
        gain = found.per_query[METRIC] - best.per_query[second]
        p = float(permutation_test(gain, seed=self.seed))
        if gain.mean() <= 0 or p >= SIGNIFICANT:
            return [best], (1.0,), f"the best: a blend gains {gain.mean():+.4f}, p {p:.2f}"
        weights = fit_weights(self._blend(parts, None), self.queries, seed=self.seed)
        kept_parts = [(part, weight) for part, weight in zip(parts, weights) if weight > 0]
        why = f"a blend gains {gain.mean():+.4f} on queries held out of its weights, p {p:.4f}"
        return [part for part, _ in kept_parts], tuple(weight for _, weight in kept_parts), why

    def refitted(self, parts: Sequence[Tried]) -> list[Any] | None:
        """The parts fitted again on training and validation part; None where there is no time for it."""
        needed = 1.2 * sum(part.seconds for part in parts)
        if needed > self.left():
            self.on_event(
                Event("warning", f"no time to fit again on the validation part: it takes some {needed:.0f} s")
            )
            return None
        return [part.steps.again(None, part.state) for part in parts]

    def _blend(self, parts: Sequence[Tried], weights: Sequence[float] | None) -> Blend:
        config = BlendConfig(
            parts=tuple(part.candidate.name for part in parts), weights=None if weights is None else tuple(weights)
        )
        return Blend([part.model for part in parts], weights, config)


def _epochs(row: Tried) -> str:
    n = 0 if row.state is None else len(row.state.history)
    return f"{n} epoch{'' if n == 1 else 's'}"
