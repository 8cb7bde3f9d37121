"""Entries as sources list them, in any order, gathered into playlists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...events import Event, OnEvent

__all__ = ["Weights", "gather"]

Rows = npt.NDArray[np.int32]
Weights = npt.NDArray[np.floating] | None


def gather(
    parts: Sequence[tuple[Rows, Rows, Weights]], n_playlists: int, n_tracks: int, on_event: OnEvent
) -> tuple[npt.NDArray[np.int64], Rows, Weights, npt.NDArray[np.bool_]]:
    """Group the entries of one part, or of a training and a test part, by playlist, keeping their order.

    Test entries whose (playlist, track) pair also stands in train are left out, with a warning.

    Args:
        parts: for each part the (n,) playlist, the (n,) track and the (n,) weight of its entries, None for no weights.
        n_playlists: number of playlists.
        n_tracks: number of tracks.
        on_event: receives the warning.

    Returns:
        The (n_playlists + 1,) offsets, the (n_entries,) tracks and their weights, and which entries are of the second
        part; in every playlist those of the first part stand first.

    >>> train, test = ([1, 0, 1], [5, 6, 7]), ([1, 0], [8, 6])
    >>> gather([(np.array(p), np.array(t), None) for p, t in (train, test)], 2, 9, lambda event: print(event.text))
    left out 1 test entry that also stands in train
    (array([0, 1, 4]), array([6, 5, 7, 8]), None, array([False, False, False,  True]))
    """
    playlist, track = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    given = [part[2] for part in parts]
    weights = np.concatenate([w for w in given if w is not None]) if given[0] is not None else None
    test = np.arange(len(playlist)) >= len(parts[0][0])
    keys = playlist.astype(np.int64) * n_tracks + track
    repeated = np.flatnonzero(test)[np.isin(keys[test], keys[~test])]
    if n := len(repeated):
        what = "1 test entry that also stands" if n == 1 else f"{n:,} test entries that also stand"
        on_event(Event("warning", f"left out {what} in train", {"left_out": n}))
        kept = np.ones(len(playlist), dtype=bool)
        kept[repeated] = False
        playlist, track, test = playlist[kept], track[kept], test[kept]
        weights = None if weights is None else weights[kept]
    order = np.argsort(playlist, kind="stable")
    counts = np.bincount(playlist, minlength=n_playlists)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, track[order], None if weights is None else weights[order].astype(np.float32), test[order]
