"""Entries and playlists as files name them, before anything is looked up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ....text import CONTROL
from ..dialects import letters
from .addresses import is_episode, is_local, is_other, track_uri
from .columns import FIELDS, our_name

__all__ = [
    *("EPISODE", "LOCAL", "NOTHING", "OTHER", "PAGE", "SHORT"),
    *("Entry", "ListedPlaylist", "as_text", "gathered", "is_missing"),
]

NOTHING = "without a track"
LOCAL = "local file"
EPISODE = "episode"
OTHER = "no track but an album, artist or playlist"
PAGE = "on another page of the Web API"
SHORT = "played for less than 30 seconds"

SEVERAL = re.compile(r"\s*[;,]\s*")
ISRC = re.compile(r"([A-Z]{2})-?([A-Z0-9]{3})-?(\d{2})-?(\d{5})")
DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
"""The day of a session: in the column of names, and without an artist, it is no track."""
SERVICES = {"video": "youtube:video:", "deezer": "deezer:track:", "apple": "apple:track:", "tidal": "tidal:track:"}
ID_FIELDS = ("uri", "artist_uri", "album_uri", *SERVICES)
"""Fields that go as they are into lines of playlists; text that would break these is no id."""
WORDS = ("name", "artist", "album", "playlist")
MISSING = frozenset(("", "nan", "null", "none", "undefined"))


@dataclass(frozen=True)
class Entry:
    """A track as a file names it; what is not a uri of the data may still have the name of a track.

    Attributes:
        isrc: the code of the recording, in capitals.
        duration_ms: its length in milliseconds.
        first_artist: the first of several artists, where the file parts them without doubt.
    """

    uri: str | None = None
    name: str | None = None
    artist: str | None = None
    artist_uri: str | None = None
    album: str | None = None
    isrc: str | None = None
    duration_ms: int | None = None
    first_artist: str | None = None
    album_uri: str | None = None

    @classmethod
    def of(cls, text: str) -> Entry:
        """An entry that is one piece of text, a uri, an address, a bare id of Spotify or a name.

        >>> Entry.of("open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC?si=1").uri
        'spotify:track:4uLU6hMCjMI75M1A2tKUQC'
        """
        text = text.strip()
        if (uri := track_uri(text)) is not None:
            return cls(uri=uri)
        return cls(uri=text) if text.lower().startswith("spotify:") else cls.named(text, uri=text)

    @classmethod
    def named(cls, text: str, uri: str | None = None) -> Entry:
        """An entry that is called ``Artist - Title`` or ``Title``."""
        artist, parted, title = text.partition(" - ")
        return cls(uri, title.strip(), artist.strip()) if parted else cls(uri, text)

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> Entry | str:
        """An entry of several fields, called as in :data:`~.columns.FIELDS`, or else why it is none.

        Of several fields with one meaning the one with the preferred name is taken; of uris, one that is an address
        of a track before any other.
        """
        found: dict[str, tuple[bool, int, str]] = {}
        for key, value in fields.items():
            if (ours := our_name(key)) is None or is_missing(ours, text := as_text(value)):
                continue
            rank = (ours == "uri" and track_uri(text) is None, FIELDS[ours].index(letters(key)), text)
            found[ours] = min(found.get(ours, rank), rank)
        return cls.from_known({ours: text for ours, (_, _, text) in found.items()})

    @classmethod
    def from_known(cls, found: Mapping[str, str]) -> Entry | str:
        """An entry of fields under our names, the empty ones left out, or else why it is none."""
        found = {ours: value for ours, value in found.items() if ours not in ID_FIELDS or not CONTROL.search(value)}
        text = found.get("uri", "")
        for what, why in ((is_local, LOCAL), (is_episode, EPISODE), (is_other, OTHER)):
            if what(text):
                return why
        uri = track_uri(text) or text or None
        for service, prefix in SERVICES.items():
            uri = uri or (prefix + found[service] if service in found else None)
        name, artist = found.get("name"), found.get("artist")
        if (name or "").lower() in MISSING and (artist or "").lower() in MISSING:  # of a table that a program wrote
            name = artist = None
        if name is not None and artist is None and uri is None and DATE.fullmatch(name):
            return NOTHING
        isrc = ISRC.fullmatch(found.get("isrc", "").upper())
        if not (uri or name or isrc):
            return NOTHING
        duration, uris = found.get("duration_ms", ""), SEVERAL.split(found.get("artist_uri", ""))
        return cls(
            uri,
            name,
            None if artist is None else artist.replace("\\,", ","),
            uris[0] or None,
            found.get("album"),
            "".join(isrc.groups()) if isrc else None,
            int(duration) if duration.isdecimal() else None,
            None if artist is None else _first(artist, len(uris)),
            found.get("album_uri"),
        )

    @property
    def names(self) -> list[str]:
        """The texts to look up if the URI is unknown; with several artists, also with the first alone."""
        if self.name is None:
            return []
        artists = dict.fromkeys(filter(None, (self.artist, SEVERAL.split(self.artist or "")[0].strip())))
        return [f"{artist} - {self.name}" for artist in artists] or [self.name]

    def __str__(self) -> str:
        return (self.names or [self.uri or self.isrc or ""])[0]


@dataclass(frozen=True)
class ListedPlaylist:
    """The tracks that a file lists under one name, in order.

    Attributes:
        title: what the file calls the playlist; None where only its own name tells.
        left_out: how many lines, rows or items are no entry, by the reason.
        remarks: warnings about how the file was read.
        unread: columns of the file that are not read.
    """

    entries: list[Entry]
    title: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    remarks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def gathered(found: Iterable[Entry | str], title: str | None = None) -> ListedPlaylist:
    """A playlist of the entries, what is none counted by its reason."""
    entries: list[Entry] = []
    left_out: Counter[str] = Counter()
    for entry in found:
        if not isinstance(entry, str) and CONTROL.search(entry.uri or ""):
            entry = replace(entry, uri=None) if entry.name else NOTHING
        if isinstance(entry, str):
            left_out[entry] += 1
        else:
            entries.append(entry)
    return ListedPlaylist(entries, title, left_out)


def is_missing(ours: str, text: str) -> bool:
    """True for an empty field, and for a number or an id that is ``nan`` or ``null``, as a song may well be called."""
    return not text or (ours not in WORDS and text.lower() in MISSING)


def as_text(value: object) -> str:
    """A text or a number without outer blanks; of anything else, nothing."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _first(artist: str, n_uris: int) -> str | None:
    r"""The first of several artists, joined by ``;``, or by commas: as many as uris, or with ``\,`` in a name."""
    parts = re.split(r"\s*;\s*", artist)
    if len(parts) == 1:
        parts = re.split(r"(?<!\\),\s*", artist)
        if len(parts) != n_uris and "\\," not in artist:
            return None
    return parts[0].replace("\\,", ",") or None
