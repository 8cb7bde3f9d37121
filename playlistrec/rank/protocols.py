"""Full ranking: every track of the catalogue is scored for every question, the seeds are masked, the rest ranked."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..config import require
from ..corpus.split import Questions
from ..errors import ConfigError, DataError, RunError, nearest
from ..events import Event, OnEvent, ignore
from ..models.base import Query, Recommender
from . import metrics as formulas
from .topk import mask_seeds, top_k

__all__ = ["METRICS", "Evaluation", "evaluate", "recommend"]

AT_K: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "recall": formulas.recall,
    "ndcg": formulas.ndcg,
    "map": formulas.average_precision,
    "precision": formulas.precision,
    "hit": formulas.hit_rate,
    "mrr": formulas.mrr,
}

METRICS = (*AT_K, "coverage", "r_precision", "auc")
"""The names :func:`evaluate` knows; all but the last two are given at every k."""

BATCH_BYTES = 32 * 2**20
"""Size of a batch of scores when the caller does not say: small enough for the allocator to reuse the memory."""


@dataclass(frozen=True)
class Evaluation:
    """What one model did on one set of questions.

    Attributes:
        n_queries: questions answered, the number that the means are over.
        n_left_out: playlists of which nothing was asked.
        metrics: means over queries, ``"recall@20"`` and the like; ``"coverage@20"`` and ``"auc"`` are pooled.
        seconds: wall-clock time.
    """

    n_queries: int
    n_left_out: int
    metrics: dict[str, float]
    seconds: float


def evaluate(
    model: Recommender,
    questions: Questions,
    *,
    ks: Sequence[int] = (10, 20),
    batch_size: int | None = None,
    metrics: Collection[str] | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> Evaluation:
    """Rank all tracks for every question, seeds left out, and hold the ranking to the hidden tracks.

    ``auc`` sets each hidden track's score against that of one track drawn uniformly from those that are neither
    seed nor truth of the same playlist, all pairs pooled (Mann–Whitney); a playlist without such a track does
    not take part in it.

    Args:
        model: scores (batch, n_tracks) tensors that the caller may change, on any device.
        questions: as from :meth:`~playlistrec.corpus.split.Split.questions`.
        ks: depths of the metrics that have one.
        batch_size: questions scored at once, memory being ``batch_size · n_tracks`` scores; None: 32 MB of them.
        metrics: names out of :data:`METRICS`; None: all.
        seed: of the tracks drawn for ``auc``; they do not depend on the batch size.
        on_event: gets a ``"progress"`` event after each batch.

    Raises:
        ConfigError: a name or a number that cannot be.
        DataError: there are no questions.
        RunError: the model gave a NaN.
    """
    start = time.perf_counter()
    names = list(METRICS) if metrics is None else list(dict.fromkeys(metrics))
    for name in names:
        if name not in METRICS:
            raise ConfigError(f"unknown metric {name!r}{nearest(name, METRICS)}; known: {', '.join(METRICS)}")
    require(len(ks) > 0 and min(ks) >= 1, "ks", "one or more numbers of at least 1", tuple(ks))
    if batch_size is None:
        batch_size = max(1, BATCH_BYTES // (4 * model.n_tracks))
    require(batch_size >= 1, "batch_size", "at least 1", batch_size)
    if not len(questions):
        raise DataError("nothing was hidden in this part of the data, so there is nothing to evaluate")

    tally = _Tally(names, ks, model.n_tracks)
    rng = np.random.Generator(np.random.PCG64(seed))
    for low in range(0, len(questions), batch_size):
        high = min(low + batch_size, len(questions))
        query, truth_rows, truth = _batch(questions, low, high)
        scores = _scores(model, query)
        sizes = torch.from_numpy(np.bincount(truth_rows, minlength=len(query)))
        depth = max(max(ks), int(sizes.max()) if "r_precision" in names else 1)
        indices = _ranked(model, scores, depth)[1]
        tally.ranking(indices, _hits(indices, truth_rows, truth, model.n_tracks), sizes.to(scores.device))
        if "auc" in names:
            rows, negatives = _negatives(query, truth_rows, truth, model.n_tracks, rng)
            took_part = np.isin(truth_rows, rows)
            tally.positive.append(scores[_on(scores, truth_rows[took_part]), _on(scores, truth[took_part])])
            tally.negative.append(scores[_on(scores, rows), _on(scores, negatives)])
        on_event(Event("progress", f"ranking {model.name}", {"done": high, "total": len(questions)}))
    return Evaluation(len(questions), questions.n_left_out, tally.means(), time.perf_counter() - start)


def recommend(model: Recommender, query: Query, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The ``k`` best tracks for each question that are not among its seeds, and their scores, best first.

    Returns:
        indices and scores, both (batch, k); where fewer than ``k`` tracks can be ranked the rest is -1 and ``-inf``.

    Raises:
        ConfigError: ``k`` is below 1.
        RunError: the model gave a NaN.
    """
    require(k >= 1, "k", "at least 1", k)
    values, indices = _ranked(model, _scores(model, query), k)
    return indices.cpu().numpy(), values.float().cpu().numpy()


@dataclass(eq=False)
class _Tally:
    """Adds up batches. Values are kept per query, so that the means do not depend on the batches."""

    names: Sequence[str]
    ks: Sequence[int]
    n_tracks: int
    values: dict[str, list[Tensor]] = field(default_factory=dict)
    shown: dict[int, Tensor] = field(default_factory=dict)
    positive: list[Tensor] = field(default_factory=list)
    negative: list[Tensor] = field(default_factory=list)

    def ranking(self, indices: Tensor, hits: Tensor, sizes: Tensor) -> None:
        for name in self.names:
            if name in AT_K:
                for k in self.ks:
                    self.values.setdefault(f"{name}@{k}", []).append(AT_K[name](hits, sizes, k))
        if "r_precision" in self.names:
            self.values.setdefault("r_precision", []).append(formulas.r_precision(hits, sizes))
        if "coverage" in self.names:
            for k in self.ks:
                new = formulas.recommended(indices, self.n_tracks, k)
                self.shown[k] = new | self.shown[k] if k in self.shown else new

    def means(self) -> dict[str, float]:
        found = {key: float(torch.cat(parts).mean()) for key, parts in self.values.items()}
        found |= {f"coverage@{k}": float(shown.double().mean()) for k, shown in self.shown.items()}
        if "auc" in self.names:
            positive, negative = torch.cat(self.positive), torch.cat(self.negative)
            found["auc"] = formulas.roc_auc(positive, negative) if len(positive) else float("nan")
        return found


def _batch(questions: Questions, low: int, high: int) -> tuple[Query, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Questions ``low`` to ``high`` as a query, and their truth as (rows, tracks)."""
    seeds = questions.seed_offsets[low : high + 1]
    truth = questions.truth_offsets[low : high + 1]
    playlists = questions.playlists[low:high]
    # A playlist without a seed has no edge either: nothing was learned of it, whatever its row holds.
    known = questions.known & (np.diff(seeds) > 0)
    query = Query(
        offsets=seeds - seeds[0],
        tracks=questions.seeds[seeds[0] : seeds[-1]].astype(np.int64),
        playlists=np.where(known, playlists, -1),
    )
    rows = np.repeat(np.arange(high - low), np.diff(truth))
    return query, rows, questions.truth[truth[0] : truth[-1]].astype(np.int64)


@torch.no_grad()
def _scores(model: Recommender, query: Query) -> Tensor:
    scores = model.score(query)
    return mask_seeds(scores, _on(scores, query.rows), _on(scores, query.tracks))


def _ranked(model: Recommender, scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    try:
        return top_k(scores, k)
    except ValueError:  # k is right, so it is a NaN
        raise RunError(f"model {model.name} gave a score that is not a number; was its training finite?") from None


def _hits(indices: Tensor, truth_rows: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], n_tracks: int) -> Tensor:
    """(batch, depth) whether the track at each rank is in the truth."""
    known = _on(indices, np.sort(truth_rows * n_tracks + truth))
    keys = torch.arange(len(indices), device=indices.device)[:, None] * n_tracks + indices
    found = torch.searchsorted(known, keys).clamp_(max=len(known) - 1)
    return (known[found] == keys) & (indices >= 0)  # an index of -1 would be the last track of the row before


def _negatives(
    query: Query,
    truth_rows: npt.NDArray[np.int64],
    truth: npt.NDArray[np.int64],
    n_tracks: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each truth, its row and one track drawn uniformly from those that are neither seed nor truth there.

    One random number a truth, in order, whatever the batch: the r-th free track is found by counting the taken
    ones before it, so nothing is drawn twice.
    """
    keys = np.unique(np.concatenate([query.rows * n_tracks + query.tracks, truth_rows * n_tracks + truth]))
    rows, tracks = keys // n_tracks, keys % n_tracks
    counts = np.bincount(rows, minlength=len(query))
    start = np.cumsum(counts) - counts
    free_before = tracks - (np.arange(len(keys)) - start[rows])  # free tracks of the row that precede a taken one
    draw = (rng.random(len(truth)) * (n_tracks - counts)[truth_rows]).astype(np.int64)
    possible = counts[truth_rows] < n_tracks
    truth_rows, draw = truth_rows[possible], draw[possible]
    wide = n_tracks + 1
    taken = np.searchsorted(rows * wide + free_before, truth_rows * wide + draw, side="right") - start[truth_rows]
    return truth_rows, draw + taken


def _on(like: Tensor, array: npt.NDArray[np.int64]) -> Tensor:
    return torch.tensor(array, device=like.device)
