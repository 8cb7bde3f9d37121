"""A person's exports are recognised by their ending and their first bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ....errors import DataError
from ..decoding import Source
from ..dialects import find_layout, letters
from .addresses import track_uri
from .columns import known_columns, our_name
from .csv_export import NAMING, columns_of
from .files import export_files
from .reading import READERS, ending
from .text_list import is_spotify_backup, listed

__all__ = ["holds_exports", "is_export"]

HEAD = 2**16
LOOKED_AT = 200
"""Lines of which most are names or uris in a list."""
ALWAYS = frozenset((".m3u", ".m3u8", ".pls", ".xspf", ".xml", ".plist", ".jspf", ".spotdl"))
COLLECTION = re.compile(rb'"(?:pid|track_uri|plylst_title|song_gn_gnr_basket|mix_id)"\s*:')
"""Fields of the Million Playlist Dataset, of Melon's and of AOTM's."""
EXPORT = re.compile(
    rb'"(?:trackName|trackUri|items|endTime|msPlayed|ms_played|artists?|artistName|creator|identifier|list_name|uri'
    rb'|song_id|titleUrl|external_ids|track|title|name)"\s*:'
)
LISTED = re.compile(rb'\s*\[\s*(?:null\s*,\s*)*"')
"""A list that begins with a text."""
OWNERS = frozenset(("playlistid", "pid", "userid", "user", "sessionid", "session", "uid"))
"""Columns that only a table of many people's playlists has."""
IDS = frozenset(("track", "song", "item", "trackid", "trackuri", "songid", "itemid", "uri"))
"""Columns that may hold the ids of tracks in such a table."""
SIDE_TABLES = ("tracks", "playlists")
"""Tables beside one of entries: what is known of all tracks."""
MOSTLY = 0.5


def holds_exports(paths: Sequence[Path]) -> bool:
    """True where files, folders or archives hold an export, and none a slice or a table of a collection."""
    found = export_files(paths, skip_damaged=True)  # its reader tells what is wrong
    if any("mpd.slice." in file.name for file in found):
        return False
    return any(map(is_export, found)) and not any(map(_is_table, found))


def is_export(source: Source) -> bool:
    """True where a file is a list of tracks as a person exports them, not a table, slice or ratings of a collection.

    >>> is_export(Source.of_bytes("gym.csv", b"Track URI,Track Name\\n"))
    True
    >>> is_export(Source.of_bytes("a.txt", b"0 5 7\\n"))
    False
    """
    kind = ending(source.name)
    if kind not in READERS:
        return False
    if kind in ALWAYS:
        return True
    if kind == ".json":
        with source.open() as file:
            head = file.read(HEAD)
        return not COLLECTION.search(head) and bool(EXPORT.search(head) or LISTED.match(head))
    return _is_list(source)


def _is_list(source: Source) -> bool:
    """True for a table with a column that tells tracks and none that tells owners, or a list of names or uris."""
    try:
        text = _text(source)
    except DataError:
        return ending(source.name) != ".txt"  # its reader tells what is wrong
    layout = find_layout(text, known_columns)
    if layout.header:
        if source.name.partition(".")[0] in SIDE_TABLES and "track_id" in layout.header:
            return False
        return not _has_owners(layout.header) and any(
            column in columns_of(layout.header, []).places for column in NAMING
        )
    lines = listed(text.split("\n", LOOKED_AT)[:LOOKED_AT])
    named = sum(" - " in line or track_uri(line.split("\t")[0]) is not None for line in lines)
    return text.lstrip().upper().startswith("#EXTM3U") or is_spotify_backup(lines) or named > MOSTLY * len(lines)


def _is_table(source: Source) -> bool:
    """True for a table of many people's playlists."""
    if ending(source.name) not in (".csv", ".tsv"):
        return False
    try:
        layout = find_layout(_text(source), known_columns)
    except DataError:
        return False
    return _has_owners(layout.header) and known_columns(layout.header) > 0


def _has_owners(header: Sequence[str]) -> bool:
    """True for a table whose rows say whose playlist they are of, by an id or, where names do not, by ``playlist``."""
    names = {letters(column) for column in header}
    if names & OWNERS:
        return True
    ours = {our_name(column) for column in header if letters(column) not in IDS}
    return "playlist" in names and bool(names & IDS) and not ours & {"artist", "name", "uri"}


def _text(source: Source) -> str:
    """The text that the first bytes hold, to the last whole line."""
    with source.open() as file:
        head = file.read(HEAD)
    return Source.of_bytes(source.name, head if len(head) < HEAD else head[: head.rfind(b"\n") + 1]).text()
