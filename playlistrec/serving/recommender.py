"""A model that recommends: the best tracks for a playlist, filtered, and no two too much alike."""

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
from ..corpus.songs import Songs
from ..models.base import Query, Recommender
from ..rank.recommend import candidate_scores, on, ranked
from .lookup.artists import ArtistIndex
from .lookup.known import KnownTracks
from .lookup.search import TrackIndex
from .lookup.seeds import Seeds, resolve
from .rerank import Similarity, first_of_each, leaning, mmr

__all__ = ["RecommendOptions", "RecommendationService", "Recommendations"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Pairs = tuple[Rows, Rows]

CANDIDATES = 10
"""From how many times ``k`` of the best tracks a reranked list is chosen."""


@dataclass(frozen=True, kw_only=True)
class RecommendOptions:
    """Options of one list of recommendations. The filters go first: of what they leave, the ``k`` best.

    Attributes:
        k: how many.
        among: rows of the only tracks that are recommended; None: any.
        exclude_artists: rows of artists none of whose tracks are recommended.
        max_per_artist: at most so many tracks of an artist; None: any number.
        diversity: 0, the best tracks, to 1, those least alike: see :func:`~.rerank.mmr`, which chooses among the
            ``10 k`` best.
        popularity: -1, the rarest of the ``10 k`` best first, to 1, the most popular first: see
            :func:`~.rerank.leaning`.
        dislike: rows of tracks that are not recommended, and those like them later.
        keep_versions: recommend a song that the playlist holds as another track, and two tracks that are one song
            (see :class:`~playlistrec.corpus.songs.Songs`).
    """

    k: int = 10
    among: tuple[int, ...] | None = None
    exclude_artists: tuple[int, ...] = ()
    max_per_artist: int | None = None
    diversity: float = 0.0
    popularity: float = 0.0
    dislike: tuple[int, ...] = ()
    keep_versions: bool = False

    def __post_init__(self) -> None:
        require(self.k >= 1, "k", "at least 1", self.k)
        require(
            self.max_per_artist is None or self.max_per_artist >= 1, "max_per_artist", "at least 1", self.max_per_artist
        )
        require(0 <= self.diversity <= 1, "diversity", "between 0 and 1", self.diversity)
        require(-1 <= self.popularity <= 1, "popularity", "between -1 and 1", self.popularity)

    @property
    def plain(self) -> bool:
        """True if this is the ranking as it stands."""
        return self.max_per_artist is None and not self.reranked

    @property
    def reranked(self) -> bool:
        """True if the order is not the model's."""
        return bool(self.diversity or self.popularity or self.dislike)


class Recommendations(NamedTuple):
    """The recommendations for one query.

    Attributes:
        tracks: (n,) rows, at most ``k``, in the order of recommendation.
        scores: (n,) the model's.
        cold: True if nothing was known of the playlist: these are the most popular tracks, scored by the number of
            playlists that hold them.
    """

    tracks: Rows
    scores: Floats
    cold: bool


class RecommendationService:
    """A model that recommends for many queries; each part is built when it is first needed.

    Args:
        history: the entries that the model knows when it ranks.
        songs: which of its tracks are one song; None: made of its names when they are first needed.
    """

    def __init__(self, model: Recommender, history: Corpus, songs: Songs | None = None) -> None:
        self.model, self.history, self._songs = model, history, songs
        self.similarity = Similarity(model, history)

    @torch.no_grad()
    def recommend(
        self, query: Query, options: Sequence[RecommendOptions], excluded: Pairs | None = None
    ) -> list[Recommendations]:
        """Recommendations for each query, with options of its own.

        Args:
            excluded: rows of queries and tracks that are not to be recommended; None: the seeds.

        Raises RunError where the model gives a NaN.
        """
        merged = np.array([not option.keep_versions for option in options]) if self._has_versions else None
        if merged is not None:
            excluded = self._with_versions((query.rows, query.tracks) if excluded is None else excluded, merged)
        scores, cold = candidate_scores(self.model, query, history=self.history, excluded=excluded)
        for row, option in enumerate(options):
            if option.among is not None:
                left_out = torch.ones(scores.shape[1], dtype=torch.bool, device=scores.device)
                left_out[list(option.among)] = False
                scores[row, left_out] = -torch.inf
            for artist in option.exclude_artists:
                scores[row, on(scores, self._by_artist[artist])] = -torch.inf
            scores[row, list(option.dislike)] = -torch.inf
        depth = max((option.k for option in options if option.plain), default=1)
        tracks, values = self._best(scores, depth if merged is None else depth + depth // 4 + 1)
        lists = []
        for row, option in enumerate(options):
            kept = self._kept(tracks[row], option) if option.plain else np.zeros(0, dtype=bool)
            if kept.sum() >= option.k or (option.plain and tracks[row, -1] < 0):
                chosen = tracks[row][kept][: option.k], values[row][kept][: option.k]
            else:
                chosen = self._chosen(scores[row : row + 1], option)
            lists.append(Recommendations(*chosen, bool(cold[row])))
        return lists

    def recommend_one(
        self, query: Query, options: RecommendOptions, excluded: Sequence[int] | None = None
    ) -> Recommendations:
        """Recommendations for a single query; ``excluded`` tracks are not recommended, by default the seeds."""
        tracks = None if excluded is None else np.array(excluded, dtype=np.int64)
        return self.recommend(query, [options], None if tracks is None else (np.zeros_like(tracks), tracks))[0]

    def _best(self, scores: Tensor, k: int) -> tuple[Rows, Floats]:
        values, tracks = ranked(self.model, scores, min(k, scores.shape[1]))
        return tracks.cpu().numpy(), values.float().cpu().numpy()

    def _chosen(self, scores: Tensor, option: RecommendOptions) -> tuple[Rows, Floats]:
        """The list for one query (scores (1, n_tracks)): ranked deeper until the filters leave enough."""
        n = option.k * (CANDIDATES if option.reranked else 1)
        depth = n
        while True:
            tracks, values = (best[0] for best in self._best(scores, depth))
            kept = self._kept(tracks, option)
            if kept.sum() >= n or depth >= scores.shape[1]:
                break
            depth *= 4
        tracks, values = tracks[kept][:n], values[kept][:n]
        if option.reranked and len(tracks):
            order = self._reranked(tracks, values, option)
            tracks, values = tracks[order], values[order]
        return tracks, values

    def _reranked(self, tracks: Rows, values: Floats, option: RecommendOptions) -> npt.NDArray[np.intp]:
        """The places among the candidates of the ``k`` that are chosen, in order."""
        order, n = np.arange(len(tracks)), len(tracks)
        if option.popularity or option.dislike:
            alike = self.similarity.among(np.concatenate([tracks, np.array(option.dislike, dtype=np.int64)]))
            values = leaning(values, self.history.popularity[tracks], option.popularity, alike[:n, n:])
            order = np.argsort(-values, kind="stable")
        if option.diversity:
            return order[mmr(values[order], self.similarity.among(tracks[order]), option.k, option.diversity)]
        return order[: option.k]

    def _kept(self, tracks: Rows, option: RecommendOptions) -> npt.NDArray[np.bool_]:
        """(n,) which of some tracks, best first, go into a list: each song once, and no more of an artist than may."""
        kept = tracks >= 0
        if self._has_versions and not option.keep_versions:
            kept &= first_of_each(self.songs.song[tracks], 1)
        if option.max_per_artist is not None:
            kept[kept] = first_of_each(self.history.track_artist[tracks[kept]], option.max_per_artist)
        return kept

    def _with_versions(self, excluded: Pairs, merged: npt.NDArray[np.bool_]) -> Pairs:
        """The excluded tracks, and for queries that merge versions all tracks that are the same song."""
        rows, tracks = excluded
        places, same = self.songs.same(tracks)
        wanted = merged[rows[places]]
        return np.concatenate([rows, rows[places][wanted]]), np.concatenate([tracks, same[wanted]])

    @property
    def songs(self) -> Songs:
        """Which tracks are one song."""
        if self._songs is None:
            self._songs = Songs.of(self.history)
        return self._songs

    @cached_property
    def _has_versions(self) -> bool:
        return bool((self.songs.versions > 1).any())

    def placed(self, tracks: Ints) -> Seeds:
        """Seeds from tracks of the data: those without an entry are placed through their artist."""
        rows = pa.array(tracks, pa.int64())
        table = self.history.track_table
        names = table["name"].take(rows).to_pylist() if "name" in table.column_names else None
        return resolve(self.history, self.history.popularity, table["uri"].take(rows).to_pylist(), names=names)

    @cached_property
    def artists(self) -> ArtistIndex:
        """Finds artists by uri or name."""
        return ArtistIndex(self.history, self.songs.artists)

    @cached_property
    def index(self) -> TrackIndex:
        """Finds tracks by uri or name."""
        return TrackIndex(self.history, self.history.popularity, self.songs)

    @cached_property
    def known(self) -> KnownTracks:
        """The tracks by uri."""
        return KnownTracks(self.history)

    @cached_property
    def _by_artist(self) -> list[Rows]:
        """The tracks of each artist."""
        artists = self.history.track_artist
        order = np.argsort(artists, kind="stable")
        bounds = np.searchsorted(artists[order], np.arange(self.history.n_artists + 1))
        return np.split(order, bounds)[1:-1]
