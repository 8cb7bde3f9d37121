"""Titles in recommenders: neighbours against a loop, the ridge against dense algebra, playlists known by a title."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.filters import k_core
from playlistrec.corpus.sources.read import read
from playlistrec.corpus.split import EvaluationSet
from playlistrec.corpus.splitting import split_continuation
from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.embedding.initial import SVD_RMS, named
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.embedding.trained import torch_seed
from playlistrec.models.ensemble.blend import Blend, BlendConfig
from playlistrec.models.popularity import Popularity
from playlistrec.models.registry import model_class
from playlistrec.models.titles import features as title_features
from playlistrec.models.titles import sentences
from playlistrec.models.titles.features import SentenceSpace, Titled, TitleSpace
from playlistrec.models.titles.neighbours import TitleConfig, TitleNeighbours
from playlistrec.models.titles.title_map import PENALTY, TitledSpace, TitleMap, ridge
from playlistrec.rank.protocols import evaluate

NAMES = ["Rock", "rock!!", "Chill", "chill rock", "CHILL 🌴", None, "", "Metal", "chilly", "rocks"]
GRADIENT = ["mf", "lightgcn", "gat", "sage", "gcn", "ngcf", "fm", "fm-gcn", "fm-gat"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Named playlists, two without a name; the last ones are hidden whole, and with them the title "secret"."""
    rng = np.random.default_rng(1)
    lists = [[f"t{t}" for t in rng.choice(15, size=rng.integers(3, 8), replace=False)] for _ in range(12)]
    whole = Corpus.from_lists(lists, {f"t{t}": f"a{t % 4}" for t in range(15)})
    names = pa.array([*NAMES, "secret", "Rock"], pa.string())
    whole = replace(whole, playlists=whole.playlists.append_column("name", names))
    return whole.where(whole.entry_playlist < 10)


def unseen(*titles: str, seeds: list[list[int]] | None = None) -> Query:
    return Query.of(seeds or [[]] * len(titles), titles=titles)


def test_playlists_hidden_whole_lend_no_title(corpus: Corpus) -> None:
    titled = Titled.of(corpus)
    assert titled.titles == ["chill", "chill rock", "chill 🌴", "chilly", "metal", "rock", "rocks"]
    assert titled.playlists.tolist() == [0, 1, 2, 3, 4, 7, 8, 9]
    assert titled.counts.tolist() == [1, 1, 1, 1, 1, 2, 1]
    assert [titled.titles[row] for row in titled.title] == [
        *("rock", "rock", "chill", "chill rock", "chill 🌴", "metal", "chilly", "rocks")
    ]
    with_secret = model_class("title").from_corpus(corpus, TitleConfig())
    assert with_secret.cold(unseen("secret", "Rock", "")).tolist() == [True, False, True]


def neighbours(corpus: Corpus, **options: Any) -> TitleNeighbours:
    return TitleNeighbours.from_corpus(corpus, TitleConfig.from_options(options))


@pytest.mark.parametrize(("k", "power", "smoothing"), [(None, 1.0, 5.0), (2, 2.0, 0.5), (200, 3.0, 20.0)])
def test_neighbours_vote_as_in_a_loop(corpus: Corpus, k: int | None, power: float, smoothing: float) -> None:
    model = neighbours(corpus, neighbours=k, power=power, smoothing=smoothing)
    titled = Titled.of(corpus)
    space = TitleSpace.learn(titled.titles)
    held, pairs = corpus.lengths > 0, corpus.matrix.toarray()
    prior = pairs.sum(0) / held.sum()
    for asked, title in (("chill", "Chill"), ("rock metal", "ROCK / metal"), ("rocking", "rocking"), ("x", "x")):
        similar = (space([asked]) @ space(titled.titles).T).toarray()[0].astype(np.float64)
        kept = np.argsort(-similar, kind="stable")[:k]
        votes, size = smoothing * prior, smoothing
        for row in kept:
            for playlist in titled.playlists[titled.title == row]:
                votes = votes + similar[row] ** power * pairs[playlist]
                size += similar[row] ** power
        scores = model.score(unseen("Metal", title, "Metal"))
        np.testing.assert_allclose(scores[1], votes / size, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(scores[0], scores[2])


def test_neighbours_give_popularity_without_a_title(corpus: Corpus) -> None:
    model, popularity = neighbours(corpus), Popularity.from_corpus(corpus, Popularity.config_class())
    order = popularity.score(Query.of([[]])).argsort(stable=True, descending=True)[0]
    for query in (Query.of([[3]]), unseen("", "жжж")):
        for scores in model.score(query):
            assert torch.equal(scores.argsort(stable=True, descending=True), order)
        assert model.cold(query).all()


def test_neighbours_are_kept_as_arrays(corpus: Corpus) -> None:
    for options in ({}, {"ngrams": "4,6", "neighbours": "none"}):
        model = neighbours(corpus, **options)
        loaded = TitleNeighbours.from_state(corpus, model.config, model.state())
        query = unseen("chill", "rok", "", "metal rock")
        torch.testing.assert_close(loaded.score(query), model.score(query), rtol=0, atol=0)
        assert loaded.cold(query).tolist() == model.cold(query).tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": 0}, "neighbours must be at least 1, or none"),
        ({"power": 0}, "power must be above 0"),
        ({"smoothing": -1}, "smoothing must be above 0"),
        ({"ngrams": "2,4"}, "ngrams must be two lengths of 3 or more"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TitleConfig.from_options(options)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30)])
def test_ridge_is_that_of_dense_algebra(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * (rng.random(shape) < 0.5)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    y, counts = rng.normal(size=(shape[0], 3)), rng.integers(1, 5000, shape[0]).astype(float)
    y[:, 2] = 0
    wanted = np.linalg.solve(x.T @ (counts[:, None] * x) + 2.0 * np.eye(shape[1]), x.T @ (counts[:, None] * y))
    found = ridge(sparse.csr_array(x.astype(np.float32)), y.astype(np.float32), counts.astype(np.float32), 2.0, 1e-6)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_the_map_weighs_every_playlist_alike(corpus: Corpus) -> None:
    """One row a playlist in the dense problem, where the map has one a title."""
    vectors = torch.randn(corpus.n_playlists, 4, generator=torch.Generator().manual_seed(0))
    known = TitledSpace(corpus, "ngrams")
    x = known.features[known.titled.title].toarray()
    z = vectors.numpy()[known.titled.playlists]
    weights = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ (z - z.mean(0)))
    found, said = TitleMap(known, vectors[known.titled.playlists])(["ROCK", "rock chill", "жжж"])
    wanted = z.mean(0) + known.space(["rock", "rock chill", "жжж"]) @ weights
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
    assert said.tolist() == [True, True, False]


def test_of_many_titled_playlists_every_nth_is_taken(corpus: Corpus) -> None:
    assert Titled.of(corpus, 10).playlists.tolist() == [0, 1, 2, 3, 4, 7, 8, 9]
    every_second = Titled.of(corpus, 9)
    assert every_second.playlists.tolist() == [0, 2, 4, 8]
    assert every_second.titles == ["chill", "chill 🌴", "chilly", "rock"]
    assert Titled.of(corpus, 3).playlists.tolist() == [0, 4, 8]


def untrained(name: str, corpus: Corpus, **options: Any) -> EmbeddingModel:
    kind = model_class(name)
    model: Any = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 8, **options}), seed=3)
    return model.eval()


@pytest.mark.parametrize("name", GRADIENT)
def test_unseen_playlists_are_the_mean_of_seeds_and_title(name: str, corpus: Corpus) -> None:
    model = untrained(name, corpus, title_weight=0.5)
    seeds = [[2, 5, 5], [], [4], [], []]
    query = unseen("Rock", "chill", "жжж", "", "secret", seeds=seeds)
    known = TitledSpace(corpus, "ngrams")
    title_map = TitleMap(known, model.vectors()[0][torch.from_numpy(known.titled.playlists)])
    spoken, _ = title_map(["Rock", "chill"])
    folded = model.fold_in(query)
    mixed = (2 * folded[0] + 0.5 * spoken[0] * folded[0].norm() / title_map.length) / 2.5
    found = model.queries(query)
    torch.testing.assert_close(found[:3], torch.stack([mixed, spoken[1], folded[2]]), rtol=1e-4, atol=1e-6)
    scores = model.score(query)
    torch.testing.assert_close(scores[:3], found[:3] @ model.vectors()[1].T, rtol=1e-4, atol=1e-5)
    popularity = Popularity.from_corpus(corpus, Popularity.config_class()).score(unseen("", ""))
    torch.testing.assert_close(scores[3:], popularity, rtol=0, atol=0)
    assert model.cold(query).tolist() == [False, False, False, True, True]
    for row in range(len(query)):
        torch.testing.assert_close(model.score(query.take(row, row + 1))[0], scores[row], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["mf", "lightgcn", "fm"])
def test_titles_survive_save_and_load(name: str, corpus: Corpus) -> None:
    model = untrained(name, corpus)
    query = unseen("Rock", "chill", seeds=[[2], []])
    loaded = type(model).from_state(corpus, model.config, model.state())
    torch.testing.assert_close(loaded.score(query), model.score(query), rtol=0, atol=0)


def test_the_map_is_made_at_first_need_and_follows_the_vectors(corpus: Corpus) -> None:
    model = untrained("mf", corpus)
    for query in (Query.of([[1], []]), unseen("", ""), Query.of([[1, 2]], [3], ["Rock"])):
        model.score(query)
        assert model._map is None
    first = model.score(unseen("Rock"))
    kept = model._map
    torch.testing.assert_close(model.score(unseen("Rock")), first, rtol=0, atol=0)
    assert model._map is kept
    model.train()
    with torch.no_grad():
        model.tables["playlist"].mul_(-1)
    assert not torch.allclose(model.eval().score(unseen("Rock")), first)


def test_known_playlists_have_no_need_of_their_title(corpus: Corpus) -> None:
    model = untrained("lightgcn", corpus)
    seeds = [corpus.playlist(4).tolist()]
    torch.testing.assert_close(
        model.score(Query.of(seeds, [4], ["metal"])), model.score(Query.of(seeds, [4])), rtol=0, atol=0
    )


def test_data_without_names_and_titles_that_are_not_read(corpus: Corpus) -> None:
    nameless = replace(corpus, playlists=corpus.playlists.drop_columns(["name"]))
    popularity = Popularity.from_corpus(corpus, Popularity.config_class()).score(unseen(""))
    for model in (untrained("lightgcn", nameless), untrained("lightgcn", corpus, title_weight=0)):
        query = unseen("Rock", "Rock", seeds=[[], [3]])
        scores = model.score(query)
        torch.testing.assert_close(scores[:1], popularity, rtol=0, atol=0)
        torch.testing.assert_close(scores[1:], model.score(Query.of([[3]])))
        assert model.cold(query).tolist() == [True, False]
    assert neighbours(nameless).cold(unseen("Rock")).all()
    with pytest.raises(ConfigError, match="title_weight must be at least 0"):
        untrained("mf", corpus, title_weight=-1)


def test_a_blend_is_cold_where_all_its_parts_are(corpus: Corpus) -> None:
    blend = Blend.from_corpus(corpus, BlendConfig(parts=("title", "popularity")))
    query = unseen("Rock", "жжж", "жжж", seeds=[[], [], [1]])
    assert blend.cold(query).tolist() == [False, True, False]


def test_sentence_embeddings_need_no_net(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("there is no net")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    rows = SentenceSpace()(["christmas", "xmas", "metal", ""]).toarray()
    assert rows.shape == (4, 256)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0], rtol=1e-5)
    assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]
    assert SentenceSpace()([]).shape == (0, 256)
    model = untrained("lightgcn", corpus, title_features="wordllama")
    scores = model.score(unseen("Rock", "rocking chair", ""))
    assert scores.isfinite().all()
    assert not torch.allclose(scores[0], scores[1])
    assert model.cold(unseen("rocking chair", "")).tolist() == [False, True]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, corpus: Corpus) -> None:
    monkeypatch.setattr(sentences, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"need the package wordllama: pip install 'playlistrec\[titles\]'"):
        untrained("mf", corpus, title_features="wordllama").score(unseen("Rock"))


@pytest.mark.parametrize("kind", ["ngrams", "wordllama"])
def test_playlists_start_from_their_names_when_asked(kind: Any, corpus: Corpus) -> None:
    with torch_seed(0):
        tables = {name: table.numpy() for name, table in named(corpus, 6, kind).items()}
    titled = Titled.of(corpus)
    features = title_features.title_space(titled.titles, kind)(titled.titles)[titled.title].toarray()
    u, s, _ = np.linalg.svd(features, full_matrices=False)
    low_rank = (u[:, :6] * s[:6]) @ u[:, :6].T
    own = tables["playlist"][titled.playlists]
    np.testing.assert_allclose(own @ own.T / np.square(own).sum(), low_rank / np.trace(low_rank), atol=1e-3)
    np.testing.assert_allclose(own[0], own[1], atol=1e-5)
    assert not tables["playlist"][[5, 6, 10, 11]].any(), "no name, or nothing that may be known of it"
    assert tables["track"].shape == (corpus.n_tracks, 6)
    scale = [np.square(tables[name]).mean() for name in ("playlist", "track")]
    assert np.sqrt(np.mean(scale)) == pytest.approx(SVD_RMS, rel=1e-3)
    model = untrained("lightgcn", corpus, dim=6, init=kind)
    loaded = type(model).from_state(corpus, model.config, model.state())
    torch.testing.assert_close(loaded.score(Query.of([[1]])), model.score(Query.of([[1]])), rtol=0, atol=0)
    with pytest.raises(ConfigError, match="init must be xavier or svd for playlists without names"):
        named(replace(corpus, playlists=corpus.playlists.drop_columns(["name"])), 6, kind)


def test_a_title_alone_beats_popularity_by_far(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = synthesize(tmp_path_factory.mktemp("titles") / "slices", 2000, seed=5)
    corpus = read(folder, workers=1)[0]
    corpus = corpus.subset(*k_core(corpus, 5))[0]
    split = split_continuation(corpus, valid=0.2, test=0.0, seed=0)
    training, asked = split.training(corpus), split.evaluation_set(corpus, "valid")
    asked: EvaluationSet = replace(asked, seed_offsets=np.zeros(len(asked) + 1, np.int64), seeds=asked.seeds[:0])
    spectral = untrained(
        "lightgcn",
        training,
        dim=32,
        layers=2,
        layer_weights="0,1,1",
        init="svd",
        similarity="cosine",
        popularity_prior=0.05,
    )
    found = {
        model.name: evaluate(model, asked, ks=(20,), metrics=["ndcg"]).metrics["ndcg@20"]
        for model in (Popularity.from_corpus(training, Popularity.config_class()), neighbours(training), spectral)
    }
    assert found["title"] > 1.6 * found["popularity"]
    assert found["lightgcn"] > 1.6 * found["popularity"]
