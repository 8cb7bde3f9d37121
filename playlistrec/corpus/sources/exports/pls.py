"""Playlists as PLS: ``File1=``, ``Title1=``, ``File2=`` …"""

from __future__ import annotations

import re

from ..decoding import Source
from .entry import ListedPlaylist, gathered
from .media_names import entry_at

__all__ = ["read_pls"]

LINE = re.compile(r"\s*(File|Title)(\d+)\s*=\s*(.*)", re.IGNORECASE)
NAME = re.compile(r"\s*(?:X-GNOME-Title|PlaylistName|Name)\s*=\s*(.*)", re.IGNORECASE)


def read_pls(source: Source) -> list[ListedPlaylist]:
    """The one playlist of a PLS file, its tracks in the order of their numbers."""
    tracks: dict[int, dict[str, str]] = {}
    title = None
    for line in source.text().split("\n"):
        if found := LINE.match(line):
            tracks.setdefault(int(found[2]), {})[found[1].lower()] = found[3].strip()
        elif named := NAME.match(line):
            title = named[1].strip() or None
    listed = (entry_at(track.get("file", ""), track.get("title") or None) for _, track in sorted(tracks.items()))
    return [gathered(listed, title)]
