"""Playlists as plain text: a uri or a name a line, or the lists that spotify-backup writes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..decoding import Source
from .entry import Entry, ListedPlaylist, gathered
from .media_names import entry_of

__all__ = ["is_spotify_backup", "listed", "read_lines", "read_text"]

MARK = re.compile(r"(?:[-*\u2022\u2013]|\d{1,4}[.)])\s+")
"""A bullet or a number before what is listed."""
LEAST_FIELDS = 4
"""Name, artists, album and uri; newer versions add the date of the release."""


def read_text(source: Source) -> list[ListedPlaylist]:
    """The playlists of a text file: one, or those of spotify-backup: a title, lines of fields, an empty line."""
    lines = [line.rstrip("\r") for line in source.text().split("\n")]
    return _backup(lines) if is_spotify_backup(lines) else [read_lines(lines)]


def read_lines(lines: list[str]) -> ListedPlaylist:
    """A uri, an address or ``Artist - Title`` a line, with or without a bullet or a number; ``#`` begins a remark."""
    return gathered(map(entry_of, listed(lines)))


def listed(lines: Iterable[str]) -> list[str]:
    """The lines of a list: neither empty ones nor remarks, without the bullets or numbers that all have.

    >>> listed(["1. Vela - Echo", "", "# mine", "2. Hex - Rain"]), listed(["7. Vela - Echo", "Hex - Rain"])
    (['Vela - Echo', 'Hex - Rain'], ['7. Vela - Echo', 'Hex - Rain'])
    """
    kept = [line for text in lines if (line := text.strip()) and not line.startswith("# ")]
    marks = [MARK.match(line) for line in kept]
    return [line[mark.end() :] if mark else line for line, mark in zip(kept, marks)] if all(marks) else kept


def is_spotify_backup(lines: list[str]) -> bool:
    """True where the lines with tabs have a uri as their fourth field."""
    rows = [line.split("\t") for line in lines if "\t" in line]
    return bool(rows) and all(len(row) >= LEAST_FIELDS and row[3].startswith("spotify:") for row in rows)


def _backup(lines: list[str]) -> list[ListedPlaylist]:
    found: list[tuple[str, list[Entry | str]]] = []
    for before, line in zip(["", *lines], lines):
        if "\t" in line and found:
            name, artists, album, uri, *_ = line.split("\t")
            fields = {"name": name, "artist": artists, "album": album, "uri": uri}
            found[-1][1].append(Entry.from_known({ours: text.strip() for ours, text in fields.items() if text.strip()}))
        elif line.strip() and not before.strip():
            found.append((line.strip(), []))
    return [gathered(entries, title) for title, entries in found]
