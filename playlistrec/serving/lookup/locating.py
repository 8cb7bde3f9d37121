"""Find the tracks of the data that the entries of a playlist file stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from .playlist_file import Entry
from .search import TrackIndex
from .seeds import ARTIST, UNKNOWN, resolve

__all__ = ["Located", "locate"]


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


def locate(index: TrackIndex, entries: Sequence[Entry]) -> list[Located]:
    """Find each entry by its uri or else by its name; one that is not in the data is placed through its artist.

    Args:
        index: its popularity is that among playlists that may be learned from.
    """
    uris, remarks = [], []
    for entry in entries:
        uri, remark = _uri(index, entry)
        uris.append(uri)
        remarks.append(remark)
    seeds = resolve(
        index.corpus,
        index.popularity.astype(np.int64),
        uris,
        artist_uris=[entry.artist_uri for entry in entries],
        artist_names=[entry.artist for entry in entries],
        names=[entry.name for entry in entries],
    )
    located = []
    for entry, remark, row, by, own in zip(entries, remarks, seeds.rows.tolist(), seeds.by, seeds.own.tolist()):
        if by == ARTIST:
            remark = f"{str(entry)!r} is in no playlist: {index.describe(row)} stands in for it"
        elif by == UNKNOWN and own >= 0:
            remark = f"{index.describe(own)} is in no playlist, nor is its artist"
        rows = (own, -1 if by == ARTIST else row)
        located.append(Located(row, tuple(dict.fromkeys(r for r in rows if r >= 0)), remark))
    return located


def _uri(index: TrackIndex, entry: Entry) -> tuple[str, str | None]:
    """The uri in the data, or else the entry's own, and what is to be said of that."""
    uri = entry.uri or ""
    if pc.index(index.corpus.track_table["uri"], pa.scalar(uri, pa.string())).as_py() >= 0:
        return uri, None
    why = f"no track has the uri {uri!r}"
    for name in entry.names:
        try:
            match = index.find(name)
        except DataError as error:
            why = str(error)
            continue
        found = index.corpus.track_table["uri"][match.track].as_py()
        return found, f"took {index.describe(match.track)} for {name!r}" if match.fuzzy else None
    return uri, why
