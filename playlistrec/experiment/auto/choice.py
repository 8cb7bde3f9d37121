"""The name of the model that is chosen by trying several, and how long a trained one would take."""

from __future__ import annotations

import numpy as np

from ...corpus.corpus import Corpus

__all__ = ["AUTO", "seconds_of_a_fit"]

AUTO = "auto"
"""The name of the model that is chosen by trying several."""

PRODUCTS = 5e9
"""Multiplications a second of one core in softmax over all tracks, forward and backward, that are counted on."""

EPOCHS, DIM = 24, 64
"""Of the presets of graph models."""


def seconds_of_a_fit(corpus: Corpus, epochs: int = EPOCHS, dim: int = DIM) -> float:
    """How long softmax over all tracks of ``corpus`` takes, on the threads that torch uses."""
    import torch

    playlists, tracks = int(np.count_nonzero(corpus.lengths)), int(np.count_nonzero(corpus.popularity))
    return epochs * 3.0 * dim * playlists * tracks / (PRODUCTS * torch.get_num_threads())
