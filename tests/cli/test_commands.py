"""The commands as a user meets them: what they print where, and what they leave on disk."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from calling import call

from playlistrec.cli.environment import dgl_command
from playlistrec.cli.main import VERBS, main
from playlistrec.experiment.data import Data
from playlistrec.models.registry import MODELS


@pytest.fixture(scope="module")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short runs of three models on the shared data, one of them refitted."""
    folder = tmp_path_factory.mktemp("runs")
    call("fit", data_folder, "-m", "popularity", "-o", folder / "popularity")
    call("fit", data_folder, "-m", "itemknn", "-o", folder / "itemknn", "--refit")
    short = ("--set", "batch_size=2048", "--set", "eval_every=1", "--set", "lr=0.02")
    call("fit", data_folder, "-m", "lightgcn", "-o", folder / "lightgcn", "--epochs", 2, *short, "--refit")
    return folder


def test_every_verb_has_help_that_stands_in_the_list() -> None:
    listed = call("--help").stdout
    for verb in VERBS:
        assert verb in listed
        assert "Usage: main " + verb in call(verb, "--help").stdout


def commands() -> Iterator[tuple[str, click.Command]]:
    for verb in VERBS:
        command = main.get_command(click.Context(main), verb)
        parts = command.commands if isinstance(command, click.Group) else {"": command}
        yield from ((f"{verb} {part}".strip(), command) for part, command in parts.items())


@pytest.mark.parametrize(("verb", "command"), list(commands()), ids=str)
def test_help_fits_80_columns_and_has_an_example_that_can_be_run(verb: str, command: click.Command) -> None:
    shown = call(*verb.split(), "--help").stdout
    assert max(map(len, shown.splitlines())) <= 80
    own = re.findall(rf"^  playlistrec {verb}\b(.*)", shown, re.M)
    assert own
    for line in own:
        command.make_context(verb, shlex.split(line)).close()  # raises where an argument is wrong or missing


def test_models_lists_all(runs: Path) -> None:
    shown = json.loads(call("models", "--json").stdout)
    assert set(shown["models"]) == set(MODELS)
    text = call("models").stdout
    assert all(name in text for name in shown["models"])


def test_stats_counts_what_preprocess_wrote(data_folder: Path) -> None:
    shown = json.loads(call("stats", data_folder, "--json").stdout)
    data = Data.load(data_folder)
    assert shown["counts"] == {name: n for name, n in data.manifest["counts"].items() if name != "parts"}
    assert shown["counts"]["entries"] == data.corpus.n_entries
    assert sum(n for name, n in shown["split"].items() if name != "kind") == data.corpus.n_entries
    assert f"{data.corpus.n_entries:,}" in call("stats", data_folder).stdout


@pytest.mark.parametrize("model", ["popularity", "itemknn", "lightgcn"])
@pytest.mark.parametrize("part", ["valid", "test"])
def test_evaluate_prints_one_object(runs: Path, data_folder: Path, model: str, part: str) -> None:
    result = call("evaluate", runs / model, "--split", part, "-k", 5, "-k", 20, "--json")
    shown = json.loads(result.stdout)
    assert list(shown) == ["model", "data", "split", "protocol", "n_queries", "metrics", "seconds"]
    assert (shown["model"], shown["data"], shown["split"]) == (model, str(data_folder), part)
    assert {"recall@5", "recall@20", "ndcg@20", "map@5", "auc", "r_precision", "coverage@20"} <= set(shown["metrics"])
    assert all(0 <= v <= 1 for name, v in shown["metrics"].items() if not name.startswith(("popularity", "novelty")))
    assert result.stderr == ""


def test_evaluate_prints_a_table(runs: Path) -> None:
    result = call("evaluate", runs / "itemknn", "--split", "test", "-k", 20)
    assert "recall" in result.stdout
    assert "@20" in result.stdout
    assert "left out" in result.stdout


def test_item_neighbours_beat_popularity(runs: Path) -> None:
    recall = {
        model: json.loads(call("evaluate", runs / model, "--json").stdout)["metrics"]["recall@20"]
        for model in ("popularity", "itemknn")
    }
    assert recall["itemknn"] > 1.5 * recall["popularity"]


@pytest.mark.parametrize("model", ["popularity", "itemknn", "lightgcn"])
def test_recommend_for_a_playlist(runs: Path, data_folder: Path, model: str) -> None:
    data = Data.load(data_folder)
    row = int(data.split.evaluation_set(data.corpus, "test").playlists[3])
    pid = data.corpus.playlists["pid"][row].as_py()
    shown = json.loads(call("recommend", runs / model, "--playlist", pid, "-k", 7, "--json").stdout)
    assert shown["query"] == {"playlist": pid}
    assert [item["rank"] for item in shown["items"]] == list(range(1, 8))
    assert list(shown["items"][0]) == ["rank", "track_uri", "track_name", "artist_name", "score"]
    scores = [item["score"] for item in shown["items"]]
    assert scores == sorted(scores, reverse=True)
    seeds = data.split.ranking(data.corpus, "test").playlist(row)
    known = set(data.corpus.track_table["uri"].take(seeds).to_pylist())
    assert not known & {item["track_uri"] for item in shown["items"]}


@pytest.mark.parametrize("model", ["popularity", "itemknn", "lightgcn"])
def test_recommend_for_named_tracks(runs: Path, data_folder: Path, model: str) -> None:
    corpus = Data.load(data_folder).corpus
    popular = np.argsort(-np.bincount(corpus.tracks, minlength=corpus.n_tracks))[:2]
    first, second = corpus.describe(popular)
    by_name = f"{first['artist_name']} - {first['track_name']}".upper()
    result = call("recommend", runs / model, "--track", by_name, "--track", second["track_uri"], "-k", 5, "--json")
    shown = json.loads(result.stdout)
    assert shown["query"] == {"tracks": [first["track_uri"], second["track_uri"]]}
    assert not {first["track_uri"], second["track_uri"]} & {item["track_uri"] for item in shown["items"]}
    table = call("recommend", runs / model, "--track", second["track_uri"], "-k", 3).stdout
    assert len(table.strip().splitlines()) == 4


def test_a_run_folder_holds_what_it_says(runs: Path, data_folder: Path) -> None:
    folder = runs / "lightgcn"
    names = {file.name for file in folder.iterdir()}
    assert names == {
        *("MODEL.md", "config.toml", "run.json", "weights.npz", "checkpoint.npz", "history.jsonl", "timing.jsonl"),
        "refit",
        "data",
    }
    info = json.loads((folder / "run.json").read_text())
    assert info["vocabulary"] == Data.load(data_folder).corpus.vocabulary_hash
    assert info["best_epoch"] in (1, 2)
    assert len((folder / "history.jsonl").read_text().splitlines()) == 2
    assert len((folder / "refit" / "history.jsonl").read_text().splitlines()) == info["best_epoch"]
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    assert "lightgcn" in (folder / "MODEL.md").read_text()


def test_the_config_of_a_run_gives_the_same_run(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    call("fit", data_folder, "-o", tmp_path / "again", "--from", runs / "lightgcn" / "config.toml")
    for name in ("history.jsonl", "config.toml"):
        assert (tmp_path / "again" / name).read_bytes() == (runs / "lightgcn" / name).read_bytes()


def test_resume_goes_on_where_a_limit_stopped(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    options = ("--from", runs / "lightgcn" / "config.toml")
    call("fit", data_folder, "-o", tmp_path / "run", *options, "--time-limit", "0.001s")
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 1
    call("fit", data_folder, "-m", "lightgcn", "-o", tmp_path / "run", "--resume")
    assert (tmp_path / "run" / "history.jsonl").read_bytes() == (runs / "lightgcn" / "history.jsonl").read_bytes()


def test_refit_is_for_the_test_part_only(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    """Valid is ranked by the model that has not learned it, refitted or not; test by the refitted one."""
    call("fit", data_folder, "-m", "itemknn", "-o", tmp_path / "once")
    metrics = {
        (folder.name, part): json.loads(call("evaluate", folder, "--split", part, "--json").stdout)["metrics"]
        for folder in (runs / "itemknn", tmp_path / "once")
        for part in ("valid", "test")
    }
    assert metrics["itemknn", "valid"] == metrics["once", "valid"]
    assert metrics["itemknn", "test"] != metrics["once", "test"]


def test_preprocess_says_what_it_made(slices: Path, tmp_path: Path) -> None:
    result = call("preprocess", slices, "-o", tmp_path / "d", "--split", "continuation", "--limit", 100, "--workers", 1)
    assert result.stdout.startswith("100 playlists, ")
    assert "split continuation" in result.stdout
    call("fit", tmp_path / "d", "-m", "mf", "-o", tmp_path / "run", "--epochs", 1)
    shown = json.loads(call("evaluate", tmp_path / "run", "--split", "test", "--json").stdout)
    data = Data.load(tmp_path / "d")
    assert shown["n_queries"] == len(data.split.evaluation_set(data.corpus, "test")) > 0


def test_force_replaces_and_only_then(slices: Path, tmp_path: Path) -> None:
    out = tmp_path / "d"
    call("preprocess", slices, "-o", out, "--limit", 50, "--workers", 1)
    call("preprocess", slices, "-o", out, "--limit", 60, "--workers", 1, code=1)
    assert Data.load(out).corpus.n_playlists == 50
    call("preprocess", slices, "-o", out, "--limit", 60, "--workers", 1, "--force")
    assert Data.load(out).corpus.n_playlists == 60
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_around_and_filters_reach_the_corpus(slices: Path, tmp_path: Path) -> None:
    options = ("--around", "7", "--hops", 2, "--k-core", 2, "--largest-component", "--workers", 1)
    call("preprocess", slices, "-o", tmp_path / "d", *options)
    corpus = Data.load(tmp_path / "d").corpus
    assert 0 < corpus.n_playlists < 300
    playlists, tracks = corpus.pairs
    assert np.bincount(playlists, minlength=corpus.n_playlists).min() >= 2
    assert np.bincount(tracks, minlength=corpus.n_tracks).min() >= 2


def test_data_that_moved_is_found_with_an_option(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(data_folder, tmp_path / "old")
    call("fit", tmp_path / "old", "-m", "popularity", "-o", tmp_path / "run", "--slim")
    (tmp_path / "old").rename(tmp_path / "new")
    assert "say where with --data" in call("evaluate", tmp_path / "run", code=1).stderr
    call("evaluate", tmp_path / "run", "--data", tmp_path / "new")


def test_a_file_in_place_of_a_data_folder_is_read_by_preprocess(tmp_path: Path) -> None:
    (tmp_path / "named.csv").touch()
    said = call("fit", tmp_path / "named.csv", "-m", "mf", "-o", tmp_path / "run", code=1).stderr
    assert f"is a file: make a data folder with `playlistrec preprocess {tmp_path / 'named.csv'} -o DATA`" in said


def test_doctor_is_content_here() -> None:
    result = call("doctor")
    assert "dgl" in result.stdout
    assert "message passing works" in result.stdout
    assert json.loads(call("doctor", "--json").stdout)["ok"] is True


def test_without_dgl_the_command_that_installs_it_is_printed_in_one_piece(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = "import sys; sys.modules['dgl'] = None; from playlistrec.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", hidden, "fit", data_folder, "-m", "lightgcn", "-o", tmp_path / "run"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"error: this model needs DGL, which is not installed: {dgl_command()}\n"

    monkeypatch.setitem(sys.modules, "dgl", None)
    assert f"\ndgl:\n  {dgl_command()}\n" in call("doctor", code=1).stdout


def test_the_installed_command_answers() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "playlistrec", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("playlistrec, version ")
