"""Find the tracks of the data that the entries of a playlist file stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ...events import Event, OnEvent, ignore
from .named import Found, NamedTrack, find_named
from .names import name_keys
from .playlist_file import Entry
from .search import Match, TrackIndex
from .seeds import rows_of, track_rows

__all__ = ["Located", "locate", "locate_all"]

AT_ONCE = 50
"""Entries between two lines of progress."""


class Located(NamedTuple):
    """The result of locating one entry.

    Attributes:
        track: the row to ask with, -1 where there is none.
        taken: the rows that are this track, not to be recommended.
        remark: what the person should know: that a name was only alike, what stands in, or why there is none.
    """

    track: int
    taken: tuple[int, ...]
    remark: str | None


def locate(index: TrackIndex, entries: Sequence[Entry], on_event: OnEvent = ignore) -> list[Located]:
    """Find each entry by its uri, its ISRC, or its artist and title.

    Where the artist has no such track, the artist's most popular one stands in; no other artist's ever does. An entry
    that states no artist is looked for by all it says.

    Args:
        index: its popularity is that among playlists that may be learned from.
    """
    own = _by_code(index, entries)
    located: dict[int, Located] = {
        i: _placed(index, entries[i], int(own[i])) for i in np.flatnonzero(own >= 0).tolist()
    }
    left = [i for i in range(len(entries)) if i not in located]
    for low in range(0, len(left), AT_ONCE):
        part = left[low : low + AT_ONCE]
        located |= zip(part, _by_name(index, [entries[i] for i in part]))
        on_event(Event("progress", "finding tracks", {"done": low + len(part), "total": len(left)}))
    return [located[i] for i in range(len(entries))]


def locate_all(index: TrackIndex, texts: Sequence[str], warn: Callable[[str], None]) -> list[Located]:
    """Tracks that were named one by one. Raises DataError for one that is not there; ``warn`` gets the remarks."""
    if not texts:
        return []
    located = locate(index, [Entry.of(text) for text in texts])
    for track in located:
        if track.track < 0:
            raise DataError(str(track.remark))
        if track.remark is not None:
            warn(track.remark)
    return located


def _by_name(index: TrackIndex, entries: Sequence[Entry]) -> list[Located]:
    """Entries that no code finds: those with an artist among that artist's tracks, others by all they say."""
    found: dict[int, Found] = {}
    texts: dict[int, Match | DataError] = {}
    if index.has_names:
        named = [i for i, entry in enumerate(entries) if entry.name and (entry.artist or entry.artist_uri)]
        found = dict(zip(named, find_named(index.names, _named(index, [entries[i] for i in named]))))
    exact = {i for i, one in found.items() if one.track >= 0 and not one.fuzzy}
    typed = [i for i, entry in enumerate(entries) if entry.name and i not in exact and not _states_artist(entry)]
    texts = dict(zip(typed, index.find_all([entries[i].names[0] for i in typed])))
    return [
        _typed(index, entry, texts[i], found.get(i))
        if i in texts
        else _found(index, entry, found[i])
        if i in found
        else _uri_alone(index, entry)
        for i, entry in enumerate(entries)
    ]


def _by_code(index: TrackIndex, entries: Sequence[Entry]) -> npt.NDArray[np.int64]:
    """(n,) the row of each entry's uri, or else of its ISRC; -1 where there is none."""
    table = index.corpus.track_table
    rows = track_rows(index.corpus, [entry.uri for entry in entries])
    if "isrc" in table.column_names:
        rows = np.where(rows >= 0, rows, rows_of(table["isrc"], [entry.isrc for entry in entries]))
    return rows


def _states_artist(entry: Entry) -> bool:
    """True if the artist stands apart, and is not what comes first in a text that a person typed."""
    if not entry.artist:
        return bool(entry.artist_uri)
    if not entry.uri:
        return True
    text, joined = name_keys(pa.array([entry.uri, f"{entry.artist} - {entry.name}"])).to_pylist()
    return bool(text != joined)


def _named(index: TrackIndex, entries: Sequence[Entry]) -> list[NamedTrack]:
    rows = rows_of(index.corpus.artists["uri"], [entry.artist_uri for entry in entries]).tolist()
    return [
        NamedTrack(entry.name or "", entry.artist or "", (row,) if row >= 0 else ())
        for entry, row in zip(entries, rows)
    ]


def _uri_alone(index: TrackIndex, entry: Entry) -> Located:
    """An entry without a name, or where the data has none."""
    artists = tuple(row for row in rows_of(index.corpus.artists["uri"], [entry.artist_uri]).tolist() if row >= 0)
    return _stand_in(index, entry, artists, f"no track has the uri {(entry.uri or entry.isrc or '')!r}")


def _typed(index: TrackIndex, entry: Entry, match: Match | DataError, found: Found | None) -> Located:
    """An entry that a person typed, in which an artist may come first."""
    if isinstance(match, DataError):
        return _stand_in(index, entry, found.artists if found and not found.fuzzy else (), str(match))
    remark = f"took {index.describe(match.track)} for {entry.names[0]!r}" if match.fuzzy else None
    return _placed(index, entry, match.track, remark)


def _found(index: TrackIndex, entry: Entry, found: Found) -> Located:
    """An entry whose artist is stated."""
    if found.track < 0:
        return _stand_in(
            index, entry, found.artists, f"no track is called {str(entry)!r}, nor is its artist in the data"
        )
    remark = f"took {index.describe(found.track)} for {str(entry)!r}" if found.fuzzy else None
    return _placed(index, entry, found.track, remark)


def _placed(index: TrackIndex, entry: Entry, own: int, remark: str | None = None) -> Located:
    """A track of the data; one that no playlist holds is replaced by another version of it, or by its artist."""
    if index.popularity[own] > 0:
        return Located(own, (own,), remark)
    _, same = index.names.songs.same(np.array([own]))
    twin = index.names.best(same)
    if index.popularity[twin] > 0:
        return Located(twin, (own, twin), remark)
    artist = int(index.corpus.track_artist[own])
    why = f"{index.describe(own)} is in no playlist, nor is its artist"
    return _stand_in(index, entry, (artist,) if artist >= 0 else (), why, own)


def _stand_in(index: TrackIndex, entry: Entry, artists: tuple[int, ...], why: str, own: int = -1) -> Located:
    """The most popular track of the first artist who has one. It is not the entry, and may be recommended."""
    taken = (own,) if own >= 0 else ()
    row = index.names.top(artists) if artists else -1
    if row < 0:
        return Located(-1, taken, why)
    return Located(row, taken, f"{str(entry)!r} is in no playlist: {index.describe(row)} stands in for it")
