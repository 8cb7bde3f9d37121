"""Tracks that have no id but an artist and a title: they get one from both, as matching compares names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..track_names import artist_keys, title_keys
from ..vocabulary import Vocabulary, distinct

__all__ = ["NamedTracks"]

BETWEEN = "\x1f"  # no name has it


class NamedTracks:
    """Ids of tracks by artist and title: spellings, versions and guests of one song are one track.

    >>> tracks = NamedTracks()
    >>> tracks.ids(pa.array(["Zoë", "ZOE", "Hex"]), pa.array(["Déjà Vu", "deja vu (Live)", "Vu"])).to_pylist()
    ['name:zoe:dejavu', 'name:zoe:dejavu', 'name:hex:vu']
    """

    def __init__(self) -> None:
        self._pairs = Vocabulary()
        self._ids: list[str] = []

    def ids(self, artists: pa.Array, titles: pa.Array) -> pa.DictionaryArray:
        """(n,) the id of each track."""
        pairs = pc.binary_join_element_wise(artists, titles, BETWEEN)
        numbers, first = distinct(pairs)
        before = len(self._pairs)
        rows = self._pairs.number(pairs.take(first))
        new = pa.array(first[rows >= before])
        self._ids += _keys(artists.take(new), titles.take(new)).to_pylist()
        ids = pa.array([self._ids[row] for row in rows.tolist()], pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(ids.indices.take(pa.array(numbers)), ids.dictionary)


def _keys(artists: pa.Array, titles: pa.Array) -> pa.Array:
    parts = []
    for texts, keys in ((artists, artist_keys), (titles, title_keys)):
        encoded = texts.dictionary_encode()
        made = keys(encoded.dictionary)
        made = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
        # A name of signs alone has no key: it is its own.
        parts.append(pc.if_else(pc.equal(made, ""), encoded.dictionary, made).take(encoded.indices))
    return pc.binary_join_element_wise("name", *parts, ":")
