"""The model for some data by its size alone, without a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...corpus.corpus import Corpus
from ..data import Data

__all__ = ["AUTO", "Choice", "best_model_for", "seconds_of_a_fit"]

AUTO = "auto"
"""The name of the model that is chosen by trying several."""

FEW = 300
"""Training pairs below which nothing is trained."""

PRODUCTS = 5e9
"""Multiplications a second of one core in softmax over all tracks, forward and backward, that are counted on."""

EPOCHS, DIM = 24, 64
"""Of the presets of graph models."""

MOST_PAIRS = 5_000_000
"""Training pairs above which a playlist is the aggregate of its tracks."""


@dataclass(frozen=True)
class Choice:
    """A model, and why.

    Attributes:
        model: the name that ``fit`` takes.
        why: one sentence.
    """

    model: str
    why: str


def seconds_of_a_fit(corpus: Corpus, epochs: int = EPOCHS, dim: int = DIM) -> float:
    """How long softmax over all tracks of ``corpus`` takes, on the threads that torch uses."""
    import torch

    playlists, tracks = int(np.count_nonzero(corpus.lengths)), int(np.count_nonzero(corpus.popularity))
    return epochs * 3.0 * dim * playlists * tracks / (PRODUCTS * torch.get_num_threads())


def best_model_for(data: Data, *, seconds: float = 600.0) -> Choice:
    """The model to fit to ``data`` where nothing else is known: the best by the tables of ``docs/results``.

    LightGCN where its fit takes no longer than ``seconds``; above that a graph filter, which is not trained;
    item neighbours where there is next to nothing; aggregates for millions of pairs. To try them instead, fit the model
    ``auto``.

    >>> from playlistrec.corpus.corpus import Corpus
    >>> from playlistrec.corpus.splitting import split_edges
    >>> corpus = Corpus.from_lists([["a", "b"], ["b", "c"]])
    >>> best_model_for(Data.of(corpus, split_edges(corpus))).model
    'itemknn'
    """
    corpus = data.split.training(data.corpus)
    pairs = len(corpus.pairs[0])
    if pairs < FEW:
        return Choice("itemknn", f"{pairs:,} training pairs are too few to train on")
    if pairs > MOST_PAIRS:
        return Choice("aggregate", f"{pairs:,} training pairs are more than a graph is propagated over")
    needed = seconds_of_a_fit(corpus)
    if needed <= seconds:
        return Choice("lightgcn", f"a fit takes some {max(1, round(needed)):,} s or less")
    return Choice("gfcf", f"lightgcn would take some {needed / 60:,.0f} minutes, and gfcf is not trained")
