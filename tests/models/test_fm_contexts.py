"""Factorisation machines with contexts of the data: against the formula, in training and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import call
from drawn_fm import built

import playlistrec as pr
from playlistrec.corpus.contexts import pair_contexts
from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError, DataError
from playlistrec.models.base import Query
from playlistrec.models.factorization.fm import FM
from playlistrec.models.factorization.fm_gat import FMGAT
from playlistrec.models.factorization.fm_gcn import FMGCN

KINDS = [FM, FMGCN, FMGAT]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(3)
    whole = Corpus.from_lists([[f"t{t}" for t in rng.choice(18, size=6)] for _ in range(25)], {"t1": "a", "t2": "a"})
    codes = {"hour": rng.integers(0, 25, 150).astype(np.uint8), "skip": rng.integers(0, 3, 150).astype(np.uint8)}
    return Corpus(whole.offsets, whole.tracks, whole.playlists, whole.track_table, whole.artists, contexts=codes)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_add_the_context_that_is_asked_or_the_mean(kind: type[FM], corpus: Corpus) -> None:
    model = built(kind, corpus, context="previous,hour,skip", artists=False)
    v = {field: vectors.detach() for field, vectors in model.factors().items()}
    mean = {}
    for name in ("hour", "skip"):
        shares = np.bincount(pair_contexts(corpus, name), minlength=len(v[name])) / len(corpus.pairs[0])
        mean[name] = sum(float(share) * vector for share, vector in zip(shares, v[name]))
    seeds, playlists = [[3, 1], [2]], [4, 9]
    for asked in ({}, {"hour": 7}, {"hour": 7, "skip": 0}, {"hour": 24}):
        scores = model.score(Query.of(seeds, playlists, contexts=asked))
        for row, (playlist, last) in enumerate(zip(playlists, (1, 2))):
            whole = v["playlist"][playlist] + v["context"][last]
            for name in ("hour", "skip"):
                whole = whole + (v[name][asked[name]] if asked.get(name, 24) < 24 else mean[name])
            expected = v["track"] @ whole + model.linear["track"].detach()
            torch.testing.assert_close(scores[row], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_each_pair_is_trained_in_its_context(kind: type[FM], corpus: Corpus) -> None:
    model = built(kind, corpus, context="hour,skip", artists=False)
    values = model.contexts(corpus)
    assert values.shape == (len(corpus.pairs[0]), 2)
    playlist = torch.from_numpy(corpus.pairs[0].astype(np.int64))
    (vectors, _), (tables, _) = model.embed_pairs(playlist, values)
    v = model.factors()
    expected = v["playlist"][playlist] + v["hour"][values[:, 0]] + v["skip"][values[:, 1]]
    torch.testing.assert_close(vectors[:, :-1], expected)
    assert tables.shape[1] == 3 * 8, "the penalty is on all three"


def test_what_was_hidden_is_in_no_share_and_no_edge(corpus: Corpus) -> None:
    hour = int(corpus.contexts["hour"][0])
    shown = corpus.where(corpus.contexts["hour"] != hour)
    model = built(FMGCN, shown, context="hour")
    assert model._shares["hour"][hour] == 0
    node = model.first_nodes["hour"] + hour
    edges = torch.stack(model.graph.edges()).long()
    assert edges[:, (edges == node).any(0)].unique().tolist() == [node]


def test_options_and_data_that_do_not_fit(corpus: Corpus) -> None:
    for context in ("mood", "hour,hour", "none,hour", ""):
        with pytest.raises(ConfigError, match="context must be none, or one or more of previous, skip, hour, day"):
            FM.config_class.from_options({"context": context})
    with pytest.raises(DataError, match="the data has no context day: preprocess it again with context='day'"):
        built(FM, corpus, context="day")


def sessions(folder: Path) -> Path:
    """Listeners who hear some tracks in the morning and others in the evening; the last track may be of either."""
    rng = np.random.default_rng(0)
    rows = []
    for session in range(300):
        for position in range(8):
            evening = rng.random() < 0.5
            track, hour = int(rng.integers(20)) + 20 * evening, int(rng.integers(6, 11)) + 12 * evening
            rows.append(f"s{session},{position},t{track},{'true' if rng.random() < 0.3 else 'false'},{hour}")
    (folder / "log.csv").write_text("session_id,session_position,track_id,skip_2,hour_of_day\n" + "\n".join(rows))
    return folder / "log.csv"


def test_the_whole_way(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    call("preprocess", sessions(tmp_path), "-o", data, "--context", "hour,skip", "--split", "leave-one-out")
    options = ("--set", "epochs=12", "--set", "dim=8", "--set", "lr=0.05", "--preset", "none")
    call("fit", data, "-m", "fm", "-o", run, "--set", "context=previous,hour", *options)
    call("fit", data, "-m", "fm", "-o", tmp_path / "bare", *options)
    recall = {}
    for folder in (run, tmp_path / "bare"):
        shown = json.loads(call("evaluate", folder, "-k", 20, "--json").stdout)
        recall[folder.name] = shown["metrics"]["recall@20"]
    assert recall["run"] > 0.8 > recall["bare"] + 0.1, "the hour halves the tracks"
    lists = {}
    for hour in (8, 20, None):
        context = () if hour is None else ("--context", f"hour={hour}")
        items = json.loads(call("recommend", run, "--playlist", "s0", "-k", 8, "--json", *context).stdout)["items"]
        lists[hour] = [int(item["track_uri"][1:]) for item in items]
    assert sum(track < 20 for track in lists[8]) >= 7
    assert sum(track >= 20 for track in lists[20]) >= 7
    assert lists[None] not in (lists[8], lists[20])


def test_contexts_that_cannot_be_asked(tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    pr.preprocess(sessions(tmp_path), data, context=["hour"])
    pr.fit(data, "fm", run, options={"context": "hour", "epochs": 1, "dim": 4}, preset="none")
    for given, words in {
        "hour=24": "context hour must be a whole number from 0 to 23 (got '24')",
        "skip=true": "context must be one of hour (got 'skip')",
    }.items():
        assert words in call("recommend", run, "--playlist", "s0", "--context", given, code=2).stderr
    pr.fit(data, "popularity", tmp_path / "popular")
    wrong = call("recommend", tmp_path / "popular", "--playlist", "s0", "--context", "hour=3", code=2)
    assert "context must be left out: this model has none (got 'hour')" in wrong.stderr
    (tmp_path / "log.csv").write_text("pid,uri\na,b\nb,c\n")
    pr.preprocess(tmp_path / "log.csv", tmp_path / "other")
    wrong = call("fit", tmp_path / "other", "-m", "fm", "-o", tmp_path / "r", "--set", "context=hour", code=1)
    assert "the data has no context hour: preprocess it again with --context hour" in wrong.stderr
