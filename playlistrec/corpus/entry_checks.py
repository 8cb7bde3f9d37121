"""Checks of the arrays of a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .contexts import CONTEXTS

if TYPE_CHECKING:
    from .corpus import Corpus

__all__ = ["check_entries"]


def check_entries(corpus: Corpus) -> None:
    """Raise DataError where the arrays of entries do not fit each other or the tables."""
    if len(corpus.offsets) != corpus.playlists.num_rows + 1:
        raise DataError(
            f"offsets must be {corpus.n_playlists + 1}, one more than playlists (got {len(corpus.offsets)})"
        )
    if corpus.offsets[0] != 0 or corpus.offsets[-1] != len(corpus.tracks) or np.any(np.diff(corpus.offsets) < 0):
        raise DataError("offsets must rise from 0 to the number of entries")
    if len(corpus.tracks) and not 0 <= corpus.tracks.min() <= corpus.tracks.max() < corpus.n_tracks:
        raise DataError(f"tracks must lie in 0..{corpus.n_tracks - 1} (got {corpus.tracks.max()})")
    if corpus.weights is not None and corpus.weights.shape != corpus.tracks.shape:
        raise DataError(f"weights must be one an entry (got {len(corpus.weights)} for {len(corpus.tracks)})")
    for name, codes in corpus.contexts.items():
        if name not in CONTEXTS or codes.shape != corpus.tracks.shape or codes.max(initial=0) > CONTEXTS[name]:
            raise DataError(f"context {name} must be one of {', '.join(CONTEXTS)}, with a code for each entry")
