"""Finding the artist a person names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus, Ints
from ...corpus.track_names import artist_keys
from ...errors import DataError
from .near import NearNames

__all__ = ["ArtistIndex"]

SHOWN = 3
"""Artists that an error message lists."""

NEAREST = 40.0
"""Likeness that they have at least."""


class ArtistIndex:
    """Finds artists by uri or name, blind to accents, case, punctuation and spaces.

    Args:
        keys: (n_artists,) those of :func:`~playlistrec.corpus.track_names.artist_keys`; None: made when first needed.

    >>> corpus = Corpus.from_lists([["a", "b"]], {"a": "Sigur Rós", "b": "sigur ros"})
    >>> ArtistIndex(corpus).find("SIGUR-RÓS")
    [0, 1]
    """

    def __init__(self, corpus: Corpus, keys: pa.Array | None = None) -> None:
        self.corpus, self._given = corpus, keys

    def rows(self, text: str) -> list[int]:
        """All artists that have this uri or name."""
        by_uri = pc.equal(self.corpus.artists["uri"], text.strip())
        return _where(by_uri) or _where(pc.equal(self._keys, artist_keys(pa.array([text]))[0].as_py() or None))

    def find(self, text: str) -> list[int]:
        """As :meth:`rows`. Raises DataError, naming the nearest, where there is none."""
        if not text.strip():
            raise DataError("the name of an artist must not be empty")
        if found := self.rows(text):
            return found
        near = [row for row, _ in NearNames(self._keys).find(artist_keys(pa.array([text]))[0].as_py(), NEAREST)]
        names = self.corpus.artists["name"].take(pa.array(near, pa.int64())).to_pylist()
        listed = ", ".join(list(dict.fromkeys(names))[:SHOWN])
        raise DataError(f"no artist is called {text!r}" + (f"; nearest: {listed}" if listed else ""))

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
        return artist_keys(self.corpus.artists["name"]) if self._given is None else self._given


def _where(mask: pa.Array | pa.ChunkedArray) -> list[int]:
    rows: list[int] = np.flatnonzero(np.asarray(pc.fill_null(mask, False))).tolist()
    return rows
