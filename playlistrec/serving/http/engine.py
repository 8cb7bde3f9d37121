"""Requests resolved against the data, and recommendations in the command line's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

import numpy as np

from ...corpus.corpus import Corpus
from ...models.base import Query
from ..batch import Batch
from ..explain import explain, why_cold
from ..listing import records
from ..lookup.playlists import PlaylistIndex
from ..lookup.suggest import Suggestions
from ..recommender import RecommendationService, RecommendOptions
from ..vectors import Embeddings
from .catalogue import Catalogue
from .requests import RecommendRequest
from .settings import LIMITS

__all__ = ["Engine", "ResolvedRequest", "ServedRun"]


class ServedRun(Protocol):
    """The part of a run that a server needs."""

    @property
    def info(self) -> dict[str, Any]: ...

    def service(self, device: str = "auto") -> RecommendationService: ...

    def embeddings(self, *, device: str = "auto") -> Embeddings: ...

    def playlist_queries(self, history: Corpus) -> Query: ...


@dataclass(frozen=True, eq=False)
class ResolvedRequest:
    """A request, its tracks found.

    Attributes:
        seeds: rows of tracks to ask with.
        playlist: the row of a playlist that the model knows, or -1.
        taken: rows that are not to be recommended.
        about: the query as the answer names it.
        warnings: what is not as it was named.
    """

    seeds: list[int]
    playlist: int
    title: str | None
    options: RecommendOptions
    taken: list[int]
    explain: bool
    about: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class Engine:
    """A run that answers. All that it looks up again and again is made once, by :meth:`warm`."""

    def __init__(self, run: ServedRun) -> None:
        self.run = run
        self.service = run.service("cpu")
        self.history = self.service.history
        self.playlist_names = PlaylistIndex(self.history)
        self.suggestions = Suggestions(self.history)
        self.batch = Batch(self.service, RecommendOptions(), most_k=LIMITS.k)
        self.catalogue = Catalogue(self.service, self.service.index, lambda: self.playlists, lambda: self.embeddings)

    @cached_property
    def playlists(self) -> Query:
        """A query for each playlist of the data."""
        return self.run.playlist_queries(self.history)

    @cached_property
    def embeddings(self) -> Embeddings:
        """The vectors by which tracks are alike. Raises ConfigError where the model has none."""
        return self.run.embeddings(device="cpu")

    def warm(self) -> None:
        """Make what every answer needs, before there are workers, so that they share it."""
        self.suggestions.search("a", 1)
        row = int(np.argmax(self.history.popularity))
        uri = self.service.known.uris[row]
        self.service.artists.rows("")
        requests = (
            RecommendRequest(tracks=[uri], explain=True, dislike=[uri], diversity=0.5),
            RecommendRequest(playlist=self.history.playlists["pid"][0].as_py()),
        )
        self.answers([self.asked(request) for request in requests])
        if self.service.model.has_vectors:
            _ = self.embeddings.directions

    def at_once(self, request: RecommendRequest) -> bool:
        """True if nothing in the request has to be searched for."""
        named = [*(request.tracks or ()), *request.exclude_tracks, *request.dislike]
        return not request.exclude_artists and self.catalogue.knows(named)

    def asked(self, request: RecommendRequest) -> ResolvedRequest:
        """Find what a request names. Raises ConfigError for options, DataError for what the data does not have."""
        request.check()
        warnings: list[str] = []
        dislike = self.catalogue.find(request.dislike, warnings)
        options = RecommendOptions(
            k=request.k,
            exclude_artists=self.service.artists.all_of(request.exclude_artists),
            max_per_artist=request.max_per_artist,
            diversity=request.diversity,
            popularity=request.popularity,
            dislike=tuple(track for _, taken in dislike for track in taken),
        )
        taken = [track for _, tracks in self.catalogue.find(request.exclude_tracks, warnings) for track in tracks]
        if request.playlist is not None:
            row = self.playlist_names.find(request.playlist)
            query = self.playlists.take(row, row + 1)
            title = (query.titles or (None,))[0]
            seeds = query.tracks.tolist()
            about: dict[str, Any] = {"playlist": str(request.playlist)}
            playlist = int(query.playlists[0])
            taken += seeds
        else:
            found = self.catalogue.find(request.tracks or [], warnings)
            seeds, title, playlist = [seed for seed, _ in found], request.title, -1
            taken += [track for _, tracks in found for track in tracks]
            about = {} if title is None else {"title": title}
            about["tracks"] = self.service.known.uris[seeds].tolist()
        return ResolvedRequest(seeds, playlist, title, options, taken, request.explain, about, warnings)

    def answers(self, asked: Sequence[ResolvedRequest]) -> list[dict[str, Any]]:
        """The answer to each, all scored together."""
        titled = any(one.title for one in asked)
        query = Query.of(
            [one.seeds for one in asked],
            [one.playlist for one in asked],
            [one.title or "" for one in asked] if titled else None,
        )
        rows = np.repeat(np.arange(len(asked)), [len(one.taken) for one in asked])
        taken = np.array([track for one in asked for track in one.taken], dtype=np.int64)
        lists = self.service.recommend(query, [one.options for one in asked], (rows, taken))
        described = iter(self.history.describe(np.concatenate([best.tracks for best in lists])))
        answers = []
        for one, best in zip(asked, lists):
            because = explain(self.history, np.array(one.seeds, np.int64), best.tracks) if one.explain else None
            warnings = list(one.warnings)
            if best.cold:
                warnings.append(why_cold(self.service.model.name, len(one.seeds), one.title))
            items = records(self.history, best, because, list(islice(described, len(best.tracks))))
            answers.append({"query": one.about, "cold": best.cold, "items": items, "warnings": warnings})
        return answers
