"""From playlists to recommendations in a few lines of Python: synthetic slices, LightGCN, full ranking.

Run it anywhere; it writes into a temporary folder and takes about a minute on two cores.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import playlistrec as pr


def main() -> dict[str, float]:
    """Fit popularity and LightGCN to the same synthetic playlists; return the test recall@20 of each."""
    folder = Path(tempfile.mkdtemp())
    slices = pr.synthesize(folder / "slices", playlists=500, seed=0)
    data = pr.preprocess(slices, folder / "data", k_core=5)
    print(f"{data.corpus.n_playlists} playlists, {data.corpus.n_tracks} tracks")

    recall = {}
    for model, options in [("popularity", {}), ("lightgcn", {"batch_size": 4096, "lr": 0.02, "epochs": 30})]:
        run = pr.fit(data, model, folder / model, options=options)
        recall[model] = run.evaluate("test", k=[20]).metrics["recall@20"]
        print(f"{model:>10}: test recall@20 {recall[model]:.4f}")

    tracks, scores = run.recommend(playlist=7, k=5)
    for item, score in zip(data.corpus.describe(tracks), scores, strict=True):
        print(f"{score:8.3f}  {item['artist_name']} - {item['track_name']}")
    return recall


if __name__ == "__main__":
    recall = main()
    assert recall["lightgcn"] > 2 * recall["popularity"], recall
