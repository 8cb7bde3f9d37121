"""The experiments that come with the package: each can be run as it is, and by one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import call

import playlistrec as pr
from playlistrec.errors import ConfigError
from playlistrec.experiment.experiment_file import Experiment
from playlistrec.experiment.resolving import preset_of, resolve
from playlistrec.experiment.studies import studies, study
from playlistrec.experiment.validation import validation
from playlistrec.models.registry import model_class

TWO = ("Popularity", "FM, previous")


@pytest.mark.parametrize("name", studies())
def test_every_option_is_one_of_its_model(name: str, data_folder: Path) -> None:
    data = pr.Data.load(data_folder)
    for request in Experiment.shipped(name, data_folder).requests:
        chosen = preset_of(request.preset, request.model, data)
        given = {**(chosen.options if chosen else {}), **request.options}
        _, training = resolve(
            model_class(request.model), given | ({"epochs": request.epochs} if request.epochs else {})
        )
        if training is not None:
            assert validation(data, training) is not None


def test_gnnie_is_the_study(data_folder: Path) -> None:
    requests = {request.name: request for request in Experiment.shipped("gnnie", data_folder).requests}
    for kind in ("LightGCN", "GAT", "SAGE"):
        hard, plain = requests[f"{kind}, hard negatives"], requests[kind]
        differ = {key for key in hard.options if hard.options[key] != plain.options.get(key)}
        assert differ == {"negatives", "pool_size", "pool_final_share", "pool_anneal_epochs", "pool_refresh_every"}
        assert (plain.epochs, plain.options["dim"], plain.options["l2"]) == (300, 64, 1e-4)
        assert requests[f"{kind}, learned weights"].options["layer_weights"] == "learned"
    assert requests["GAT"].options["heads"] == 5
    assert requests["GAT"].options["head_dim"] == "full"
    assert Experiment.shipped("gnnie", data_folder).evaluate["by"] == "recall@300"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    lines = [f"p{i},t{(i * 7 + j * j) % 30}\n" for i in range(40) for j in range(8)]
    (tmp_path / "x.csv").write_text("playlist_id,track_id\n" + "".join(dict.fromkeys(lines)))
    return tmp_path / "x.csv"


def test_a_source_is_preprocessed_as_the_study_says(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_two = {**study("nnrecommend"), "models": {name: study("nnrecommend")["models"][name] for name in TWO}}
    monkeypatch.setattr("playlistrec.experiment.experiment_file.study", lambda name: of_two)
    options = ("--experiment", "nnrecommend", "-o", tmp_path / "runs", "--epochs", 1, "--json")
    shown = json.loads(call("compare", source, *options).stdout)
    assert pr.Data.load(tmp_path / "runs" / "data").manifest["options"]["split"] == "leave-one-out"
    assert [model["model"] for model in shown["models"]] == list(TWO)
    assert shown["protocol"].startswith("sampled:99")
    run = pr.Run.load(tmp_path / "runs" / "FM,-previous")
    assert run.info["epochs_done"] == 1
    assert run.info["training"]["n_negatives"] == 10
    assert run.info["training"]["batch_size"] == 1024


def test_contexts_of_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = study("nnrecommend-skip")
    of_two = {
        **whole,
        "models": {name: whole["models"][name] for name in ("Popularity", "FM-GCN, previous, skip, hour")},
    }
    monkeypatch.setattr("playlistrec.experiment.experiment_file.study", lambda name: of_two)
    rows = [
        f"s{i},{j},t{(i * 7 + j * j) % 30},{'true' if j % 2 else 'false'},{(i + j) % 24}"
        for i in range(40)
        for j in range(8)
    ]
    header = "session_id,session_position,track_id_clean,skip_2,hour_of_day\n"
    (tmp_path / "log_0.csv").write_text(header + "\n".join(rows))
    options = ("--experiment", "nnrecommend-skip", "-o", tmp_path / "runs", "--epochs", 1, "--json")
    shown = json.loads(call("compare", tmp_path / "log_0.csv", *options).stdout)
    assert [model["model"] for model in shown["models"]] == list(of_two["models"])
    run = pr.Run.load(tmp_path / "runs" / "FM-GCN,-previous,-skip,-hour")
    assert run.info["options"]["context"] == "previous,skip,hour"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in studies() if "context" not in study(name)["preprocess"]])
def test_the_whole_of_it_runs(name: str, data_folder: Path, tmp_path: Path) -> None:
    shown = json.loads(
        call("compare", data_folder, "--experiment", name, "-o", tmp_path, "--epochs", 1, "--json").stdout
    )
    assert [model["model"] for model in shown["models"]] == list(study(name)["models"])


def test_limits_seeds_and_split_of_the_caller(data_folder: Path) -> None:
    whole = Experiment.shipped("nnrecommend", data_folder)
    changed = whole.changed(epochs=2, time_limit=3.0, seeds=2, split="test")
    assert {(r.epochs, r.time_limit) for r in changed.requests if r.model.startswith("fm")} == {(2, 3.0)}
    assert {(r.epochs, r.time_limit) for r in changed.requests if not r.model.startswith("fm")} == {(None, None)}
    assert list(changed.seeds) == [0, 1]
    assert changed.evaluate["split"] == "test"
    assert whole.changed() == whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--experiment", "gnie", "-o", "R"], "experiment must be one of gnnie"),
        (["--experiment", "gnnie"], "takes -o FOLDER"),
        (["--experiment", "gnnie", "-m", "mf", "-o", "R"], "do not go together"),
        (["--experiment", "gnnie", "-o", "R", "--by", "ndcg@20"], "the file says what is compared"),
        (["-m", "mf", "-o", "R", "--epochs", "3"], "--epochs and --time-limit are for an experiment"),
    ],
)
def test_wrong_use(arguments: list[str], message: str, data_folder: Path, tmp_path: Path) -> None:
    given = [tmp_path / "R" if word == "R" else word for word in arguments]
    assert message in " ".join(call("compare", data_folder, *given, code=2).stderr.split())


def test_no_such_study(data_folder: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'gnnie'"):
        Experiment.shipped("gnni", data_folder)
