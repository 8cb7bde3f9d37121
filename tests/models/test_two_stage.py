"""The two-stage model: features against loops, what the trees may see, and that they find what no part knows."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from fixed import Fixed

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_continuation, split_edges
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.models.base import Query
from playlistrec.models.two_stage.candidates import FirstStage, Pool
from playlistrec.models.two_stage.held_out import hold_out
from playlistrec.models.two_stage.pair_features import PairFeatures
from playlistrec.models.two_stage.two_stage import TwoStage, TwoStageConfig, fingerprints
from playlistrec.rank.protocols import evaluate

SMALL = {"trees": "40", "leaves": "7"}


@pytest.fixture(scope="module")
def named() -> Corpus:
    """Repeats, an empty playlist, titles in many spellings and without any, tracks of unknown artist and album."""
    rng = np.random.default_rng(3)
    lists = [[f"t{t}" for t in rng.integers(25, size=rng.integers(2, 12))] for _ in range(40)]
    lists[7] = []
    corpus = Corpus.from_lists(lists, {f"t{t}": f"artist {t % 6}" for t in range(25) if t % 7})
    albums = pa.array([f"album {i % 9}" if i % 5 else None for i in range(corpus.n_tracks)])
    names = [("Chill", "chill!", "90s Rock", "rock 90's", "", None)[i % 6] for i in range(40)]
    playlists = corpus.playlists.append_column("name", pa.array(names, pa.string()))
    return replace(
        corpus,
        playlists=playlists.append_column("ordered", pa.array([i % 3 > 0 for i in range(40)])),
        track_table=corpus.track_table.append_column("album_uri", albums),
    )


def slow_features(corpus: Corpus, seeds: list[int], playlist: int, title: str, track: int) -> dict[str, float]:
    """One pair, from lists and sets."""
    held = [set(corpus.playlist(p).tolist()) for p in range(corpus.n_playlists)]
    artist, album = (corpus.track_table[name].to_pylist() for name in ("artist", "album_uri"))
    n = sum(len(tracks) > 0 for tracks in held)
    count = [sum(t in tracks for tracks in held) for t in range(corpus.n_tracks)]
    popularity = [np.log((c + 1) / (n + 1)) for c in count]
    distinct, last = sorted(set(seeds)), seeds[-1] if seeds else None
    share = 1 / max(1, len(distinct))

    def alike(of: list, one: int | None) -> bool:
        return one is not None and of[one] is not None and of[one] == of[track]

    by = count[track]
    if artist[track] is not None:
        by = sum(any(artist[t] == artist[track] for t in tracks) for tracks in held)
    places = []
    for p in range(corpus.n_playlists):
        entries = corpus.playlist(p).tolist()
        if corpus.playlists["ordered"][p].as_py() and len(entries) > 1:
            places += [i / (len(entries) - 1) for i, t in enumerate(entries) if t == track]
    kind = {"chill": "chill", "chill!": "chill", "90s rock": "90s", "rock 90's": "rock"}
    called = [kind.get((name or "").lower(), "") for name in corpus.playlists["name"].to_pylist()]
    same = [p for p in range(corpus.n_playlists) if held[p] and p != playlist and called[p] == kind.get(title.lower())]
    together = 0 if last is None else sum(last in tracks and track in tracks for tracks in held)
    return {
        "artist_share": share * sum(alike(artist, t) for t in distinct),
        "album_share": share * sum(alike(album, t) for t in distinct),
        "last_artist": alike(artist, last),
        "last_album": alike(album, last),
        "last_cosine": together / np.sqrt(max(1, count[last] * count[track])) if last is not None else 0,
        "popularity": popularity[track],
        "artist_popularity": np.log((by + 1) / (n + 1)),
        "position": np.mean(places) if places else np.nan,
        "title_share": sum(track in held[p] for p in same) / max(1, len(same)),
        "title_playlists": np.log1p(len(same)),
        "n_seeds": len(distinct),
        "seed_artists": share * len({artist[t] for t in distinct} - {None}),
        "seed_popularity": share * sum(popularity[t] for t in distinct),
    }


def test_features_against_a_loop(named: Corpus) -> None:
    seeds = [[0, 3, 3, 8], [], named.playlist(6).tolist(), [11], named.playlist(4).tolist()]
    titles, playlists = ["CHILL", "rock 90's", "Chill", "unheard of", ""], [-1, -1, 6, -1, 4]
    rows, tracks = (x.ravel() for x in np.indices((len(seeds), named.n_tracks)))
    found = PairFeatures.of(named)(Query.of(seeds, playlists, titles), rows, tracks)
    assert found.dtype == np.float32
    for row, track, values in zip(rows, tracks, found):
        if track in seeds[row]:
            continue  # never a candidate
        slow = slow_features(named, seeds[row], playlists[row], titles[row], track)
        assert list(slow) == list(PairFeatures.NAMES)
        np.testing.assert_allclose(values, list(slow.values()), rtol=1e-5, atol=1e-6)


def test_features_come_back_from_arrays_and_need_no_side_information(named: Corpus) -> None:
    query, pairs = Query.of([[0, 3]], titles=["chill"]), (np.zeros(6, dtype=np.int64), np.arange(6))
    features = PairFeatures.of(named)
    empty = named.where(np.zeros(named.n_entries, dtype=bool))
    again = PairFeatures.from_state(empty, features.state())
    np.testing.assert_array_equal(again(query, *pairs), features(query, *pairs))
    bare = Corpus.from_lists([["a", "b"], ["a", "c"]])
    values = PairFeatures.of(bare)(Query.of([[0]], titles=["chill"]), *(np.array(x) for x in ([0, 0], [1, 2])))
    assert np.isfinite(values).all()
    assert values[:, PairFeatures.NAMES.index("artist_share")].tolist() == [0, 0]


def test_candidates_are_the_union_of_the_tops(named: Corpus) -> None:
    rng = np.random.default_rng(0)
    parts = [torch.from_numpy(rng.permuted(np.tile(np.arange(25.0), (3, 1)), axis=1)).float() for _ in range(2)]
    parts[1][0, 4:] = -torch.inf
    parts[1][1] = 5.0
    query = Query.of([[2, 9], [], [1]])
    stage = FirstStage([Fixed(scores) for scores in parts], PairFeatures.of(named), 5)
    found = stage(query)
    for row in range(3):
        tops = []
        for scores in parts:
            values = {t: s for t, s in enumerate(scores[row].tolist()) if t not in query.seeds(row)}
            lowest = min(s for s in scores[row].tolist() if s != -np.inf)
            best = sorted((t for t in values if values[t] > lowest), key=lambda t: -values[t])[:5]
            tops.append({t: 1 / (1 + place) for place, t in enumerate(best)})
        mine = found.rows == row
        assert found.tracks[mine].tolist() == sorted(tops[0] | tops[1])
        for i, top in enumerate(tops):
            ranks = found.features[mine, stage.names.index(f"fixed_{i}_rank")]
            np.testing.assert_allclose(ranks, [top.get(t, 0) for t in found.tracks[mine]])
    assert found.features.shape == (len(found.rows), len(stage.names))


def test_a_nan_of_a_part_is_not_hidden(named: Corpus) -> None:
    broken = torch.zeros(1, 25)
    broken[0, 3] = torch.nan
    with pytest.raises(RunError, match="model fixed gave a score that is not a number"):
        FirstStage([Fixed(broken)], PairFeatures.of(named), 5)(Query.of([[0]]))


def test_playlists_are_held_out_whole(named: Corpus) -> None:
    rest, held_out = hold_out(named, 0.5, 100, seed=1)
    gone = np.flatnonzero((named.lengths > 0) & (rest.lengths == 0))
    eligible = [p for p in range(named.n_playlists) if len(set(named.playlist(p).tolist())) > 1]
    assert len(held_out) == len(gone) == round(0.5 * len(eligible))
    in_order = 0
    for row, p in enumerate(gone):
        distinct = list(dict.fromkeys(named.playlist(p).tolist()))
        seeds, truth = held_out.query.seeds(row).tolist(), held_out.truth[[row]].indices.tolist()
        assert sorted(seeds + truth) == sorted(distinct)
        assert truth
        in_order += len(seeds) > 1 and seeds == distinct[: len(seeds)]
    assert in_order
    kept = np.setdiff1d(np.arange(named.n_playlists), gone)
    assert all(rest.playlist(p).tolist() == named.playlist(p).tolist() for p in kept)
    assert (held_out.query.playlists == -1).all()
    assert held_out.query.titles == named.titles(gone)
    assert len(hold_out(named, 0.5, 3, seed=1)[1]) == 3


def test_ndcg_of_the_pool_is_that_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    rows = np.repeat([0, 2, 3], [30, 8, 25])
    pool = Pool(rows, np.zeros((63, 1), np.float32), rng.random(63) < 0.3, np.array([12, 3, 5, 0]))
    scores = rng.random(63).astype(np.float32)
    values = []
    for row in range(3):
        mine = np.flatnonzero(rows == row)
        best = mine[np.argsort(-scores[mine])][:20]
        hits = torch.zeros(1, 20, dtype=torch.bool)
        hits[0, : len(best)] = torch.from_numpy(pool.hits[best])
        values.append(float(pr.rank.metrics.ndcg(hits, torch.tensor([pool.n_truth[row]]), 20)))
    assert pool.ndcg(scores) == pytest.approx(np.mean(values))


@pytest.fixture(scope="module")
def planted() -> Corpus:
    """A playlist holds tracks of one artist of forty, drawn alike: they hardly ever meet, and all are as popular."""
    rng = np.random.default_rng(0)
    lists = [[f"{p % 40}-{t}" for t in rng.choice(30, size=4, replace=False)] for p in range(240)]
    return Corpus.from_lists(lists, {uri: uri.split("-")[0] for tracks in lists for uri in tracks})


def test_finds_what_no_part_knows(planted: Corpus) -> None:
    split = split_continuation(planted, valid=0.2, test=0.0)
    evaluation_set = split.evaluation_set(planted, "valid")
    options = TwoStageConfig.from_options({"parts": "itemknn,popularity", "candidates": 2000, **SMALL})
    model = TwoStage.from_corpus(split.training(planted), options)
    found = evaluate(model, evaluation_set, metrics=["ndcg"]).metrics["ndcg@20"]
    alone = [evaluate(part, evaluation_set, metrics=["ndcg"]).metrics["ndcg@20"] for part in model.first.parts]
    assert found > 2 * max(alone), (found, alone)
    unknown = planted.track_table.set_column(1, "artist", pa.nulls(planted.n_tracks, pa.int32()))
    blind = TwoStage.from_corpus(split.training(replace(planted, track_table=unknown)), options)
    assert evaluate(blind, evaluation_set, metrics=["ndcg"]).metrics["ndcg@20"] < found / 2


@pytest.fixture(scope="module")
def data() -> pr.Data:
    """Playlists by taste, held out whole."""
    rng = np.random.default_rng(0)
    lists = []
    for p in range(200):
        weights = np.where(np.arange(90) % 6 == p % 6, 1.0, 0.08) / (1 + np.arange(90) // 6)
        tracks = rng.choice(90, size=rng.integers(6, 16), replace=False, p=weights / weights.sum())
        lists.append([f"t{t}" for t in tracks])
    corpus = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 7}" for t in range(90)})
    return pr.Data.of(corpus, split_continuation(corpus, valid=0.3, test=0.15))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, data: pr.Data) -> list[str]:
    folder = tmp_path_factory.mktemp("parts")
    for name, options in (("itemknn", {"shrink": 2.0}), ("popularity", {})):
        pr.fit(data, name, folder / name, options=options, refit=True)
    return [str(folder / "itemknn"), str(folder / "popularity")]


def few(runs: list[str]) -> dict[str, object]:
    return {"runs": runs, "candidates": 20, **SMALL}


def test_evaluation_on_its_own_questions_is_cross_fitted(data: pr.Data, saved: list[str], tmp_path: Path) -> None:
    """What fit tells is what evaluate says, from disk again; trees that saw the queries would do better."""
    reported: list[str] = []
    run = pr.fit(data, "two-stage", tmp_path / "run", options=few(saved), on_event=lambda e: reported.append(e.text))
    (line,) = [text for text in reported if "NDCG@20" in text]
    loaded = pr.Run.load(tmp_path / "run", data=data)
    said = float(re.search(r"playlist ([.\d]+)", line)[1])  # type: ignore[index]
    honest = loaded.evaluate("valid", k=[20]).metrics["ndcg@20"]
    assert said == pytest.approx(honest, abs=1e-3)
    model = run.recommender("valid")
    assert isinstance(model, TwoStage)
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    assert len(model.learned_from) == len(evaluation_set)
    forgetful = TwoStage(model.first, model.trees, model.learned_from[:1], model.strongest, model.config)
    assert evaluate(forgetful, evaluation_set, ks=(20,), metrics=["ndcg"]).metrics["ndcg@20"] > honest + 0.01


def test_the_trees_of_a_fold_do_not_see_it(data: pr.Data, saved: list[str]) -> None:
    """Other answers to the queries of one fold: its trees stay as they are, all others change."""
    model = pr.fit(data, "two-stage", options=few(saved)).recommender("valid")
    assert isinstance(model, TwoStage)
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    query = Query(evaluation_set.seed_offsets, evaluation_set.seeds.astype(np.int64), np.full(len(evaluation_set), -1))
    fold = np.searchsorted(model.learned_from, fingerprints(query)) % 3
    entries = data.split.mask(1) & np.isin(data.corpus.entry_playlist, evaluation_set.playlists[fold == 0])
    tracks = data.corpus.tracks.copy()
    tracks[entries] = (tracks[entries] + 31) % data.corpus.n_tracks
    other = pr.Data.of(replace(data.corpus, tracks=tracks), data.split)
    changed = pr.fit(other, "two-stage", options=few(saved)).recommender("valid")
    assert isinstance(changed, TwoStage)
    features = model.first(query).features
    for index in range(4):
        one, two = (m.trees._boosters[index].predict(features, num_iteration=1) for m in (model, changed))
        assert np.array_equal(one, two) == (index == 0)


def test_features_never_read_the_truth(data: pr.Data, saved: list[str]) -> None:
    """Replace all that is hidden: the same queries have the same candidates and features."""
    rng = np.random.default_rng(1)
    tracks = data.corpus.tracks.copy()
    hidden = data.split.mask(1, 2)
    tracks[hidden] = rng.integers(data.corpus.n_tracks, size=hidden.sum())
    found = []
    for corpus in (data.corpus, replace(data.corpus, tracks=tracks)):
        other = pr.Data.of(corpus, data.split)
        model = pr.fit(other, "two-stage", options=few(saved)).recommender("valid")
        assert isinstance(model, TwoStage)
        evaluation_set = data.split.evaluation_set(data.corpus, "valid")
        query = Query(
            evaluation_set.seed_offsets, evaluation_set.seeds.astype(np.int64), np.full(len(evaluation_set), -1)
        )
        found.append(model.first(query))
    np.testing.assert_array_equal(found[0].tracks, found[1].tracks)
    np.testing.assert_array_equal(found[0].features, found[1].features)


def test_test_entries_change_nothing(data: pr.Data, saved: list[str]) -> None:
    tracks = data.corpus.tracks.copy()
    tracks[data.split.mask(2)] = 0
    other = pr.Data.of(replace(data.corpus, tracks=tracks), data.split)
    for options in (few(saved), {"parts": "itemknn,popularity", **SMALL}):
        one, two = (pr.fit(d, "two-stage", options=options, refit=True) for d in (data, other))
        for arrays, others in ((one.arrays, two.arrays), (one.refit_arrays, two.refit_arrays)):
            assert arrays is not None
            assert others is not None
            for name, array in arrays.items():
                np.testing.assert_array_equal(array, others[name])


def test_other_tracks_stand_below_in_the_order_of_the_strongest(data: pr.Data, saved: list[str]) -> None:
    model = pr.fit(data, "two-stage", options=few(saved)).recommender("valid")
    assert isinstance(model, TwoStage)
    query = Query.of([[0, 6, 12], [3]])
    scores, found = model.score(query), model.first(query)
    strongest = model.first.parts[model.strongest].score(query)
    assert model.first.parts[model.strongest].name == "itemknn"
    for row in range(2):
        named = np.zeros(model.n_tracks, dtype=bool)
        named[found.tracks[found.rows == row]] = True
        assert scores[row, named].min() > scores[row, ~named].max()
        by_score = scores[row, ~named][strongest[row, ~named].argsort(descending=True, stable=True)]
        assert (by_score.diff() <= 0).all()
        assert torch.isfinite(scores[row]).all()


@pytest.mark.parametrize("options", [{"parts": "itemknn,popularity"}, {"runs": None}])
def test_a_refit_keeps_the_trees(data: pr.Data, saved: list[str], options: dict[str, object]) -> None:
    options = few(saved) if "runs" in options else {**options, **SMALL}
    run = pr.fit(data, "two-stage", options=options, refit=True)
    assert run.refit_arrays is not None
    for name in ("trees/0", "trees/3", "learned_from", "strongest"):
        np.testing.assert_array_equal(run.arrays[name], run.refit_arrays[name])
    assert run.refit_arrays["0/indices"].size > run.arrays["0/indices"].size
    assert run.refit_arrays["pairs/indices"].size > run.arrays["pairs/indices"].size
    assert run.evaluate("test", k=[20]).metrics["ndcg@20"] > 0.2


def test_known_playlists_are_continued_too(data: pr.Data, tmp_path: Path) -> None:
    edges = pr.Data.of(data.corpus, split_edges(data.corpus, valid=0.2, test=0.1))
    for name in ("itemknn", "popularity"):
        pr.fit(edges, name, tmp_path / name)
    run = pr.fit(edges, "two-stage", options=few([str(tmp_path / "itemknn"), str(tmp_path / "popularity")]))
    assert len(run.arrays["learned_from"]) > 50
    assert run.evaluate("valid", k=[20]).metrics["ndcg@20"] > 0.1


def test_what_cannot_be(data: pr.Data, saved: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bare = pr.Data.of(data.corpus, split_continuation(data.corpus, valid=0.0, test=0.1))
    pr.fit(bare, "popularity", Path(saved[0]).parent / "bare")
    with pytest.raises(DataError, match=r"no validation part for the trees: give parts=… in place of runs=…"):
        pr.fit(bare, "two-stage", options={"runs": [str(Path(saved[0]).parent / "bare")]})
    with pytest.raises(ConfigError, match="fit mf, and give its run"):
        pr.fit(data, "two-stage", options={"parts": "itemknn,mf"})
    with pytest.raises(DataError, match=r"nothing to learn: of \d+ candidates for 1 held-out playlists \d+ are right"):
        TwoStage.from_corpus(Corpus.from_lists([["a", "b"], ["a"]]), TwoStageConfig())
    for name, value in {"candidates": 0, "held_out": 1, "folds": 1, "trees": 0, "leaves": 1, "rate": 0}.items():
        with pytest.raises(ConfigError, match=f"{name} must be"):
            TwoStageConfig.from_options({name: value})
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"needs the package lightgbm: pip install 'playlistrec\[boost\]'"):
        pr.fit(data, "two-stage", options=few(saved))
