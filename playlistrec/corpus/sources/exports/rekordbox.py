"""The collection that Rekordbox exports as XML: tracks, and a tree of playlists by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .addresses import track_uri
from .entry import NOTHING, Entry, ListedPlaylist, gathered

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read_rekordbox"]

FIELDS = {"Name": "name", "Artist": "artist", "Album": "album"}
FOLDER, PLAYLIST, BY_LOCATION = "0", "1", "1"
"""Values of ``Type`` and ``KeyType``."""


def read_rekordbox(root: Element) -> list[ListedPlaylist]:
    """The playlists of a collection, at whatever depth of folders they lie."""
    by_number: dict[str, Element] = {}
    by_location: dict[str, Element] = {}
    for track in root.iterfind("./COLLECTION/TRACK"):
        by_number[track.get("TrackID", "")] = track
        by_location[track.get("Location", "")] = track
    return [_playlist(node, by_location if by else by_number) for node, by in _nodes(root)]


def _nodes(root: Element) -> Iterator[tuple[Element, bool]]:
    for node in root.iterfind("./PLAYLISTS//NODE"):
        if node.get("Type") == PLAYLIST:
            yield node, node.get("KeyType") == BY_LOCATION


def _playlist(node: Element, tracks: Mapping[str, Element]) -> ListedPlaylist:
    keys = [track.get("Key", "") for track in node.iterfind("./TRACK")]
    return gathered((_entry(tracks.get(key)) for key in keys), node.get("Name") or None)


def _entry(track: Element | None) -> Entry | str:
    if track is None:
        return NOTHING
    found = {ours: text.strip() for theirs, ours in FIELDS.items() if (text := track.get(theirs, "")).strip()}
    uri = track_uri(unquote(track.get("Location", "")).removeprefix("file://localhost").lstrip("/"))
    if uri is not None:  # a track that Rekordbox streams
        found["uri"] = uri
    if (seconds := track.get("TotalTime", "")).isdecimal():
        found["duration_ms"] = str(int(seconds) * 1000)
    return Entry.from_known(found)
