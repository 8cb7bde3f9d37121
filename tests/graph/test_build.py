"""The heterograph against the corpus it is built from."""

from __future__ import annotations

from pathlib import Path

import dgl
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import Split
from playlistrec.errors import DataError
from playlistrec.graph.build import REVERSE, build_graph, load_graph, save_graph

LISTS = [["a", "b", "a"], ["c"], [], ["b", "c", "d", "d"]]
ARTISTS = {"a": "X", "b": "Y", "d": "X"}

playlists = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), min_size=1, max_size=8)


def pairs(graph: dgl.DGLGraph, etype: str) -> list[tuple[int, int]]:
    src, dst = graph.edges(etype=etype, order="eid")
    return list(zip(src.tolist(), dst.tolist()))


@given(playlists, st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("XYZ")))
@settings(max_examples=40, deadline=None)
def test_every_distinct_pair_once_in_order_and_both_ways(lists: list[list[str]], artist_of: dict[str, str]) -> None:
    corpus = Corpus.from_lists(lists, artist_of)
    graph = build_graph(corpus)
    number = {uri: i for i, uri in enumerate(corpus.track_table["uri"].to_pylist())}
    names = corpus.artists["name"].to_pylist()
    contains = sorted({(p, number[uri]) for p, tracks in enumerate(lists) for uri in tracks})
    made = sorted((names.index(artist_of[uri]), number[uri]) for uri in number if uri in artist_of)
    assert pairs(graph, "contains") == contains
    assert pairs(graph, "made") == made
    for etype, reverse in REVERSE.items():
        assert pairs(graph, reverse) == [(v, u) for u, v in pairs(graph, etype)]
    assert graph.idtype == torch.int32
    sizes = {"playlist": corpus.n_playlists, "track": corpus.n_tracks, "artist": corpus.n_artists}
    assert {node: graph.num_nodes(node) for node in graph.ntypes} == sizes


def test_degrees_and_norms_with_isolated_nodes() -> None:
    corpus = Corpus.from_lists(LISTS, ARTISTS)
    alone = corpus.where(np.arange(corpus.n_entries) < 3)  # the entries of the first playlist
    data = build_graph(alone).nodes
    assert data["playlist"].data["degree"].tolist() == [2, 0, 0, 0]
    assert data["track"].data["degree"].tolist() == [1, 1, 0, 0]
    assert data["artist"].data["degree"].tolist() == [2, 1]
    torch.testing.assert_close(data["playlist"].data["norm"], torch.tensor([0.5**0.5, 0, 0, 0]))
    torch.testing.assert_close(data["track"].data["norm"], torch.tensor([1.0, 1, 0, 0]))
    torch.testing.assert_close(data["artist"].data["norm"], torch.tensor([0.5**0.5, 1]))


def test_no_hidden_entry_is_in_the_graph() -> None:
    corpus = Corpus.from_lists([list("abcdef"), list("cdab"), list("fed")])
    part = np.array([0, 1, 2, 0, 0, 2, 0, 0, 1, 2, 0, 2, 1], dtype=np.uint8)
    split = Split("edges", part)
    shown = {}
    for name, seen in (("valid", [0]), ("test", [0, 1])):
        shown[name] = set(pairs(build_graph(split.ranking(corpus, name)), "contains"))
        entries = np.isin(part, seen)
        assert shown[name] == set(zip(corpus.entry_playlist[entries].tolist(), corpus.tracks[entries].tolist()))
    assert set(pairs(build_graph(split.training(corpus)), "contains")) == shown["valid"]


def test_a_saved_graph_is_the_same_and_dgl_opens_it(tmp_path: Path) -> None:
    graph, path = build_graph(Corpus.from_lists(LISTS, ARTISTS)), tmp_path / "graph.bin"
    save_graph(graph, path)
    for loaded in (load_graph(path), dgl.load_graphs(str(path))[0][0]):
        assert loaded.idtype == torch.int32
        assert loaded.canonical_etypes == graph.canonical_etypes
        for etype in graph.etypes:
            assert pairs(loaded, etype) == pairs(graph, etype)
        for node in graph.ntypes:
            for name in ("degree", "norm"):
                assert torch.equal(loaded.nodes[node].data[name], graph.nodes[node].data[name])


def test_a_missing_or_damaged_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"graph\.bin is missing"):
        load_graph(tmp_path / "graph.bin")
    save_graph(build_graph(Corpus.from_lists(LISTS)), tmp_path / "whole.bin")
    whole = (tmp_path / "whole.bin").read_bytes()
    for name, content in (("text.bin", b"not a graph"), ("empty.bin", b""), ("cut.bin", whole[: len(whole) // 2])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} is damaged") as raised:
            load_graph(tmp_path / name)
        assert "\n" not in str(raised.value)
