"""The heterograph of playlists, tracks and artists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dgl
import numpy as np
import torch
from dgl import DGLGraph

from ..corpus.corpus import Corpus, Ints
from ..corpus.weights import pair_weights
from ..errors import DataError
from .mirrors import symmetric_norm

__all__ = ["REVERSE", "build_graph", "load_graph", "save_graph"]

REVERSE: dict[str | tuple[str, str, str], str | tuple[str, str, str]] = {
    "contains": "in",
    "in": "contains",
    "made": "by",
    "by": "made",
}
"""The relation that holds the same edges the other way round, under the same edge ids."""


def build_graph(corpus: Corpus) -> DGLGraph:
    """Build the graph of a corpus that holds only what may be learned from (``split.training(corpus)``).

    Relations, both ways and each distinct pair once, so that edge ``i`` of one is edge ``i`` of its reverse:
    ``playlist -contains-> track`` and ``track -in-> playlist``, sorted by playlist and track;
    ``artist -made-> track`` and ``track -by-> artist``, sorted by artist and track. All nodes of the corpus
    are there, those without an edge too. Ids are int32.

    Node data, float32: ``degree``, the number of playlist–track edges of a playlist or track and of tracks of
    an artist, and ``norm``, degree^-1/2, 0 where isolated. Edge data between playlists and tracks, float32, where the
    corpus has weights: ``weight``.

    >>> graph = build_graph(Corpus.from_lists([["a", "b"], ["b", "c", "c"]], {"a": "X", "b": "X"}))
    >>> graph.num_edges("contains"), graph.num_edges("made"), graph.nodes["track"].data["degree"].tolist()
    (4, 2, [1.0, 2.0, 1.0])
    """
    playlists, tracks = corpus.pairs
    made = np.flatnonzero(corpus.track_artist >= 0)
    made = made[np.argsort(corpus.track_artist[made], kind="stable")]
    artists = corpus.track_artist[made]

    def ids(array: Ints) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.int32))

    graph = dgl.heterograph(
        {
            ("playlist", "contains", "track"): (ids(playlists), ids(tracks)),
            ("track", "in", "playlist"): (ids(tracks), ids(playlists)),
            ("artist", "made", "track"): (ids(artists), ids(made)),
            ("track", "by", "artist"): (ids(made), ids(artists)),
        },
        num_nodes_dict={"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists},
        idtype=torch.int32,
    )
    for node, etype in (("playlist", "contains"), ("track", "in"), ("artist", "made")):
        graph.nodes[node].data["degree"] = graph.out_degrees(etype=etype).float()
        graph.nodes[node].data["norm"] = symmetric_norm(graph[etype])[0]
    if corpus.weights is not None:
        for etype in ("contains", "in"):
            graph.edges[etype].data["weight"] = torch.from_numpy(pair_weights(corpus))
    return graph


def save_graph(graph: DGLGraph, path: Path) -> None:
    """Write the graph to a file that ``dgl.load_graphs`` opens."""
    dgl.save_graphs(str(path), [graph])


def load_graph(path: Path) -> DGLGraph:
    """Read what :func:`save_graph` wrote. Raises DataError when it is missing or damaged.

    DGL ends the process that reads a damaged file, so another process reads it first.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing; preprocess the data again")
    script = "import sys, dgl; (graph,), _ = dgl.load_graphs(sys.argv[1])"
    tried = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=False)
    if tried.returncode:
        raise DataError(f"{path} is damaged: DGL cannot read it")
    (graph,), _ = dgl.load_graphs(str(path))
    return graph
