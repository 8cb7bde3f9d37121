"""Contexts of entries: what was so when a track was played, beside the playlist that it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..errors import DataError, Hint

if TYPE_CHECKING:
    from .corpus import Corpus

__all__ = ["CONTEXTS", "QUERIED_AS", "Codes", "first_entries", "pair_contexts", "query_contexts"]

Codes = npt.NDArray[np.uint8]

CONTEXTS: Mapping[str, int] = {"skip": 2, "hour": 24, "day": 7}
"""The number of values of each: skipped or not, the hour of the day, the day of the week from Monday on.

A code of that number says that the value is not known.
"""

QUERIED_AS: Mapping[str, int] = {"skip": 0}
"""Contexts that nobody knows before the track is played, and the value that is asked for: it is not skipped."""


def first_entries(corpus: Corpus) -> npt.NDArray[np.int64]:
    """(n_pairs,) the entry at which each of ``corpus.pairs`` stands first.

    >>> from playlistrec.corpus.corpus import Corpus
    >>> first_entries(Corpus.from_lists([["c", "a", "c"], ["a"]])).tolist()  # tracks 0, 1, 0 and 1
    [0, 1, 3]
    """
    keys = corpus.entry_playlist.astype(np.int64) * corpus.n_tracks + corpus.tracks
    order = np.argsort(keys, kind="stable")
    return order[np.diff(keys[order], prepend=-1) > 0]


def pair_contexts(corpus: Corpus, name: str) -> npt.NDArray[np.int64]:
    """(n_pairs,) the code of a context at the first occurrence of each pair.

    Raises DataError where the data does not have it.
    """
    if name not in corpus.contexts:
        raise DataError(
            f"the data has no context {name}", Hint("preprocess it again with {context}", {"context": name})
        )
    return corpus.contexts[name][first_entries(corpus)].astype(np.int64)


def query_contexts(hidden: Corpus, playlists: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """The contexts in which some playlists ask for what is hidden of them: (n_playlists,) codes of each.

    The hour and the day are those of the first hidden entry: whoever asks knows the time. Nothing else of a hidden
    entry is given: see ``QUERIED_AS``.

    Args:
        hidden: the hidden entries alone; each of ``playlists`` has one.
    """
    first = hidden.offsets[playlists]
    return {
        name: np.full(len(playlists), QUERIED_AS[name]) if name in QUERIED_AS else codes[first].astype(np.int64)
        for name, codes in hidden.contexts.items()
    }
