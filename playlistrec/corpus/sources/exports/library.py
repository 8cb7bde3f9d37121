"""Playlists as files list them, made one corpus: every track under one id, wherever it stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ....text import CONTROL
from ...corpus import Corpus
from ...track_names import artist_keys, artist_parts, artist_readings, guests, same_artists, title_keys
from ...vocabulary import TRACK_SCHEMA, Catalogue
from .addresses import track_uri
from .entry import Entry, ListedPlaylist

__all__ = ["corpus_of"]

PATH = re.compile(r"[\\/\s]|\.\w{2,4}$")
"""Characters of a path that no id has."""


class Named(NamedTuple):
    """A track that others are compared with: the keys of its artists, and its id."""

    artists: tuple[str, ...]
    id: str


def corpus_of(playlists: Sequence[ListedPlaylist]) -> Corpus:
    """The corpus of these playlists, numbered ``0, 1, …``; their titles are its names.

    A track is known by its uri, else by its ISRC, else by the keys of its artists and its bare title; one without a
    uri that has the ISRC, or the title and the artists, of another is that one.
    """
    entries = [entry for playlist in playlists for entry in playlist.entries]
    ids = _ids(entries)
    numbers = {id: i for i, id in enumerate(dict.fromkeys(ids))}
    catalogue = Catalogue()
    catalogue.add(_tracks(entries, ids))
    tracks, artists = catalogue.tables()
    lengths = [len(playlist.entries) for playlist in playlists]
    return Corpus(
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        tracks=np.array([numbers[id] for id in ids], dtype=np.int32),
        playlists=pa.table(
            {
                "pid": pa.array([str(i) for i in range(len(playlists))], pa.string()),
                "name": pa.array([playlist.title for playlist in playlists], pa.string()),
                "ordered": pa.array(np.ones(len(playlists), dtype=bool)),
            }
        ),
        track_table=tracks,
        artists=artists,
    )


def _ids(entries: Sequence[Entry]) -> list[str]:
    """The id of each entry: those that have none are looked up among the others, in their order."""
    keys = _keys(entries)
    by_isrc: dict[str, str] = {}
    by_title: defaultdict[str, list[Named]] = defaultdict(list)
    ids: list[str | None] = [entry.uri if _has_id(entry) else None for entry in entries]
    found: dict[tuple[str | None, ...], str] = {}
    for with_id in (True, False):
        for i, entry in enumerate(entries):
            if (ids[i] is not None) is not with_id:
                continue
            title, artists = keys.get((entry.name, entry.artist), (None, ()))
            what = (ids[i], entry.isrc, entry.name, entry.artist)
            if what in found:
                ids[i] = found[what]
                continue
            id = ids[i] or by_isrc.get(entry.isrc or "") or _same(by_title[title or ""], artists)
            id = id or (f"isrc:{entry.isrc}" if entry.isrc else CONTROL.sub("", f"name:{'+'.join(artists)}:{title}"))
            found[what] = ids[i] = id
            if entry.isrc is not None:
                by_isrc.setdefault(entry.isrc, id)
            if title is not None:
                by_title[title].append(Named(artists, id))
    return [str(id) for id in ids]


def _keys(entries: Sequence[Entry]) -> dict[tuple[str | None, str | None], tuple[str, tuple[str, ...]]]:
    """For each name and artist the key of the title and those of the artists, the guests in the title among them."""
    names = list(dict.fromkeys((entry.name, entry.artist) for entry in entries if entry.name is not None))
    titles: list[str] = title_keys(pa.array([name for name, _ in names], pa.string())).to_pylist()
    own, with_ = artist_parts([artist for _, artist in names]), guests([name for name, _ in names])
    artists = (tuple(dict.fromkeys((*mine, *theirs))) for mine, theirs in zip(own, with_))
    return dict(zip(names, zip(titles, artists)))


def _has_id(entry: Entry) -> bool:
    """True where the uri of an entry is an id, and not the path of a file or the text that names it."""
    if entry.uri is None:
        return False
    return entry.name is None or track_uri(entry.uri) is not None or not PATH.search(entry.uri)


def _same(known: Sequence[Named], artists: tuple[str, ...]) -> str | None:
    """The id of the track of one title that has the same artists, or else some of them; without artists, the one."""
    if not artists:
        return known[0].id if len({named.id for named in known}) == 1 else None
    alike = [named for named in known if same_artists(named.artists, artists)]
    return next((named.id for named in alike if set(named.artists) == set(artists)), alike[0].id if alike else None)


def _tracks(entries: Sequence[Entry], ids: Sequence[str]) -> pa.Table:
    """The fields of each track: of every field the first that any entry has."""
    uris, names = _known_artists(entries)
    rows: dict[str, dict[str, object]] = {}
    main = _main_artists(entries, names)
    for entry, id in zip(entries, ids):
        row = rows.setdefault(id, {"uri": id})
        artist = main.get(entry.artist) if entry.first_artist is None else entry.first_artist
        said = {
            **{"name": entry.name, "album_name": entry.album, "album_uri": entry.album_uri},
            **{"isrc": entry.isrc, "duration_ms": entry.duration_ms},
        }
        if row.get("artist_name") is None and artist is not None:
            row |= {"artist_name": artist, "artist_uri": entry.artist_uri or uris.get(artist)}
        row |= {field: value for field, value in said.items() if value is not None and row.get(field) is None}
    columns = {field: [row.get(field) for row in rows.values()] for field in TRACK_SCHEMA.names}
    return pa.table(columns, schema=TRACK_SCHEMA)


def _known_artists(entries: Sequence[Entry]) -> tuple[dict[str, str], dict[str, str]]:
    """The uri of each artist's name, and the name of each artist's key."""
    uris: dict[str, str] = {}
    for entry in entries:
        if entry.first_artist is not None and entry.artist_uri is not None:
            uris.setdefault(entry.first_artist, entry.artist_uri)
    first = list(dict.fromkeys(entry.first_artist for entry in entries if entry.first_artist is not None))
    names: dict[str, str] = {}
    for name, key in zip(first, artist_keys(pa.array(first, pa.string())).to_pylist()):
        names.setdefault(key, name)
    return uris, names


def _main_artists(entries: Sequence[Entry], names: dict[str, str]) -> dict[str | None, str]:
    """The artist whom a text of several names first: the longest reading that stands alone elsewhere, else all."""
    texts = list(dict.fromkeys(e.artist for e in entries if e.artist is not None and e.first_artist is None))
    main: dict[str | None, str] = {}
    for text, readings in zip(texts, artist_readings(texts)):
        main[text] = next((names[key] for key in readings if key in names), text)
    return main
