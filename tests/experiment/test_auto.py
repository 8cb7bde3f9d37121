"""The model auto: what it tries, drops, blends and keeps, and that its run is like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import call

import playlistrec as pr
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.experiment.auto import search, tries
from playlistrec.experiment.auto.tries import Candidate
from playlistrec.experiment.runs import Run, pick_device
from playlistrec.rank.protocols import evaluate


def taste(playlists: int, tracks: int, groups: int) -> Corpus:
    """The corpus of :func:`lists_of`."""
    return Corpus.from_lists(lists_of(playlists, tracks, groups))


def lists_of(playlists: int, tracks: int, groups: int, seed: int = 0) -> list[list[str]]:
    """Playlists of eight tracks, nearly all of one group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, tracks)
    lists = []
    for _ in range(playlists):
        weight = np.where(group == rng.integers(groups), 1.0, 0.02) / np.arange(1, tracks + 1) ** 0.3
        lists.append([f"t{t}" for t in rng.choice(tracks, 8, replace=False, p=weight / weight.sum())])
    return lists


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pr.Data:
    lines = [f"{p},{track}" for p, tracks in enumerate(lists_of(160, 80, 5)) for track in tracks]
    folder = tmp_path_factory.mktemp("auto")
    (folder / "source.csv").write_text("playlist_id,track_id\n" + "\n".join(lines) + "\n")
    return pr.preprocess(folder / "source.csv", folder / "data", valid=0.2, test=0.1)


@pytest.fixture(scope="module")
def run(data: pr.Data, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pr.fit(data, "auto", tmp_path_factory.mktemp("runs") / "run", time_limit=600)


def test_it_tells_what_it_tried_and_what_became_of_it(run: Run) -> None:
    rows = run.info["auto"]["tried"]
    assert {"popularity", "itemknn", "gfcf", "chebycf", "ease", "lightgcn", "mf"} <= {row["model"] for row in rows}
    assert all(row["outcome"] for row in rows)
    best = max(rows, key=lambda row: row["ndcg@20"])
    assert best["outcome"].startswith("kept") or "the best" in best["outcome"]
    [poor] = [row for row in rows if row["model"] == "popularity"]
    assert "of the best" in poor["outcome"]
    looked = [row for row in rows if row["outcome"].startswith("dropped")]
    assert len(looked) >= 2, "a trained model or two got no more than a look"
    assert run.info["auto"]["why"]


def test_the_run_is_like_any_other(run: Run, data: pr.Data) -> None:
    assert run.path is not None
    loaded = Run.load(run.path)
    assert loaded.refit_arrays is not None
    for part in ("valid", "test"):
        ours, again = (one.evaluate(part, k=[20]).metrics for one in (run, loaded))  # type: ignore[arg-type]
        assert ours["ndcg@20"] == again["ndcg@20"] > 0
    assert loaded.recommend(playlist=0, k=3)[0].shape == (3,)
    assert not (run.path / "tried").exists()


def test_it_is_no_worse_than_the_best_it_tried(run: Run, data: pr.Data) -> None:
    found = run.evaluate("valid", k=[20]).metrics["ndcg@20"]
    assert found >= max(row["ndcg@20"] for row in run.info["auto"]["tried"]) - 0.005


def only(monkeypatch: pytest.MonkeyPatch, *names: str, **options: Any) -> None:
    chosen = [
        Candidate(name, name, options if name in ("lightgcn", "mf") else {}, name in ("lightgcn", "mf"))
        for name in names
    ]
    monkeypatch.setattr(search, "candidates", lambda data, seconds: chosen)


def test_of_one_candidate_nothing_is_blended(data: pr.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "gfcf")
    run = pr.fit(data, "auto", time_limit=30)
    assert run.model_type.name == "gfcf"
    plain = pr.fit(data, "gfcf", refit=True)
    assert run.evaluate("test", k=[20]).metrics == plain.evaluate("test", k=[20]).metrics


def test_a_blend_is_kept_where_it_helps_on_queries_its_weights_have_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models that know different halves of the tracks: only together do they rank both."""
    corpus = taste(200, 60, 4)
    data = pr.Data.of(corpus, split_edges(corpus, valid=0.25, test=0.1))
    only(monkeypatch, "itemknn", "gfcf")
    half = np.arange(corpus.n_tracks) % 2 == 0
    first = tries.tried

    def halved(candidate: Candidate, *arguments: Any, **options: Any) -> Any:
        row = first(candidate, *arguments, **options)
        mine, score = (half if candidate.name == "gfcf" else ~half), row.model.score
        row.model.score = lambda query: score(query).masked_fill(~_mask(mine), 0.0)  # type: ignore[method-assign]
        found = evaluate(row.model, arguments[1], ks=(20,), metrics=("recall", "ndcg"))
        row.per_query, row.metrics = found.per_query["ndcg@20"], found.metrics
        return row

    monkeypatch.setattr(search, "tried", halved)
    run = pr.fit(data, "auto", time_limit=30)
    assert run.model_type.name == "blend"
    assert len(run.options.weights) == 2
    assert sum(run.options.weights) == pytest.approx(1)
    assert "gains +" in run.info["auto"]["why"]


def _mask(mask: Any) -> Any:
    import torch

    return torch.from_numpy(mask)


def test_with_next_to_no_time_the_first_candidate_is_kept(data: pr.Data) -> None:
    events_seen: list[str] = []
    run = pr.fit(data, "auto", time_limit=0.001, on_event=lambda event: events_seen.append(event.text))
    rows = run.info["auto"]["tried"]
    assert [row["outcome"] for row in rows].count("not tried: no time left") == len(rows) - 1
    assert run.model_type.name == "popularity"
    assert any("no time to fit again" in text for text in events_seen) == (run.refit_arrays is None)


@pytest.mark.parametrize(
    "options",
    [{"options": {"dim": 4}}, {"preset": "lightgcn"}, {"epochs": 3}, {"resume": True}],
    ids=["options", "preset", "epochs", "resume"],
)
def test_what_it_chooses_itself_is_refused(options: dict[str, Any], data: pr.Data, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} must be left out with the model auto"):
        pr.fit(data, "auto", tmp_path / "run", **options)


def test_what_it_cannot_do_without(data: pr.Data, tmp_path: Path) -> None:
    corpus = taste(20, 30, 2)
    with pytest.raises(DataError, match="no validation part, by which auto chooses"):
        pr.fit(pr.Data.of(corpus, split_edges(corpus, valid=0.0, test=0.1)), "auto")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="exists"):
        pr.fit(data, "auto", tmp_path / "run")
    with pytest.raises(RunError, match="run"):
        pr.fit(data, "auto", tmp_path / "run", force=True)


def test_the_command_prints_the_table(data: pr.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "popularity", "gfcf", "mf", epochs=4, eval_every=2)
    assert data.path is not None
    said = call("fit", data.path, "-m", "auto", "-o", tmp_path / "run", "--time-limit", "30s").stdout
    assert said.splitlines()[0].split() == ["model", "recall@20", "ndcg@20", "seconds", "what", "became", "of", "it"]
    assert "chosen: " in said
    assert "peak memory" in said
    assert said.splitlines()[-1].startswith("validation recall@20 ")
    assert all(len(line) <= 80 or "peak memory" in line for line in said.splitlines())
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [row["model"] for row in info["auto"]["tried"]] == ["popularity", "gfcf", "mf"]


def test_where_much_time_is_left_the_best_lightgcn_gets_wider(data: pr.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "popularity", "lightgcn", "mf", epochs=4, eval_every=2)
    monkeypatch.setattr(search, "LOSERS", 0.0)
    names = [row["model"] for row in pr.fit(data, "auto", time_limit=600).info["auto"]["tried"]]
    assert "lightgcn, dim 128" in names


def test_with_little_time_one_model_is_trained_in_as_many_epochs_as_fit(data: pr.Data) -> None:
    assert [c.name for c in tries.candidates(data, 1e-4) if c.trained] == ["lightgcn"]
    assert len([c for c in tries.candidates(data, 600.0) if c.trained]) == 4
    queries = data.split.evaluation_set(data.corpus, "valid")
    how: dict[str, Any] = {"seed": 0, "device": pick_device("cpu"), "on_event": lambda event: None}
    row = tries.tried(Candidate("mf", "mf", trained=True), data, queries, time_limit=1e-5, **how)
    assert row.steps.training is not None
    assert row.steps.training.epochs == 2
