"""Finding tracks whose artist is stated: within that artist, never by another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from ...corpus.track_names import artist_keys, artist_parts, artist_readings, title_keys
from .names import NameIndex

__all__ = ["Found", "NamedTrack", "find_named"]


class NamedTrack(NamedTuple):
    """A track as someone names it.

    Attributes:
        title: with or without guests and versions.
        artist: one or several, however joined.
        artist_rows: artists of the data who are known to be meant.
    """

    title: str
    artist: str
    artist_rows: tuple[int, ...] = ()


class Found(NamedTuple):
    """The result of looking for one track.

    Attributes:
        track: its row, -1 where the artist has none that is called so.
        fuzzy: True if the title, or the artist's name, is only much like it.
        artists: rows of the artists whom the data has, in the order in which they are named.
    """

    track: int
    fuzzy: bool
    artists: tuple[int, ...]


def find_named(names: NameIndex, wanted: Sequence[NamedTrack]) -> list[Found]:
    """Find tracks by their title among those of their artists.

    Joined artists (``"Vela & Hex"``) are the one that is called so, or else each of them, and who is joined with them
    in the data. A title is first looked for as it is, then as one that is misspelt. Where no artist is called so, one
    whose name is misspelt counts only if the title is right.
    """
    readings = artist_readings([track.artist for track in wanted])
    parts = artist_parts([track.artist for track in wanted])
    titles = _titles(wanted)
    known = names.artists(key for keys in (*readings, *parts) for key in keys)
    return [
        _find(names, track, keys, single, own, known)
        for track, keys, single, own in zip(wanted, readings, parts, titles)
    ]


def _titles(wanted: Sequence[NamedTrack]) -> list[list[str]]:
    """The keys of each title, and of what follows the artist's name where it begins with that (``"Vela - Echo"``)."""
    texts, rests = [track.title for track in wanted], []
    for track in wanted:
        left, _, rest = track.title.partition(" - ")
        rests.append(rest if rest and _same_name(left, track.artist) else track.title)
    keys = title_keys(pa.array(texts + rests, pa.string())).to_pylist()
    return [list(dict.fromkeys(filter(None, pair))) for pair in zip(keys[: len(texts)], keys[len(texts) :])]


def _same_name(one: str, other: str) -> bool:
    first, second = artist_keys(pa.array([one, other])).to_pylist()
    return bool(first) and first == second


def _find(
    names: NameIndex,
    wanted: NamedTrack,
    readings: tuple[str, ...],
    parts: tuple[str, ...],
    titles: list[str],
    known: dict[str, list[int]],
) -> Found:
    whole = readings[:1]
    if whole and whole[0] in known and not all(part in known for part in parts):
        keys = list(whole)  # the name of a group, whose parts are nobody's names
    else:
        keys = list(readings)
    artists = list(dict.fromkeys([*wanted.artist_rows, *(row for key in keys for row in known.get(key, ()))]))
    joined = [row for key in keys for row in names.joined_with(key)] + names.joined_of(parts)
    for row in dict.fromkeys([*artists, *joined]):
        for title in titles:
            if tracks := names.by([row], title):
                return Found(names.best(tracks, wanted.title), False, tuple(artists))
    if artists:
        near = next((track for title in titles if (track := names.like(artists, title)) is not None), -1)
        return Found(near, near >= 0, tuple(artists))
    for row in names.like_artists(whole[0]) if whole else ():
        for title in titles:
            if tracks := names.by([row], title):
                return Found(names.best(tracks, wanted.title), True, (row,))
    return Found(-1, False, ())
