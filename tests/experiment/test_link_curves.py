"""The NCF notebook's way: fixed message edges, BCE, and loss and ROC-AUC of every part by epoch."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import playlistrec as pr
from playlistrec.corpus.split import TEST, TRAIN, VALID
from playlistrec.corpus.splitting import split_continuation, split_edges
from playlistrec.errors import ConfigError
from playlistrec.experiment.statistics import edge_counts, statistics
from playlistrec.graph.build import build_graph
from playlistrec.models.graph.lightgcn import LightGCN, LightGCNConfig
from playlistrec.train import BCE, MessageEdges, Trainer

OPTIONS = {"epochs": 6, "eval_every": 2, "batch_size": 10_000, "lr": 0.05, "dim": 8, "loss": "bce", "artists": False}
FIXED = {"message_edge_share": 0.8, "message_edge_split": "once"}


@pytest.fixture(scope="module")
def data() -> pr.Data:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(40, size=rng.integers(8, 16), replace=False)] for _ in range(60)]
    corpus = pr.Corpus.from_lists(lists)
    return pr.Data.of(corpus, split_edges(corpus, valid=0.2, test=0.2, seed=0))


def history(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_curves_are_those_of_the_model(data: pr.Data, tmp_path: Path) -> None:
    options = {**OPTIONS, **FIXED, "link_curves": "test", "criterion": "pooled_auc", "aggregator": "mean"}
    run = pr.fit(data, "lightgcn", tmp_path / "run", options=options, preset="none")
    records = history(tmp_path / "run")
    judged = [record for record in records if "pooled_auc" in record]
    assert [record["epoch"] for record in judged] == [2, 4, 6]
    keys = {f"{what}_{part}" for what in ("auc", "loss") for part in ("train", "valid", "test")}
    assert all(keys <= record.keys() for record in judged)
    assert not any(keys & record.keys() for record in records if record not in judged)
    best = max(judged, key=lambda record: record["pooled_auc"])
    assert run.info["best_epoch"] == best["epoch"]
    playlists, tracks = run.recommender("valid").vectors()
    scores = (playlists @ tracks.T).numpy()
    for part, number in (("train", TRAIN), ("valid", VALID), ("test", TEST)):
        rows, columns = data.corpus.where(data.split.part == number).pairs
        positive = scores[rows, columns]
        # The negatives are drawn; each must be one of the playlist's free tracks, so the mean over all of them is near.
        held = data.corpus.matrix.toarray() > 0
        free = [np.log1p(np.exp(scores[row][~held[row]])).mean() for row in rows]
        wanted = 0.5 * (np.log1p(np.exp(-positive)).mean() + np.mean(free))
        assert best[f"loss_{part}"] == pytest.approx(wanted, abs=0.05)
    assert best["auc_train"] > best["auc_valid"]
    assert best["auc_valid"] != best["auc_test"]


def test_nothing_is_chosen_by_the_curves(data: pr.Data) -> None:
    runs = [
        pr.fit(data, "lightgcn", options={**OPTIONS, "link_curves": curves}, preset="none")
        for curves in ("none", "valid", "test")
    ]
    first = runs[0].recommender("valid").vectors()[0]
    assert all(torch.equal(run.recommender("valid").vectors()[0], first) for run in runs[1:])


def test_bce_begins_at_log_2(data: pr.Data, tmp_path: Path) -> None:
    pr.fit(data, "lightgcn", tmp_path / "run", options={**OPTIONS, "lr": 1e-6, "n_negatives": 3}, preset="none")
    assert history(tmp_path / "run")[0]["loss"] == pytest.approx(math.log(2), abs=0.01)


@pytest.mark.parametrize(("split", "same"), [("once", True), ("epoch", False)])
def test_edges_are_divided_once_or_each_epoch(data: pr.Data, split: str, same: bool) -> None:
    corpus = data.split.training(data.corpus)
    found = []
    for seed in (0, 1):
        model = LightGCN.from_corpus(corpus, LightGCNConfig(dim=4, artists=False))
        trainer = Trainer(model, corpus, BCE() + MessageEdges(0.8, split), seed=seed)  # type: ignore[arg-type]
        for epoch in range(2):
            batch = next(iter(trainer.batches.epoch(seed * 10 + epoch, epoch)))  # type: ignore[attr-defined]
            found.append({*zip(batch.playlist.tolist(), batch.track.tolist())})
            messages = {*zip(*(ids.tolist() for ids in model.graph.edges(etype="contains")))}
            assert len(messages) == len(corpus.pairs[0]), "the whole graph is there again"
    assert len(found[0]) == edge_counts(data, 0.8)["train"][1]
    assert all((other == found[0]) is same for other in found[1:])


def test_mean_aggregation_against_dense_algebra(data: pr.Data) -> None:
    corpus = data.corpus
    model = LightGCN.from_corpus(corpus, LightGCNConfig(dim=4, artists=False, layers=2, aggregator="mean"))
    a = corpus.matrix.toarray().astype(np.float64)
    to_playlist, to_track = a / a.sum(1, keepdims=True), (a / np.maximum(a.sum(0, keepdims=True), 1)).T
    p, t = (model.tables[kind].detach().double().numpy() for kind in ("playlist", "track"))
    states = [(p, t)]
    for _ in range(2):
        states.append((to_playlist @ states[-1][1], to_track @ states[-1][0]))
    np.testing.assert_allclose(model.vectors()[0].numpy(), np.mean([s[0] for s in states], axis=0), atol=1e-5)
    np.testing.assert_allclose(model.vectors()[1].numpy(), np.mean([s[1] for s in states], axis=0), atol=1e-5)
    seeds = [0, 3, 5]
    folded = model.fold_in(pr.Query.of([seeds])).numpy()[0]
    wanted = np.mean([p.mean(0), *(state[1][seeds].mean(0) for state in states[:-1])], axis=0)
    np.testing.assert_allclose(folded, wanted, atol=1e-5)


def test_weight_decay_shrinks_what_no_loss_holds(data: pr.Data) -> None:
    lengths = []
    for decay in (0.0, 1.0):
        options = {**OPTIONS, "weight_decay": decay, "epochs": 20, "eval_every": 20}
        run = pr.fit(data, "mf", options={k: v for k, v in options.items() if k != "artists"}, preset="none")
        lengths.append(float(run.recommender("valid").vectors()[0].detach().norm()))
    assert lengths[1] < 0.2 * lengths[0]
    with pytest.raises(ConfigError, match="weight_decay must be 0 for aggregate"):
        pr.fit(data, "aggregate", options={"weight_decay": 1e-5, "epochs": 1})


def test_stats_count_edges(data: pr.Data) -> None:
    n = [len(data.corpus.where(data.split.part == part).pairs[0]) for part in (TRAIN, VALID, TEST)]
    assert statistics(data)["supervision edges"] == {"train": n[0], "valid": n[1], "test": n[2]}
    figures = statistics(data, message_edge_share=0.8)
    assert figures["message edges"]["train"] + figures["supervision edges"]["train"] == n[0]
    assert figures["message edges"]["valid"] == figures["message edges"]["test"] == n[0]
    assert figures["supervision edges"]["train"] == round(0.2 * n[0])
    with pytest.raises(ConfigError, match="message_edge_share must be above 0"):
        statistics(data, message_edge_share=0)


def test_edges_as_a_table(data_folder: Path) -> None:
    data = pr.Data.load(data_folder)
    table = pr.edges(data_folder)
    assert len(table) == len(data.corpus.pairs[0])
    assert table["part"].value_counts().to_dict() == {
        name: len(data.corpus.where(data.split.part == number).pairs[0])
        for name, number in (("train", TRAIN), ("valid", VALID), ("test", TEST))
    }
    row = table.iloc[100]
    about = data.corpus.describe(np.array([row["track"]]))[0]
    assert (row["track_uri"], row["track_name"], row["artist_name"]) == tuple(about.values())
    assert data.corpus.playlist_index(row["pid"]) == row["playlist"]
    assert row["playlist_name"] == data.corpus.playlists["name"][int(row["playlist"])].as_py()
    networkx = pytest.importorskip("networkx")
    kept = table[table["part"] == "train"]
    graph = networkx.from_pandas_edgelist(kept.assign(pid="playlist " + kept["pid"]), "pid", "track_uri")
    assert graph.number_of_edges() == build_graph(data.split.training(data.corpus)).num_edges("contains")


def test_a_source_without_names_gives_none() -> None:
    corpus = pr.Corpus.from_lists([["a", "b"], ["b"]])
    table = pr.edges(pr.Data.of(corpus, split_edges(corpus)))
    assert pd.isna(table["playlist_name"]).all()
    assert pd.isna(table["track_name"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": "auc", "protocol": "sampled:9"}, "criterion must be one of hit"),
        ({"criterion": "auc_test"}, "criterion must be one of"),
        ({"message_edge_split": "once"}, "message_edge_split must be epoch where all are both"),
    ],
)
def test_options_that_cannot_be(options: dict[str, str], message: str, data: pr.Data) -> None:
    with pytest.raises(ConfigError, match=message):
        pr.fit(data, "lightgcn", options={**OPTIONS, **options}, preset="none")


def test_playlists_hidden_whole_have_no_links(data: pr.Data) -> None:
    whole = pr.Data.of(data.corpus, split_continuation(data.corpus, valid=0.2, test=0.2, seed=0))
    with pytest.raises(ConfigError, match="none where whole playlists are hidden"):
        pr.fit(whole, "lightgcn", options={**OPTIONS, "link_curves": "valid"}, preset="none")
