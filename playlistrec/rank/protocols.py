"""Full ranking: every track of the catalogue is scored for every query, the seeds are masked, the rest ranked."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..config import require
from ..corpus.corpus import Corpus
from ..corpus.split import EvaluationSet
from ..errors import ConfigError, nearest
from ..events import OnEvent, ignore
from ..models.base import Recommender
from ..processes import ALONE, Group
from . import metrics as formulas
from .beyond_accuracy import BEYOND, BeyondAccuracy
from .complement import Complement
from .evaluation import AT_K, Evaluation, ScoredBatch, check_ks, in_turn, scored_batches
from .hits import RankedHits
from .recommend import on

__all__ = ["METRICS", "Evaluation", "evaluate"]

METRICS = (*AT_K, "coverage", "r_precision", "auc", "pooled_auc")
"""The default metrics of :func:`evaluate`; all but the last three at every k."""


def evaluate(
    model: Recommender,
    evaluation_set: EvaluationSet,
    *,
    ks: Sequence[int] = (10, 20),
    batch_size: int | None = None,
    metrics: Collection[str] | None = None,
    history: Corpus | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
    group: Group = ALONE,
) -> Evaluation:
    """Rank all tracks for every query, seeds left out, and hold the ranking to the hidden tracks.

    ``auc`` is the mean over playlists of :func:`~.metrics.playlist_auc`, exact over all tracks that are neither seed
    nor truth; a playlist without such a track does not take part. ``pooled_auc`` is the figure of link prediction, as
    on a graph's edges: each hidden track and one track drawn uniformly from the same ones, all scores of all playlists
    in one Mann–Whitney statistic. It compares scores of different playlists, and so changes with their scale.

    Args:
        model: scores (batch, n_tracks) tensors that the caller may change, on any device.
        evaluation_set: as from :meth:`~playlistrec.corpus.split.Split.evaluation_set`.
        ks: depths of the metrics that have one.
        batch_size: queries scored at once, memory being ``batch_size · n_tracks`` scores; None: 32 MB of them, 512 MB
            on a GPU.
        metrics: names out of :data:`METRICS` and :data:`~.beyond_accuracy.BEYOND`; None: all of the former and, where
            ``history`` is given, of the latter.
        history: the entries that the model knows when it ranks (:meth:`~playlistrec.corpus.split.Split.ranking`):
            popularity and artists, which the measures beyond accuracy need.
        seed: of the tracks drawn for ``pooled_auc``; they do not depend on the batch size.
        on_event: gets a ``"progress"`` event after each batch.
        group: the processes that take the batches in turn. All call this, and all get the figures, which are to the
            last digit those of one process.

    Raises:
        ConfigError: a name or a number that cannot be, or a measure beyond accuracy without ``history``.
        DataError: there are no queries.
        RunError: the model gave a NaN.
    """
    start = time.perf_counter()
    everything = (*METRICS, *BEYOND)
    names = list(METRICS if history is None else everything) if metrics is None else list(dict.fromkeys(metrics))
    for name in names:
        if name not in everything:
            raise ConfigError(f"unknown metric {name!r}{nearest(name, everything)}; known: {', '.join(everything)}")
    check_ks(ks)
    most = max(model.n_tracks, FEW)
    require(max(ks) <= most, "k", f"at most {most:,}, the number of tracks", max(ks))
    beyond_names = [name for name in names if name in BEYOND]
    if beyond_names and history is None:
        raise ConfigError(f"{beyond_names[0]} needs history, the corpus that the model knows when it ranks")
    beyond = BeyondAccuracy(history, ks, beyond_names) if beyond_names and history is not None else None
    tally = _Tally(names, ks)
    for batch in scored_batches(model, evaluation_set, batch_size, on_event, group):
        longest = int(np.bincount(batch.truth_rows).max())
        found = RankedHits.of(model, batch, max(max(ks), longest if "r_precision" in names else 1))
        tally.add(found)
        if beyond is not None:
            beyond.add(found.tracks)
        if "auc" in names:
            tally.auc(batch)
        if "pooled_auc" in names:
            tally.pairs(batch, *_opponents(batch, model.n_tracks, np.random.PCG64(seed).advance(batch.n_before)))
    tally.gather(group)
    if beyond is not None:
        beyond.gather(group)
    if group.rank:
        return cast(Evaluation, group.same(None))
    per_query = tally.per_query()
    found_by_all = Evaluation(
        n_queries=len(evaluation_set),
        n_left_out=evaluation_set.n_left_out,
        metrics={name: _mean(values) for name, values in per_query.items()}
        | tally.pooled()
        | (beyond.metrics() if beyond is not None else {}),
        seconds=time.perf_counter() - start,
        per_query=per_query,
    )
    return cast(Evaluation, group.same(found_by_all))


FEW = 100
"""A depth that is taken however few tracks there are."""


@dataclass(eq=False)
class _Tally:
    """Adds up batches. Values are kept per query, so that the means do not depend on the batches."""

    names: Sequence[str]
    ks: Sequence[int]
    values: dict[str, list[Tensor]] = field(default_factory=dict)
    shown: dict[int, Tensor] = field(default_factory=dict)
    positive: list[Tensor] = field(default_factory=list)
    negative: list[Tensor] = field(default_factory=list)

    def add(self, found: RankedHits) -> None:
        for name in self.names:
            if name in AT_K:
                for k in self.ks:
                    self.values.setdefault(f"{name}@{k}", []).append(found.metric(name, k))
        if "r_precision" in self.names:
            self.values.setdefault("r_precision", []).append(found.r_precision())
        if "coverage" in self.names:
            for k in self.ks:
                new = found.recommended(k)
                self.shown[k] = new | self.shown[k] if k in self.shown else new

    def auc(self, batch: ScoredBatch) -> None:
        scores, query = batch.scores, batch.query
        truth = torch.split(on(scores, batch.truth), np.bincount(batch.truth_rows, minlength=len(query)).tolist())
        seeds = torch.split(on(scores, query.tracks), np.diff(query.offsets).tolist())
        found = [formulas.playlist_auc(*row) for row in zip(scores, truth, seeds)]
        self.values.setdefault("auc", []).append(torch.tensor(found, dtype=torch.float64))

    def pairs(self, batch: ScoredBatch, takes_part: npt.NDArray[np.bool_], opponents: npt.NDArray[np.int64]) -> None:
        rows = on(batch.scores, batch.truth_rows[takes_part])
        self.positive.append(batch.scores[rows, on(batch.scores, batch.truth[takes_part])])
        self.negative.append(batch.scores[rows, on(batch.scores, opponents)])

    def gather(self, group: Group) -> None:
        """Take in what the other processes have; the first then has all."""
        if parts := group.gather((self.values, self.shown, self.positive, self.negative)):
            values, shown, *pairs = zip(*parts)
            self.values = {name: in_turn([of.get(name, []) for of in values]) for name in self.values}
            self.shown = {k: torch.stack([of[k] for of in shown if k in of]).any(0) for k in self.shown}
            self.positive, self.negative = map(in_turn, pairs)

    def per_query(self) -> dict[str, npt.NDArray[np.float64]]:
        return {key: torch.cat(parts).cpu().numpy() for key, parts in self.values.items()}

    def pooled(self) -> dict[str, float]:
        found = {f"coverage@{k}": float(shown.double().mean()) for k, shown in self.shown.items()}
        if "pooled_auc" in self.names:
            positive, negative = torch.cat(self.positive), torch.cat(self.negative)
            found["pooled_auc"] = formulas.roc_auc(positive, negative) if len(positive) else float("nan")
        return found


def _mean(values: npt.NDArray[np.float64]) -> float:
    """The mean over the playlists that have a value."""
    given = values[~np.isnan(values)]
    return float(given.mean()) if len(given) else float("nan")


def _opponents(
    batch: ScoredBatch, n_tracks: int, bits: np.random.PCG64
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Draw, for each hidden track that has an opponent, one track that is neither seed nor truth of the playlist.

    One random number a hidden track, in order, whatever the batch.
    """
    query, rows = batch.query, batch.truth_rows
    taken_rows, taken = np.concatenate([query.rows, rows]), np.concatenate([query.tracks, batch.truth])
    free = Complement(taken_rows, taken, len(query), n_tracks)
    ranks = (np.random.Generator(bits).random(len(rows)) * free.size[rows]).astype(np.int64)
    possible = free.size[rows] > 0
    return possible, free.tracks(rows[possible], ranks[possible])
