"""AOTM-2011 (Art of the Mix): ``aotm2011_playlists.json``, a list of mixes with the songs as people wrote them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....events import Event
from ...corpus import Corpus
from ...vocabulary import distinct
from ..formats import Format, Place, Request, suffix, summarise
from ..moments import moments
from ..named_tracks import NamedTracks
from .building import corpus_of_lists, left_out
from .json_file import decoded

__all__ = ["FORMAT"]


class Names(msgspec.Struct, array_like=True, gc=False):
    """The artist and the title of an entry."""

    artist: str | None = None
    title: str | None = None


class Item(msgspec.Struct, array_like=True, gc=False, forbid_unknown_fields=True):
    """An entry, as the file has it: ``[[artist, title], song id or null]``."""

    names: Names | None
    song: str | None


class Mix(msgspec.Struct, gc=False):
    """A mix, as the file has it."""

    mix_id: int | str
    playlist: list[Item | None]
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
        [item for item in mix.playlist if item is not None and (item.song or (item.names and item.names.title))]
        for mix in mixes
    ]  # an entry without an id needs a title
    lengths = np.array(list(map(len, entries)), dtype=np.int64)
    given = sum(len(mix.playlist) for mix in mixes)
    left_out(request.on_event, given - int(lengths.sum()), "entries without a song")
    uris, tracks = _tracks(list(chain.from_iterable(entries)))
    stamps, _ = moments(pa.array([mix.timestamp or "" for mix in mixes], pa.string()))
    table = pa.table(
        {
            "pid": pa.array([str(mix.mix_id) for mix in mixes], pa.string()),
            "description": pa.array([mix.category for mix in mixes], pa.string()),
            "modified_at": stamps.cast(pa.int64(), safe=False),
        }
    )
    corpus = corpus_of_lists(lengths, uris, table, tracks, ordered=True)
    summarise(request.on_event, len(mixes), files, corpus, "mix")
    return corpus, None


def _tracks(entries: list[Item]) -> tuple[pa.DictionaryArray, pa.Table]:
    """The id of each entry, and the id, title and artist of each track."""
    songs = pa.array([entry.song or None for entry in entries], pa.string())
    named = [entry.names or Names() for entry in entries]
    artists, titles = (
        pc.utf8_trim_whitespace(pc.fill_null(pa.array(texts, pa.string()), ""))
        for texts in ([names.artist for names in named], [names.title for names in named])
    )
    bare = songs.is_null()
    made = NamedTracks().ids(artists.filter(bare), titles.filter(bare)).cast(pa.string())
    uris = pc.replace_with_mask(songs, bare, made).dictionary_encode()
    first = pa.array(distinct(uris)[1])
    columns = {"uri": uris.dictionary, "name": _known(titles.take(first)), "artist_name": _known(artists.take(first))}
    return uris, pa.table(columns)


def _known(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


FORMAT = Format("aotm", lambda place: bool(_files(place)), _read)
