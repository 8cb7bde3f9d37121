"""Melon Playlist Dataset: ``train.json``, a list of playlists, and ``song_meta.json``, a list of songs."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from ....events import Event
from ...corpus import Corpus
from ..formats import Format, Place, Request, stem, suffix, summarise
from .building import corpus_of_lists, left_out, number_by_text
from .json_file import decoded

__all__ = ["FORMAT"]

INCOMPLETE = ("val", "valid", "test")
META = "song_meta"


class Playlist(msgspec.Struct, gc=False):
    """A playlist, as the file has it."""

    id: int
    songs: list[int]
    plylst_title: str | None = None
    tags: list[str] = []
    like_cnt: int | None = None


class Song(msgspec.Struct, gc=False):
    """A song, as the file has it."""

    id: int
    song_name: str | None = None
    artist_id_basket: list[int] = []
    artist_name_basket: list[str] = []
    album_id: int | None = None
    album_name: str | None = None


def _files(place: Place) -> list[Path]:
    return [path for path in place.files if suffix(path) == ".json" and '"plylst_title"' in place.head(path)]


def _read(request: Request) -> tuple[Corpus, None]:
    """Read ``train.json`` and the songs beside it; ``val.json`` and ``test.json`` hold playlists with songs taken out.

    A playlist's title, its tags (as the description) and its likes (as followers) are kept. The order means nothing.
    """
    place, on_event = request.place, request.on_event
    given = _files(place)
    taken = [path for path in given if len(given) == 1 or stem(path) not in INCOMPLETE]
    left_out(
        on_event, len(given) - len(taken), "files of incomplete playlists", [p.name for p in given if p not in taken]
    )
    playlists: list[Playlist] = []
    for done, path in enumerate(taken, 1):
        playlists += decoded(path, list[Playlist])
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(taken)}))
    playlists = playlists[: request.limit]
    lengths = np.array([len(one.songs) for one in playlists], dtype=np.int64)
    songs = np.fromiter(chain.from_iterable([one.songs for one in playlists]), np.int64, int(lengths.sum()))
    table = pa.table(
        {
            "pid": pa.array([str(one.id) for one in playlists], pa.string()),
            "name": pa.array([one.plylst_title or None for one in playlists], pa.string()),
            "description": pa.array([", ".join(one.tags) or None for one in playlists], pa.string()),
            "num_followers": pa.array([one.like_cnt for one in playlists], pa.int64()),
        }
    )
    corpus = corpus_of_lists(lengths, number_by_text(songs), table, _songs(taken[0].parent), ordered=False)
    summarise(on_event, len(playlists), taken, corpus, "playlist")
    return corpus, None


def _songs(folder: Path) -> pa.Table | None:
    found = [path for path in sorted(folder.glob(f"{META}.json*")) if suffix(path) == ".json"]
    if not found:
        return None
    songs = decoded(found[0], list[Song])
    artists = [song.artist_name_basket for song in songs]
    return pa.table(
        {
            "uri": pa.array([song.id for song in songs], pa.int64()).cast(pa.string()),
            "name": pa.array([song.song_name or None for song in songs], pa.string()),
            "artist_uri": pa.array(
                [song.artist_id_basket[0] if song.artist_id_basket else None for song in songs], pa.int64()
            ).cast(pa.string()),
            "artist_name": pa.array(
                [(", ".join(one) if len(one) > 1 else one[0]) if one else None for one in artists], pa.string()
            ),
            "album_uri": pa.array([song.album_id for song in songs], pa.int64()).cast(pa.string()),
            "album_name": pa.array([song.album_name or None for song in songs], pa.string()),
        }
    )


FORMAT = Format("melon", lambda place: bool(_files(place)), _read)
