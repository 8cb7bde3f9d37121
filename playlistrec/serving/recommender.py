"""Asking a model: the best tracks for a playlist, less what is not wanted, and no two too much alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from ..config import require
from ..corpus.corpus import Corpus, Ints
from ..models.base import Query, Recommender
from ..rank.evaluation import on, ranked
from ..rank.topk import mask_seeds
from .lookup.artists import ArtistIndex
from .lookup.seeds import Seeds, resolve
from .rerank import Similarity, first_of_each, mmr

__all__ = ["Answer", "RecommendOptions", "RecommendationService"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Pairs = tuple[Rows, Rows]

CANDIDATES = 10
"""From how many times ``k`` of the best tracks a diverse list is chosen."""


@dataclass(frozen=True, kw_only=True)
class RecommendOptions:
    """What a list of recommendations is to be like. The filters go first: of what they leave, the ``k`` best.

    Attributes:
        k: how many.
        without: rows of artists; none of their tracks.
        max_per_artist: at most so many tracks of an artist; None: any number.
        diversity: 0, the best tracks, to 1, those least alike: see :func:`~.diversify.mmr`, which chooses among the
            ``10 k`` best.
    """

    k: int = 10
    without: tuple[int, ...] = ()
    max_per_artist: int | None = None
    diversity: float = 0.0

    def __post_init__(self) -> None:
        require(self.k >= 1, "k", "at least 1", self.k)
        require(
            self.max_per_artist is None or self.max_per_artist >= 1, "max_per_artist", "at least 1", self.max_per_artist
        )
        require(0 <= self.diversity <= 1, "diversity", "between 0 and 1", self.diversity)

    @property
    def plain(self) -> bool:
        """Whether this is the ranking as it stands."""
        return self.max_per_artist is None and not self.diversity


class Answer(NamedTuple):
    """What was found for one query.

    Attributes:
        tracks: (n,) rows, at most the ``k`` asked for, in the order of recommendation.
        scores: (n,) the model's.
        cold: whether nothing was known of the playlist, so that these are the most popular tracks, scored by the number
            of playlists that hold them.
    """

    tracks: Rows
    scores: Floats
    cold: bool


class RecommendationService:
    """A model with what it takes to answer many queries, each part built when it is first needed.

    Args:
        known: what the model knows when it ranks.
    """

    def __init__(self, model: Recommender, known: Corpus) -> None:
        self.model, self.known = model, known
        self.artists = ArtistIndex(known)
        self.similarity = Similarity(model, known)

    @torch.no_grad()
    def answer(self, query: Query, wishes: Sequence[RecommendOptions], taken: Pairs | None = None) -> list[Answer]:
        """An answer to each query, with its own wishes.

        Args:
            taken: what is not to be recommended: queries and tracks, one array each; None: the seeds.

        Raises RunError where the model gives a NaN.
        """
        cold = self.model.cold(query)
        scores = self.model.score(query)
        if cold.any():
            scores[on(scores, np.flatnonzero(cold))] = on(scores, self.known.popularity).to(scores)
        mask_seeds(scores, *(on(scores, array) for array in taken or (query.rows, query.tracks)))
        for row, wish in enumerate(wishes):
            for artist in wish.without:
                scores[row, on(scores, self._by_artist[artist])] = -torch.inf
        tracks, values = self._best(scores, max((wish.k for wish in wishes if wish.plain), default=1))
        found = (tracks >= 0).sum(1).tolist()
        answers = []
        for row, wish in enumerate(wishes):
            n = min(wish.k, found[row])
            chosen = (tracks[row, :n], values[row, :n]) if wish.plain else self._chosen(scores[row : row + 1], wish)
            answers.append(Answer(*chosen, bool(cold[row])))
        return answers

    def answer_one(self, query: Query, wishes: RecommendOptions, taken: Sequence[int] | None = None) -> Answer:
        """The answer to a single query; ``taken`` are the tracks that are not to be recommended."""
        tracks = None if taken is None else np.array(taken, dtype=np.int64)
        return self.answer(query, [wishes], None if tracks is None else (np.zeros_like(tracks), tracks))[0]

    def _best(self, scores: Tensor, k: int) -> tuple[Rows, Floats]:
        values, tracks = ranked(self.model, scores, min(k, scores.shape[1]))
        return tracks.cpu().numpy(), values.float().cpu().numpy()

    def _chosen(self, scores: Tensor, wish: RecommendOptions) -> tuple[Rows, Floats]:
        """The answer to one query (scores (1, n_tracks)): ranked deeper until the filter leaves enough."""
        wanted = wish.k * (CANDIDATES if wish.diversity else 1)
        depth = wanted
        while True:
            tracks, values = (best[0] for best in self._best(scores, depth))
            kept = tracks >= 0
            if wish.max_per_artist is not None:
                kept &= first_of_each(self.known.track_artist[tracks], wish.max_per_artist)
            if kept.sum() >= wanted or depth >= scores.shape[1]:
                break
            depth *= 4
        tracks, values = tracks[kept][:wanted], values[kept][:wanted]
        if wish.diversity:
            order = mmr(values, self.similarity.among(tracks), wish.k, wish.diversity)
            tracks, values = tracks[order], values[order]
        return tracks, values

    def placed(self, tracks: Ints) -> Seeds:
        """What to ask with for some tracks of the data: those never seen are placed through their artist."""
        rows = pa.array(tracks, pa.int64())
        table = self.known.track_table
        names = table["name"].take(rows).to_pylist() if "name" in table.column_names else None
        return resolve(self.known, self.known.popularity, table["uri"].take(rows).to_pylist(), names=names)

    @cached_property
    def _by_artist(self) -> list[Rows]:
        """The tracks of each artist."""
        artists = self.known.track_artist
        order = np.argsort(artists, kind="stable")
        bounds = np.searchsorted(artists[order], np.arange(self.known.n_artists + 1))
        return np.split(order, bounds)[1:-1]
