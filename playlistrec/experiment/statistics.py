"""A data folder in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import Data, counts_of

__all__ = ["statistics"]


def statistics(data: Data) -> dict[str, Any]:
    """The figures of ``stats``: counts, lengths, popularity skew, duplicates, parts of the split."""
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
    }
