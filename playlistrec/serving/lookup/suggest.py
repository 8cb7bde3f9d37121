"""Tracks, artists and titles of playlists while a person types: what holds the letters, the likeliest first."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus, Ints
from .names import name_keys

__all__ = ["Suggestions"]

ALIKE = 0.4
"""Likeness that a name has at least which does not hold the letters."""

MOST = 4000
"""Names that hold the letters, the most popular, among which twins are looked for."""

SLICE = 200_000
"""Names compared at a time; bounds the memory."""


class Suggestions:
    """Finds what has the letters typed so far anywhere in its name, whatever case, accents and spaces.

    First names that begin so, then others; among these the more popular first. Where no name holds the letters, those
    most like them.

    Args:
        history: the entries that the model knows; playlists without any are not shown.

    >>> corpus = Corpus.from_lists([["a", "b"], ["b"]], {"a": "Sigur Rós", "b": "Múm"})
    >>> [artist["artist_name"] for artist in Suggestions(corpus).search("ROS", 5)["artists"]]
    ['Sigur Rós']
    """

    def __init__(self, history: Corpus) -> None:
        self.history = history

    def search(self, text: str, k: int) -> dict[str, list[dict[str, Any]]]:
        """At most ``k`` tracks, artists and titles of playlists each, with how many playlists hold or bear them."""
        key = name_keys(pa.array([text.strip()]))[0].as_py()
        return {
            "tracks": self._tracks(text.strip(), key, k),
            "artists": self._artists(key, k),
            "playlists": self._titles(key, k),
        }

    def _tracks(self, text: str, key: str, k: int) -> list[dict[str, Any]]:
        popularity = self.history.popularity
        exact = pc.index(self.history.track_table["uri"], pa.scalar(text, pa.string())).as_py()
        rows = np.array([exact]) if exact >= 0 else _matching(self._track_keys, key, popularity)
        described = self.history.describe(rows)
        found: dict[tuple[str | None, str | None], dict[str, Any]] = {}
        for row, record in zip(rows.tolist(), described):
            name = (record["artist_name"], record["track_name"] or record["track_uri"])
            found.setdefault(name, {**record, "n_playlists": int(popularity[row])})
            if len(found) == k:
                break
        return list(found.values())

    def _artists(self, key: str, k: int) -> list[dict[str, Any]]:
        rows = _matching(self._artist_keys, key, self._artist_weights)[:k]
        table = self.history.artists.take(pa.array(rows))
        counts = np.bincount(
            self.history.track_artist[self.history.track_artist >= 0], minlength=len(self._artist_keys)
        )
        return [
            {"artist_uri": uri, "artist_name": name, "n_tracks": int(counts[row])}
            for row, uri, name in zip(rows.tolist(), table["uri"].to_pylist(), table["name"].to_pylist())
        ]

    def _titles(self, key: str, k: int) -> list[dict[str, Any]]:
        keys, first, counts = self._distinct_titles
        rows = _matching(keys, key, counts)[:k]
        pids = self.history.playlists["pid"].take(pa.array(first[rows])).to_pylist()
        titles = self.history.titles(first[rows]) or ()
        return [
            {"title": title, "pid": pid, "n_playlists": int(counts[row])}
            for row, pid, title in zip(rows.tolist(), pids, titles)
        ]

    @cached_property
    def _track_keys(self) -> pa.Array:
        """Title, artist and title again, so that either may come first; the uri where there is no title."""
        table = self.history.track_table
        if "name" not in table.column_names:
            return name_keys(table["uri"])
        titles = pc.coalesce(name_keys(table["name"]), name_keys(table["uri"]))
        artists = pc.fill_null(self._artist_keys.take(table["artist"].combine_chunks()), "")
        return pc.binary_join_element_wise(titles, artists, titles, "")

    @cached_property
    def _artist_keys(self) -> pa.Array:
        return pc.fill_null(name_keys(self.history.artists["name"]), "")

    @cached_property
    def _artist_weights(self) -> Ints:
        """(n_artists,) entries of their tracks."""
        named = self.history.track_artist >= 0
        weights = self.history.popularity[named].astype(np.float64)
        return np.bincount(self.history.track_artist[named], weights, self.history.n_artists).astype(np.int64)

    @cached_property
    def _distinct_titles(self) -> tuple[pa.Array, Ints, Ints]:
        """The titles of playlists that have entries, each once; the first playlist so called, and how many are."""
        rows = np.flatnonzero(self.history.lengths)
        titles = self.history.titles(rows)
        keys = name_keys(pa.array(titles or [], pa.string()))
        encoded = keys.dictionary_encode()
        codes = np.asarray(encoded.indices, dtype=np.int64)
        names, first, counts = np.unique(codes, return_index=True, return_counts=True)
        kept = np.asarray(pc.not_equal(encoded.dictionary, ""), dtype=bool)[names]
        return encoded.dictionary.take(pa.array(names[kept])), rows[first[kept]], counts[kept]


def _matching(keys: pa.Array, key: str, weights: Ints) -> npt.NDArray[np.int64]:
    """Rows whose key holds ``key``, or else is like it: those that begin so first, then by weight."""
    if not key or not len(keys):
        return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(np.asarray(pc.match_substring(keys, key), dtype=bool))
    if len(rows):
        rows = rows[np.argsort(-weights[rows], kind="stable")[:MOST]]
        begins = np.asarray(pc.starts_with(keys.take(pa.array(rows)), key), dtype=bool)
        return np.concatenate([rows[begins], rows[~begins]])
    alike = likeness(keys, key)
    rows = np.flatnonzero(alike >= ALIKE)
    return rows[np.lexsort((-weights[rows], -alike[rows]))]


def likeness(names: pa.Array, key: str) -> npt.NDArray[np.float32]:
    """(n,) cosine of the sets of trigrams (UTF-8 bytes, the ends marked) of each name and ``key``; 0 for null."""
    wanted = np.unique(_trigrams(np.frombuffer(f"^{key}$".encode(), np.uint8)))
    known = np.zeros(1 << 24, dtype=bool)
    known[wanted] = True
    found = np.zeros(len(names), dtype=np.float32)
    for low in range(0, len(names), SLICE):
        part = pc.binary_join_element_wise("^", pc.fill_null(names.slice(low, SLICE), ""), "$", "")
        _, offsets, data = part.buffers()
        start = np.frombuffer(offsets, np.int32)[part.offset : part.offset + len(part) + 1]
        codes = _trigrams(np.frombuffer(data, np.uint8))
        before = np.concatenate([[0], np.cumsum(known[codes], dtype=np.int32)])
        sizes = start[1:] - start[:-1] - 2  # at least 0: the two marks are always there
        shared = np.minimum(before[start[:-1] + sizes] - before[start[:-1]], len(wanted))
        found[low : low + SLICE] = shared / np.sqrt(max(len(wanted), 1) * np.maximum(sizes, 1))
    return found


def _trigrams(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """(len(text) - 2,) every three neighbouring bytes as one number."""
    wide = text.astype(np.int32)
    return (wide[:-2] << 16) | (wide[1:-1] << 8) | wide[2:]
