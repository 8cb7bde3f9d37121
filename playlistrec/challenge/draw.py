"""Draw the playlists of a challenge: enough for every scenario, with all their tracks known elsewhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..corpus.corpus import Corpus, Ints, Mask
from .files import SCENARIOS, Scenario

__all__ = ["TRAINING", "draw", "known_tracks"]

TRAINING = -1
"""The scenario of a playlist that was not drawn."""

ROUNDS = 30

LONGEST_FIRST = [[i for i, scenario in enumerate(SCENARIOS) if scenario.n_seeds == n] for n in (100, 25, 10, 5, 1, 0)]
"""The scenarios by how many tracks they show."""

Assigned = npt.NDArray[np.int64]


def draw(corpus: Corpus, named: Mask | None, n_each: int, random: np.random.Generator) -> Assigned:
    """(n_playlists,) the number of the scenario that each playlist was drawn for, or ``TRAINING``.

    A playlist counts with the distinct tracks that the playlists left for training hold, and is long enough for a
    scenario with one more of them than it shows. What is drawn for one playlist changes what is known of the others,
    so that those which have become too short go back and others are drawn, until all is well or ``ROUNDS`` are over;
    the scenarios that show most choose first. There may be fewer than ``n_each`` of some.

    Args:
        named: (n_playlists,) those that have a title; None: nobody asks for titles, and there is no "title only".
    """
    # Uniform doubles alone, whose stream NumPy keeps between versions.
    order = np.argsort(random.random(corpus.n_playlists), kind="stable")
    assigned = np.full(corpus.n_playlists, TRAINING, dtype=np.int64)
    refused = np.zeros(corpus.n_playlists, dtype=bool)
    shown = np.array([scenario.n_seeds for scenario in SCENARIOS] + [0])  # the last is for TRAINING
    for _ in range(ROUNDS):
        free = (assigned == TRAINING) & ~refused
        size = _sizes(corpus, assigned)
        changed = False
        for group in LONGEST_FIRST:
            possible = order[(free & (size > SCENARIOS[group[0]].n_seeds))[order]]
            candidates = {i: iter(_suited(possible, SCENARIOS[i], named).tolist()) for i in group}
            missing = {i: n_each - int(np.count_nonzero(assigned == i)) for i in group}
            while candidates:  # in turns, so that few are shared out evenly
                for i in list(candidates):
                    row = next((row for row in candidates[i] if free[row]), None) if missing[i] > 0 else None
                    if row is None:
                        del candidates[i]
                        continue
                    assigned[row], free[row], changed = i, False, True
                    missing[i] -= 1
        # Giving back only adds to what is known, so that those which stay are still long enough.
        short = (assigned != TRAINING) & (_sizes(corpus, assigned) <= shown[assigned])
        assigned[short] = TRAINING
        refused |= short
        if not changed:
            break
    return assigned


def _suited(playlists: Ints, scenario: Scenario, named: Mask | None) -> Ints:
    """Those of some playlists that have the title which a scenario shows."""
    if named is None:
        return playlists if scenario.n_seeds else playlists[:0]
    return playlists[named[playlists]] if scenario.titled else playlists


def known_tracks(corpus: Corpus, assigned: Assigned) -> Mask:
    """(n_tracks,) those that some playlist left for training holds."""
    known = np.zeros(corpus.n_tracks, dtype=bool)
    known[corpus.tracks[assigned[corpus.entry_playlist] == TRAINING]] = True
    return known


def _sizes(corpus: Corpus, assigned: Assigned) -> npt.NDArray[np.int64]:
    """(n_playlists,) distinct tracks of each that a playlist left for training, another than itself, holds."""
    playlists, tracks = corpus.pairs
    training = assigned[playlists] == TRAINING
    holders = np.bincount(tracks[training], minlength=corpus.n_tracks)
    known = holders[tracks] > training  # its own does not count
    return np.bincount(playlists[known], minlength=corpus.n_playlists)
