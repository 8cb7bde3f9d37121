"""Ratings and play counts: from the file through filters and splits to the models that use them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.sources.read import read
from playlistrec.corpus.weights import pair_weights
from playlistrec.errors import ConfigError, DataError
from playlistrec.models.base import Query
from playlistrec.models.edge_weights import scaled_weights
from playlistrec.models.factorization.ials import IALS, IALSConfig
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.neighbours.itemknn import ItemKNN, ItemKNNConfig
from playlistrec.models.registry import model_class
from playlistrec.train.fit import trainer_of
from playlistrec.train.options import TrainOptions

CSV = "playlist_id,track_id,plays\np,a,3\np,b,1\nq,b,10\np,a,2\nq,c,0\n"
INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\np\ta\t5\t2\np\tb\t1\t1\nq\tb\t4\t3\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def by_pair(corpus: Corpus) -> dict[tuple[str, str], float]:
    pids, uris = corpus.playlists["pid"].to_pylist(), corpus.track_table["uri"].to_pylist()
    return {(pids[p], uris[t]): w for p, t, w in zip(*corpus.pairs, pair_weights(corpus).tolist())}


def test_a_column_of_a_csv(tmp_path: Path) -> None:
    corpus, _ = read(written(tmp_path, "plays.csv", CSV), weights=True)
    assert by_pair(corpus) == {("p", "a"): 5, ("p", "b"): 1, ("q", "b"): 10, ("q", "c"): 0}
    assert read(tmp_path / "plays.csv")[0].weights is None
    with pytest.raises(DataError, match="the data has no weights: preprocess it again with"):
        pair_weights(read(tmp_path / "plays.csv")[0])


def test_ratings_of_recbole(tmp_path: Path) -> None:
    corpus, _ = read(written(tmp_path, "x.inter", INTER), weights=True)
    assert by_pair(corpus) == {("p", "a"): 5, ("p", "b"): 1, ("q", "b"): 4}
    corpus, _ = read(tmp_path / "x.inter", weights=True, min_rating=2)
    assert by_pair(corpus) == {("p", "a"): 5, ("q", "b"): 4}


def test_what_cannot_be_weights(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv has no column weight or rating"):
        read(written(tmp_path, "none.csv", "playlist_id,track_id\np,a\n"), weights=True)
    with pytest.raises(DataError, match=r"low.csv, line 3: plays must be at least 0 to be a weight \(got '-1'\)"):
        read(written(tmp_path, "low.csv", "playlist_id,track_id,plays\np,a,1\np,b,-1\n"), weights=True)
    with pytest.raises(DataError, match=r"text.csv, line 2: plays must be a number \(got 'x'\)"):
        read(written(tmp_path, "text.csv", "playlist_id,track_id,plays\np,a,x\n"), weights=True)
    with pytest.raises(ConfigError, match="weights is for movielens, lastfm, csv, triples, parquet, and"):
        read(written(tmp_path, "x.txt", "p a b\n"), weights=True)


def random_csv(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = [f"p{p},t{t},{rng.integers(1, 50)}" for p in range(40) for t in rng.choice(25, 9, replace=False)]
    return written(folder, "plays.csv", "\n".join(["playlist_id,track_id,plays", *rows]) + "\n")


def test_they_stay_with_their_entries_through_filters_splits_and_the_disk(tmp_path: Path) -> None:
    source = random_csv(tmp_path)
    want = by_pair(read(source, weights=True)[0])
    data = pr.preprocess(source, tmp_path / "data", weights=True, k_core=4)
    loaded = pr.Data.load(tmp_path / "data")
    for corpus in (data.corpus, loaded.corpus, loaded.split.training(loaded.corpus)):
        assert by_pair(corpus).items() <= want.items()
    assert loaded.corpus.weights is not None
    assert loaded.manifest["options"]["weights"] is True


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return read(random_csv(tmp_path_factory.mktemp("weights")), weights=True)[0]


def dense(corpus: Corpus, how: str) -> np.ndarray:
    """(n_playlists, n_tracks) weights by a loop."""
    out = np.zeros((corpus.n_playlists, corpus.n_tracks))
    for entry, (p, t) in enumerate(zip(corpus.entry_playlist, corpus.tracks)):
        out[p, t] += corpus.weights[entry]
    out = np.log1p(out) if how == "log1p" else out
    return out / out[out > 0].mean()


@pytest.mark.parametrize("how", ["raw", "log1p"])
def test_item_neighbours_are_cosines_of_weighted_columns(how: str, corpus: Corpus) -> None:
    X = dense(corpus, how)
    cosine = (X.T @ X) / np.sqrt(np.outer((X**2).sum(0), (X**2).sum(0)))
    np.fill_diagonal(cosine, 0)
    model = ItemKNN.from_corpus(corpus, ItemKNNConfig(edge_weights=how))
    np.testing.assert_allclose(model.score(Query.of([[3, 7]]))[0], cosine[3] + cosine[7], rtol=1e-4)


def test_confidences_of_ials(corpus: Corpus) -> None:
    """One playlist's vector minimises the weighted loss, given the tracks' vectors."""
    config = IALSConfig(dim=4, alpha=5.0, l2=2.0, edge_weights="raw", iterations=300)
    plain = IALS.from_corpus(corpus, IALSConfig(dim=4, alpha=5.0, l2=2.0, iterations=300)).tracks
    Y = IALS.from_corpus(corpus, config).tracks.double().numpy()
    assert not np.allclose(Y, plain)
    W = dense(corpus, "raw")
    C = np.where(W > 0, 5.0 * W, 1.0)
    R = (W > 0).astype(float)

    def solved(A: np.ndarray, confidence: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                np.linalg.solve(A.T @ (c[:, None] * A) + 2.0 * np.eye(4), A.T @ (c * r))
                for c, r in zip(confidence, wanted)
            ]
        )

    again = solved(solved(Y, C, R), C.T, R.T)
    assert np.abs(again - Y).max() < 0.02 * np.abs(Y).max()


@pytest.mark.parametrize("how", ["raw", "log1p"])
def test_light_gcn_weighs_its_messages(how: str, corpus: Corpus) -> None:
    kind = model_class("lightgcn")
    options = {"dim": 4, "layers": 1, "layer_weights": "0,1", "edge_weights": how}
    model = kind.from_corpus(corpus, kind.config_class.from_options(options), seed=1)
    W = torch.from_numpy(dense(corpus, how)).float()
    A = (W > 0).float()
    scale = W / torch.sqrt(A.sum(1)[:, None] * A.sum(0)[None, :]).clamp(min=1e-9)
    playlists, tracks = model.vectors()
    torch.testing.assert_close(playlists, scale @ model.tables["track"].detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(tracks, scale.T @ model.tables["playlist"].detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["lightgcn", "gat", "sage", "gcn", "ngcf"])
def test_blocks_of_all_neighbours_hold_the_weights(name: str, corpus: Corpus) -> None:
    kind = model_class(name)
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 4, "edge_weights": "log1p"}), seed=1)
    assert isinstance(model, GraphModel)
    plain = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 4}), seed=1)
    assert not torch.allclose(model.vectors()[1], plain.vectors()[1])
    options = TrainOptions(regime="sampled", fanout=-1, batch_size=8)
    batches = trainer_of(model, corpus, options).batches
    with batches.seeded(0):
        *_, blocks = next(iter(batches.loader))
    for block in blocks:
        for etype in ("contains", "in"):
            import dgl

            ids = block.edges[etype].data[dgl.EID].long()
            torch.testing.assert_close(block.edges[etype].data["weight"], model.graph.edges[etype].data["weight"][ids])


def test_weights_have_a_mean_of_one_and_none_is_none(corpus: Corpus) -> None:
    for how in ("raw", "log1p"):
        assert math.isclose(float(scaled_weights(corpus, how).mean()), 1.0, rel_tol=1e-5)
    assert scaled_weights(corpus, "none") is None


def test_a_run_with_weights_is_the_same_when_loaded(tmp_path: Path) -> None:
    data = pr.preprocess(random_csv(tmp_path), tmp_path / "data", weights=True)
    for model in ("itemknn", "lightgcn"):
        run = pr.fit(
            data, model, tmp_path / model, options={"edge_weights": "log1p"}, epochs=None if model == "itemknn" else 2
        )
        again = pr.Run.load(tmp_path / model)
        assert run.evaluate("test").metrics == again.evaluate("test").metrics
