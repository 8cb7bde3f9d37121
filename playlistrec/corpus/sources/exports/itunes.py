"""The library that iTunes and Music export: a property list of tracks and of playlists by the numbers of tracks."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping
from typing import Any
from xml.parsers.expat import ExpatError

from ....errors import DataError
from ..decoding import Source
from .entry import EPISODE, NOTHING, OTHER, Entry, ListedPlaylist, gathered
from .not_playlists import NotPlaylists

__all__ = ["read_itunes"]

WHOLE = ("Master", "Music", "Movies", "TV Shows", "Podcasts", "Audiobooks", "Books", "Purchased Music", "iTunesU")
"""Marks of the lists that a library makes of itself: all that it holds, or all of one kind."""
VIDEO = ("Movie", "TV Show", "Has Video")


def read_itunes(source: Source) -> list[ListedPlaylist]:
    """The playlists of a library. Its lists of all that it holds are none, nor are folders of playlists.

    Raises DataError where the file is no property list (one that declares entities is not read), NotPlaylists where
    it holds no playlists.
    """
    try:
        with source.open() as file:
            library = plistlib.loads(file.read())
    except ExpatError as error:
        raise DataError(f"{source.name}, line {error.lineno}: it is not XML ({str(error).partition(':')[0]})") from None
    except (plistlib.InvalidFileException, ValueError, TypeError, LookupError, OverflowError) as error:
        why = "it declares XML entities" if "entity" in str(error) else str(error).splitlines()[:1]
        raise DataError(f"{source.name} is no property list that can be read ({why})") from None
    playlists = library.get("Playlists") if isinstance(library, dict) else None
    tracks = library.get("Tracks") if isinstance(library, dict) else None
    if not isinstance(playlists, list) or not isinstance(tracks, dict):
        raise NotPlaylists(f"{source.name} is a property list, but not a library of music with Tracks and Playlists")
    return [_playlist(one, tracks) for one in playlists if isinstance(one, dict) and not _is_whole(one)]


def _is_whole(playlist: Mapping[str, Any]) -> bool:
    return any(playlist.get(mark) for mark in WHOLE) or "Distinguished Kind" in playlist or bool(playlist.get("Folder"))


def _playlist(playlist: Mapping[str, Any], tracks: Mapping[str, Any]) -> ListedPlaylist:
    items = playlist.get("Playlist Items") or []
    numbers = [item.get("Track ID") for item in items if isinstance(item, dict)]
    title = playlist.get("Name")
    return gathered((_entry(tracks.get(str(number))) for number in numbers), title if isinstance(title, str) else None)


def _entry(track: Any) -> Entry | str:
    if not isinstance(track, dict):
        return NOTHING
    if track.get("Podcast"):
        return EPISODE
    if any(track.get(mark) for mark in VIDEO):
        return OTHER
    fields = {"name": "Name", "artist": "Artist", "album": "Album"}
    found = {ours: text.strip() for ours, theirs in fields.items() if isinstance(text := track.get(theirs), str)}
    if isinstance(length := track.get("Total Time"), int):
        found["duration_ms"] = str(length)
    return Entry.from_known({ours: text for ours, text in found.items() if text})
