"""Why a track may have been recommended: the playlists that hold it along with the seeds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..corpus.corpus import Corpus, Ints

__all__ = ["Reason", "explain", "why_cold"]

SHOWN = 3
"""Seeds, and playlists, that a reason names."""


class Reason(NamedTuple):
    """The evidence for one track.

    Attributes:
        n_playlists: playlists that hold it and at least one seed.
        seeds: the seeds that most of them hold, and how many do.
        playlists: rows of those playlists that speak most for it.
    """

    n_playlists: int
    seeds: list[tuple[int, int]]
    playlists: list[int]


def explain(history: Corpus, seeds: Ints, tracks: Ints) -> list[Reason]:
    """A reason for each of ``tracks``, by co-occurrence alone: it need not be the model's.

    A playlist that holds the track speaks for it by the seeds it holds over the root of its length,
    ``|p ∩ seeds| / √|p|`` (distinct tracks): a long playlist holds many things by chance. Ties go to the seed that was
    given first, and to the lower row of the playlists.

    Args:
        history: the entries that the model knows when it ranks.

    >>> corpus = Corpus.from_lists([["a", "b", "c"], ["a", "c"], ["b", "d"]])
    >>> explain(corpus, np.array([0, 1]), np.array([2, 3]))[0]
    Reason(n_playlists=2, seeds=[(0, 2), (1, 1)], playlists=[0, 1])
    """
    unique = list(dict.fromkeys(seeds.tolist()))
    columns = history.columns
    held = columns[:, unique].tocsr()
    lengths = np.diff(history.matrix.indptr)
    weight = held.sum(axis=1) / np.sqrt(np.maximum(lengths, 1))
    reasons = []
    for track in tracks.tolist():
        holders = np.sort(columns.indices[columns.indptr[track] : columns.indptr[track + 1]])
        holders = holders[weight[holders] > 0]
        counts = held[holders].sum(axis=0).astype(int)
        reasons.append(
            Reason(
                n_playlists=len(holders),
                seeds=[(unique[i], int(counts[i])) for i in _highest(counts) if counts[i]],
                playlists=holders[_highest(weight[holders])].tolist(),
            )
        )
    return reasons


def why_cold(model: str, n_seeds: int, title: str | None) -> str:
    """That popular tracks are no recommendation, and how it comes."""
    seeds = f"{model} makes nothing of seeds" if n_seeds else "there is no seed track"
    titles = "no title" if title is None else f"{model} makes nothing of the title {title!r}"
    return f"these are the most popular tracks, scored by the playlists that hold them: {seeds}, and {titles}"


def _highest(values: npt.NDArray[np.number]) -> Ints:
    """The indices of the highest, ties in order."""
    return np.argsort(-values, kind="stable")[:SHOWN]
