"""The artist and title in the name of a music file."""

from __future__ import annotations

import re
from urllib.parse import unquote

from .addresses import is_episode, is_local, is_other, track_uri
from .entry import EPISODE, LOCAL, NOTHING, OTHER, Entry

__all__ = ["entry_at", "entry_of", "stem"]

ENDING = re.compile(r"\.(mp3|m4a|m4p|aac|alac|flac|ogg|oga|opus|wav|wma|aiff?|ape|mp4|webm|mka|dsf|wv)$", re.IGNORECASE)
NUMBER = re.compile(r"(?:0\d|\d{1,2}-\d{2})[\s._-]+(?=\S)|\d{1,2}(?:\s*[.)]\s+|\s+-\s+)(?=\S)")
"""The number of a track before its name: ``03 Title``, ``1-03 Title``, ``12. Title``, ``12 - Title``."""
CODED = re.compile("%[0-9A-Fa-f]{2}")


def entry_at(location: str, said: str | None = None) -> Entry | str:
    """The entry for a uri, an address or the path of a file, or else why it is none.

    Args:
        said: what a playlist says that it is called: ``Artist - Title`` or ``Title``.

    >>> entry_at("../Vela/03%20Golden%20Velvet.mp3").name
    'Golden Velvet'
    """
    for what, why in ((is_local, LOCAL), (is_episode, EPISODE), (is_other, OTHER)):
        if what(location):
            return why
    uri = track_uri(location)
    name = said or (None if uri or location.lower().startswith("spotify:") else stem(location))
    if uri is None and name is None and not location:
        return NOTHING
    return Entry(uri or location) if name is None else Entry.named(name, uri or location or None)


def entry_of(text: str) -> Entry | str:
    """The entry for a text alone, a uri, an address, a bare id or a name, or else why it is none."""
    return entry_at(text) if text.lower().startswith(("spotify:", "http")) else Entry.of(text)


def stem(location: str) -> str:
    """The name of a file without its folders, its ending and the number of the track before it."""
    path = unquote(location) if CODED.search(location) else location
    name = path[max(path.rfind("/"), path.rfind("\\")) + 1 :]
    bare = ENDING.sub("", name)
    return NUMBER.sub("", bare, count=1) if NUMBER.match(bare) else bare
