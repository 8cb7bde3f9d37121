"""The one way from a query to its best tracks: scores, popularity for cold queries, excluded tracks, the first k."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import RunError
from ..models.base import Query, Recommender
from .topk import mask_seeds, top_k

__all__ = ["Candidates", "candidate_scores", "on", "ranked", "recommend"]

Rows = npt.NDArray[np.int64]
Pairs = tuple[Rows, Rows]


class Candidates(NamedTuple):
    """The scores of all tracks for some queries.

    Attributes:
        scores: (batch, n_tracks), ``-inf`` for tracks that are not to be recommended.
        cold: (batch,) True for a query of which nothing is known: its scores are the tracks' popularity.
    """

    scores: Tensor
    cold: npt.NDArray[np.bool_]


@torch.no_grad()
def candidate_scores(
    model: Recommender,
    query: Query,
    *,
    history: Corpus | None = None,
    excluded: Pairs | None = None,
    rank_all: bool = False,
) -> Candidates:
    """Score all tracks for each query.

    Args:
        history: the entries that the model knows when it ranks: a cold query gets their popularity. None leaves what
            the model gives.
        excluded: rows of queries and tracks that are not to be recommended; None: the seeds.
        rank_all: tracks that the model cannot rank get the lowest score in place of ``-inf``.
    """
    scores = model.score(query)
    cold = np.zeros(len(query), dtype=bool) if history is None else model.cold(query)
    if history is not None and cold.any():
        scores[on(scores, np.flatnonzero(cold))] = on(scores, history.popularity).to(scores)
    if rank_all:
        scores = scores.clamp_(min=torch.finfo(scores.dtype).min)
    rows, tracks = (query.rows, query.tracks) if excluded is None else excluded
    return Candidates(mask_seeds(scores, on(scores, rows), on(scores, tracks)), cold)


def ranked(model: Recommender, scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """:func:`~.topk.top_k`. Raises RunError where the model gave a NaN."""
    try:
        return top_k(scores, k)
    except ValueError:  # k is right, so it is a NaN
        raise RunError(f"model {model.name} gave a score that is not a number; was its training finite?") from None


def recommend(
    model: Recommender, query: Query, k: int, *, history: Corpus | None = None
) -> tuple[Rows, npt.NDArray[np.float32]]:
    """The ``k`` best tracks for each query that are not among its seeds, and their scores, best first.

    Args:
        history: as of :func:`candidate_scores`.

    Returns:
        indices and scores, both (batch, k); where fewer than ``k`` tracks can be ranked the rest is -1 and ``-inf``.

    Raises:
        ConfigError: ``k`` is below 1.
        RunError: the model gave a NaN.
    """
    require(k >= 1, "k", "at least 1", k)
    values, indices = ranked(model, candidate_scores(model, query, history=history).scores, k)
    return indices.cpu().numpy(), values.float().cpu().numpy()


def on(like: Tensor, array: npt.NDArray[np.int64]) -> Tensor:
    """The array as a tensor on the device of ``like``."""
    return torch.tensor(array, device=like.device)
