"""Playlists as people have them in files: m3u, CSV as exporters of Spotify write it, JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from ...config import require
from ...errors import DataError, Hint

__all__ = ["Entry", "PlaylistFile", "read_playlist"]

ADDRESS = re.compile(r"https?://open\.spotify\.com/(?:[\w-]+/)*track/(\w+)")
EXTINF = re.compile(r"#EXTINF:[^,]*,\s*(.*)")
FOLDERS = re.compile(r".*[\\/]")
ENDING = re.compile(r"\.(mp3|m4a|aac|flac|ogg|opus|wav|wma|aiff?)$", re.IGNORECASE)
SEVERAL = re.compile("[;,]")

FIELDS = {
    "uri": ("trackuri", "spotifyuri", "uri", "trackid", "spotifyid", "id", "trackurl", "url"),
    "name": ("trackname", "tracktitle", "name", "title", "song", "track"),
    "artist": ("artistname", "artistnames", "artist", "artists"),
    "artist_uri": ("artisturi", "artisturis", "artistid", "artistids"),
}
"""Names of columns and fields, as lower-case letters alone; the preferred name first."""


@dataclass(frozen=True)
class Entry:
    """A track as a file names it; what is not a uri of the data may still have the name of a track."""

    uri: str | None = None
    name: str | None = None
    artist: str | None = None
    artist_uri: str | None = None

    @classmethod
    def of(cls, text: str) -> Entry:
        """An entry that is one piece of text, a uri, an address or a name.

        >>> Entry.of("https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC?si=1").uri
        'spotify:track:4uLU6hMCjMI75M1A2tKUQC'
        """
        text = text.strip()
        if address := ADDRESS.match(text):
            return cls(uri=f"spotify:track:{address[1]}")
        return cls(uri=text) if text.startswith("spotify:") else cls.named(text, uri=text)

    @classmethod
    def named(cls, text: str, uri: str | None = None) -> Entry:
        """An entry that is called ``Artist - Title`` or ``Title``."""
        artist, parted, title = text.partition(" - ")
        return cls(uri, title.strip(), artist.strip()) if parted else cls(uri, text)

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> Entry | None:
        """An entry of several fields, called as in :data:`FIELDS`; None where they name no track."""
        known = {_letters(key): value.strip() for key, value in fields.items() if isinstance(value, str)}
        found = {ours: next(filter(None, map(known.get, names)), None) for ours, names in FIELDS.items()}
        if (uri := found["uri"]) is not None:
            found["uri"] = cls.of(uri).uri
        if (artists := found["artist_uri"]) is not None:
            found["artist_uri"] = SEVERAL.split(artists)[0].strip()
        return cls(**found) if found["uri"] or found["name"] else None

    @property
    def names(self) -> list[str]:
        """The texts to look up if the URI is unknown; with several artists, also with the first alone."""
        if self.name is None:
            return []
        artists = dict.fromkeys(filter(None, (self.artist, SEVERAL.split(self.artist or "")[0].strip())))
        return [f"{artist} - {self.name}" for artist in artists] or [self.name]

    def __str__(self) -> str:
        return (self.names or [self.uri or ""])[0]


@dataclass(frozen=True)
class PlaylistFile:
    """The tracks that a file names, in order, and what it calls the playlist."""

    entries: list[Entry]
    title: str | None = None


def read_playlist(path: Path) -> PlaylistFile:
    """Read one playlist. What it is, the ending of its name tells.

    - ``.m3u``, ``.m3u8``: a uri, an address or a path a line; an ``#EXTINF`` before it, or else the name of the file,
      is ``Artist - Title``; ``#PLAYLIST`` is the title.
    - ``.csv``: a header with a column of uris, of names, or both, and of artists, whatever the exporter calls them,
      parted by comma, semicolon or tab; or a single column without a header, of uris or names.
    - ``.json``: a playlist of the Million Playlist Dataset, or any object with ``tracks``, or a list of uris, names or
      objects.

    Raises:
        ConfigError: the name has another ending.
        DataError: the file cannot be read, or names neither a track nor a title.
    """
    readers: dict[str, Callable[[Path], PlaylistFile]] = {
        ".m3u": _read_m3u,
        ".m3u8": _read_m3u,
        ".csv": _read_csv,
        ".json": _read_json,
    }
    suffix = path.suffix.lower()
    require(suffix in readers, "file", f"one of {', '.join('*' + known for known in readers)}", str(path))
    playlist = readers[suffix](path)
    if not playlist.entries and not playlist.title:
        raise DataError(f"{path.name} names no track")
    return playlist


def _read_m3u(path: Path) -> PlaylistFile:
    entries, title, said = [], None, None
    for line in map(str.strip, _text(path).splitlines()):
        if tag := EXTINF.match(line):
            said = tag[1].strip() or None
        elif line.upper().startswith("#PLAYLIST:"):
            title = line.partition(":")[2].strip() or None
        elif line and not line.startswith("#"):
            uri = Entry.of(line).uri
            name = said or (None if uri != line or line.startswith("spotify:") else _stem(line))
            entries.append(Entry(uri) if name is None else Entry.named(name, uri))
            said = None
    return PlaylistFile(entries, title)


def _read_csv(path: Path) -> PlaylistFile:
    text = _text(path)
    first = text.lstrip().partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        lines = [(rows.line_num, row) for row in rows if any(field.strip() for field in row)]
    except csv.Error as error:
        raise DataError(f"{path.name}, line {rows.line_num}: {error}") from None
    if not lines:
        raise DataError(f"{path.name} is empty")
    header = lines[0][1]
    if not {_letters(name) for name in header} & {*FIELDS["uri"], *FIELDS["name"]}:
        if any(len(row) > 1 for _, row in lines):
            shown = ", ".join(repr(name[:30]) for name in header[:5]) + ", …" * (len(header) > 5)
            raise DataError(f"{path.name} has no column track_uri or track_name (it has {shown})")
        return PlaylistFile([Entry.of(row[0]) for _, row in lines])
    entries = []
    for line, row in lines[1:]:
        if (entry := Entry.from_fields(dict(zip(header, row)))) is None:
            raise DataError(f"{path.name}, line {line}: neither a uri nor the name of a track")
        entries.append(entry)
    return PlaylistFile(entries)


def _read_json(path: Path) -> PlaylistFile:
    try:
        content = msgspec.json.decode(_bytes(path).removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path.name} is not JSON: {str(error).rpartition(': ')[2]}") from None
    title = None
    if isinstance(content, dict):
        if isinstance(content.get("playlists"), list):
            raise DataError(
                f"{path.name} holds {len(content['playlists']):,} playlists",
                Hint("give one of them, or use {batch}", {"batch": None}),
            )
        title = next((content[key] for key in ("name", "title") if isinstance(content.get(key), str)), None)
        content = content.get("tracks")
    if not isinstance(content, list):
        raise DataError(f"{path.name} must be a list of tracks or an object that has one called tracks")
    return PlaylistFile(list(_json_entries(path, content)), title)


def _json_entries(path: Path, tracks: list[Any]) -> Iterator[Entry]:
    for number, track in enumerate(tracks, 1):
        entry = None
        if isinstance(track, str) and track.strip():
            entry = Entry.of(track)
        elif isinstance(track, dict):
            entry = Entry.from_fields(track)
        if entry is None:
            raise DataError(f"{path.name}, track {number}: neither a uri nor the name of a track")
        yield entry


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _text(path: Path) -> str:
    """UTF-8, with or without a mark, or what else was usual: Latin-1."""
    content = _bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())


def _stem(location: str) -> str:
    """The name of a file, without its folders and its ending."""
    name = FOLDERS.sub("", unquote(location) if location.startswith("file:") else location)
    return ENDING.sub("", name)
