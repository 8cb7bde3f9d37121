"""Faiss: an approximate index over the tracks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..serving.vectors import Embeddings, Vectors
from .recall import (
    CONNECTIONS,
    EF,
    EF_CONSTRUCTION,
    insertion_order,
    recall,
)

__all__ = ["LOAD", "write"]

LOAD = (
    '`faiss.read_index("tracks.faiss").search(vectors, 100)` gives, for (n, d) vectors of playlists, their best '
    "scores and the rows of `tracks.parquet`"
)

PART = 100
"""Tracks that go in at once. Faiss shuffles them, so that the order is only that of the parts."""


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``tracks.faiss``: inner products, ids are rows of the tracks. Raises ConfigError without faiss.

    A graph over vectors of different lengths loses tracks, so all are made one length by one more dimension, which is 0
    in a playlist's vector and so counts for nothing: the index takes vectors without it. Voyager does so by itself.
    Bachrach et al. 2014, "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product
    spaces", section 3.
    """
    try:
        import faiss
    except ImportError:
        raise ConfigError("export to faiss needs the package faiss-cpu: pip install 'playlistrec[faiss]'") from None
    start = time.perf_counter()
    order = insertion_order(source.tracks)
    vectors = _of_one_length(source.tracks)
    graph = faiss.IndexHNSWFlat(source.dim + 1, CONNECTIONS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = EF_CONSTRUCTION
    graph.hnsw.efSearch = EF  # kept in the file
    numbered = faiss.IndexIDMap(graph)
    for low in range(0, len(order), PART):
        rows = order[low : low + PART]
        numbered.add_with_ids(vectors[rows], rows)
    with_zero = faiss.RemapDimensionsTransform(source.dim, source.dim + 1, False)  # type: ignore[arg-type]
    index = faiss.IndexPreTransform(with_zero, numbered)
    path = folder / "tracks.faiss"
    faiss.write_index(index, str(path))
    seconds = time.perf_counter() - start
    return {
        "files": [path.name],
        "bytes": path.stat().st_size,
        "M": CONNECTIONS,
        "ef_construction": EF_CONSTRUCTION,
        "ef_search": EF,
        "seconds": round(seconds, 2),
        **recall(source, lambda vectors, k: index.search(vectors, k)[1]),
    }


def _of_one_length(vectors: Vectors) -> Vectors:
    """(n, d + 1) with what each lacks of the greatest length in the last column."""
    squares = np.square(vectors).sum(1)
    lacking = np.sqrt(squares.max(initial=0.0) - squares)
    return np.concatenate([vectors, lacking[:, None]], axis=1)
