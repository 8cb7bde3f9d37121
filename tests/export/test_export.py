"""Exports: what is read back, by what others would read it with, ranks as the run does."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import dgl
import faiss
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
import voyager
from safetensors.numpy import load_file

import playlistrec as pr
from playlistrec.corpus.splitting import split_continuation, split_edges
from playlistrec.errors import ConfigError, DataError
from playlistrec.export.export import KINDS, export
from playlistrec.export.recall import EF, recall

Vectors = npt.NDArray[np.float32]
OPTIONS = {"epochs": 2, "batch_size": 256, "dim": 16, "lr": 0.05}
K = 100


def corpus() -> pr.Corpus:
    rng = np.random.default_rng(0)
    popular = 1 / np.arange(1, 301)
    lists = []
    for p in range(200):
        taste = popular * np.where(np.arange(300) % 4 == p % 4, 8.0, 1.0)
        lists.append([f"t{t}" for t in rng.choice(300, size=rng.integers(4, 25), replace=True, p=taste / taste.sum())])
    return pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 40}" for t in range(250)})


@pytest.fixture(scope="module")
def data() -> pr.Data:
    whole = corpus()
    return pr.Data.of(whole, split_edges(whole, valid=0.1, test=0.1, seed=0))


@pytest.fixture(scope="module")
def runs(data: pr.Data) -> dict[str, pr.Run]:
    """``lightgcn`` with the cosine and a ``popularity_prior``, so that vectors are not simply the embeddings."""
    cosine = {
        "similarity": "cosine",
        "popularity_prior": 0.1,
        "loss": "softmax",
        "negatives": "all",
        "temperature": 0.2,
    }
    own = {"mf": {}, "lightgcn": cosine, "fm": {}, "sage": {}}
    return {name: pr.fit(data, name, options={**OPTIONS, **more}, preset="none") for name, more in own.items()}


@pytest.fixture(scope="module")
def folders(runs: dict[str, pr.Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("exports")
    for name, run in runs.items():
        export(run, out / name, list(KINDS))
    return {name: out / name for name in runs}


def same_ranking(run: pr.Run, row: int, tracks: npt.NDArray[np.integer], scores: npt.NDArray[np.floating]) -> None:
    """The same tracks in the same order, but for neighbours whose scores are equal as far as sums can tell."""
    pid = run.data.corpus.playlists["pid"][row].as_py()
    # A run knows the whole playlist, and does not recommend what is hidden from the model; the files do not know that.
    new = ~np.isin(tracks, run.data.corpus.playlist(row))
    tracks, scores = tracks[new], scores[new]
    n = len(tracks)
    wanted, values = (part[:n] for part in run.recommend(playlist=pid, k=K))
    np.testing.assert_allclose(scores[: len(values)], values, rtol=1e-4, atol=1e-5)
    moved = np.flatnonzero(wanted != tracks[: len(wanted)])
    assert len(moved) <= 2
    for place in moved:
        assert np.abs(values - values[place]).argsort()[1] in (place - 1, place + 1)


def best(playlist: Vectors, tracks: Vectors, seeds: npt.NDArray[np.integer]) -> tuple[Vectors, Vectors]:
    """Exact ranking, written as a reader of the files would."""
    scores = tracks @ playlist
    scores[seeds] = -np.inf
    order = np.argsort(-scores, kind="stable")[:K]
    return order, scores[order]


@pytest.mark.parametrize("name", ["mf", "lightgcn", "fm", "sage"])
def test_parquet_npz_and_dgl_rank_as_the_run(name: str, runs: dict[str, pr.Run], folders: dict[str, Path]) -> None:
    folder = folders[name]
    playlists, tracks = (pq.read_table(folder / f"{kind}.parquet") for kind in ("playlists", "tracks"))
    from_parquet = [
        table["embedding"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
        for table in (playlists, tracks)
    ]
    arrays = np.load(folder / "embeddings.npz", allow_pickle=False)
    tensors = load_file(folder / "embeddings.safetensors")
    graph = dgl.load_graphs(str(folder / "graph.bin"))[0][0]
    vectors = {
        "parquet": from_parquet,
        "npz": [arrays["playlists"], arrays["tracks"]],
        "safetensors": [tensors["playlists"], tensors["tracks"]],
        "dgl": [graph.nodes[kind].data["embedding"].numpy() for kind in ("playlist", "track")],
    }
    data = runs[name].data
    assert tracks["uri"].to_pylist() == arrays["track_uris"].tolist() == data.corpus.track_table["uri"].to_pylist()
    assert playlists["pid"].to_pylist() == arrays["playlist_pids"].tolist()
    for row in range(0, data.corpus.n_playlists, 17):
        seeds = {
            "parquet": playlists["seeds"][row].values.to_numpy(),
            "npz": arrays["seeds"][slice(*arrays["seed_offsets"][row : row + 2])],
            "safetensors": tensors["seeds"][slice(*tensors["seed_offsets"][row : row + 2])],
            "dgl": graph.out_edges(row, etype="contains")[1].numpy(),
        }
        for kind, (asking, asked) in vectors.items():
            same_ranking(runs[name], row, *best(asking[row], asked, seeds[kind]))


@pytest.mark.parametrize("name", ["mf", "lightgcn", "fm", "sage"])
def test_indices_find_what_they_say(name: str, runs: dict[str, pr.Run], folders: dict[str, Path]) -> None:
    folder = folders[name]
    reported = json.loads((folder / "manifest.json").read_text())["kinds"]
    arrays = np.load(folder / "embeddings.npz")
    scores = arrays["playlists"] @ arrays["tracks"].T
    exact = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    found = {
        "voyager": voyager.Index.load(str(folder / "tracks.voy")).query(arrays["playlists"], k=K, query_ef=EF)[0],
        "faiss": faiss.read_index(str(folder / "tracks.faiss")).search(arrays["playlists"], K)[1],
    }
    for kind, rows in found.items():
        shares = [len(set(a) & set(b)) / K for a, b in zip(rows.tolist(), exact.tolist())]
        assert reported[kind]["queries"] == 200
        assert np.mean(shares) == pytest.approx(reported[kind]["recall@100"], abs=0.002)
        assert reported[kind]["recall@100"] >= 0.95
    rows, distances = voyager.Index.load(str(folder / "tracks.voy")).query(arrays["playlists"][7], k=5, query_ef=EF)
    np.testing.assert_allclose(1 - distances, scores[7, rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["voyager", "faiss"])
def test_long_vectors_do_not_spoil_recall(kind: str, runs: dict[str, pr.Run], tmp_path: Path) -> None:
    """Where lengths vary as they do with popularity, either misses the floor unless the long ones go in first."""
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(0, 1, size=(5000, 1))
    tracks, playlists = (rng.normal(size=(n, 16)).astype(np.float32) for n in (5000, 200))
    source = replace(runs["mf"].embeddings(), tracks=(tracks * lengths).astype(np.float32), playlists=playlists)
    reported = import_module(f"playlistrec.export.{kind}").write(source, tmp_path)
    assert reported["recall@100"] >= 0.97


def test_the_measured_recall_is_low_for_a_bad_index(runs: dict[str, pr.Run]) -> None:
    source = runs["mf"].embeddings()
    exact = np.argsort(-(source.playlists @ source.tracks.T), axis=1)

    def half(vectors: Vectors, k: int) -> npt.NDArray[np.integer]:
        found = np.argsort(-(vectors @ source.tracks.T), axis=1)[:, :k]
        found[:, k // 2 :] = -1
        return found

    assert recall(source, lambda vectors, k: exact[: len(vectors), -k:])["recall@100"] < 0.2
    assert recall(source, half)["recall@100"] == pytest.approx(0.5)


def test_artists_are_there_where_the_model_has_them(runs: dict[str, pr.Run], folders: dict[str, Path]) -> None:
    for name, has in (("mf", False), ("fm", False), ("lightgcn", True), ("sage", True)):
        table = pq.read_table(folders[name] / "artists.parquet")
        assert table["uri"].to_pylist() == runs[name].data.corpus.artists["uri"].to_pylist()
        assert ("embedding" in table.column_names) is has
    model = runs["lightgcn"].recommender("test")
    assert torch.allclose(model.node_vectors()["artist"].norm(dim=1), torch.ones(40))
    graph = dgl.load_graphs(str(folders["lightgcn"] / "graph.bin"))[0][0]
    padded = F.pad(model.node_vectors()["artist"], (0, 1))  # popularity speaks for tracks alone
    assert torch.equal(graph.nodes["artist"].data["embedding"], padded)


def test_what_is_hidden_is_in_no_file(data: pr.Data, folders: dict[str, Path]) -> None:
    known = data.split.ranking(data.corpus, "test")
    graph = dgl.load_graphs(str(folders["mf"] / "graph.bin"))[0][0]
    playlists, tracks = (ids.numpy() for ids in graph.edges(etype="contains"))
    np.testing.assert_array_equal(playlists, known.pairs[0])
    np.testing.assert_array_equal(tracks, known.pairs[1])
    table = pq.read_table(folders["mf"] / "playlists.parquet")
    assert table["seeds"].combine_chunks().flatten().to_pylist() == known.tracks.tolist()


@pytest.mark.parametrize("model", ["mf", "lightgcn"])
def test_playlists_hidden_whole_are_folded_in(model: str, tmp_path: Path) -> None:
    whole = corpus()
    split = split_continuation(whole, valid=0.1, test=0.2)
    run = pr.fit(pr.Data.of(whole, split), model, options=OPTIONS, preset="none")
    export(run, tmp_path / "x", ["npz"])
    arrays = np.load(tmp_path / "x" / "embeddings.npz")
    for row in split.evaluation_set(whole, "test").playlists[::7].tolist():
        seeds = arrays["seeds"][slice(*arrays["seed_offsets"][row : row + 2])]
        assert len(seeds)
        same_ranking(run, row, *best(arrays["playlists"][row], arrays["tracks"], seeds))


def test_a_context_goes_into_the_playlists_vector(data: pr.Data, tmp_path: Path) -> None:
    run = pr.fit(data, "fm", options={**OPTIONS, "context": "previous"}, preset="none")
    export(run, tmp_path / "x", ["npz"])
    arrays = np.load(tmp_path / "x" / "embeddings.npz")
    for row in (0, 50, 199):
        seeds = arrays["seeds"][slice(*arrays["seed_offsets"][row : row + 2])]
        same_ranking(run, row, *best(arrays["playlists"][row], arrays["tracks"], seeds))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_is_refused(data: pr.Data, runs: dict[str, pr.Run], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown kind of export 'fais' \(did you mean 'faiss'\?\)"):
        export(runs["mf"], tmp_path / "x", ["fais"])
    with pytest.raises(ConfigError, match=r"itemknn has no vectors .* mf, lightgcn, gat, sage"):
        export(pr.fit(data, "itemknn"), tmp_path / "x")
    export(runs["mf"], tmp_path / "x")
    with pytest.raises(DataError, match="exists"):
        export(runs["mf"], tmp_path / "x", ["npz"])
    export(runs["mf"], tmp_path / "x", ["npz"], force=True)
    assert (tmp_path / "x" / "embeddings.npz").exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.json").write_text('{"format": 1}')
    with pytest.raises(DataError, match="is not an export: it will not be replaced"):
        export(runs["mf"], tmp_path / "data", force=True)
    assert (tmp_path / "data" / "manifest.json").exists()


def test_the_readme_tells_how_to_load_each_file(folders: dict[str, Path]) -> None:
    text = (folders["lightgcn"] / "README.md").read_text()
    files = {path.name for path in folders["lightgcn"].iterdir()} - {"README.md", "artists.parquet"}
    assert all(f"{name}" in text for name in files)
    assert all(f"- {kind}: " in text for kind in KINDS)
