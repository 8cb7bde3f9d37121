"""Growth: a later state of some playlists in the rows of an earlier one, new rows after the old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from .corpus import Corpus, Mask
from .split import TEST, TEST_SEED, TRAIN, VALID, VALID_SEED, Split

__all__ = ["Growth", "fingerprints", "fitted_rows", "grown", "grown_split"]

Rows = npt.NDArray[np.int64]

TRUTH = np.zeros(5, dtype=np.uint8)
TRUTH[[TRAIN, VALID, TEST, VALID_SEED, TEST_SEED]] = TRAIN, VALID, TEST, VALID, TEST
"""The part of what is added to a playlist that was hidden whole, by that of its entries."""


@dataclass(frozen=True, eq=False)
class Growth:
    """How far the rows of a corpus are those that a model was fitted to.

    Attributes:
        n_playlists, n_tracks, n_artists: rows that it was fitted to; those after them are new.
        changed: (n_playlists,) True for those of its playlists that hold other tracks than they did.
        before: the corpus that its state has rows for: those it was fitted to, and those inferred since.
    """

    n_playlists: int
    n_tracks: int
    n_artists: int
    changed: Mask
    before: Corpus

    @classmethod
    def since(cls, fitted: Mapping[str, npt.NDArray[np.generic]], part: str, before: Corpus, after: Corpus) -> Growth:
        """The growth from the ``part`` of the data that :func:`fitted_rows` tells of to a corpus."""
        held = fitted[part]
        n_playlists, n_tracks, n_artists = fitted["rows"].tolist()
        return cls(n_playlists, n_tracks, n_artists, fingerprints(after)[: len(held)] != held, before)


def grown(old: Corpus, new: Corpus) -> tuple[Corpus, Rows]:
    """The playlists of ``new`` in the rows of ``old``: what both have keeps its row, what is new comes after.

    A playlist or track that ``new`` no longer has keeps its row and has no entries. What is known of a row, its name
    for one, is what ``new`` says.

    Returns:
        the corpus, and for each of its entries the entry of ``new``.

    >>> old = Corpus.from_lists([["a", "b"], ["b", "c"]])
    >>> corpus, _ = grown(old, Corpus.from_lists([["c", "d"], ["b"], ["d"]]))
    >>> corpus.track_table["uri"].to_pylist(), [corpus.playlist(p).tolist() for p in range(3)]
    (['a', 'b', 'c', 'd'], [[2, 3], [1], [3]])
    """
    at_playlist, _ = _merged(old.playlists["pid"], new.playlists["pid"])
    at_track, track_of = _merged(old.track_table["uri"], new.track_table["uri"])
    at_artist, artist_of = _merged(old.artists["uri"], new.artists["uri"])
    starts = np.where(at_playlist < new.n_playlists, new.offsets[np.minimum(at_playlist, new.n_playlists - 1)], 0)
    lengths = np.append(new.lengths, 0)[np.minimum(at_playlist, new.n_playlists)]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
    tables = [_artists_as(new, artist_of), _artists_as(old, np.arange(old.n_artists))]
    corpus = Corpus(
        offsets=offsets,
        tracks=track_of[new.tracks[entries]].astype(np.int32),
        playlists=_taken([new.playlists, old.playlists], at_playlist),
        track_table=_taken(tables, at_track),
        artists=_taken([new.artists, old.artists], at_artist),
        **new.beside_tracks(entries),
    )
    return corpus, entries


def grown_split(old: Corpus, old_split: Split, corpus: Corpus, new_part: npt.NDArray[np.uint8], kind: str) -> Split:
    """The split of a :func:`grown` corpus: what a model may have learned is not hidden now, nor the other way round.

    A pair that ``old`` has stays in its part, all others are in that of ``new_part`` (n_entries,). Where whole
    playlists are hidden, what is added to a playlist goes to the part that the playlist is in.

    Raises DataError where the two splits are of different kinds.
    """
    if old_split.kind != kind:
        raise DataError(f"the splits must be of one kind: {old_split.kind} before, {kind} now")
    keys = old.entry_playlist.astype(np.int64) * corpus.n_tracks + old.tracks
    order = np.argsort(keys, kind="stable")
    wanted = corpus.entry_playlist.astype(np.int64) * corpus.n_tracks + corpus.tracks
    part = np.array(new_part)
    if kind == "continuation":
        had = np.flatnonzero(old.lengths)
        whole = np.full(corpus.n_playlists, 255, dtype=np.uint8)
        whole[had] = TRUTH[old_split.part[old.offsets[had]]]
        of_old = whole[corpus.entry_playlist]
        part = np.where(of_old < 255, of_old, part)
    if len(keys):
        place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        known = keys[order][place] == wanted
        part = np.where(known, old_split.part[order[place]], part)
    return Split(old_split.kind, part.astype(np.uint8))


def fitted_rows(corpus: Corpus, split: Split) -> dict[str, npt.NDArray[np.generic]]:
    """The part of a fit's data that :class:`Growth` needs: numbers of rows, and the tracks that playlists held.

    ``train`` and ``refit`` are the :func:`fingerprints` of the training part, and with the validation part.
    """
    return {
        "rows": np.array([corpus.n_playlists, corpus.n_tracks, corpus.n_artists]),
        "train": fingerprints(split.training(corpus)),
        "refit": fingerprints(split.training(corpus, refit=True)),
    }


def fingerprints(corpus: Corpus) -> npt.NDArray[np.uint64]:
    """(n_playlists,) a number for the set of tracks of each playlist: sums of mixed rows (Steele et al. 2014)."""
    playlists, tracks = corpus.pairs
    mixed = (tracks.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)])
    ends = np.cumsum(np.bincount(playlists, minlength=corpus.n_playlists))
    found: npt.NDArray[np.uint64] = np.diff(sums[np.concatenate([[0], ends])])
    return found


def _merged(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[Rows, Rows]:
    """Where each grown row stands (in ``new``, or after it in ``old``), and the grown row of each of ``new``."""
    in_old = pc.index_in(new, value_set=old.combine_chunks()).to_numpy(zero_copy_only=False)
    in_old = np.where(np.isnan(in_old.astype(np.float64)), -1, in_old.astype(np.float64)).astype(np.int64)
    added = np.flatnonzero(in_old < 0)
    at = np.concatenate([len(new) + np.arange(len(old)), added])
    shared = np.flatnonzero(in_old >= 0)
    at[in_old[shared]] = shared
    row = in_old.copy()
    row[added] = len(old) + np.arange(len(added))
    return at, row


def _taken(tables: list[pa.Table], at: Rows) -> pa.Table:
    """Rows of tables put one below the other; a column that one lacks is null there."""
    return pa.concat_tables(tables, promote_options="permissive").take(pa.array(at)).combine_chunks()


def _artists_as(corpus: Corpus, row: Rows) -> pa.Table:
    """The table of tracks with other rows of artists."""
    artist = corpus.track_artist
    found = np.where(artist >= 0, row[artist] if len(row) else -1, -1)
    column = pa.array(found, pa.int32(), mask=found < 0)
    table = corpus.track_table
    return table.set_column(table.schema.get_field_index("artist"), "artist", column)
