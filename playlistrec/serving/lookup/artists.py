"""Finding the artist a person names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa

from ...corpus.corpus import Corpus, Ints
from ...errors import DataError
from .search import likeness, name_keys

__all__ = ["ArtistIndex"]

SHOWN = 3
"""Artists that an error message lists."""


class ArtistIndex:
    """Finds artists by uri or name, blind to accents, case, punctuation and spaces.

    >>> corpus = Corpus.from_lists([["a", "b"]], {"a": "Sigur Rós", "b": "sigur ros"})
    >>> ArtistIndex(corpus).find("SIGUR-RÓS")
    [0, 1]
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus

    def rows(self, text: str) -> list[int]:
        """All artists that have this uri or name."""
        return self._rows.get(text.strip()) or self._rows.get(name_keys(pa.array([text]))[0].as_py(), [])

    def find(self, text: str) -> list[int]:
        """As :meth:`rows`. Raises DataError, naming the nearest, where there is none."""
        if not text.strip():
            raise DataError("the name of an artist must not be empty")
        if found := self.rows(text):
            return found
        alike = likeness(self._keys, name_keys(pa.array([text]))[0].as_py())
        near = [row for row in np.argsort(-alike, kind="stable")[:SHOWN].tolist() if alike[row] > 0]
        names = ", ".join(dict.fromkeys(self.corpus.artists["name"].take(pa.array(near, pa.int64())).to_pylist()))
        raise DataError(f"no artist is called {text!r}" + (f"; nearest: {names}" if names else ""))

    def one(self, text: str, weights: Ints) -> tuple[int, str | None]:
        """The artist of this uri or name, and a remark where several have it.

        Args:
            weights: (n_tracks,) of several artists the one whose tracks weigh most in all is taken.

        Raises DataError where there is none.
        """
        rows = self.find(text)
        held = self.corpus.track_artist
        row = max(rows, key=lambda artist: int(weights[held == artist].sum()))
        uri = self.corpus.artists["uri"][row].as_py()
        return row, f"{len(rows)} artists are called {text!r}: took {uri}" if len(rows) > 1 else None

    def all_of(self, texts: Iterable[str]) -> tuple[int, ...]:
        """The rows of all that are named."""
        return tuple(row for text in texts for row in self.find(text))

    @cached_property
    def _keys(self) -> pa.Array:
        return name_keys(self.corpus.artists["name"])

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for names in (self._keys.to_pylist(), self.corpus.artists["uri"].to_pylist()):
            for row, name in enumerate(names):
                if name is not None and row not in (listed := rows.setdefault(name, [])):
                    listed.append(row)
        return rows
