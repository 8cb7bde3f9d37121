"""The names of a corpus by their keys: who is called so, and which of an artist's tracks are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus
from ...corpus.songs import Songs
from ...corpus.titles import folded
from .near import ALIKE, NearNames, clearly, same_numbers

__all__ = ["NameIndex", "name_keys"]

ALIKE_ARTIST = 85.0
"""Likeness of the names of artists, which are shorter than titles."""

SHORTEST = 5
"""Letters of an artist's name that may be misspelt: one in four is another name."""

Rows = npt.NDArray[np.intp]


class NameIndex:
    """Finds artists by key, and tracks by artist and key of the title, in one pass for many.

    Args:
        popularity: (n_tracks,) of several tracks that are called so, the first is taken.
    """

    def __init__(self, corpus: Corpus, songs: Songs, popularity: npt.NDArray[np.generic]) -> None:
        self.corpus, self.songs, self.popularity = corpus, songs, popularity
        self._titles: dict[int, dict[str, list[int]]] = {}

    def artists(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """The rows of the artists with each key; a key that none has is left out."""
        return _rows_of(self.songs.artists, list(dict.fromkeys(keys)))

    def titled(self, keys: Iterable[str]) -> dict[str, list[int]]:
        """The rows of the tracks with each key; a key that none has is left out."""
        return _rows_of(self.songs.titles, list(dict.fromkeys(keys)))

    def joined_with(self, key: str) -> list[int]:
        """The rows of joined artists (``"Vela, Hex"``) that begin with the artist ``key``, or hold it among others
        whom the data has one by one."""
        return self._joined.get(key, [])

    def joined_of(self, keys: Sequence[str]) -> list[int]:
        """The rows of joined artists who are these and no other, in any order."""
        return self._joined_sets.get(tuple(sorted(keys)), []) if len(keys) > 1 else []

    def tracks_by(self, artists: Iterable[int]) -> Rows:
        """The rows of the tracks of some artists."""
        order, bounds = self._by_artist
        parts = [order[bounds[row] : bounds[row + 1]] for row in artists]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.intp)

    def by(self, artists: Iterable[int], title: str) -> list[int]:
        """The rows of the tracks of some artists with this key of their title."""
        found = []
        for row in artists:
            if row not in self._titles:
                known: dict[str, list[int]] = {}
                tracks = self.tracks_by([row])
                for track, key in zip(tracks.tolist(), self.songs.titles.take(pa.array(tracks)).to_pylist()):
                    if key:
                        known.setdefault(key, []).append(track)
                self._titles[row] = known
            found += self._titles[row].get(title, [])
        return found

    def like(self, artists: Sequence[int], title: str) -> int | None:
        """The track of some artists whose title is much like this key, and clearly more than the next song's."""
        tracks = self.tracks_by(artists)
        found = NearNames(self.songs.titles.take(pa.array(tracks))).find(title, ALIKE - 10)
        likeness: dict[int, float] = {}
        best = {}
        for at, score in found:
            track = int(tracks[at])
            song = int(self.songs.song[track])
            if song not in likeness:
                likeness[song], best[song] = score, track
        if not clearly(list(likeness.values())):
            return None
        track = best[next(iter(likeness))]
        return track if same_numbers(title, self.songs.titles[track].as_py()) else None

    def like_artists(self, key: str) -> list[int]:
        """The rows of the artists whose name is much like this key; none where it is too short to tell."""
        found = self._near_artists.find(key, ALIKE_ARTIST) if len(key) >= SHORTEST - 1 else []
        return [row for row, _ in found if len(self.songs.artists[row].as_py()) >= SHORTEST]

    def like_titles(self, key: str, cutoff: float) -> list[tuple[int, float]]:
        """Rows and likenesses of the tracks whose title is most like this key."""
        return self._near_titles.find(key, cutoff)

    def top(self, artists: Iterable[int]) -> int:
        """The most popular track of the first of some artists who has one that is in a playlist, or -1."""
        for row in artists:
            tracks = self.tracks_by([row])
            held = self.popularity[tracks].astype(np.float64)
            if len(tracks) and held.max() > 0:
                return int(tracks[np.argmax(held)])
        return -1

    def best(self, tracks: Iterable[int], name: str | None = None) -> int:
        """Of several tracks the one that is called ``name`` in full, and then the most popular one."""
        rows = np.array(list(tracks), dtype=np.int64)
        same = np.zeros(len(rows), dtype=bool)
        if name is not None and len(rows) > 1:
            full = name_keys(self.corpus.track_table["name"].take(pa.array(rows)))
            same = np.asarray(pc.fill_null(pc.equal(full, name_keys(pa.array([name]))[0]), False))
        return int(rows[np.lexsort((rows, -self.popularity[rows].astype(np.float64), ~same))[0]])

    @cached_property
    def _by_artist(self) -> tuple[Rows, Rows]:
        artists = self.corpus.track_artist
        order = np.argsort(artists, kind="stable")
        return order, np.searchsorted(artists[order], np.arange(self.corpus.n_artists + 1))

    @cached_property
    def _near_artists(self) -> NearNames:
        return NearNames(self.songs.artists)

    @cached_property
    def _near_titles(self) -> NearNames:
        return NearNames(self.songs.titles)

    @cached_property
    def _parts(self) -> dict[int, list[str]]:
        """The parts of the artists who are joined."""
        rows = np.flatnonzero(np.asarray(pc.list_value_length(self.songs.parts)))
        return dict(zip(rows.tolist(), self.songs.parts.take(pa.array(rows)).to_pylist()))

    @cached_property
    def _joined(self) -> dict[str, list[int]]:
        known = self.artists(key for keys in self._parts.values() for key in keys)
        joined: dict[str, list[int]] = {}
        for row, keys in self._parts.items():
            for key in keys if all(key in known for key in keys) else keys[:1]:
                joined.setdefault(key, []).append(row)
        return joined

    @cached_property
    def _joined_sets(self) -> dict[tuple[str, ...], list[int]]:
        sets: dict[tuple[str, ...], list[int]] = {}
        for row, keys in self._parts.items():
            sets.setdefault(tuple(sorted(keys)), []).append(row)
        return sets


def name_keys(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names in full as they are compared: letters and digits alone, lower case, without accents.

    A name that has neither (``"???"``, ``"🌴"``) keeps its signs.
    """
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    plain = folded(names)
    bare = pc.replace_substring_regex(plain, r"[^\p{L}\p{N}\p{M}]+", "")
    return pc.if_else(pc.equal(bare, ""), pc.utf8_trim_whitespace(plain), bare)


def _rows_of(column: pa.Array, keys: list[str]) -> dict[str, list[int]]:
    """The rows of each key that the column has."""
    found = pc.fill_null(pc.index_in(column, value_set=pa.array(keys, pa.string()), skip_nulls=True), -1)
    at = found.to_numpy(zero_copy_only=False)
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(at >= 0).tolist():
        rows.setdefault(keys[at[row]], []).append(row)
    return rows
