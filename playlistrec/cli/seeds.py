"""Queries from the seeds that a user names on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..config import require
from ..corpus.contexts import CONTEXTS
from ..errors import DataError
from .console import Screen

if TYPE_CHECKING:
    from ..corpus.corpus import Corpus
    from ..experiment.runs import Run
    from ..models.base import Query
    from ..serving.lookup.locating import Located
    from ..serving.recommender import RecommendationService

__all__ = [
    "ResolvedQuery",
    "among_of",
    "in_contexts",
    "named_tracks",
    "query_from_base",
    "query_of_playlist",
    "query_of_tracks",
]

REMARKS = 3
"""Warnings about single tracks that are shown in full; the rest are counted."""


class ResolvedQuery(NamedTuple):
    """A query, and what goes with it.

    Attributes:
        taken: rows of tracks that are not to be recommended.
        shown: the query, for a program that reads the result.
    """

    query: Query
    taken: list[int]
    shown: dict[str, Any]


def query_of_playlist(run: Run, text: str) -> ResolvedQuery:
    """A playlist of the data. All that it holds is taken, what was hidden from the model too."""
    from ..serving.lookup.playlists import PlaylistIndex

    corpus = run.data.corpus
    row = PlaylistIndex(corpus).find(text)
    pid = corpus.playlists["pid"][row].as_py()
    query = run.query(playlist=pid)
    return ResolvedQuery(query, [*query.tracks.tolist(), *corpus.playlist(row).tolist()], {"playlist": pid})


def query_of_tracks(
    screen: Screen,
    run: Run,
    service: RecommendationService,
    tracks: Sequence[str],
    file: Path | None,
    title: str | None,
) -> ResolvedQuery:
    """A new playlist: tracks, a file, a title."""
    located = named_tracks(screen, service, tracks)
    if file is not None:
        more, title = _in_file(screen, service, file, title, alone=not located)
        located = located + more
    return _resolved(run, service, located, title)


def query_from_base(screen: Screen, base: Run, service: RecommendationService, data: Path, text: str) -> ResolvedQuery:
    """A playlist of one's own data folder, its tracks looked for among those of the run ``base``."""
    from ..experiment.data import Data
    from ..serving.lookup.playlists import PlaylistIndex

    corpus = Data.load(data).corpus
    row = PlaylistIndex(corpus).find(text)
    title = (corpus.titles([row]) or [""])[0]  # type: ignore[arg-type]
    name = title or f"playlist {text}"
    with screen.events() as on_event:
        from ..serving.lookup.locating import locate

        located = locate(service.index, _entries(corpus, row), on_event)
    found = sum(seed.track in seed.taken for seed in located)
    stand_ins = sum(seed.track >= 0 for seed in located) - found
    summary = f"{found} of the {len(located)} tracks of {name} are in {base.path} ({found / max(len(located), 1):.0%})"
    if stand_ins:
        summary += f"; their artists stand in for {stand_ins} more"
    if not found + stand_ins:
        raise DataError(f"{summary}: there is nothing to recommend by")
    screen.message(summary)
    return _resolved(base, service, located, title or None)


def in_contexts(run: Run, query: Query, given: Sequence[str]) -> Query:
    """The query in contexts such as ``hour=9``. Raises ConfigError for one that the run's model does not have."""
    has = [name for name in str(run.info["options"].get("context", "")).split(",") if name in CONTEXTS]
    codes = {}
    for text in given:
        name, _, value = text.partition("=")
        require(name in has, "context", f"one of {', '.join(has)}" if has else "left out: this model has none", name)
        code = int(value) if value.isdecimal() else {"false": 0, "true": 1}.get(value.lower(), -1)
        require(0 <= code < CONTEXTS[name], f"context {name}", f"a whole number from 0 to {CONTEXTS[name] - 1}", value)
        codes[name] = np.full(len(query), code)
    return replace(query, contexts=codes)


def among_of(screen: Screen, service: RecommendationService, file: Path | None) -> tuple[int, ...] | None:
    """The rows of the tracks of a file, which alone may be recommended; None without a file."""
    if file is None:
        return None
    return tuple(row for seed in _in_file(screen, service, file, None, alone=True)[0] for row in seed.taken)


def named_tracks(screen: Screen, service: RecommendationService, tracks: Sequence[str]) -> list[Located]:
    """The tracks that were named one by one. Raises DataError for one that is not in the data."""
    from ..serving.lookup.locating import locate_all

    return locate_all(service.index, tracks, screen.warn) if tracks else []


def _resolved(run: Run, service: RecommendationService, located: Sequence[Located], title: str | None) -> ResolvedQuery:
    query = run.query(tracks=[seed.track for seed in located if seed.track >= 0], title=title)
    uris = service.history.track_table["uri"].take(query.tracks).to_pylist()
    shown = ({} if title is None else {"title": title}) | {"tracks": uris}
    return ResolvedQuery(query, [row for seed in located for row in seed.taken], shown)


def _in_file(
    screen: Screen, service: RecommendationService, file: Path, title: str | None, *, alone: bool
) -> tuple[list[Located], str | None]:
    """The seeds and the title of a file; a warning has what is not as it was named."""
    from ..serving.lookup.locating import locate
    from ..serving.lookup.playlist_file import read_playlist

    playlist = read_playlist(file, title)
    title = playlist.title if title is None else title
    for remark in playlist.remarks:
        screen.warn(remark)
    if playlist.left_out:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in playlist.left_out.items())
        screen.warn(f"left out of {file.name}: {reasons}")
    with screen.events() as on_event:
        found = locate(service.index, playlist.entries, on_event)
    missing = [seed.remark for seed in found if seed.track < 0]
    if len(missing) == len(found) and alone and title is None:
        raise DataError(f"none of the {len(found)} tracks of {file.name} is in the data; the first: {missing[0]}")
    remarks = [seed.remark for seed in found if seed.remark is not None]
    for remark in remarks[:REMARKS]:
        screen.warn(remark)
    if len(remarks) > REMARKS:
        screen.warn(f"and so on: {len(remarks)} of the {len(found)} tracks of {file.name} are not as it has them")
    if missing:
        screen.warn(f"{len(missing)} of the {len(found)} tracks of {file.name} are not in the data and were left out")
    return found, title


def _entries(corpus: Corpus, row: int) -> list[Any]:
    """The distinct tracks of a playlist as a file would name them."""
    import pyarrow as pa

    from ..serving.lookup.playlist_file import Entry

    rows = list(dict.fromkeys(corpus.playlist(row).tolist()))
    taken = corpus.track_table.take(pa.array(rows, pa.int64()))
    codes = taken["isrc"].to_pylist() if "isrc" in taken.column_names else [None] * len(rows)
    uris = corpus.artists["uri"].take(taken["artist"]).to_pylist()
    return [
        Entry(track["track_uri"], track["track_name"], track["artist_name"], artist, isrc=isrc)
        for track, artist, isrc in zip(corpus.describe(rows), uris, codes)  # type: ignore[arg-type]
    ]
