"""A run's own manners: what a person names in, a small table out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import ConfigError
from ..rank.evaluation import BATCH_BYTES
from ..serving.given import GivenTracks, given_tracks, number, playlist_ids, texts
from ..serving.lookup.playlists import playlist_rows
from ..serving.recommender import RecommendationService, RecommendOptions
from ..serving.table import RecommendationTable

if TYPE_CHECKING:
    from .runs import Run

__all__ = ["recommend_table"]

Rows = npt.NDArray[np.int64]


def recommend_table(
    run: Run,
    service: RecommendationService,
    *,
    playlist: Any,
    tracks: Any,
    title: str | None,
    exclude_tracks: Any,
    exclude_artists: Any,
    dislike: Any,
    keep_versions: bool,
    among: Any,
    k: int,
    max_per_artist: int | None,
    diversity: float,
    popularity: float,
) -> RecommendationTable:
    """The table that :meth:`~.runs.Run.recommend` gives, which says what each argument may be."""
    options = RecommendOptions(
        k=number("k", k, whole=True),
        max_per_artist=None if max_per_artist is None else number("max_per_artist", max_per_artist, whole=True),
        diversity=number("diversity", diversity, whole=False),
        popularity=number("popularity", popularity, whole=False),
        dislike=tuple(given_tracks(service, "dislike", dislike).taken),
        keep_versions=bool(keep_versions),
        among=None if among is None else tuple(given_tracks(service, "among", among).taken),
        exclude_artists=service.artists.all_of(texts("exclude_artists", exclude_artists, "names or uris of artists")),
    )
    require(title is None or isinstance(title, str), "title", "text", title)
    left_out = given_tracks(service, "exclude_tracks", exclude_tracks).taken
    if playlist is not None and (tracks is not None or title is not None):
        raise ConfigError(
            "recommend needs either a playlist or tracks, a title or both: leave out the one or the other"
        )
    if playlist is not None and not np.isscalar(playlist):
        return _for_several(run, service, playlist_ids(playlist), options, left_out)
    if playlist is not None:
        pids = playlist_ids(playlist)
        query = run.query(playlist=pids[0])
        held = _held(run.data.corpus, playlist_rows(run.data.corpus, pids))[1]
        excluded = [*query.tracks.tolist(), *held.tolist(), *left_out]
    else:
        given = GivenTracks([], []) if tracks is None else given_tracks(service, "tracks", tracks)
        query = run.query(tracks=None if tracks is None else given.rows, title=title)
        excluded = [*given.taken, *left_out]
    found = service.recommend_one(query, options, excluded)
    return RecommendationTable(run.data.corpus, found.tracks, found.scores, cold=found.cold)


def _for_several(
    run: Run,
    service: RecommendationService,
    pids: Sequence[str | int],
    options: RecommendOptions,
    left_out: Sequence[int],
) -> RecommendationTable:
    """A row for each playlist, all scored together."""
    k = options.k
    tracks, scores = np.full((len(pids), k), -1, np.int64), np.full((len(pids), k), -np.inf, np.float32)
    cold = np.zeros(len(pids), dtype=bool)
    query, places = run.queries(pids), playlist_rows(run.data.corpus, pids)
    size = max(1, BATCH_BYTES // (4 * service.model.n_tracks))
    for low in range(0, len(pids), size):
        part = query.take(low, low + size)
        of, held = _held(run.data.corpus, places[low : low + size])
        rows = np.concatenate([part.rows, of, np.repeat(np.arange(len(part)), len(left_out))])
        excluded = rows, np.concatenate([part.tracks, held, np.tile(np.array(left_out, dtype=np.int64), len(part))])
        for row, found in enumerate(service.recommend(part, [options] * len(part), excluded), low):
            n = len(found.tracks)
            tracks[row, :n], scores[row, :n], cold[row] = found.tracks, found.scores, found.cold
    return RecommendationTable(run.data.corpus, tracks, scores, tuple(map(str, pids)), cold)


def _held(corpus: Corpus, playlists: Rows) -> tuple[Rows, Rows]:
    """The place of each playlist and all tracks that it holds, those hidden from the model too."""
    held = [corpus.playlist(row) for row in playlists.tolist()]
    return np.repeat(np.arange(len(held)), [len(tracks) for tracks in held]), np.concatenate(held).astype(np.int64)
