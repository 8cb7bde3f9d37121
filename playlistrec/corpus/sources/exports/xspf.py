"""Playlists as XSPF, the XML of which JSPF is the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .addresses import track_uri
from .entry import Entry, ListedPlaylist, gathered
from .media_names import entry_at
from .safe_xml import bare_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read_xspf"]

FIELDS = {"title": "name", "creator": "artist", "album": "album", "duration": "duration_ms"}
ADDRESSES = ("identifier", "location")


def read_xspf(root: Element) -> list[ListedPlaylist]:
    """The one playlist of an XSPF document; of several addresses of a track, the first that is one of a service."""
    title = next((_text(child) for child in root if bare_name(child) == "title"), None)
    tracks = [track for part in root if bare_name(part) == "tracklist" for track in part if bare_name(track) == "track"]
    return [gathered(map(_entry, tracks), title or None)]


def _entry(track: Element) -> Entry | str:
    found: dict[str, str] = {}
    addresses: list[str] = []
    for child in track:
        name, text = bare_name(child), _text(child)
        if text and name in FIELDS:
            found.setdefault(FIELDS[name], text)
        elif text and name in ADDRESSES:
            addresses.append(text)
    if addresses:
        found["uri"] = next(filter(track_uri, addresses), addresses[0])
        if "name" not in found:
            return entry_at(found["uri"])
        if "artist" not in found and " - " in found["name"] and track_uri(found["uri"]) is None:
            return entry_at(found["uri"], found["name"])
    return Entry.from_known(found)


def _text(element: Element) -> str:
    return (element.text or "").strip()
