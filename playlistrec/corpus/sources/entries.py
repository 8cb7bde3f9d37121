"""Entries as sources list them, in any order, gathered into playlists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from ...events import Event, OnEvent
from ..split import TEST, TRAIN, VALID
from .formats import Given

__all__ = ["CODES", "Entries", "Gathered", "Weights", "first_of_pairs", "gather", "in_order"]

Rows = npt.NDArray[np.int32]
Weights = npt.NDArray[np.floating] | None
Entries = tuple[Rows, Rows, Weights]
"""The (n,) playlist, the (n,) track and the (n,) weight of entries, None for no weights."""

HASH_BITS = 22
MULTIPLIER = np.int64(0x1E3779B97F4A7C15)
"""An odd number without a pattern: the high bits of a product are a hash."""


class Gathered(NamedTuple):
    """Entries by playlist.

    Attributes:
        offsets: (n_playlists + 1,) the first entry of each playlist.
        tracks: (n_entries,) the track of each entry.
        weights: (n_entries,) their weights; None for no weights.
        given: (n_entries,) the part of each; None where all are train.
        entries: (n_entries,) the place that each had among the entries of all parts in a row.
    """

    offsets: npt.NDArray[np.int64]
    tracks: Rows
    weights: npt.NDArray[np.float32] | None
    given: Given | None
    entries: npt.NDArray[np.intp]


CODES = {"train": TRAIN, "valid": VALID, "test": TEST}


def gather(parts: Sequence[tuple[str, Entries]], n_playlists: int, n_tracks: int, on_event: OnEvent) -> Gathered:
    """Group entries by playlist, keeping their order; those of later parts stand behind those of earlier ones.

    Valid and test entries whose (playlist, track) pair also stands in an earlier part are left out, with a warning.

    Args:
        parts: the part (``train``, ``valid``, ``test``) of each file of entries, and its entries.
        n_playlists: number of playlists.
        n_tracks: number of tracks.
        on_event: receives the warning.

    >>> train, test = ([1, 0, 1], [5, 6, 7]), ([1, 0], [8, 6])
    >>> parts = [(part, (np.array(p), np.array(t), None)) for part, (p, t) in (("train", train), ("test", test))]
    >>> found = gather(parts, 2, 9, lambda event: print(event.text))
    left out 1 test entry that also stands in train
    >>> found.offsets.tolist(), found.tracks.tolist(), found.given.tolist(), found.entries.tolist()
    ([0, 1, 4], [6, 5, 7, 8], [0, 0, 0, 2], [1, 0, 2, 3])
    """
    playlist, track = (np.concatenate([entries[i] for _, entries in parts]) for i in (0, 1))
    given = [entries[2] for _, entries in parts]
    weights = np.concatenate([w for w in given if w is not None]) if given[0] is not None else None
    part = np.concatenate([np.full(len(entries[0]), CODES[name], dtype=np.uint8) for name, entries in parts])
    kept = np.ones(len(part), dtype=bool)
    keys = playlist.astype(np.int64) * n_tracks + track if len(parts) > 1 else track
    for name, before in (("valid", ["train"]), ("test", ["train", "valid"])):
        mine = part == CODES[name]
        earlier = np.isin(part, [CODES[other] for other in before])
        if not mine.any() or not earlier.any():
            continue
        repeated = np.flatnonzero(mine)[_among(keys[mine], keys[earlier])]
        kept[repeated] = False
        if n := len(repeated):
            what = f"1 {name} entry that also stands" if n == 1 else f"{n:,} {name} entries that also stand"
            there = " or ".join(other for other in before if (part == CODES[other]).any())
            on_event(Event("warning", f"left out {what} in {there}", {"left_out": n}))
    order = np.argsort(playlist, kind="stable")
    order = order if kept.all() else order[kept[order]]
    counts = np.bincount(playlist[order], minlength=n_playlists)
    return Gathered(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        tracks=track[order],
        weights=None if weights is None else weights[order].astype(np.float32),
        given=part[order] if any(name != "train" for name, _ in parts) else None,
        entries=order,
    )


def in_order(place: npt.NDArray[np.float64], playlist: Rows) -> slice | npt.NDArray[np.intp]:
    """The index that puts (n,) entries into the order of their (n,) places, those at one place in the file's.

    Most files have each playlist in order already: such entries stay where they are, since only the order within a
    playlist counts.

    >>> in_order(np.array([1.0, 2, 0]), np.array([0, 0, 1])), in_order(np.array([2.0, 1]), np.array([0, 0])).tolist()
    (slice(None, None, None), [1, 0])
    """
    same, rising = playlist[1:] == playlist[:-1], place[1:] >= place[:-1]
    one_run_each = np.count_nonzero(np.bincount(playlist)) == len(same) + 1 - np.count_nonzero(same)
    if rising.all() or (one_run_each and rising[same].all()):
        return slice(None)
    return np.argsort(place, kind="stable")


def first_of_pairs(playlist: Rows, track: Rows) -> npt.NDArray[np.intp]:
    """(n_pairs,) where each distinct pair stands first.

    >>> first_of_pairs(np.array([0, 0, 1, 0]), np.array([5, 5, 5, 5])).tolist()
    [0, 2]
    """
    order = np.argsort(playlist, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(playlist))])
    # By track, and within one by playlist: SciPy counts, which is quicker than to sort.
    by_track = sparse.csr_array((order, track[order], offsets)).tocsc()
    new = np.diff(by_track.indices, prepend=-1) != 0
    new[by_track.indptr[:-1][np.diff(by_track.indptr) > 0]] = True
    first = np.zeros(len(order), dtype=bool)
    first[by_track.data[new]] = True
    return np.flatnonzero(first)


def _among(keys: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """(n,) true for each key that is among the others.

    Few are: most others are told from the keys by a hash, so that no table as large as the data is made.
    """
    there = np.zeros(2**HASH_BITS, dtype=bool)
    there[_hashes(keys)] = True
    few = pa.array(others[there[_hashes(others)]])
    found: npt.NDArray[np.bool_] = pc.is_in(pa.array(keys), few).to_numpy(zero_copy_only=False)
    return found


def _hashes(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    hashes: npt.NDArray[np.int64] = keys * MULTIPLIER >> (63 - HASH_BITS) & (2**HASH_BITS - 1)
    return hashes
