"""AOTM-2011 (Art of the Mix): ``aotm2011_playlists.json``, a list of mixes with the songs as people wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....events import Event
from ...corpus import Corpus
from ..formats import Format, Place, Request, suffix, summarise
from ..moments import moments
from ..named_tracks import NamedTracks
from .building import corpus_of_lists, left_out
from .json_file import decoded

__all__ = ["FORMAT"]


class Mix(msgspec.Struct, gc=False):
    """A mix, as the file has it; an entry is ``[[artist, title], song id or null]``."""

    mix_id: int | str
    playlist: list[tuple[list[str | None] | None, str | None] | None]
    category: str | None = None
    timestamp: str | None = None


def _files(place: Place) -> list[Path]:
    return [path for path in place.files if suffix(path) == ".json" and '"mix_id"' in place.head(path)]


def _read(request: Request) -> tuple[Corpus, None]:
    """Read the mixes: each song by its id, one without by its artist and title. The category is the description."""
    files = _files(request.place) or request.place.files
    mixes: list[Mix] = []
    for done, path in enumerate(files, 1):
        mixes += decoded(path, list[Mix])
        request.on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    mixes = mixes[: request.limit]
    entries = [
        [e for e in mix.playlist if e and (e[1] or (e[0] and len(e[0]) > 1 and e[0][1]))] for mix in mixes
    ]  # an entry without an id needs a title
    lengths = np.array(list(map(len, entries)), dtype=np.int64)
    given = sum(len(mix.playlist) for mix in mixes)
    left_out(request.on_event, given - int(lengths.sum()), "entries without a song")
    tracks = _tracks([entry for kept in entries for entry in kept])
    stamps, _ = moments(pa.array([mix.timestamp or "" for mix in mixes], pa.string()))
    table = pa.table(
        {
            "pid": pa.array([str(mix.mix_id) for mix in mixes], pa.string()),
            "description": pa.array([mix.category for mix in mixes], pa.string()),
            "modified_at": stamps.cast(pa.int64(), safe=False),
        }
    )
    corpus = corpus_of_lists(lengths, tracks["uri"].combine_chunks(), table, tracks, ordered=True)
    summarise(request.on_event, len(mixes), files, corpus, "mix")
    return corpus, None


def _tracks(entries: list[Any]) -> pa.Table:
    """The id, title and artist of each entry."""
    ids = [song for _, song in entries]
    names = [(names[0], names[1]) if names and len(names) > 1 else (None, None) for names, _ in entries]
    artists, titles = (pc.utf8_trim_whitespace(pc.fill_null(pa.array(part, pa.string()), "")) for part in zip(*names))
    without = np.array([not song for song in ids], dtype=bool)
    uris = np.array(ids, dtype=object)
    mask = pa.array(without)
    uris[without] = NamedTracks().ids(artists.filter(mask), titles.filter(mask)).to_pylist()
    columns = {"uri": pa.array(uris, pa.string()), "name": _known(titles), "artist_name": _known(artists)}
    return pa.table(columns)


def _known(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


FORMAT = Format("aotm", lambda place: bool(_files(place)), _read)
