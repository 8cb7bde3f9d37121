"""The metrics in a sentence each. The formulas are in :mod:`~playlistrec.rank.metrics` and beside it."""

from __future__ import annotations

__all__ = ["METRICS"]

METRICS = {
    "recall@k": "Share of a playlist's hidden tracks that are in its first k: over all of them, not over min(k, n).",
    "ndcg@k": "Hits in the first k, each worth 1 / log2(rank + 1), over the best that was possible. 1 is perfect.",
    "map@k": "Mean over the hits in the first k of the precision at their rank, over min(k, hidden tracks).",
    "precision@k": "Share of the first k that are hidden tracks.",
    "hit@k": "1 if any of the first k is a hidden track, else 0.",
    "mrr@k": "1 / rank of the first hit, 0 if the first k hold none.",
    "r_precision": "Share of the first n that are hidden tracks, n being how many the playlist has.",
    "auc": "Chance that a hidden track of a playlist is scored above a track it does not hold; ties count half.",
    "pooled_auc": "The same with all playlists' scores in one pool, and one drawn track for each hidden one.",
    "coverage@k": "Share of all tracks that are recommended to some playlist in its first k.",
    "gini@k": "Unevenness of how often tracks are recommended: 0 all alike, near 1 only a few.",
    "popularity@k": "Mean number of training playlists that hold the tracks recommended.",
    "novelty@k": "Mean of -log2 of the share of playlists that hold the tracks recommended. Higher is rarer.",
    "diversity@k": "Share of pairs in the first k that are by different artists.",
}
