"""The parts that all protocols share: batches of scored queries go in, an :class:`Evaluation` comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ..config import require
from ..corpus.split import EvaluationSet
from ..errors import DataError
from ..events import Event, OnEvent
from ..models.base import Query, Recommender
from ..processes import ALONE, Group
from . import metrics as formulas
from .recommend import candidate_scores

__all__ = ["AT_K", "Evaluation", "ScoredBatch", "check_ks", "in_turn", "query_of", "scored_batches"]

T = TypeVar("T")

AT_K: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "recall": formulas.recall,
    "ndcg": formulas.ndcg,
    "map": formulas.average_precision,
    "precision": formulas.precision,
    "hit": formulas.hit_rate,
    "mrr": formulas.mrr,
}
"""The metrics that are a mean over queries at every k."""

BATCH_BYTES = 32 * 2**20
"""Size of a batch of scores when the caller does not say: small enough for the allocator to reuse the memory."""

CUDA_BATCH_BYTES = 512 * 2**20
"""The batch size on a GPU, which a small batch would leave mostly idle."""


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The figures of one model on an evaluation set.

    Attributes:
        n_queries: queries ranked, the number that the means are over.
        n_left_out: playlists of which nothing was hidden.
        metrics: ``"recall@20"`` and the like; means over queries, but ``"coverage@20"``, ``"gini@20"`` and
            ``"pooled_auc"`` are pooled.
        seconds: wall-clock time.
        per_query: (n_queries,) float64 of each metric of accuracy, in the order of the queries: what the mean is of.
        protocol: ``"full"``, or ``"sampled:99"`` and the like; figures of different protocols do not compare.
    """

    n_queries: int
    n_left_out: int
    metrics: dict[str, float]
    seconds: float
    per_query: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)
    protocol: str = "full"

    def __repr__(self) -> str:
        """A line of what was ranked, and one for the metrics of each depth."""
        depths = sorted({name.partition("@")[2] for name in self.metrics}, key=lambda k: (not k, int(k or 0)))
        lines = [f"Evaluation: {self.n_queries:,} queries, protocol {self.protocol}, {self.seconds:.1f} s"]
        for depth in depths:
            shown = [(name, v) for name, v in self.metrics.items() if name.partition("@")[2] == depth]
            text = ", ".join(f"{name}\xa0{value:.4f}" for name, value in shown)  # a name stays with its figure
            lines += [line.replace("\xa0", " ") for line in wrap(text, 78, initial_indent="  ", subsequent_indent="  ")]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class ScoredBatch:
    """Some of the queries and their scores (batch, n_tracks), seeds at ``-inf``; the truth as (rows, tracks).

    ``n_before`` hidden tracks belong to queries before these.
    """

    query: Query
    truth_rows: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    playlists: npt.NDArray[np.int64]
    scores: Tensor
    n_before: int


def scored_batches(
    model: Recommender, evaluation_set: EvaluationSet, batch_size: int | None, on_event: OnEvent, group: Group = ALONE
) -> Iterator[ScoredBatch]:
    """Score all queries, ``batch_size`` at once; None: 32 MB of scores, and 512 MB where they come from a GPU.

    The processes of ``group`` take the batches in turn: they are those of one process, to the last bit.
    A ``"progress"`` event comes after each batch. Raises ConfigError for a ``batch_size`` below 1, DataError when
    there are no queries.
    """
    require(batch_size is None or batch_size >= 1, "batch_size", "at least 1", batch_size)
    if not len(evaluation_set):
        raise DataError("nothing was hidden in this part of the data, so there is nothing to evaluate")
    high, number, on_gpu = 0, 0, False
    while high < len(evaluation_set):
        size = batch_size or max(1, (CUDA_BATCH_BYTES if on_gpu else BATCH_BYTES) // (4 * model.n_tracks))
        low, high = high, min(high + size, len(evaluation_set))
        if number % group.size == group.rank:
            truth = evaluation_set.truth_offsets[low : high + 1]
            query = query_of(evaluation_set, low, high)
            scores = candidate_scores(model, query).scores
            on_gpu = scores.is_cuda
            yield ScoredBatch(
                query=query,
                truth_rows=np.repeat(np.arange(high - low), np.diff(truth)),
                truth=evaluation_set.truth[truth[0] : truth[-1]].astype(np.int64),
                playlists=evaluation_set.playlists[low:high],
                scores=scores,
                n_before=int(truth[0]),
            )
        if not number:
            on_gpu = group.same(on_gpu)
        number += 1
        on_event(Event("progress", f"ranking {model.name}", {"done": high, "total": len(evaluation_set)}))


def in_turn(parts: Sequence[Sequence[T]]) -> list[T]:
    """The results of processes that took batches in turn, in the order of the batches.

    >>> in_turn([["first", "third"], ["second"]])
    ['first', 'second', 'third']
    """
    return [part[i] for i in range(max(map(len, parts), default=0)) for part in parts if i < len(part)]


def query_of(evaluation_set: EvaluationSet, low: int, high: int) -> Query:
    """The queries ``low:high`` as a model gets them."""
    seeds = evaluation_set.seed_offsets[low : high + 1]
    # A playlist without a seed has no edge either: nothing was learned of it, whatever its row holds.
    known = evaluation_set.known & (np.diff(seeds) > 0)
    return Query(
        offsets=seeds - seeds[0],
        tracks=evaluation_set.seeds[seeds[0] : seeds[-1]].astype(np.int64),
        playlists=np.where(known, evaluation_set.playlists[low:high], -1),
        titles=None if evaluation_set.titles is None else evaluation_set.titles[low:high],
        contexts={name: codes[low:high] for name, codes in evaluation_set.contexts.items()},
    )


def check_ks(ks: Sequence[int]) -> None:
    """Raise ConfigError unless there are cut-offs, all of at least 1."""
    require(len(ks) > 0 and min(ks) >= 1, "ks", "one or more numbers of at least 1", tuple(ks))
