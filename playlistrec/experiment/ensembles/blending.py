"""Fitting a blend: run folders read, and the weights that rank the validation part best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...corpus.split import EvaluationSet
from ...events import Event, OnEvent, ignore
from ...models.base import Query, Recommender
from ...models.ensemble.blend import Blend, BlendConfig
from ...rank.evaluation import scored_batches
from ...rank.hits import hidden_among
from ...rank.metrics import ndcg
from ...rank.recommend import ranked
from ...rank.topk import top_k
from ..data import Data
from .run_parts import parts_of_runs

__all__ = ["blended", "fit_weights", "some_queries"]

K = 20
CANDIDATES = 100
"""Best tracks of each part, from whose union a blend chooses while its weights are fitted."""

MOST_FEATURES = 50_000_000
"""Features of candidates kept in memory, 200 MB; with more, a sample of the queries is used."""

FIRST_STEP, LAST_STEP, LEAST_GAIN = 2.0, 1.05, 1e-6


def blended(
    data: Data, options: BlendConfig, *, first: Blend | None = None, seed: int = 0, on_event: OnEvent = ignore
) -> Blend:
    """The blend that ``options`` ask for, with the best weights where they give none.

    With ``first``, the blend so fitted, its weights are kept, and the parts are those fitted on training and validation
    part together.

    Raises:
        RunError: a run is missing, unfinished, or of other data.
    """
    weights = options.weights if first is None else first.config.weights
    refit = first is not None
    if options.runs:
        blend = Blend(parts_of_runs(data, options.runs, refit=refit), weights, options)
    else:
        blend = Blend.from_corpus(data.split.training(data.corpus, refit=refit), options, seed=seed)
    if weights is None:
        evaluation_set = data.split.evaluation_set(data.corpus, "valid")
        if len(evaluation_set):
            weights = fit_weights(blend, evaluation_set, seed=seed, on_event=on_event)
        else:
            weights = tuple(blend.weights.tolist())
            on_event(Event("warning", "there is no validation part: all parts of the blend weigh the same"))
        summary = ", ".join(f"{name} {weight:.3f}" for name, weight in zip(options.members, weights))
        on_event(Event("message", f"weights: {summary}"))
    return Blend(blend.parts, weights, replace(options, weights=weights))


def fit_weights(
    blend: Blend, evaluation_set: EvaluationSet, *, seed: int = 0, on_event: OnEvent = ignore
) -> tuple[float, ...]:
    """Weights, adding up to 1, with the best NDCG@20 on ``queries`` that coordinate ascent finds.

    It starts from the best of: all alike, and each part alone; then each weight in turn is set to 0, multiplied and
    divided by a step, which shrinks when nothing helps. So no part alone is better on these queries.
    """
    n = len(blend.parts)
    most = max(1, MOST_FEATURES // (CANDIDATES * n * n))
    pool = _pool(blend, some_queries(evaluation_set, most, seed), on_event)
    starts = [[1.0] * n, *np.eye(n).tolist()]
    values = [pool.ndcg(start) for start in starts]
    best, weights = max(zip(values, starts))
    step = FIRST_STEP
    while n > 1 and step > LAST_STEP:
        before = best
        for i in range(n):
            base = weights[i] or max(weights) / 8
            for tried in (0.0, base * step, base / step):
                other = [*weights[:i], tried, *weights[i + 1 :]]
                value = pool.ndcg(other) if any(other) else 0.0
                if value > best + LEAST_GAIN:
                    best, weights = value, other
        if best == before:
            step = step**0.5
    return tuple(weight / sum(weights) for weight in weights)


@dataclass(frozen=True, eq=False)
class _Pool:
    """The candidates of each query.

    Attributes:
        features: (n, candidates, parts); ``-inf`` for a seed, and where a track stands a second time.
        hits: (n, candidates) whether a candidate was hidden.
        n_truth: (n,) how many tracks were.
    """

    features: Tensor
    hits: Tensor
    n_truth: Tensor

    def ndcg(self, weights: Sequence[float]) -> float:
        used = torch.tensor(weights) > 0  # 0 times -inf would be NaN
        scores = self.features[..., used] @ torch.tensor(weights)[used]
        indices = top_k(scores, K)[1]
        hits = self.hits.gather(1, indices.clamp(min=0)) & (indices >= 0)
        return float(ndcg(hits, self.n_truth, K).mean())


class _Recorder(Blend):
    """A blend that keeps the features of its parts for the last query."""

    def __init__(self, parts: Sequence[Recommender], weights: Sequence[float] | None, config: BlendConfig) -> None:
        super().__init__(parts, weights, config)
        self.recorded: list[Tensor] = []

    def features(self, part: Recommender, query: Query) -> tuple[Tensor, Tensor]:
        features, known = super().features(part, query)
        self.recorded.append(features)
        return features, known


def _pool(blend: Blend, evaluation_set: EvaluationSet, on_event: OnEvent) -> _Pool:
    recorder = _Recorder(blend.parts, None, blend.config)
    pools = []
    for batch in scored_batches(recorder, evaluation_set, None, on_event):
        barred = batch.scores == -torch.inf
        recorded = [features.masked_fill_(barred, -torch.inf) for features in recorder.recorded]
        recorder.recorded = []
        tracks = torch.cat([ranked(part, s, CANDIDATES)[1] for part, s in zip(blend.parts, recorded)], dim=1)
        tracks = tracks.sort(dim=1).values
        repeated = torch.zeros_like(tracks, dtype=torch.bool)
        repeated[:, 1:] = tracks[:, 1:] == tracks[:, :-1]
        none = repeated | (tracks < 0)
        features = torch.stack([features.gather(1, tracks.clamp(min=0)) for features in recorded], dim=2)
        hits = hidden_among(tracks, batch.truth_rows * blend.n_tracks + batch.truth, blend.n_tracks) & ~none
        n_truth = torch.from_numpy(np.bincount(batch.truth_rows, minlength=len(tracks)))
        pools.append(_Pool(features.masked_fill_(none[..., None], -torch.inf), hits, n_truth))
    return _Pool(
        torch.cat([pool.features for pool in pools]),
        torch.cat([pool.hits for pool in pools]),
        torch.cat([pool.n_truth for pool in pools]),
    )


def some_queries(evaluation_set: EvaluationSet, most: int, seed: int) -> EvaluationSet:
    """``most`` of the queries, drawn with ``seed``; all where there are no more."""
    if len(evaluation_set) <= most:
        return evaluation_set
    return evaluation_set.at(np.sort(np.random.default_rng(seed).choice(len(evaluation_set), most, replace=False)))
