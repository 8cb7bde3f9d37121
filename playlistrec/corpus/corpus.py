"""The Corpus: playlists as CSR arrays plus tables of playlists, tracks and artists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from ..errors import DataError
from .entry_checks import check_entries
from .facts import facts
from .vocabulary import digest_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Corpus", "Ints"]

Ints = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """Playlists, their tracks in order, and what is known of playlists, tracks and artists. Immutable.

    Attributes:
        offsets: (n_playlists + 1,) int64; playlist ``p`` holds entries ``offsets[p]:offsets[p + 1]``.
        tracks: (n_entries,) int32; the track of each entry, in playlist order, duplicates kept.
        playlists: table with ``pid`` (string) and what else the source had (``name``, ``num_followers``,
            ``ordered``: whether the order of the entries means anything, …).
        track_table: table with ``uri`` (string), ``artist`` (int32 row of ``artists``, null when unknown) and
            what else the source had (``name``, ``album_uri``, ``album_name``, ``duration_ms``).
        artists: table with ``uri`` and ``name`` (strings).
        weights: (n_entries,) float32 rating or play count of each entry, at least 0; None where the data has none.
        contexts: (n_entries,) uint8 codes of each context that was asked for: see :mod:`playlistrec.corpus.contexts`.

    >>> corpus = Corpus.from_lists([["a", "b"], ["b", "c", "c"]])
    >>> corpus.n_playlists, corpus.n_entries, corpus.playlist(1).tolist()
    (2, 5, [1, 2, 2])
    """

    offsets: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int32]
    playlists: pa.Table
    track_table: pa.Table
    artists: pa.Table
    weights: npt.NDArray[np.float32] | None = None
    contexts: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_entries(self)
        weights = () if self.weights is None else (self.weights,)
        for array in (self.offsets, self.tracks, *weights, *self.contexts.values()):
            array.setflags(write=False)

    @classmethod
    def from_lists(cls, playlists: list[list[str]], artist_of: dict[str, str] | None = None) -> Corpus:
        """Build a corpus from lists of track ids, and optionally the artist of each track.

        Playlists are named ``"0", "1", …``; tracks and artists are numbered by first appearance.
        """
        artist_of = artist_of or {}
        uris = list(dict.fromkeys(uri for playlist in playlists for uri in playlist))
        names = list(dict.fromkeys(artist_of[uri] for uri in uris if uri in artist_of))
        row = {name: i for i, name in enumerate(names)}
        number = {uri: i for i, uri in enumerate(uris)}
        return cls(
            offsets=np.cumsum([0, *map(len, playlists)]).astype(np.int64),
            tracks=np.array([number[uri] for playlist in playlists for uri in playlist], dtype=np.int32),
            playlists=pa.table({"pid": pa.array([str(i) for i in range(len(playlists))], pa.string())}),
            track_table=pa.table(
                {
                    "uri": pa.array(uris, pa.string()),
                    "artist": pa.array([row.get(artist_of.get(uri, "")) for uri in uris], pa.int32()),
                }
            ),
            artists=pa.table({"uri": pa.array(names, pa.string()), "name": pa.array(names, pa.string())}),
        )

    def __repr__(self) -> str:
        return f"Corpus: {facts(self)}"

    @property
    def n_playlists(self) -> int:
        return int(self.playlists.num_rows)

    @property
    def n_tracks(self) -> int:
        return int(self.track_table.num_rows)

    @property
    def n_artists(self) -> int:
        return int(self.artists.num_rows)

    @property
    def n_entries(self) -> int:
        return len(self.tracks)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(n_playlists,) number of entries of each playlist."""
        return np.diff(self.offsets)

    @cached_property
    def entry_playlist(self) -> npt.NDArray[np.int32]:
        """(n_entries,) the playlist of each entry."""
        return np.repeat(np.arange(self.n_playlists, dtype=np.int32), self.lengths)

    @cached_property
    def track_artist(self) -> npt.NDArray[np.int32]:
        """(n_tracks,) the artist of each track, -1 where unknown."""
        column = self.track_table["artist"].combine_chunks()
        return np.asarray(pc.fill_null(column, -1).to_numpy(zero_copy_only=False), dtype=np.int32)

    @cached_property
    def pairs(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The distinct (playlist, track) pairs, sorted: two (n_pairs,) arrays."""
        from .pair_blocks import distinct_pairs

        return distinct_pairs(self)

    @cached_property
    def popularity(self) -> npt.NDArray[np.int64]:
        """(n_tracks,) playlists that hold each track."""
        from .pair_blocks import holders

        return holders(self)

    @cached_property
    def matrix(self) -> sparse.csr_array[np.float32]:
        """(n_playlists, n_tracks) binary matrix of the distinct pairs."""
        ones = np.ones(len(self.pairs[0]), dtype=np.float32)
        return sparse.csr_array((ones, self.pairs), shape=(self.n_playlists, self.n_tracks))

    @cached_property
    def columns(self) -> sparse.csc_array[np.float32]:
        """:attr:`matrix` by column: which playlists hold a track."""
        return self.matrix.tocsc()

    def playlist(self, index: int) -> npt.NDArray[np.int32]:
        """The tracks of one playlist, in order, duplicates kept."""
        return self.tracks[self.offsets[index] : self.offsets[index + 1]]

    def where(self, mask: Mask) -> Corpus:
        """A corpus with all playlists, tracks and artists, but only the entries where ``mask`` (n_entries,) is true."""
        if mask.shape != self.tracks.shape:
            raise DataError(f"the mask must have shape {self.tracks.shape} (got {mask.shape})")
        kept = np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
        return replace(self, offsets=kept[self.offsets], tracks=self.tracks[mask], **self.beside_tracks(mask))

    def beside_tracks(self, entries: Mask | Ints) -> dict[str, Any]:
        """The fields ``weights`` and ``contexts`` of some entries: all that is known beside their tracks."""
        weights = None if self.weights is None else self.weights[entries]
        return {"weights": weights, "contexts": {name: codes[entries] for name, codes in self.contexts.items()}}

    def subset(self, playlists: Mask, tracks: Mask) -> tuple[Corpus, Mask]:
        """Drop playlists and tracks (and artists left without a track), renumbering the rest.

        Returns the smaller corpus and the (n_entries,) mask of the entries of this one that it kept.
        """
        kept = playlists[self.entry_playlist] & tracks[self.tracks]
        lengths = np.bincount(self.entry_playlist[kept], minlength=self.n_playlists)[playlists]
        new_track = np.cumsum(tracks, dtype=np.int32) - np.int32(1)
        artist = self.track_artist[tracks]
        used = np.zeros(self.n_artists, dtype=bool)
        used[artist[artist >= 0]] = True
        new_artist = np.where(artist >= 0, (np.cumsum(used) - 1)[artist] if self.n_artists else -1, -1)
        table = self.track_table.filter(pa.array(tracks))
        column = pa.array(new_artist, pa.int32(), mask=new_artist < 0)
        table = table.set_column(table.schema.get_field_index("artist"), "artist", column)
        corpus = Corpus(
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            tracks=new_track[self.tracks[kept]],
            playlists=self.playlists.filter(pa.array(playlists)),
            track_table=table,
            artists=self.artists.filter(pa.array(used)),
            **self.beside_tracks(kept),
        )
        return corpus, kept

    def playlist_index(self, pid: str | int) -> int:
        """The row of the playlist called ``pid``. Raises DataError when there is none."""
        found = pc.index(self.playlists["pid"], pa.scalar(str(pid), pa.string())).as_py()
        if found < 0:
            some = ", ".join(self.playlists["pid"].slice(0, 3).to_pylist())
            raise DataError(f"there is no playlist {pid!r} in this data (its playlists are {some}, …)")
        return int(found)

    def track_index(self, uri: str) -> int:
        """The row of the track with this uri. Raises DataError when there is none."""
        found = pc.index(self.track_table["uri"], pa.scalar(uri, pa.string())).as_py()
        if found < 0:
            raise DataError(f"there is no track {uri!r} in this data")
        return int(found)

    def titles(self, playlists: Ints) -> tuple[str, ...] | None:
        """The names of some playlists, empty where one has none; None where the source had no names."""
        if "name" not in self.playlists.column_names:
            return None
        names = self.playlists["name"].take(pa.array(playlists, pa.int64()))
        return tuple(pc.fill_null(names, "").to_pylist())

    def artist_names(self) -> pa.ChunkedArray:
        """(n_tracks,) the name of each track's artist, null where unknown."""
        return self.artists["name"].take(self.track_table["artist"])

    def describe(self, tracks: Ints) -> list[dict[str, str | None]]:
        """``track_uri``, ``track_name`` and ``artist_name`` of some tracks; none where the source had no name."""
        table, rows = self.track_table, pa.array(tracks, pa.int64())
        names = table["name"] if "name" in table.column_names else pa.nulls(self.n_tracks)
        taken = [table["uri"].take(rows), names.take(rows), self.artists["name"].take(table["artist"].take(rows))]
        keys = ("track_uri", "track_name", "artist_name")
        return [dict(zip(keys, row)) for row in zip(*(column.to_pylist() for column in taken))]

    def frame(self, table: str) -> pd.DataFrame:
        """One of the tables ``"playlists"``, ``"tracks"``, ``"artists"`` as a pandas frame."""
        import pandas as pd  # a third of a second that only this function needs

        tables = {"playlists": self.playlists, "tracks": self.track_table, "artists": self.artists}
        if table not in tables:
            raise DataError(f"table must be one of {', '.join(tables)} (got {table!r})")
        frame: pd.DataFrame = tables[table].to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get)
        return frame

    @cached_property
    def vocabulary_hash(self) -> str:
        """Hex digest of the ids of playlists, tracks and artists: equal when row numbers mean the same."""
        return digest_of([self.playlists["pid"], self.track_table["uri"], self.artists["uri"]])

    def save(self, folder: Path) -> None:
        """Write the arrays and tables into an existing folder."""
        from .files import save_corpus

        save_corpus(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """The corpus that :meth:`save` wrote. Raises DataError where a file is missing or damaged."""
        from .files import read_corpus

        return read_corpus(folder)
