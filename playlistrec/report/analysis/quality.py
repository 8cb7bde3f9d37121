"""Ranking quality of a run: one pass over all queries, which every figure of the report reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...config import require
from ...corpus.corpus import Corpus, Ints
from ...corpus.split import EvaluationSet
from ...events import OnEvent, ignore
from ...models.base import Recommender
from ...rank.beyond_accuracy import BEYOND, BeyondAccuracy
from ...rank.evaluation import AT_K, scored_batches
from ...rank.hits import RankedHits
from ...rank.significance import bootstrap_interval, holm, permutation_test

__all__ = [
    "DEPTHS",
    "KS",
    "LENGTHS",
    "POPULARITY",
    "Difference",
    "Quality",
    "against_best",
    "grouped",
    "intervals",
    "judge",
]

Floats = npt.NDArray[np.float64]

KS = (10, 20)
"""Depths of the tables."""

DEPTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Depths of the recall curve."""

LENGTHS = (0, 1, 5, 10, 25, 50, 100, 250)
POPULARITY = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000)
"""Lower bounds of the groups of playlists, by seeds, and of tracks, by the playlists that hold them."""

RESAMPLES = 1_000
"""Resamples of each interval; a report has many intervals."""


@dataclass(frozen=True, eq=False)
class Quality:
    """The hits of one model on one evaluation set, and the metrics made from them.

    Attributes:
        ks: the depths of the tables.
        per_query: (n_questions,) of each metric at each of them, and recall at each of :data:`DEPTHS` too.
        ranks: (n_truth,) of every hidden track its rank from 1, 0 where it is not among the first 500 (or of ``ks``).
        beyond: measures beyond accuracy, coverage among them.
    """

    per_query: dict[str, Floats]
    ranks: npt.NDArray[np.int32]
    beyond: dict[str, float]
    ks: Sequence[int] = KS

    def mean(self, name: str) -> float:
        """The metric as :func:`~playlistrec.rank.protocols.evaluate` gives it."""
        return float(self.per_query[name].mean())


def judge(
    model: Recommender,
    evaluation_set: EvaluationSet,
    history: Corpus,
    on_event: OnEvent = ignore,
    ks: Sequence[int] = KS,
) -> Quality:
    """Rank all tracks for every query, once.

    Args:
        history: the entries that the model knows when it ranks.
        ks: depths of the tables.
    """
    require(min(ks) >= 1, "k", "at least 1", min(ks))
    most = max(model.n_tracks, max(KS))
    require(max(ks) <= most, "k", f"at most {most:,}, the number of tracks", max(ks))
    depths = sorted({k for k in DEPTHS if k <= most} | {*ks})
    beyond = BeyondAccuracy(history, ks, BEYOND)
    values: dict[str, list[torch.Tensor]] = {}
    ranks, shown = [], {k: torch.zeros(model.n_tracks, dtype=torch.bool) for k in ks}
    for batch in scored_batches(model, evaluation_set, None, on_event):
        found = RankedHits.of(model, batch, depths[-1])
        beyond.add(found.tracks)
        for k in ks:
            shown[k] |= found.recommended(k).cpu()
        ranks.append(found.ranks())
        for name, k in [("recall", k) for k in depths] + [(name, k) for name in AT_K for k in ks if name != "recall"]:
            values.setdefault(f"{name}@{k}", []).append(found.metric(name, k).cpu())
    return Quality(
        per_query={name: torch.cat(parts).numpy() for name, parts in values.items()},
        ranks=np.concatenate(ranks),
        beyond={f"coverage@{k}": float(shown[k].double().mean()) for k in ks} | beyond.metrics(),
        ks=tuple(ks),
    )


def intervals(values: Sequence[Floats]) -> Floats:
    """(n, 2): the 95 % bootstrap interval of the mean of each, over playlists."""
    return bootstrap_interval(np.stack(values), resamples=RESAMPLES)


@dataclass(frozen=True)
class Difference:
    """The difference from the best run: mean, 95 % interval, and p corrected for the number of runs."""

    mean: float
    low: float
    high: float
    p: float


def against_best(qualities: Mapping[str, Quality], by: str) -> tuple[str, dict[str, Difference]]:
    """The best run by a metric, and the others' paired differences from it, as `compare` tests them."""
    best = max(qualities, key=lambda name: qualities[name].mean(by))
    others = [name for name in qualities if name != best]
    if not others:
        return best, {}
    theirs = np.stack([qualities[name].per_query[by] for name in others]) - qualities[best].per_query[by]
    p = holm(permutation_test(theirs))
    bounds = bootstrap_interval(theirs, seed=1)
    return best, {
        name: Difference(float(theirs[i].mean()), float(bounds[i, 0]), float(bounds[i, 1]), float(p[i]))
        for i, name in enumerate(others)
    }


def grouped(values: Ints, starts: Sequence[int]) -> tuple[list[str], Ints]:
    """The names of the groups that hold anything, and (n,) the group of each value.

    >>> names, group = grouped(np.array([0, 3, 4, 1000]), (0, 1, 5, 10))
    >>> names, group.tolist()
    (['0', '1 to 4', '10+'], [0, 1, 1, 2])
    """
    raw = np.searchsorted(starts, values, side="right") - 1
    present, group = np.unique(raw, return_inverse=True)
    ends = [*(start - 1 for start in starts[1:]), None]
    names = []
    for index in present.tolist():
        low, high = starts[index], ends[index]
        names.append(f"{low:,}+" if high is None else f"{low:,}" if low == high else f"{low:,} to {high:,}")
    return names, group.reshape(-1)
