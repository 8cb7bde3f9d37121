"""Scores of given tracks for a playlist, where they rank, and the probability that each comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..corpus.split import EvaluationSet
from ..models.base import Recommender
from ..rank.evaluation import BATCH_BYTES, query_of
from ..rank.recommend import candidate_scores
from ..serving.given import given_tracks, playlist_ids

if TYPE_CHECKING:
    from .runs import Run

__all__ = ["score_tracks", "sharpness"]

QUERIES = 1000
"""Playlists of the validation part that the probabilities are fitted to, at most."""
ROUNDS = 40
"""Of the golden section search."""


@torch.no_grad()
def score_tracks(
    run: Run, tracks: Any, *, playlist: Any = None, seeds: Any = None, title: str | None = None, device: str = "auto"
) -> list[dict[str, Any]]:
    """A record a track: names, the model's ``score``, its ``rank`` among all candidates, and its ``probability``.

    The probability is that the track is the next one: ``softmax(β s)`` over all candidates, which are the tracks that
    the playlist does not hold. β is the one number that makes the hidden tracks of the validation part most likely
    (temperature scaling: Guo et al. 2017, section 4.2). A track that the playlist holds has neither rank nor
    probability; without a validation part none has a probability.

    Args:
        tracks: to score, by row, uri or name, one or several.
        playlist, seeds, title: whose; as ``playlist``, ``tracks`` and ``title`` of :meth:`~.runs.Run.recommend`.
    """
    service = run.service(device)
    wanted = [row for item in _each(tracks) for row in given_tracks(service, "tracks", item).taken[:1]]
    if playlist is not None and seeds is None and title is None:
        query = run.queries(playlist_ids(playlist)[:1])
        held = query.tracks.tolist()
    else:
        given = None if seeds is None else given_tracks(service, "seeds", seeds)
        query = run.query(playlist=playlist, tracks=None if given is None else given.rows, title=title)
        held = [] if given is None else given.taken
    nothing = np.zeros(0, dtype=np.int64)
    values = candidate_scores(service.model, query, history=run.history, excluded=(nothing, nothing)).scores[0].float()
    candidates = torch.isfinite(values)
    candidates[held] = False
    beta = _sharpness_of(run, device)
    shares = None if beta is None else torch.softmax((beta * values).masked_fill(~candidates, -torch.inf), 0)
    records: list[dict[str, Any]] = []
    for row, names in zip(wanted, run.data.corpus.describe(np.array(wanted, dtype=np.int64))):
        counts = bool(candidates[row])
        better = (values > values[row]) | (
            (values == values[row]) & (torch.arange(len(values)) < row).to(values.device)
        )
        about = {
            "score": float(values[row]),
            "rank": int((better & candidates).sum()) + 1 if counts else None,
            "probability": float(shares[row]) if counts and shares is not None else None,
        }
        records.append({**names, **about})
    return records


def _each(tracks: Any) -> list[Any]:
    from ..serving.given import TRACK_RULE, listed

    return listed("tracks", tracks, TRACK_RULE)


def _sharpness_of(run: Run, device: str) -> float | None:
    queries = run.data.split.evaluation_set(run.data.corpus, "valid")
    return sharpness(run.recommender("valid", device=device), queries) if len(queries) else None


def sharpness(model: Recommender, queries: EvaluationSet) -> float:
    """The β > 0 that maximises the mean of ``ln softmax(β s)`` of the hidden tracks, over the tracks that are no seeds.

    It is concave in β; by golden section search over its logarithm, on at most a thousand queries or 32 MB of scores.
    """
    sample = queries.sample(min(QUERIES, max(16, BATCH_BYTES // (4 * model.n_tracks))))
    scores = candidate_scores(model, query_of(sample, 0, len(sample))).scores.float()
    rows = torch.from_numpy(np.repeat(np.arange(len(sample)), np.diff(sample.truth_offsets))).to(scores.device)
    truth = torch.from_numpy(sample.truth.astype(np.int64)).to(scores.device)
    ranked = scores[rows, truth].isfinite()
    rows, truth = rows[ranked], truth[ranked]
    spread = float(scores[scores.isfinite()].std()) if len(rows) else 0.0
    if not spread > 0:
        return 1.0

    def loss(log_beta: float) -> float:
        scaled: Tensor = scores * float(np.exp(log_beta))
        return float((scaled.logsumexp(1)[rows] - scaled[rows, truth]).mean())

    low, high = (float(np.log(factor / spread)) for factor in (1e-3, 1e3))
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(ROUNDS):
        one, other = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, other) if loss(one) < loss(other) else (one, high)
    return float(np.exp((low + high) / 2))
