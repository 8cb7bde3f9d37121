"""Weights of the training pairs, from ratings or play counts, as models use them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ..corpus.corpus import Corpus
from ..corpus.weights import pair_weights

__all__ = ["EdgeWeights", "scaled_weights"]

EdgeWeights = Literal["none", "log1p", "raw"]
"""``none``: all pairs alike; ``raw``: as in the data; ``log1p``: the logarithm of 1 + that."""


def scaled_weights(corpus: Corpus, how: EdgeWeights) -> npt.NDArray[np.float32] | None:
    """(n_pairs,) weights of ``corpus.pairs``, scaled to a mean of 1; None where all are alike.

    A pair that the data holds several times has the sum. The scale keeps learning rates and confidences what they are
    without weights. Raises DataError where the data has no weights.
    """
    if how == "none":
        return None
    weights = pair_weights(corpus)
    weights = weights if how == "raw" else np.log1p(weights)
    mean = float(weights.mean()) if len(weights) else 0.0
    return (weights / mean).astype(np.float32) if mean else np.ones_like(weights)
