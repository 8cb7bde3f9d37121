"""A comparison from a file: fits a model once a seed, tells means and spreads, in every format, within 80 columns."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from calling import call

import playlistrec as pr
from playlistrec.errors import ConfigError
from playlistrec.experiment.comparison import compare
from playlistrec.experiment.experiment_file import Experiment
from playlistrec.rank.significance import holm, permutation_test

FILE = """
data = "{data}"
seeds = 2

[models."Matrix factorisation & co"]
model = "mf"
epochs = 2
preset = "none"
options = {{ dim = 4, loss = "bpr", lr = 0.05 }}

[models.Neighbours]
model = "itemknn"

[models.Popularity]
model = "popularity"

[evaluate]
k = [5]
metrics = ["recall", "ndcg"]
by = "ndcg@5"
resamples = 200
pairwise = true
"""
NAMES = ["Matrix factorisation & co", "Neighbours", "Popularity"]


@pytest.fixture(scope="module")
def compared(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "thesis.toml").write_text(FILE.format(data=data_folder))
    call("compare", folder / "thesis.toml", "-o", folder / "runs")
    return folder / "thesis.toml", folder / "runs"


def test_means_spreads_and_tests_are_those_of_the_runs(compared: tuple[Path, Path], data_folder: Path) -> None:
    file, runs = compared
    shown = json.loads(call("compare", file, "-o", runs, "--format", "json").stdout)
    assert [model["model"] for model in shown["models"]] == NAMES
    folders = {path.name for path in runs.iterdir() if path.is_dir()}
    assert folders == {
        *("Matrix-factorisation---co", "Matrix-factorisation---co-seed-1", "Neighbours", "Popularity"),
    }
    data = pr.Data.load(data_folder)
    each = [
        pr.Run.load(runs / name, data=data).evaluate("valid", [5])
        for name in ("Matrix-factorisation---co", "Matrix-factorisation---co-seed-1")
    ]
    mf = shown["models"][0]
    values = [result.metrics["ndcg@5"] for result in each]
    assert values[0] != values[1]
    assert mf["metrics"]["ndcg@5"] == pytest.approx(np.mean(values))
    assert mf["deviations"]["ndcg@5"] == pytest.approx(np.std(values, ddof=1))
    assert mf["seeds"] == 2
    assert "deviations" not in shown["models"][1], "neighbours draw nothing"
    per_query = {
        NAMES[0]: np.mean([result.per_query["ndcg@5"] for result in each], axis=0),
        **{name: pr.Run.load(runs / name, data=data).evaluate("valid", [5]).per_query["ndcg@5"] for name in NAMES[1:]},
    }
    pairs = [(pair["first"], pair["second"]) for pair in shown["pairs"]]
    assert pairs == [(NAMES[0], NAMES[1]), (NAMES[0], NAMES[2]), (NAMES[1], NAMES[2])]
    wanted = holm([permutation_test(per_query[a] - per_query[b], resamples=200, seed=0) for a, b in pairs])
    assert [pair["p"] for pair in shown["pairs"]] == pytest.approx(wanted.tolist())
    difference = per_query[NAMES[0]] - per_query[NAMES[1]]
    assert shown["pairs"][0]["effect"] == pytest.approx(difference.mean() / difference.std(ddof=1))


def test_every_format_and_width(compared: tuple[Path, Path]) -> None:
    file, runs = compared
    table = call("compare", file, "-o", runs).stdout
    assert max(map(len, table.splitlines())) <= 80
    assert "±" in table
    assert "≤" in table, "200 resamples cannot give less than 1/201"
    assert "no p can be below 0.005" in " ".join(table.split())
    rows = list(csv.DictReader(io.StringIO(call("compare", file, "-o", runs, "--format", "csv").stdout)))
    assert float(rows[0]["ndcg@5 sd"]) > 0
    assert rows[1]["ndcg@5 sd"] == ""
    latex = call("compare", file, "-o", runs, "--format", "latex").stdout
    assert r"Matrix factorisation \& co" in latex
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\textbf{", r"$\pm$"))
    body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert {line.count("&") - line.count(r"\&") for line in body.strip().splitlines()} == {3}


def test_seeds_of_models_on_the_command_line(data_folder: Path, tmp_path: Path) -> None:
    mf = "mf --preset none --set dim=4 --epochs 1"
    shown = json.loads(
        call("compare", data_folder, "-m", mf, "-m", "popularity", "-o", tmp_path, "--seeds", 2, "--json").stdout
    )
    assert [model.get("seeds") for model in shown["models"]] == [2, None]
    refused = call("compare", tmp_path / "x", "--seeds", 2, code=2)
    assert "--seeds is for the fits of -m" in refused.stderr


def test_preprocess_in_the_file(slices: Path, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        f'[preprocess]\nsource = "{slices}"\nk_core = 2\nworkers = 1\n\n[models.p]\nmodel = "popularity"\n'
    )
    experiment = Experiment.read(tmp_path / "e.toml")
    data, fitted = experiment.fit(tmp_path / "out")
    assert pr.Data.load(data).manifest["options"]["k_core"] == 2
    assert compare(fitted.runs).rows[0].name == "p"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seeds = 2", "needs data"),
        ('data = "d"\n[preprocess]\nsource = "s"', "needs data"),
        ('data = "d"', r"needs a table \[models.NAME\]"),
        ('data = "d"\nmodel = 1', r"unknown key 'model' \(did you mean 'models'"),
        ('data = "d"\n[models.a]\nmodle = "mf"', r"\[models.a\] needs model"),
        ('data = "d"\n[models.a]\nmodel = "fm"\nsed = 3', "unknown key 'sed'"),
        ('data = "d"\n[models.a]\nmodel = "lightgnc"', "unknown model 'lightgnc'"),
        ('data = "d"\nseeds = [1, 1]\n[models.a]\nmodel = "mf"', "list of different seeds"),
        ('data = "d"\nseeds = -1\n[models.a]\nmodel = "mf"', "seeds must be"),
        ('data = "d"\n[models.a]\nmodel = "mf"\n[evaluate]\nks = [5]', r"\[evaluate\] has an unknown key 'ks'"),
        ('data = "d"\n[models.a]\nmodel = "mf"\ntime_limit = "10m"', "time_limit must be a number of seconds"),
    ],
)
def test_what_is_no_experiment(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(content)
    with pytest.raises(ConfigError, match=message):
        Experiment.read(tmp_path / "e.toml")


def test_the_file_decides_alone(compared: tuple[Path, Path]) -> None:
    file, runs = compared
    refused = call("compare", file, "-o", runs, "--by", "recall@5", code=2)
    assert "the file says what is compared and how: write by there" in refused.stderr
