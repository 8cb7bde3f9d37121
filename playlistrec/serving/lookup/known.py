"""Tracks that are given by their uri, many at once: looked up in a dictionary that is made once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...corpus.corpus import Corpus
from ...corpus.sources.exports.addresses import spellings
from .seeds import UNKNOWN, Seeds, resolve

__all__ = ["KnownTracks"]


class KnownTracks:
    """The tracks of a corpus by uri, each with the track that stands for it as a seed.

    Attributes:
        uris: (n_tracks,) of objects, so that rows take them without a copy.

    >>> known = KnownTracks(Corpus.from_lists([["a", "b"], ["b"]]))
    >>> known.seeds(["b", "new"]).rows.tolist()
    [1, -1]
    """

    def __init__(self, corpus: Corpus) -> None:
        table = corpus.track_table
        uris = table["uri"].to_pylist()
        names = table["name"].to_pylist() if "name" in table.column_names else None
        self.uris = np.array(uris, dtype=object)
        self._rows = {uri: row for row, uri in enumerate(uris)}
        placed = resolve(corpus, corpus.popularity, uris, names=names)
        # The last is what row -1 finds, that of a uri that the data does not have.
        self._seeds, self._by = np.append(placed.rows, -1), np.append(placed.by, UNKNOWN)

    def seeds(self, uris: Sequence[str]) -> Seeds:
        """A seed for each uri, as :func:`~.seeds.resolve` finds it by uri alone."""
        own = np.array([self._row(uri) for uri in uris], dtype=np.int64)
        return Seeds(self._seeds[own], self._by[own], own)

    def _row(self, uri: str) -> int:
        row = self._rows.get(uri)
        return next((self._rows[way] for way in spellings(uri) if way in self._rows), -1) if row is None else row
