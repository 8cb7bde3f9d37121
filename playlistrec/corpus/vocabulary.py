"""Vocabularies: ids as text to row numbers, in order of first appearance, with what is known of each row."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import count

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..text import CONTROL

__all__ = ["TRACK_SCHEMA", "Catalogue", "Rows", "Vocabulary", "conform", "digest_of", "distinct", "drop_unknown"]

Rows = npt.NDArray[np.int32]

TRACK_SCHEMA = pa.schema(
    {
        "uri": pa.string(),
        "name": pa.string(),
        "artist_uri": pa.string(),
        "artist_name": pa.string(),
        "album_uri": pa.string(),
        "album_name": pa.string(),
        "isrc": pa.string(),
        "duration_ms": pa.int64(),
    }
)
ARTIST_SCHEMA = pa.schema({"uri": pa.string(), "name": pa.string()})


def distinct(ids: pa.Array) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Number the distinct ids by first appearance: (n,) number of each and (n_distinct,) where each is first.

    >>> numbers, first = distinct(pa.array(["b", "a", "b", "c"]))
    >>> numbers.tolist(), first.tolist()
    ([0, 1, 0, 2], [0, 1, 3])
    >>> distinct(pa.array(["x", "b", "a"]).dictionary_encode().take(pa.array([2, 1, 2])))[0].tolist()
    [0, 1, 0]
    """
    encoded = ids if isinstance(ids, pa.DictionaryArray) else ids.dictionary_encode()
    numbers = encoded.indices.to_numpy()
    first = np.full(len(encoded.dictionary), len(numbers), dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(numbers))[::-1]  # the last assignment stands: the first appearance
    if len(first) and (first[-1] == len(numbers) or (np.diff(first) < 0).any()):  # of some rows of a longer column
        order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(numbers))]
        place = np.empty(len(first), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        numbers, first = place[numbers], first[order]
    return numbers, first


def digest_of(columns: Sequence[pa.ChunkedArray]) -> str:
    """Hex digest of some columns of ids, however they are chunked."""
    digest = hashlib.sha256()
    for column in columns:
        # Lengths and text hashed apart, so that ["ab"] and ["a", "b"] differ.
        digest.update(np.asarray(pc.binary_length(column), dtype=np.int64).tobytes())
        for start in range(0, len(column), 1 << 20):
            digest.update("".join(column.slice(start, 1 << 20).to_pylist()).encode())
    return digest.hexdigest()


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema``, in its order and types; those that ``table`` lacks are null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def drop_unknown(table: pa.Table, keep: tuple[str, ...]) -> pa.Table:
    """Leave out the columns that are null throughout, except those in ``keep``."""
    return table.select(
        [name for name in table.column_names if name in keep or table[name].null_count < table.num_rows]
    )


class Vocabulary:
    """Ids and their row numbers.

    >>> vocabulary = Vocabulary()
    >>> vocabulary.number(pa.array(["x", "y"])).tolist(), vocabulary.number(pa.array(["z", "x"])).tolist()
    ([0, 1], [2, 0])
    """

    def __init__(self) -> None:
        self._known: defaultdict[str, int] = defaultdict(count().__next__)
        self._first = pa.array([], pa.string())

    def __len__(self) -> int:
        return len(self._known) or len(self._first)

    @property
    def _rows(self) -> defaultdict[str, int]:
        if len(self._first) and not self._known:
            deque(map(self._known.__getitem__, self._first.to_pylist()), maxlen=0)
        return self._known

    def number(self, ids: pa.Array | Sequence[str]) -> Rows:
        """(n,) the row of each id; ids not met before get the next rows."""
        if isinstance(ids, pa.DictionaryArray):
            numbers, first = distinct(ids)
            texts = ids.take(pa.array(first)).cast(pa.string())
            if len(self):
                return self.number(texts)[numbers]
            self._first = texts  # of a file of one block all that is needed
            return numbers
        texts = ids if isinstance(ids, Sequence) else ids.to_pylist()
        return np.fromiter(map(self._rows.__getitem__, texts), np.int32, len(ids))

    def find(self, ids: pa.Array) -> Rows:
        """(n,) the row of each id, -1 where it is not known."""
        return np.fromiter((self._rows.get(i, -1) for i in ids.to_pylist()), np.int32, len(ids))

    def ids(self) -> pa.Array:
        """The ids by row."""
        return pa.array(list(self._known), pa.string()) if self._known else self._first


class Catalogue:
    """Tracks and artists as they are met; the first occurrence of each says what is known of it."""

    def __init__(self) -> None:
        self._tracks, self._artists = Vocabulary(), Vocabulary()
        self._track_chunks: list[pa.Table] = []
        self._artist_chunks: list[pa.Table] = []

    def __len__(self) -> int:
        return len(self._tracks)

    def add(self, tracks: pa.Table) -> Rows:
        """(n,) the row of each track.

        Args:
            tracks: distinct ``uri`` and any other columns of ``TRACK_SCHEMA``.
        """
        before = len(self._tracks)
        rows = self._tracks.number(tracks["uri"])
        new = conform(tracks.filter(pa.array(rows >= before)), TRACK_SCHEMA).combine_chunks()
        if new.num_rows:
            uri, name = (new[column].combine_chunks() for column in ("artist_uri", "artist_name"))
            at = new.schema.get_field_index("artist_uri")
            chunk = new.set_column(at, "artist", self._add_artists(uri, name)).drop_columns(["artist_name"])
            self._track_chunks.append(chunk)
        return rows

    def _add_artists(self, uri: pa.Array, name: pa.Array) -> pa.Array:
        keys = _artist_keys(uri, name)
        known = keys.is_valid().to_numpy(zero_copy_only=False)
        numbers, first = distinct(keys.drop_null())
        first = np.flatnonzero(known)[first]
        before = len(self._artists)
        rows = self._artists.number(keys.take(first))
        table = pa.table([keys.take(first), name.take(first)], schema=ARTIST_SCHEMA)
        self._artist_chunks.append(table.filter(pa.array(rows >= before)))
        artist = np.zeros(len(keys), dtype=np.int32)
        artist[known] = rows[numbers]
        return pa.array(artist, mask=~known)

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """The tables of tracks (``artist`` is the row of the artist) and artists."""
        schema = TRACK_SCHEMA.set(2, pa.field("artist", pa.int32())).remove(3)
        tracks = pa.concat_tables([schema.empty_table(), *self._track_chunks]).combine_chunks()
        artists = pa.concat_tables([ARTIST_SCHEMA.empty_table(), *self._artist_chunks]).combine_chunks()
        return drop_unknown(tracks, ("uri", "artist")), artists


def _artist_keys(uri: pa.Array, name: pa.Array) -> pa.Array:
    """Who the artist is: the uri, or without one ``name:`` and the normalised name; null without either."""
    missing = pc.fill_null(pc.equal(uri, ""), True)
    if not pc.any(missing).as_py():
        return uri
    names = pc.if_else(missing, name, pa.scalar(None, pa.string())).dictionary_encode()
    keys = _normalised(names.dictionary)
    keys = pc.if_else(pc.equal(keys, ""), pa.scalar(None, pa.string()), pc.binary_join_element_wise("name:", keys, ""))
    return pc.if_else(missing, keys.take(names.indices), uri)


def _normalised(names: pa.Array) -> pa.Array:
    """Names blind to case, width, control characters and blanks."""
    keys = pc.ascii_lower(names)
    others = pc.match_substring_regex(names, r"[^!-~ ]|^ | $|  ")
    return pc.replace_with_mask(keys, others, pa.array(map(_normalise, names.filter(others).to_pylist()), pa.string()))


def _normalise(name: str) -> str:
    return " ".join(CONTROL.sub(" ", unicodedata.normalize("NFKC", name)).casefold().split())
