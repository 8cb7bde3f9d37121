"""Every table fits 80 columns, and no figure is ever broken."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from calling import call
from rich.console import Console

from playlistrec.cli.console import fitted
from playlistrec.cli.tables import groups_of_columns
from playlistrec.rank.evaluation import AT_K
from playlistrec.rank.glossary import METRICS


def test_columns_go_on_below_and_none_is_lost() -> None:
    columns = ["model", *(f"metric{i}@20" for i in range(20))]
    cells = [[f"a model with a name of its own {row}", *(f"0.{row}{i:03d}" for i in range(20))] for row in range(3)]
    groups = groups_of_columns([30, *[10] * 20], 80)
    assert sorted(index for group in groups for index in group[1:]) == list(range(1, 21))
    assert all(group[0] == 0 for group in groups)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(fitted(cells, columns, [False] + [True] * 20, 80))
    text = capture.get()
    assert max(map(len, text.splitlines())) <= 80
    for row in cells:
        assert all(re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", text) for figure in row[1:])


@pytest.mark.parametrize("name", ["lightgcn", "aggregate", "two-stage", "popularity"])
def test_models_and_metrics_fit(name: str) -> None:
    for arguments in (["models"], ["models", name], ["metrics"]):
        shown = call(*arguments).stdout
        assert max(map(len, shown.splitlines())) <= 80, arguments
    about = json.loads(call("models", name, "--json").stdout)["models"][name]
    described = call("models", name).stdout
    for option in about["options"]:
        assert re.search(rf"^{option} .*\w", described, re.M), option


def test_every_metric_is_defined(data_folder: Path, tmp_path: Path) -> None:
    call("fit", data_folder, "-m", "popularity", "-o", tmp_path / "run")
    shown = call("evaluate", tmp_path / "run").stdout
    assert max(map(len, shown.splitlines())) <= 80
    metrics = json.loads(call("evaluate", tmp_path / "run", "--json").stdout)["metrics"]
    names = {name.partition("@")[0] for name in metrics}
    assert names <= {name.partition("@")[0] for name in METRICS}
    assert set(AT_K) <= names


def test_a_fit_ends_with_three_lines(data_folder: Path, tmp_path: Path) -> None:
    options = ("--epochs", 2, "--set", "eval_every=1", "--set", "protocol=sampled:9", "--set", "criterion=ndcg@10")
    lines = call("fit", data_folder, "-m", "mf", "-o", tmp_path / "run", *options).stdout.splitlines()
    assert re.fullmatch(r"mf in .*run: [\d.]+ s, peak memory [\d,]+ MB", lines[0])
    assert re.fullmatch(r"best epoch [12] of 2: .+", lines[1])
    assert re.match(r"validation \(sampled:9\) .*ndcg@10 0\.\d{4}", lines[2])
    assert max(map(len, lines[1:])) <= 80
