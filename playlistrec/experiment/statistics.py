"""A data folder in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import require
from ..corpus.split import TEST, TRAIN, VALID
from .data import Data, counts_of

__all__ = ["edge_counts", "statistics"]


def statistics(data: Data, *, message_edge_share: float = 1.0) -> dict[str, Any]:
    """The figures of ``stats``: counts, lengths, popularity skew, duplicates, parts of the split, edges.

    Args:
        message_edge_share: the option of a fit, by which the training edges are divided.
    """
    require(0 < message_edge_share <= 1, "message_edge_share", "above 0 and at most 1", message_edge_share)
    corpus = data.corpus
    lengths = corpus.lengths[corpus.lengths > 0]
    popularity = np.sort(corpus.popularity)[::-1]
    entries = np.sort(np.bincount(corpus.tracks, minlength=corpus.n_tracks))[::-1]
    quantile = {f"p{q}": float(np.percentile(lengths, q)) for q in (10, 25, 50, 75, 90, 99)} if len(lengths) else {}
    repeats = corpus.n_entries - len(corpus.pairs[0])
    share = {
        f"top {percent}%": round(float(entries[: max(1, int(len(entries) * percent / 100))].sum() / entries.sum()), 4)
        for percent in (0.1, 1, 10)
        if entries.sum()
    }
    return {
        "counts": counts_of(corpus),
        "density": len(corpus.pairs[0]) / max(1, corpus.n_playlists * corpus.n_tracks),
        "tracks per playlist": {"mean": round(float(lengths.mean()), 2) if len(lengths) else 0.0, **quantile},
        "share of entries": share,
        "tracks in one playlist only": round(float((popularity == 1).sum() / max(1, (popularity > 0).sum())), 4),
        "entries that repeat a track": round(repeats / max(1, corpus.n_entries), 4),
        "split": {"kind": data.split.kind, **data.split.counts()},
        "message edges": {part: messages for part, (messages, _) in edge_counts(data, message_edge_share).items()},
        "supervision edges": {part: others for part, (_, others) in edge_counts(data, message_edge_share).items()},
    }


def edge_counts(data: Data, message_edge_share: float = 1.0) -> dict[str, tuple[int, int]]:
    """For each part the edges that messages pass along, and those that are scored; pairs, each counted once.

    Without a refit valid and test are both ranked with the messages of train.
    """
    train, valid, test = (len(data.corpus.where(data.split.part == part).pairs[0]) for part in (TRAIN, VALID, TEST))
    supervised = train if message_edge_share == 1 else max(1, round(train * (1 - message_edge_share)))
    messages = train if message_edge_share == 1 else train - supervised
    return {"train": (messages, supervised), "valid": (train, valid), "test": (train, test)}
