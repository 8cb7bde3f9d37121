"""Runs as a library: in memory, for playlists that were hidden whole, for playlists without a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import playlistrec as pr
from playlistrec.corpus.split import TEST, TEST_SEED, TRAIN, VALID, Part
from playlistrec.corpus.splitting import split_continuation
from playlistrec.errors import ConfigError, DataError, RunError
from playlistrec.experiment.ensembles.run_parts import teacher_vectors

OPTIONS = {"epochs": 3, "batch_size": 64}


@pytest.fixture(scope="module")
def corpus() -> pr.Corpus:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(30, size=rng.integers(4, 12), replace=False)] for _ in range(60)]
    return pr.Corpus.from_lists(lists, {f"t{t}": f"a{t % 5}" for t in range(30)})


@pytest.mark.parametrize("model", ["popularity", "itemknn", "mf", "lightgcn"])
def test_a_playlist_hidden_whole_is_asked_with_its_seeds(model: str, corpus: pr.Corpus) -> None:
    split = split_continuation(corpus, valid=0.2, test=0.2)
    run = pr.fit(pr.Data.of(corpus, split), model, options=OPTIONS if model in ("mf", "lightgcn") else None)
    row = int(split.evaluation_set(corpus, "test").playlists[0])
    entries = slice(*corpus.offsets[row : row + 2])
    seeds = corpus.tracks[entries][split.part[entries] == TEST_SEED]
    hidden = corpus.tracks[entries][split.part[entries] == TEST]
    assert len(seeds)
    assert len(hidden)
    tracks, scores = run.recommend(playlist=row, k=30)
    as_tracks, as_scores = run.recommend(tracks=seeds.tolist(), exclude_tracks=hidden.tolist(), k=30)
    np.testing.assert_array_equal(tracks, as_tracks)
    np.testing.assert_allclose(scores, as_scores)
    assert not set(seeds.tolist()) & set(tracks.tolist())
    assert not set(hidden.tolist()) & set(tracks.tolist()), "the playlist holds them"


@pytest.mark.parametrize("model", ["itemknn", "mf", "lightgcn"])
def test_a_playlist_without_a_seed_is_ranked_as_unseen(model: str, corpus: pr.Corpus) -> None:
    """As in a given test part with playlists that train does not hold."""
    part = np.where(corpus.entry_playlist < 5, TEST, TRAIN).astype(np.uint8)
    part[corpus.offsets[10]] = VALID
    split = pr.Split("given", part)
    run = pr.fit(pr.Data.of(corpus, split), model, options=OPTIONS if model != "itemknn" else None)
    unseen = run.recommender("test").score(pr.Query.of([[]]))[0]
    first = int(unseen.argmax())
    hits = [first in corpus.playlist(p) for p in range(5)]
    assert run.evaluate("test", k=[1]).metrics["hit@1"] == pytest.approx(np.mean(hits))


def test_in_memory_and_from_disk_are_the_same(data_folder: Path, tmp_path: Path) -> None:
    options = {"epochs": 2, "batch_size": 2048, "lr": 0.01}
    memory = pr.fit(pr.Data.load(data_folder), "lightgcn", options=options, seed=4)
    disk = pr.fit(data_folder, "lightgcn", tmp_path / "run", options=options, seed=4)
    loaded = pr.Run.load(tmp_path / "run")
    for run in (disk, loaded):
        assert run.evaluate("test").metrics == memory.evaluate("test").metrics
    assert loaded.info == disk.info


def test_what_a_run_refuses(corpus: pr.Corpus) -> None:
    data = pr.Data.of(corpus, pr.Split("edges", np.zeros(corpus.n_entries, dtype=np.uint8)))
    reported: list[str] = []
    run = pr.fit(data, "mf", options={"epochs": 1}, on_event=lambda event: reported.append(event.text))
    assert "there is no validation part: the last epoch is kept" in reported
    with pytest.raises(DataError, match="no test part"):
        run.evaluate("test")
    with pytest.raises(ConfigError, match="either a playlist or tracks"):
        run.recommend()
    with pytest.raises(ConfigError, match=r"k must be at least 1 \(got 0\)"):
        run.recommend(playlist=0, k=0)
    with pytest.raises(RunError, match="resume needs the folder"):
        pr.fit(data, "mf", resume=True)


def test_a_taught_run_learns_from_what_its_teacher_may_know(data_folder: Path, tmp_path: Path) -> None:
    """The first fit from the teacher as fitted on train, the refit from its refit; both come nearer to it."""
    data = pr.Data.load(data_folder)
    options = {"epochs": 15, "loss": "softmax", "negatives": "shared", "n_negatives": 200, "batch_size": 64, "lr": 0.05}
    options |= {"similarity": "cosine", "logq_correction": 1.0, "dim": 16}
    teacher = pr.fit(data, "mf", tmp_path / "mf", options={**options, "dim": 24}, preset="none", seed=1, refit=True)
    distilled_options = {"teacher": str(tmp_path / "mf"), "teacher_weight": 10.0, "teacher_temperature": 0.2}
    alone, distilled = (
        pr.fit(data, "mf", options={**options, **more}, preset="none", refit=True) for more in ({}, distilled_options)
    )

    def likeness(run: pr.Run, part: Part) -> float:
        query = pr.Query.of([[]] * 50, playlists=range(50))
        student, master = (r.recommender(part).score(query).flatten() for r in (run, teacher))
        return float(torch.corrcoef(torch.stack([student, master]))[0, 1])

    for part in ("valid", "test"):
        assert likeness(distilled, part) > likeness(alone, part) + 0.05
        playlists, tracks = teacher_vectors(data, distilled_options["teacher"], refit=part == "test")
        scores = teacher.recommender(part).score(pr.Query.of([[]], playlists=[7]))
        torch.testing.assert_close(playlists[7:8] @ tracks.T, scores)
    assert not np.array_equal(teacher.arrays["tables.track"], teacher.refit_arrays["tables.track"])


def test_what_a_teacher_learned_from_the_validation_part_stays_out_of_the_first_fit(
    data_folder: Path, tmp_path: Path
) -> None:
    data = pr.Data.load(data_folder)
    options = {"epochs": 2, "loss": "softmax", "negatives": "shared", "n_negatives": 100, "lr": 0.05}
    for name, refit in (("without", False), ("with", True)):
        pr.fit(data, "mf", tmp_path / name, options=options, preset="none", refit=refit)
    without, refitted, neither = (
        pr.fit(data, "mf", options=options | more, preset="none").arrays["tables.track"]
        for more in ({"teacher": str(tmp_path / "without")}, {"teacher": str(tmp_path / "with")}, {})
    )
    np.testing.assert_array_equal(without, refitted)
    assert not np.allclose(without, neither)


def test_who_cannot_teach(data_folder: Path, tmp_path: Path) -> None:
    data = pr.Data.load(data_folder)
    options = {"epochs": 1, "loss": "softmax", "negatives": "shared", "teacher": str(tmp_path / "teacher")}
    with pytest.raises(RunError, match="teacher"):
        pr.fit(data, "mf", options=options)
    pr.fit(data, "popularity", tmp_path / "teacher")
    with pytest.raises(ConfigError, match="teacher must be a run of a model with vectors"):
        pr.fit(data, "mf", options=options)
    with pytest.raises(ConfigError, match=r"runs that were not refitted \(.*\): leave out refit=True"):
        pr.fit(data, "mf", options=options, refit=True)
    with pytest.raises(ConfigError, match=r"teacher needs loss=softmax and negatives=shared.*negatives=uniform"):
        pr.fit(data, "mf", options={**options, "negatives": "uniform"})
    pr.fit(data, "mf", tmp_path / "teacher", options={"epochs": 1}, force=True)
    with pytest.raises(ConfigError, match="teacher must be empty for gru4rec"):
        pr.fit(data, "gru4rec", options=options, preset="none")
