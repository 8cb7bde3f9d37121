"""Weights of pairs: ratings or play counts of the entries, added up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..errors import DataError, Hint
from .corpus import Corpus

__all__ = ["pair_weights"]


def pair_weights(corpus: Corpus) -> npt.NDArray[np.float32]:
    """(n_pairs,) the sum of the weights of each pair's entries, in the order of ``corpus.pairs``.

    Raises DataError where the data has no weights.
    """
    if corpus.weights is None:
        raise DataError("the data has no weights", Hint("preprocess it again with {weights}", {"weights": None}))
    keys = corpus.entry_playlist.astype(np.int64) * corpus.n_tracks + corpus.tracks
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1) > 0)
    if not len(starts):
        return np.zeros(0, dtype=np.float32)
    return np.add.reduceat(corpus.weights[order], starts, dtype=np.float64).astype(np.float32)
