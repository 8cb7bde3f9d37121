"""Finding the playlist that a person names: by its number, its name, or a part of that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus
from ...corpus.titles import normalised
from ...errors import DataError
from .near import NearNames
from .seeds import rows_of

__all__ = ["PlaylistIndex", "playlist_rows"]

SHOWN = 5
"""Playlists that an error message lists."""

NEAREST = 50.0
"""Likeness of the names that an error message lists."""


def playlist_rows(corpus: Corpus, pids: Sequence[str | int]) -> npt.NDArray[np.int64]:
    """(n,) the rows of some playlists by pid, found together. Raises DataError where there is none.

    >>> playlist_rows(Corpus.from_lists([["a"], ["b"]]), [1, "0", 1]).tolist()
    [1, 0, 1]
    """
    rows = rows_of(corpus.playlists["pid"], [str(pid) for pid in pids])
    if (rows < 0).any():
        corpus.playlist_index(pids[int(np.argmin(rows))])  # which says that there is none
    return rows


class PlaylistIndex:
    """Finds playlists by pid or name, blind to accents, case, punctuation and spaces.

    >>> corpus = Corpus.from_lists([["a"], ["b"]])
    >>> named = corpus.playlists.append_column("name", pa.array(["Road Trip", "Rainy sunday"]))
    >>> from dataclasses import replace
    >>> PlaylistIndex(replace(corpus, playlists=named)).find("sunday")
    1
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus

    def find(self, text: str | int) -> int:
        """The row of the playlist with this pid or this name, or else with this in its name.

        Raises DataError where there is none, or several; it lists the nearest.
        """
        wanted = str(text).strip()
        row = pc.index(self.corpus.playlists["pid"], pa.scalar(wanted, pa.string())).as_py()
        if row >= 0:
            return int(row)
        if not len(self._keys):
            return self.corpus.playlist_index(text)
        rows = self.search(wanted)
        if len(rows) == 1:
            return rows[0]
        if rows:
            what = "is the name of" if self._key(wanted) == self._keys[rows[0]].as_py() else "stands in the names of"
            raise DataError(f"{wanted!r} {what} {len(rows):,} playlists: {self._listed(rows)}; give the number of one")
        near = [row for row, _ in NearNames(self._keys).find(self._key(wanted), NEAREST)]
        raise DataError(
            f"there is no playlist {wanted!r} in this data" + (f"; nearest: {self._listed(near)}" if near else "")
        )

    def search(self, text: str) -> list[int]:
        """The rows of the playlists with this name, or else those with this in their name."""
        key = self._key(text)
        if not key or not len(self._keys):
            return []
        for mask in (pc.equal(self._keys, key), pc.match_substring(self._keys, key)):
            rows: list[int] = np.flatnonzero(np.asarray(pc.fill_null(mask, False))).tolist()
            if rows:
                return rows
        return []

    def containing(self, text: str) -> list[int]:
        """The rows of all playlists with this in their name."""
        key = self._key(text)
        if not key or not len(self._keys):
            return []
        mask = pc.fill_null(pc.match_substring(self._keys, key), False)
        rows: list[int] = np.flatnonzero(np.asarray(mask)).tolist()
        return rows

    def _listed(self, rows: list[int]) -> str:
        names = self.corpus.titles(np.array(rows[:SHOWN])) or ()
        pids = self.corpus.playlists["pid"].take(pa.array(rows[:SHOWN])).to_pylist()
        listed = ", ".join(f"{name} ({pid})" for name, pid in zip(names, pids))
        return listed + (", …" if len(rows) > SHOWN else "")

    @staticmethod
    def _key(text: str) -> str:
        return normalised([text])[0].replace(" ", "")

    @cached_property
    def _keys(self) -> pa.Array:
        """(n_playlists,) the names as they are compared; empty where the data has none."""
        titles = self.corpus.titles(np.arange(self.corpus.n_playlists))
        if titles is None or not any(titles):
            return pa.array([], pa.string())
        return pc.replace_substring(pa.array(normalised(titles), pa.string()), " ", "")
