"""DGL: the graph that the test part is ranked with, the vectors as node data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..serving.vectors import Embeddings

__all__ = ["LOAD", "write"]

LOAD = (
    '`dgl.load_graphs("graph.bin")[0][0]` is a heterograph with `embedding`, `degree` and `norm` as node data; node i '
    "of a type is row i of its Parquet file"
)


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``graph.bin``: playlists, tracks and artists, all that is known when the test part is ranked."""
    from ..graph.build import build_graph, save_graph

    graph = build_graph(source.history)
    vectors = {"playlist": source.playlists, "track": source.tracks, "artist": source.artists}
    for kind, array in vectors.items():
        if array is not None:
            graph.nodes[kind].data["embedding"] = torch.from_numpy(array)
    save_graph(graph, folder / "graph.bin")
    return {"files": ["graph.bin"], "edges": {etype: graph.num_edges(etype) for etype in graph.etypes}}
