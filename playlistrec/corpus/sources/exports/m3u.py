"""Playlists as M3U: a uri, an address or a path a line, with tags before it."""

from __future__ import annotations

import re

from ..decoding import Source
from .entry import Entry, ListedPlaylist, gathered
from .media_names import entry_at

__all__ = ["read_m3u"]

EXTINF = re.compile(r"#EXTINF:\s*-?[\d.]*(?:\s+[\w-]+=\"[^\"]*\")*\s*(?:,|\s|$)\s*(.*)", re.IGNORECASE)
"""Seconds, ``key="value"`` pairs of players, a comma (or, of careless writers, a blank), what the track is called."""
TITLE = re.compile("#(?:PLAYLIST|EXTPLAYLIST|TITLE):", re.IGNORECASE)


def read_m3u(source: Source) -> list[ListedPlaylist]:
    """The one playlist of an M3U file.

    ``#PLAYLIST`` is the title. A track is called what ``#EXTINF`` before it says, or else its file; a tag that no
    path follows is a track as well. Paths may be percent-encoded.
    """
    found: list[Entry | str] = []
    title, said = None, None
    for line in map(str.strip, source.text().split("\n")):
        if tag := EXTINF.match(line):
            if said:
                found.append(Entry.named(said))
            said = tag[1].strip() or None
        elif tag := TITLE.match(line):
            title = line[tag.end() :].strip() or None
        elif line and not line.startswith("#"):
            found.append(entry_at(line, said))
            said = None
    if said:
        found.append(Entry.named(said))
    return [gathered(found, title)]
