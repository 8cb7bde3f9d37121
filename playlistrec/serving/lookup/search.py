"""Finding the track a person names: by uri, by title, by artist and title, or by something spelt much like it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus
from ...corpus.titles import folded
from ...errors import DataError

__all__ = ["Match", "TrackIndex", "likeness", "name_keys"]

SHOWN = 5
"""Tracks that an error message lists."""

ALIKE, AHEAD = 0.7, 0.1
"""A misspelt name is taken when its likeness reaches the first and the next track's is lower by the second."""

NEAR = 200
"""Most alike tracks, several uris of one included, among which the nearest are looked for."""

SLICE = 200_000
"""Names compared at a time; bounds the memory."""


@dataclass(frozen=True)
class Match:
    """The track that was found.

    Attributes:
        track: its row in the corpus.
        fuzzy: True if the text was only like its name, so that the match should be shown.
    """

    track: int
    fuzzy: bool = False


class TrackIndex:
    """Finds tracks by uri or name, blind to accents, case, punctuation and spaces.

    Tracks with the same artist and title under several uris are taken for one, the most popular.

    Args:
        corpus: only its tables are read when ``popularity`` is given.
        popularity: (n_tracks,) what makes one track more likely meant than another; None: its entries in
            ``corpus`` (hand in a corpus without the hidden ones where that matters).

    >>> table = pa.table({"uri": ["t:1", "t:2"], "name": ["Déjà Vu", "Vu"], "artist": pa.array([0, 0], pa.int32())})
    >>> artists = pa.table({"uri": ["a:1"], "name": ["Zoë"]})
    >>> playlists = pa.table({"pid": ["0"]})
    >>> corpus = Corpus(np.array([0, 1]), np.array([0], np.int32), playlists, table, artists)
    >>> TrackIndex(corpus).find("zoe - deja vu")
    Match(track=0, fuzzy=False)
    """

    def __init__(self, corpus: Corpus, popularity: npt.NDArray[np.generic] | None = None) -> None:
        self.corpus = corpus
        self.popularity = np.bincount(corpus.tracks, minlength=corpus.n_tracks) if popularity is None else popularity

    def find(self, text: str) -> Match:
        """The track called ``text``: its uri, title, "artist title" or "title artist", however joined.

        Raises:
            DataError: nothing has this name or is clearly the one meant, or tracks by several artists have it.
        """
        if not text.strip():
            raise DataError("the name of a track must not be empty")
        row = pc.index(self.corpus.track_table["uri"], pa.scalar(text.strip(), pa.string())).as_py()
        if row >= 0:
            return Match(row)
        if not self._named:
            raise DataError(f"no track has the uri {text!r}, and this data has no names to look among")
        key = name_keys(pa.array([text]))[0].as_py()
        same = np.zeros(self.corpus.n_tracks, dtype=bool)
        for names in self._forms():
            same |= np.asarray(pc.fill_null(pc.equal(names, key), False))
        things = self._things(np.flatnonzero(same), np.zeros(self.corpus.n_tracks))
        if len(things) == 1:
            return Match(things[0])
        if things:
            raise DataError(
                f"{text!r} is the name of {len(things)} tracks: {self._listed(things)}; "
                "name the artist as well, or give the uri"
            )
        return self._guess(text, key)

    def describe(self, track: int) -> str:
        """``Artist - Title (uri)``, as much of it as is known."""
        return self._described([track])

    def _guess(self, text: str, key: str) -> Match:
        alike = np.max([likeness(names, key) for names in self._forms()], axis=0)
        enough = min(NEAR, len(alike))
        rows = np.flatnonzero((alike >= np.partition(alike, -enough)[-enough]) & (alike > 0))
        things = self._things(rows, alike)
        if not things:
            raise DataError(f"no track has the uri or the name {text!r}, or one like it")
        runner_up = alike[things[1]] if len(things) > 1 else 0
        if alike[things[0]] >= ALIKE and alike[things[0]] - runner_up >= AHEAD:
            return Match(things[0], fuzzy=True)
        raise DataError(f"no track has the uri or the name {text!r}; nearest: {self._listed(things)}")

    def _things(self, rows: npt.NDArray[np.intp], alike: npt.NDArray[np.floating]) -> list[int]:
        """One row for each distinct artist and title among ``rows``: most alike, then most popular first."""
        rows = rows[np.lexsort((rows, -self.popularity[rows].astype(np.float64), -alike[rows]))]
        artists, titles = (column.take(pa.array(rows)).to_pylist() for column in (self._artists, self._titles))
        first: dict[tuple[str, str], int] = {}
        for row, artist, title in zip(rows.tolist(), artists, titles):
            first.setdefault((artist, title), row)
        return list(first.values())

    def _listed(self, things: list[int]) -> str:
        return self._described(things[:SHOWN]) + (", …" if len(things) > SHOWN else "")

    def _described(self, tracks: list[int]) -> str:
        rows = self.corpus.describe(np.array(tracks))
        names = [" - ".join(filter(None, (row["artist_name"], row["track_name"]))) for row in rows]
        return ", ".join(
            f"{name} ({row['track_uri']})" if name else str(row["track_uri"]) for name, row in zip(names, rows)
        )

    @cached_property
    def _named(self) -> bool:
        table = self.corpus.track_table
        return "name" in table.column_names and table["name"].null_count < table.num_rows

    @cached_property
    def _titles(self) -> pa.Array:
        return name_keys(self.corpus.track_table["name"])

    @cached_property
    def _artists(self) -> pa.Array:
        keys = pc.fill_null(name_keys(self.corpus.artists["name"]), "")
        return pc.fill_null(keys.take(self.corpus.track_table["artist"].combine_chunks()), "")

    def _forms(self) -> list[pa.Array]:
        """The names a track may be called by: title, artist and title, title and artist; null without a title."""
        return [
            self._titles,
            pc.binary_join_element_wise(self._artists, self._titles, ""),
            pc.binary_join_element_wise(self._titles, self._artists, ""),
        ]


def name_keys(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names as they are compared: letters and digits alone, lower case, without accents.

    A name that has neither (``"???"``, ``"🌴"``) keeps its signs.
    """
    if isinstance(names, pa.ChunkedArray):
        names = names.combine_chunks()
    plain = folded(names)
    bare = pc.replace_substring_regex(plain, r"[^\p{L}\p{N}\p{M}]+", "")
    return pc.if_else(pc.equal(bare, ""), pc.utf8_trim_whitespace(plain), bare)


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
