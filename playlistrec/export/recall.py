"""Recall of an approximate index against exact ranking, and the order in which tracks are added to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..rank.topk import top_k
from ..serving.vectors import Embeddings, Vectors

__all__ = ["CONNECTIONS", "DEPTH", "EF", "EF_CONSTRUCTION", "insertion_order", "recall"]

CONNECTIONS, EF_CONSTRUCTION, EF = 16, 200, 128
"""Of the hierarchical navigable small world graphs (Malkov & Yashunin 2020): M, and the candidates kept when a track
is put in and when it is searched."""

DEPTH, QUESTIONS = 100, 1000
"""Number of tracks and of playlists that recall is measured with."""

BATCH = 100
"""Playlists ranked exactly at once."""

NEAR = 1e-6
"""Relative difference of scores below which the sums of an index and ours may differ."""

Search = Callable[[Vectors, int], npt.NDArray[np.integer]]


def insertion_order(tracks: Vectors) -> npt.NDArray[np.int64]:
    """(n_tracks,) longest vectors first.

    By inner product the long ones are near to everything. Put in first they become the hubs that a search passes
    through; put in anyhow they are hard to reach, which costs half of the recall where lengths vary much.
    """
    return np.argsort(-np.linalg.norm(tracks, axis=1), kind="stable")


def recall(source: Embeddings, search: Search) -> dict[str, Any]:
    """The mean share of the best :data:`DEPTH` tracks by exact ranking, seeds among them, that ``search`` finds.

    A track counts as found that scores as the last of them does, since which of several equal ones stand in an exact
    ranking is a matter of their numbers.

    Args:
        search: (n, d) vectors of playlists and k to (n, k) tracks; -1 where it found fewer.
    """
    depth = min(DEPTH, len(source.tracks))
    asking = source.sample(QUESTIONS)
    shares = []
    for low in range(0, len(asking), BATCH):
        playlists = source.playlists[asking[low : low + BATCH]]
        found = torch.from_numpy(np.ascontiguousarray(search(playlists, depth), dtype=np.int64))
        scores = torch.from_numpy(playlists @ source.tracks.T)
        last = top_k(scores, depth)[0][:, -1:]
        reached = scores.gather(1, found.clamp(min=0)) >= last - NEAR * last.abs()
        shares.append((reached & (found >= 0)).double().mean(1))
    return {f"recall@{depth}": round(float(torch.cat(shares).mean()), 4) if shares else None, "queries": len(asking)}
