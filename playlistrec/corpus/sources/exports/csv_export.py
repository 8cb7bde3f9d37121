"""Playlists as CSV: Exportify, TuneMyMusic, Soundiiz, Deezer, Google Takeout, Shazam, Serato and their kin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..decoding import Source
from ..delimited import Delimited
from ..dialects import letters, split_records
from .addresses import is_episode, is_local, track_uri
from .columns import FIELDS, known_columns, our_name
from .entry import OTHER, Entry, ListedPlaylist, gathered, is_missing
from .not_playlists import NotPlaylists
from .text_list import is_spotify_backup, read_lines, read_text

__all__ = ["columns_of", "read_csv"]

NAMING = ("uri", "name", "isrc", "video", "deezer", "apple", "tidal")
"""Columns any of which tells a track."""
UNUSED = ("added",)
"""Columns by which a header is known, and that are not read: the order of the rows is the playlist's."""
MOSTLY = 0.5
"""Share of a column's fields that must be addresses of tracks, in a column whose name is not known."""
SHOWN = 5
KINDS = frozenset(("album", "artist"))
"""Lists of TuneMyMusic beside playlists: values of its column ``Type``."""


@dataclass(frozen=True)
class Columns:
    """Where each of our columns stands: for artists, of whom each may have a column, several places."""

    places: Mapping[str, tuple[int, ...]]
    kind: int | None

    def fields(self, row: Sequence[str]) -> dict[str, str]:
        """The fields of a row that are not empty, under our names."""
        found = {}
        for ours, places in self.places.items():
            texts = [row[i] for i in places if not is_missing(ours, row[i])]
            if texts:
                found[ours] = "; ".join(texts) if len(places) > 1 else texts[0]
        return found

    def unread(self, header: Sequence[str]) -> tuple[str, ...]:
        """The columns that are not read."""
        read = {i for ours, places in self.places.items() if ours not in UNUSED for i in places} | {self.kind}
        return tuple(name for i, name in enumerate(header) if i not in read and name)


def read_csv(source: Source) -> list[ListedPlaylist]:
    """The playlists of a file with a header: one, or one for each name in its column of playlists.

    The column of uris is the one whose fields are addresses of tracks, whatever it is called. A file without a
    header is a list of names or uris.

    Raises DataError, with the line, for a row that is not as wide as the header and for a quote that is left open;
    NotPlaylists where no column tells a track.
    """
    file = Delimited.open(source, known_columns)
    header = file.layout.header
    if not header:
        return _headless(source, file.layout.separator)
    rows = [row for _, row in file.rows()]
    columns = columns_of(header, rows)
    if not any(ours in columns.places for ours in NAMING):
        raise NotPlaylists(f"{source.name} has no column track_uri or track_name ({_there(header)})")
    lists: dict[str, list[list[str]]] = {} if rows and "playlist" in columns.places else {"": []}
    for row in rows:
        lists.setdefault(columns.fields(row).get("playlist", ""), []).append(row)
    said = _said(file.layout.before, file.layout.separator)
    first, *others = [
        gathered((_entry(columns, row) for row in _in_order(listed, columns)), title or said)
        for title, listed in lists.items()
    ]
    return [replace(first, remarks=tuple(file.remarks), unread=columns.unread(header)), *others]


def _in_order(rows: list[list[str]], columns: Columns) -> list[list[str]]:
    """The rows of one playlist by their positions, where each has one."""
    for place in columns.places.get("position", ()):
        if all(row[place].isdecimal() for row in rows):
            return sorted(rows, key=lambda row: int(row[place]))
    return rows


def _entry(columns: Columns, row: Sequence[str]) -> Entry | str:
    if columns.kind is not None and row[columns.kind].lower() in KINDS:
        return OTHER
    return Entry.from_known(columns.fields(row))


def columns_of(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Columns:
    """Find our columns by their names, that of uris first by what stands in it."""
    ours = [our_name(name) for name in header]
    places: dict[str, tuple[int, ...]] = {}
    for name in set(ours) - {None}:
        there = [i for i, mine in enumerate(ours) if mine == name]
        best = min(there, key=lambda i: FIELDS[str(name)].index(letters(header[i])))
        places[str(name)] = (best,)
    numbered = [i for i, name in enumerate(header) if letters(name).rstrip("0123456789") == "artistname"]
    if len(numbered) > 1 and places.get("artist", (-1,))[0] in numbered:
        places["artist"] = tuple(numbered)
    filled = [[field for row in rows if (field := row[i])] for i in range(len(header))]
    full = {i: sum(map(_is_address, fields)) / len(fields) for i, fields in enumerate(filled) if fields}
    named = places.get("uri", (-1,))[0]
    best = max(full, key=lambda i: (full[i], i == named), default=-1)
    if best >= 0 and full[best] > MOSTLY and full[best] > full.get(named, 0):
        places["uri"] = (best,)
        _fill_by_place(header, filled, best, places)
    kinds = [i for i, name in enumerate(header) if letters(name) == "type"]
    return Columns(places, kinds[0] if kinds else None)


def _is_address(field: str) -> bool:
    return track_uri(field) is not None or is_local(field) or is_episode(field)


def _fill_by_place(
    header: Sequence[str], filled: Sequence[Sequence[str]], uri: int, places: dict[str, tuple[int, ...]]
) -> None:
    """Exportify's order, for headers in a language that is not known: uri, name, uris of artists, their names."""
    taken = {i for there in places.values() for i in there}
    artists = next((i for i, fields in enumerate(filled) if fields and fields[0].startswith("spotify:artist:")), None)
    guesses = {"name": uri + 1}
    if artists is not None:
        guesses |= {"artist_uri": artists, "artist": artists + 1}
    for ours, i in guesses.items():
        if ours not in places and i < len(header) and i not in taken and our_name(header[i]) is None:
            places[ours] = (i,)


def _said(before: Sequence[str], separator: str) -> str | None:
    """The title in the block that Google Takeout puts before the tracks: a header of its own, and one row."""
    if len(before) < 2:
        return None
    names, fields = (_fields(line, separator) for line in before[:2])
    known = dict(zip(map(letters, names), fields))
    return known.get("title", "").strip() or None if "playlistid" in known else None


def _headless(source: Source, separator: str) -> list[ListedPlaylist]:
    """A list of names or uris, one a line, or spotify-backup's text under another ending."""
    lines = [line.strip("\r") for line in source.text().split("\n") if line.strip()]
    if is_spotify_backup(lines):
        return read_text(source)
    if all(line.startswith('"') and f'"{separator}"' in line for line in lines):
        there = _there(_fields(lines[0], separator))
        raise NotPlaylists(f"{source.name} has no line that names its columns, such as Title,Artist ({there})")
    widths = {len(fields) for _, fields in split_records("\n".join(lines), separator, strict=False) if fields}
    names = sum(" - " in line or track_uri(line) is not None for line in lines)
    if widths != {1} and names < MOSTLY * len(lines):
        there = _there(_fields(lines[0], separator))
        raise NotPlaylists(f"{source.name} has no column track_uri or track_name ({there})")
    return [read_lines([line.strip().strip('"') for line in lines])]


def _fields(line: str, separator: str) -> list[str]:
    return next(split_records(line, separator, strict=False), (1, list[str]()))[1]


def _there(header: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:30]) for name in header[:SHOWN])
    return f"it has {shown}{', …' * (len(header) > SHOWN)}"
