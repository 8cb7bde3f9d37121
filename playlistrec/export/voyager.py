"""Voyager: an approximate index over the tracks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..serving.vectors import Embeddings
from .recall import (
    CONNECTIONS,
    EF,
    EF_CONSTRUCTION,
    insertion_order,
    recall,
)

__all__ = ["LOAD", "write"]

LOAD = (
    f'`voyager.Index.load("tracks.voy").query(vector, k=100, query_ef={EF})` gives rows of `tracks.parquet` for the '
    "vector of a playlist, best first, and 1 minus their scores"
)


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``tracks.voy``: inner products, ids are rows of the tracks. Raises ConfigError without voyager."""
    try:
        import voyager  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigError("export to voyager needs the package voyager: pip install 'playlistrec[voyager]'") from None
    start = time.perf_counter()
    order = insertion_order(source.tracks)
    index = voyager.Index(
        voyager.Space.InnerProduct,
        num_dimensions=source.dim,
        M=CONNECTIONS,
        ef_construction=EF_CONSTRUCTION,
        random_seed=0,
        max_elements=len(order),
    )
    index.add_items(source.tracks[order], ids=order.tolist())
    path = folder / "tracks.voy"
    index.save(str(path))
    seconds = time.perf_counter() - start
    return {
        "files": [path.name],
        "bytes": path.stat().st_size,
        "M": CONNECTIONS,
        "ef_construction": EF_CONSTRUCTION,
        "query_ef": EF,
        "seconds": round(seconds, 2),
        **recall(source, lambda vectors, k: index.query(vectors, k=k, query_ef=max(EF, k))[0]),
    }
