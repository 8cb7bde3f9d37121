"""The contexts of a target track: the track before it, and those that the data has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...corpus.contexts import CONTEXTS, first_entries, pair_contexts
from ...corpus.corpus import Corpus
from ..base import Query

__all__ = ["KINDS", "asked", "contexts_of", "last_tracks", "previous_seeds", "previous_tracks"]

Ids = npt.NDArray[np.int64]

KINDS = ("previous", *CONTEXTS)
"""The contexts of an entry that a model can use."""


def contexts_of(corpus: Corpus, names: Sequence[str]) -> Ids:
    """(n_pairs, n_names) the value of each context at the first occurrence of each of the corpus' pairs.

    Raises DataError where the data does not have one.
    """
    columns = [previous_tracks(corpus) if name == "previous" else pair_contexts(corpus, name) for name in names]
    return np.stack(columns, axis=1)


def asked(query: Query, name: str) -> Ids:
    """(batch,) the value of a context of the data for each query, -1 where the query does not say.

    >>> asked(Query.of([[4], [2]], contexts={"hour": 9}), "hour").tolist(), asked(Query.of([[4]]), "hour").tolist()
    ([9, 9], [-1])
    """
    codes = query.contexts.get(name, np.full(len(query), CONTEXTS[name]))
    return np.where(codes < CONTEXTS[name], codes, -1)


def previous_tracks(corpus: Corpus) -> Ids:
    """(n_pairs,) the track before each of the corpus' pairs, before its first occurrence where it has several.

    ``n_tracks`` where nothing is before it.

    >>> corpus = Corpus.from_lists([["c", "a", "b", "c"], ["b"]])  # tracks 0, 1, 2; pairs (0, 0) (0, 1) (0, 2) (1, 2)
    >>> previous_tracks(corpus).tolist()
    [3, 0, 1, 3]
    """
    return _before(corpus.tracks.astype(np.int64), corpus.offsets, corpus.n_tracks)[first_entries(corpus)]


def previous_seeds(query: Query, n_tracks: int) -> Ids:
    """(n_seeds,) the seed before each seed of a query, ``n_tracks`` before the first.

    >>> previous_seeds(Query.of([[4, 2, 2], [], [7]]), 9).tolist()
    [9, 4, 2, 9]
    """
    return _before(query.tracks, query.offsets, n_tracks)


def last_tracks(query: Query, n_tracks: int) -> Ids:
    """(batch,) the last seed of each query, ``n_tracks`` where there is none.

    >>> last_tracks(Query.of([[4, 2], []]), 9).tolist()
    [2, 9]
    """
    last = np.full(len(query), n_tracks, dtype=np.int64)
    some = np.diff(query.offsets) > 0
    last[some] = query.tracks[query.offsets[1:][some] - 1]
    return last


def _before(tracks: Ids, offsets: Ids, nothing: int) -> Ids:
    before = np.roll(tracks, 1)
    before[offsets[:-1][np.diff(offsets) > 0]] = nothing
    return before
