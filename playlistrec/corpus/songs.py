"""Which tracks of a corpus are one song, and the keys by which artists and titles are found."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import DataError
from ..storage import checksum, open_file
from .corpus import Corpus, Ints
from .files import write_parquet
from .track_names import artist_keys, artist_parts, title_keys

__all__ = ["Songs", "merge_versions"]

FILES = ("songs.parquet", "artist_keys.parquet")

JOINT = r"(?i)[;|,/&+\x{3001}\x{ff0c}]|\s(?:feat|ft|featuring|and|with|vs|x)\b"
"""Something by which names are joined, or that is part of a name."""

ISRC = r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$"
"""A recording's code: country, registrant, year and number (ISO 3901)."""


@dataclass(frozen=True, eq=False)
class Songs:
    """The keys of a corpus' names, and its songs.

    Two tracks are one song if they have the same artist and the same bare title (see
    :mod:`~playlistrec.corpus.track_names`), or the same ISRC. Where artists are joined (``"Vela, Hex"``), the same
    ones in another order are the same, and so is the first of them alone.

    Attributes:
        titles: (n_tracks,) the key of each title, null without one.
        artists: (n_artists,) the key of each artist's name, null without one.
        parts: (n_artists,) the keys of the artists that a name joins; empty for a single one.
        song: (n_tracks,) the song of each track, the lowest row of a track that is the same.

    >>> table = pa.table({"uri": ["t:1", "t:2"], "name": ["Vu", "Vu - Live"], "artist": pa.array([0, 0], pa.int32())})
    >>> artists = pa.table({"uri": ["a:1"], "name": ["Zoë"]})
    >>> playlists = pa.table({"pid": ["0"]})
    >>> corpus = Corpus(np.array([0, 2]), np.array([0, 1], np.int32), playlists, table, artists)
    >>> Songs.of(corpus).song.tolist()
    [0, 0]
    """

    titles: pa.Array
    artists: pa.Array
    parts: pa.Array
    song: npt.NDArray[np.int32]

    @classmethod
    def of(cls, corpus: Corpus) -> Songs:
        """The songs of a corpus; without names every track is a song of its own."""
        names = corpus.artists["name"].combine_chunks().cast(pa.string())
        artists = artist_keys(names)
        joined = pc.fill_null(pc.match_substring_regex(names, JOINT), False).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(joined)
        found = dict(zip(rows.tolist(), artist_parts(names.take(pa.array(rows)).to_pylist())))
        found = {row: keys for row, keys in found.items() if len(keys) > 1}
        parts = pa.array([found.get(row, ()) for row in range(len(names))], pa.list_(pa.string()))
        if "name" in corpus.track_table.column_names:
            titles = title_keys(corpus.track_table["name"].combine_chunks().cast(pa.string()))
        else:
            titles = pa.nulls(corpus.n_tracks, pa.string())
        return cls(titles, artists, parts, _songs(corpus, titles, artists, found))

    @cached_property
    def versions(self) -> npt.NDArray[np.int64]:
        """(n_tracks,) how many tracks are the song of each."""
        return np.bincount(self.song, minlength=len(self.song))[self.song]

    @cached_property
    def _grouped(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        """The tracks ordered by song, and where each song begins."""
        order = np.argsort(self.song, kind="stable")
        return order, np.searchsorted(self.song[order], np.arange(len(self.song) + 1))

    def same(self, tracks: Ints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """All tracks that are the songs of some: for each the place among ``tracks``, and its row.

        A track is among its own.
        """
        order, starts = self._grouped
        song, n = self.song[tracks], self.versions[tracks]
        places = np.repeat(np.arange(len(tracks)), n)
        within = np.arange(len(places)) - np.repeat(np.cumsum(n) - n, n)
        return places, order[starts[song][places] + within]

    def save(self, folder: Path) -> None:
        """Write the files of an index into an existing folder."""
        write_parquet(folder / FILES[0], pa.table({"title": self.titles, "song": pa.array(self.song)}))
        write_parquet(folder / FILES[1], pa.table({"key": self.artists, "parts": self.parts}))

    @classmethod
    def load(cls, folder: Path, corpus: Corpus, digests: Mapping[str, str] | None = None) -> Songs:
        """The songs that :meth:`save` wrote for this corpus, or :meth:`of` it where the folder has none.

        Args:
            digests: the SHA-256 of the files of this corpus; where others are there by now, it is :meth:`of` it too.

        Raises DataError where the files are damaged.
        """
        try:
            with ExitStack() as stack:
                files = [stack.enter_context(open_file(folder / name)) for name in FILES]
                if digests is not None:
                    if any(checksum(file) != digests.get(name) for file, name in zip(files, FILES)):
                        return cls.of(corpus)
                    for file in files:
                        file.seek(0)
                tracks, artists = map(pq.read_table, files)
            titles, keys, parts = (c.combine_chunks() for c in (tracks["title"], artists["key"], artists["parts"]))
            found = cls(titles, keys, parts, tracks["song"].to_numpy())
        except FileNotFoundError:
            return cls.of(corpus)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise DataError(f"{folder} is damaged: {str(error).splitlines()[0]}") from error
        if len(found.song) != corpus.n_tracks or len(found.artists) != corpus.n_artists:
            raise DataError(f"{folder} is damaged: {FILES[0]} is of {len(found.song)} tracks, not {corpus.n_tracks}")
        rows = found.song
        if rows.dtype != np.int32 or (len(rows) and not 0 <= rows.min() <= rows.max() < len(rows)):
            raise DataError(f"{folder} is damaged: song must be a row of {FILES[0]}")
        return found


def merge_versions(corpus: Corpus) -> Corpus:
    """A corpus in which each song is one track: the one that most playlists hold; ties go to the lower row.

    Entries stay, in their order: a playlist that held two versions holds the track twice.
    """
    song = Songs.of(corpus).song
    ranking = np.lexsort((np.arange(corpus.n_tracks), -corpus.popularity, song))
    first = ranking[np.diff(song[ranking], prepend=-1) > 0]
    best = np.empty(corpus.n_tracks, dtype=np.int32)
    best[song[first]] = first
    merged = replace(corpus, tracks=best[song[corpus.tracks]])
    kept = np.zeros(corpus.n_tracks, dtype=bool)
    kept[first] = True
    return merged.subset(np.ones(corpus.n_playlists, dtype=bool), kept)[0]


def _songs(
    corpus: Corpus, titles: pa.Array, artists: pa.Array, joined: dict[int, tuple[str, ...]]
) -> npt.NDArray[np.int32]:
    """(n_tracks,) the lowest row of a track that is the same song."""
    title, n_titles = _numbers(titles)
    artist, _ = _numbers(artists)
    by = corpus.track_artist
    artist_of = np.where(by >= 0, artist[by], -1) if len(artist) else by.astype(np.int64)
    whole = (title >= 0) & (artist_of >= 0)
    links = [_linked(np.flatnonzero(whole), (artist_of * n_titles + title)[whole])]
    if joined:
        links.append(_linked(*_of_joined(corpus, title, artist_of, n_titles, artists, joined)))
    if "isrc" in corpus.track_table.column_names:
        code, _ = _numbers(_isrc(corpus.track_table["isrc"].combine_chunks()))
        links.append(_linked(np.flatnonzero(code >= 0), code[code >= 0]))
    return _lowest(corpus.n_tracks, np.concatenate(links, axis=1))


def _numbers(keys: pa.Array) -> tuple[npt.NDArray[np.int64], int]:
    """(n,) a number for each distinct key, -1 for null and empty ones, and how many there are."""
    coded = pc.if_else(pc.equal(keys, ""), pa.scalar(None, pa.string()), keys).dictionary_encode()
    numbers = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers, len(coded.dictionary)


def _linked(tracks: Ints, keys: Ints) -> npt.NDArray[np.int64]:
    """(2, n) pairs of tracks that have one key: each with the first of them."""
    order = np.lexsort((tracks, keys))
    new = np.diff(keys[order], prepend=-1) != 0
    first = tracks[order][np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    return np.stack([tracks[order][~new], first[~new]]).astype(np.int64)


def _of_joined(
    corpus: Corpus,
    title: npt.NDArray[np.int64],
    artist_of: npt.NDArray[np.int64],
    n_titles: int,
    artists: pa.Array,
    joined: dict[int, tuple[str, ...]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Tracks by joined artists, each with a key of the set of them, and with that of the first who has the title too.

    The tracks of these artists alone stand among them, so that they are linked.
    """
    number = {key: at for at, key in enumerate(_distinct(artists))}
    sets = {keys: len(number) + at for at, keys in enumerate(dict.fromkeys(tuple(sorted(k)) for k in joined.values()))}
    holds = np.zeros(corpus.n_artists + 1, dtype=bool)
    holds[list(joined)] = True
    rows = np.flatnonzero(holds[corpus.track_artist] & (title >= 0))
    alone = np.flatnonzero(~holds[corpus.track_artist] & (title >= 0) & (artist_of >= 0))
    order = np.argsort((artist_of * n_titles + title)[alone], kind="stable")
    known = (artist_of * n_titles + title)[alone][order]
    tracks, keys = [], []
    for row in rows.tolist():
        named = joined[int(corpus.track_artist[row])]
        tracks.append(row)
        keys.append(sets[tuple(sorted(named))] * n_titles + int(title[row]))
        for part in named if _all_known(named, number) else ():
            key = number[part] * n_titles + int(title[row])
            at = int(np.searchsorted(known, key))
            if at < len(known) and known[at] == key:
                tracks += [row, int(alone[order[at]])]
                keys += [key, key]
                break
    return np.array(tracks, dtype=np.int64), np.array(keys, dtype=np.int64)


def _all_known(keys: tuple[str, ...], known: dict[str, int]) -> bool:
    """True if a name joins artists that the data has one by one, and is not the name of one group."""
    return all(key in known for key in keys)


def _distinct(keys: pa.Array) -> list[str]:
    coded = pc.if_else(pc.equal(keys, ""), pa.scalar(None, pa.string()), keys).dictionary_encode()
    distinct: list[str] = coded.dictionary.to_pylist()
    return distinct


def _isrc(codes: pa.Array) -> pa.Array:
    """Codes in one spelling; null for what is none."""
    plain = pc.replace_substring_regex(pc.utf8_upper(codes.cast(pa.string())), "[^A-Z0-9]", "")
    return pc.if_else(pc.match_substring_regex(plain, ISRC), plain, pa.scalar(None, pa.string()))


def _lowest(n: int, links: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """(n,) the lowest of the rows that links join each row with."""
    if not links.shape[1]:
        return np.arange(n, dtype=np.int32)
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(links.shape[1], dtype=bool)
    _, component = connected_components(sparse.coo_array((ones, (links[0], links[1])), shape=(n, n)), directed=False)
    first = np.full(component.max() + 1, n, dtype=np.int64)
    np.minimum.at(first, component, np.arange(n))
    return first[component].astype(np.int32)
