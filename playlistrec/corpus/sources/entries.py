"""Entries as sources list them, in any order, gathered into playlists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...events import Event, OnEvent
from ..split import TEST, TRAIN, VALID
from .formats import Given

__all__ = ["CODES", "Entries", "Weights", "gather"]

Rows = npt.NDArray[np.int32]
Weights = npt.NDArray[np.floating] | None
Entries = tuple[Rows, Rows, Weights]
"""The (n,) playlist, the (n,) track and the (n,) weight of entries, None for no weights."""

CODES = {"train": TRAIN, "valid": VALID, "test": TEST}


def gather(
    parts: Sequence[tuple[str, Entries]], n_playlists: int, n_tracks: int, on_event: OnEvent
) -> tuple[npt.NDArray[np.int64], Rows, Weights, Given | None]:
    """Group entries by playlist, keeping their order; those of later parts stand behind those of earlier ones.

    Valid and test entries whose (playlist, track) pair also stands in an earlier part are left out, with a warning.

    Args:
        parts: the part (``train``, ``valid``, ``test``) of each file of entries, and its entries.
        n_playlists: number of playlists.
        n_tracks: number of tracks.
        on_event: receives the warning.

    Returns:
        The (n_playlists + 1,) offsets, the (n_entries,) tracks and their weights, and the part of each entry; None
        where all are train.

    >>> train, test = ([1, 0, 1], [5, 6, 7]), ([1, 0], [8, 6])
    >>> parts = [(part, (np.array(p), np.array(t), None)) for part, (p, t) in (("train", train), ("test", test))]
    >>> gather(parts, 2, 9, lambda event: print(event.text))
    left out 1 test entry that also stands in train
    (array([0, 1, 4]), array([6, 5, 7, 8]), None, array([0, 0, 0, 2], dtype=uint8))
    """
    playlist, track = (np.concatenate([entries[i] for _, entries in parts]) for i in (0, 1))
    given = [entries[2] for _, entries in parts]
    weights = np.concatenate([w for w in given if w is not None]) if given[0] is not None else None
    part = np.concatenate([np.full(len(entries[0]), CODES[name], dtype=np.uint8) for name, entries in parts])
    kept = np.ones(len(part), dtype=bool)
    keys = playlist.astype(np.int64) * n_tracks + track
    for name, before in (("valid", ["train"]), ("test", ["train", "valid"])):
        mine = part == CODES[name]
        earlier = np.isin(part, [CODES[other] for other in before])
        if not mine.any() or not earlier.any():
            continue
        # Sorting, since np.isin hashes as of NumPy 2.3, which takes many times as long on millions of keys.
        known = np.sort(keys[earlier])
        place = np.minimum(np.searchsorted(known, keys[mine]), len(known) - 1)
        repeated = np.flatnonzero(mine)[known[place] == keys[mine]]
        kept[repeated] = False
        if n := len(repeated):
            what = f"1 {name} entry that also stands" if n == 1 else f"{n:,} {name} entries that also stand"
            there = " or ".join(other for other in before if (part == CODES[other]).any())
            on_event(Event("warning", f"left out {what} in {there}", {"left_out": n}))
    if not kept.all():
        playlist, track, part = playlist[kept], track[kept], part[kept]
        weights = None if weights is None else weights[kept]
    order = np.argsort(playlist, kind="stable")
    counts = np.bincount(playlist, minlength=n_playlists)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    in_order = None if weights is None else weights[order].astype(np.float32)
    return offsets, track[order], in_order, part[order] if any(name != "train" for name, _ in parts) else None
