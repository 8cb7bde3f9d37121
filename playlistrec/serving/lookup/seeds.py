"""Seed tracks that come from elsewhere: which tracks of the data they are, and which speak for those it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...corpus.corpus import Corpus, Ints
from ...corpus.sources.exports.addresses import spellings
from ...corpus.track_names import artist_keys, title_keys

__all__ = ["ARTIST", "NAME", "UNKNOWN", "URI", "Seeds", "resolve", "rows_of", "track_rows"]

URI, NAME, ARTIST, UNKNOWN = range(4)

FEW = 20
"""Times as many rows as values for which a column is searched, and not hashed."""

Names = Sequence[str | None]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seeds:
    """The result of :func:`resolve` for n seeds.

    Attributes:
        rows: (n,) the track that stands for the seed, -1 where there is none.
        by: (n,) uint8, how it was found: ``URI``, it is the track itself; ``NAME``, the same title by the same artist
            under another uri; ``ARTIST``, the artist's most popular track stands in; ``UNKNOWN``.
        own: (n,) the row of the seed's uri, -1 where the data has none. It may have a row that nobody learned from.
    """

    rows: Rows
    by: npt.NDArray[np.uint8]
    own: Rows

    def taken(self) -> tuple[Rows, Rows]:
        """Seeds that must not be recommended: places among the seeds, and tracks. A stand-in may be recommended."""
        same = np.where(self.by == ARTIST, -1, self.rows)
        at = np.arange(len(self.rows))
        return (
            np.concatenate([at[same >= 0], at[self.own >= 0]]),
            np.concatenate([same[same >= 0], self.own[self.own >= 0]]),
        )


def resolve(
    corpus: Corpus,
    popularity: Ints,
    uris: Sequence[str],
    *,
    artist_uris: Names | None = None,
    artist_names: Names | None = None,
    names: Names | None = None,
) -> Seeds:
    """Find n seed tracks in the data; those that no known playlist holds are placed through their artist.

    In this order: the uri; the same title by the same artist under another uri; the artist's most popular track
    (ties to the lower row). The artist is the one that the data names for the uri, or has the seed's artist uri, or
    else its name, whatever case, accents and punctuation; of several so called the one with the most popular track.

    Args:
        popularity: (n_tracks,) playlists that hold each track, of those that may be learned from; 0: never seen.
        uris, artist_uris, artist_names, names: (n,) what is known of each seed.

    >>> corpus = Corpus.from_lists([["a", "b"], ["b"]], {"a": "X", "b": "X"})
    >>> seeds = resolve(corpus, np.array([1, 2]), ["a", "new", "odd"], artist_names=[None, "x", "y"])
    >>> seeds.rows.tolist(), seeds.by.tolist()
    ([0, 1, -1], [0, 2, 3])
    """
    own = track_rows(corpus, uris)
    seen = (own >= 0) & (popularity[own] > 0)
    rows, by = np.where(seen, own, -1), np.where(seen, URI, UNKNOWN).astype(np.uint8)
    left = np.flatnonzero(~seen)
    if not len(left):
        return Seeds(rows, by, own)
    ranking = np.lexsort((np.arange(corpus.n_tracks), -popularity.astype(np.int64)))
    ranking = ranking[(popularity[ranking] > 0) & (corpus.track_artist[ranking] >= 0)]
    artists, first = np.unique(corpus.track_artist[ranking], return_index=True)
    top = np.full(corpus.n_artists + 1, -1, dtype=np.int64)  # the last is for artist -1
    top[artists] = ranking[first]
    artist = np.where(own[left] >= 0, corpus.track_artist[own[left]], -1).astype(np.int64)
    if artist_uris is not None:
        artist = np.where(artist >= 0, artist, rows_of(corpus.artists["uri"], [artist_uris[i] for i in left.tolist()]))
    if artist_names is not None:
        order = artists[np.argsort(first, kind="stable")]
        by_name = _named(corpus.artists["name"], order, [artist_names[i] for i in left.tolist()])
        artist = np.where(top[artist] >= 0, artist, by_name)
    twin = np.full(len(left), -1, dtype=np.int64)
    if names is not None and "name" in corpus.track_table.column_names:
        twin = _twins(corpus, ranking, artist, [names[i] for i in left.tolist()])
    rows[left] = np.where(twin >= 0, twin, top[artist])
    by[left] = np.select([twin >= 0, top[artist] >= 0], [NAME, ARTIST], UNKNOWN)
    return Seeds(rows, by, own)


def track_rows(corpus: Corpus, texts: Names) -> Rows:
    """(n,) the track whose uri each text gives, however it spells it; -1 where there is none."""
    column = corpus.track_table["uri"]
    rows = rows_of(column, texts)
    others = [(i, way) for i in np.flatnonzero(rows < 0).tolist() for way in spellings(texts[i] or "")]
    found = rows_of(column, [way for _, way in others]).tolist()
    for (i, _), row in zip(others, found):
        if rows[i] < 0:
            rows[i] = row
    return rows


def rows_of(column: pa.ChunkedArray, values: Names) -> Rows:
    """(n,) where each value first stands in the column, -1 where it does not or is none."""
    if len(values) * FEW < len(column):  # the smaller side is hashed
        distinct = list(dict.fromkeys(value for value in values if value is not None))
        places = pc.index_in(column, value_set=pa.array(distinct, pa.string()), skip_nulls=True).combine_chunks()
        at = np.asarray(pc.fill_null(places, -1).to_numpy(zero_copy_only=False))
        rows = np.flatnonzero(at >= 0)
        first = dict(zip(at[rows][::-1].tolist(), rows[::-1].tolist()))
        known = {value: first[i] for i, value in enumerate(distinct) if i in first}
        return np.array([-1 if value is None else known.get(value, -1) for value in values], dtype=np.int64)
    found = pc.index_in(pa.array(values, pa.string()), value_set=column.combine_chunks(), skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _named(column: pa.ChunkedArray, order: Ints, wanted: Names) -> Rows:
    """(n,) the first row in ``order`` whose name is as each of ``wanted``, -1 where there is none."""
    keys = artist_keys(pa.array(wanted, pa.string()))
    known = artist_keys(column.take(pa.array(order)))
    row: dict[str, int] = {}
    for at in np.flatnonzero(np.asarray(pc.is_in(known, value_set=keys.drop_null(), skip_nulls=True))).tolist():
        row.setdefault(known[at].as_py(), int(order[at]))
    return np.array([row.get(key, -1) for key in keys.to_pylist()], dtype=np.int64)


def _twins(corpus: Corpus, ranking: Ints, artist: Ints, names: Names) -> Rows:
    """(n,) the most popular track by each artist that has each name, -1 where there is none."""
    wanted = np.zeros(corpus.n_artists + 1, dtype=bool)
    wanted[artist] = True
    wanted[-1] = False
    of_them = ranking[wanted[corpus.track_artist[ranking]]]
    titles = title_keys(corpus.track_table["name"].take(pa.array(of_them))).to_pylist()
    row: dict[tuple[int, str | None], int] = {}
    for track, by, title in zip(of_them.tolist(), corpus.track_artist[of_them].tolist(), titles):
        row.setdefault((by, title), track)
    keys = title_keys(pa.array(names, pa.string())).to_pylist()
    return np.array([row.get((by, key), -1) if key else -1 for by, key in zip(artist.tolist(), keys)], dtype=np.int64)
