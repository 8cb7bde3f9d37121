"""Folding in against a graph that holds the new playlist; tracks that no playlist holds, placed by their artist."""

from __future__ import annotations

from typing import Any

import dgl
import numpy as np
import pytest
import torch
from small_graph import build, small_corpus

from playlistrec.corpus.corpus import Corpus
from playlistrec.models.base import Query
from playlistrec.models.graph.gat import GAT
from playlistrec.models.graph.gcn import GCN
from playlistrec.models.graph.lightgcn import LightGCN
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.graph.ngcf import NGCF
from playlistrec.models.graph.sage import SAGE
from playlistrec.models.registry import model_class
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions

CASES: list[tuple[type[GraphModel], dict[str, object]]] = [
    (LightGCN, {"layers": 3}),
    (LightGCN, {"layer_weights": "0,1,1,2", "similarity": "cosine"}),
    (GAT, {"layers": 3, "heads": 2}),
    (SAGE, {"layers": 3}),
    (SAGE, {"aggregator": "pool", "layer_weights": "learned"}),
    (GCN, {"layers": 3}),
    (NGCF, {"layers": 2}),
]


@torch.no_grad()
def in_the_graph(model: GraphModel, seeds: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Final vectors of the playlists and of new ones that stand in the graph, each with an edge from every seed.

    The edges lead to the new nodes alone: no track receives their messages or counts them in its degree.
    """
    graph, n = model.graph, model.graph.num_nodes("playlist")
    edges = {e: tuple(ends.long() for ends in graph.edges(etype=e)) for e in graph.canonical_etypes}
    tracks, playlists = edges["track", "in", "playlist"]
    new = [(track, n + row) for row, own in enumerate(seeds) for track in sorted(set(own))]
    more = torch.tensor(new).T
    edges["track", "in", "playlist"] = (torch.cat([tracks, more[0]]), torch.cat([playlists, more[1]]))
    sizes = {kind: graph.num_nodes(kind) + (len(seeds) if kind == "playlist" else 0) for kind in graph.ntypes}
    larger = dgl.heterograph(edges, num_nodes_dict=sizes).int()
    degree_norms = model.normalise(larger)
    degree_norms["in"] = (model.degree_norms["in"][0], *degree_norms["in"][1:])
    states = {kind: table.detach() for kind, table in model.tables.items()}
    mean = states["playlist"].mean(0, keepdim=True)
    states["playlist"] = torch.cat([states["playlist"], mean.expand(len(seeds), -1)])
    layers = len(model.layers)
    vectors = model._combined(model.propagate([larger] * layers, states, [degree_norms] * layers), "playlist")
    return vectors[:n], vectors[n:]


@pytest.mark.parametrize("artists", [False, True])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_fold_in_equals_a_node_of_the_graph(kind: type[GraphModel], options: dict[str, object], artists: bool) -> None:
    model = build(kind, small_corpus(), artists=artists, **options)
    seeds = [[2, 5, 11], [7], [3, 3, 9, 1, 20, 24], list(range(25))]
    before, new = in_the_graph(model, seeds)
    torch.testing.assert_close(before, model.vectors()[0], rtol=1e-5, atol=1e-5, msg="others receive their messages")
    torch.testing.assert_close(model.fold_in(Query.of(seeds)), new, rtol=1e-5, atol=1e-5)


def two_kinds() -> Corpus:
    """Playlists of tracks by artist A, and others by artist B; each has a track more, which no playlist holds."""
    rng = np.random.default_rng(0)
    lists = [[f"{p % 2}-{t}" for t in rng.choice(12, 6, replace=False)] for p in range(40)]
    artists = {f"{kind}-{t}": f"artist {kind}" for kind in (0, 1) for t in range(13)}
    whole = Corpus.from_lists([*lists, ["0-12", "1-12"]], artists)
    return whole.where(whole.entry_playlist < 40)


@pytest.mark.parametrize("name", ["lightgcn", "gat", "sage", "gcn", "ngcf", "fm"])
def test_tracks_without_an_entry_are_placed_by_their_artist(name: str) -> None:
    corpus = two_kinds()
    unheard = [corpus.track_index("0-12"), corpus.track_index("1-12")]
    assert not np.isin(corpus.tracks, unheard).any()
    kind: Any = model_class(name)
    options = {"artists": True, "dim": 16} | ({} if name == "fm" else {"layers": 2})
    model = kind.from_corpus(corpus, kind.config_class.from_options(options), seed=0)
    fit(model, corpus, TrainOptions(epochs=40, batch_size=64, lr=0.02, n_negatives=2), seed=0)
    for query in (
        Query.of([corpus.playlist(p).tolist() for p in range(40)], range(40)),
        Query.of([corpus.playlist(p)[:4].tolist() for p in range(40)]),
    ):
        scores = model.score(query)[:, unheard]
        margin = (scores[:, 0] - scores[:, 1]) * torch.tensor([1.0, -1.0] * 20)
        assert (margin > 0).float().mean() > 0.8
        assert margin.view(20, 2).mean(0).min() > 0, "in both kinds"
