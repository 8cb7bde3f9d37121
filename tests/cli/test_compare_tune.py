"""`compare`, `tune` and `fit -m blend` as a user meets them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from calling import call
from rich.console import Console

from playlistrec.cli import console


@pytest.fixture(scope="module")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("compared")
    call("fit", data_folder, "-m", "popularity", "-o", folder / "popularity")
    call("fit", data_folder, "-m", "itemknn", "-o", folder / "itemknn")
    return [folder / "popularity", folder / "itemknn"]


def evaluated(run: Path, *arguments: object) -> dict[str, float]:
    metrics: dict[str, float] = json.loads(call("evaluate", run, *arguments, "--json").stdout)["metrics"]
    return metrics


def test_all_formats_say_the_same(runs: list[Path]) -> None:
    options = (*runs, "-k", 5, "--metric", "ndcg", "--metric", "gini", "--metric", "auc", "--resamples", 200)
    shown = json.loads(call("compare", *options, "--json").stdout)
    assert call("compare", *options, "--format", "json").stdout
    assert (shown["split"], shown["protocol"], shown["by"], shown["test"]) == (
        "valid",
        "full",
        "ndcg@20",
        "permutation",
    )
    assert shown["failed"] == {}
    names = ["ndcg@5", "gini@5", "auc"]
    popularity, itemknn = shown["models"]
    assert [popularity["model"], itemknn["model"]] == ["popularity", "itemknn"]
    for run, model in zip(runs, shown["models"]):
        metrics = evaluated(run, "-k", 5, "-k", 20)
        assert model["metrics"] == {name: pytest.approx(metrics[name]) for name in names}
    assert itemknn["p"] is None
    assert popularity["difference"] < 0
    assert popularity["interval"][0] < popularity["difference"] < popularity["interval"][1] < 0
    assert popularity["p"] == pytest.approx(1 / 201)

    rows = list(csv.DictReader(io.StringIO(call("compare", *options, "--format", "csv").stdout)))
    assert [float(row[name]) for row in rows for name in names] == [
        m["metrics"][n] for m in shown["models"] for n in names
    ]
    assert float(rows[0]["p"]) == popularity["p"]
    assert rows[1]["p"] == ""

    header, rule, first, second = call("compare", *options, "--format", "markdown").stdout.splitlines()
    columns = [cell.strip() for cell in header.strip("|").split("|")]
    assert columns == ["model", *names, "fit, s", "fit, MB", "rank, s", "Δ ndcg@20", "95 %", "p"]
    assert rule.count("---") == len(columns)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (first, second)]
    bold = [[cell.startswith("**") for cell in row[1:4]] for row in cells]
    assert bold == [[False] * 3, [True] * 3], "itemknn has the higher ndcg and auc and the lower gini"
    assert cells[1][1] == f"**{itemknn['metrics']['ndcg@5']:.4f}**"
    assert cells[1][-3] == "best"

    table = call("compare", *options).stdout
    assert f"{popularity['metrics']['ndcg@5']:.4f}" in table
    said = " ".join(table.split())
    assert "by a paired permutation test over playlists, 200 resamples, Holm's correction" in said
    assert "≤0.0050" in said, "the floor of 200 resamples"


def test_on_a_terminal_the_best_is_bold(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()

    class Terminal(Console):
        def __init__(self, **options: object) -> None:
            super().__init__(file=out, force_terminal=True, width=200, highlight=False)

    monkeypatch.setattr(console, "Console", Terminal)
    call("compare", *runs, "-k", 20, "--metric", "recall", "--resamples", 10)
    best, other = evaluated(runs[1])["recall@20"], evaluated(runs[0])["recall@20"]
    assert re.search(rf"\x1b\[1m\s*{best:.4f}", out.getvalue())
    assert not re.search(rf"\x1b\[1m\s*{other:.4f}", out.getvalue())


def test_compare_fits_and_loses_nothing_to_a_failure(data_folder: Path, tmp_path: Path) -> None:
    models = ("-m", "popularity", "-m", "itemknn --set shrnk=1")
    result = call("compare", data_folder, *models, "-o", tmp_path / "runs", "--json", code=1)
    shown = json.loads(result.stdout)
    assert [model["model"] for model in shown["models"]] == ["popularity"]
    assert shown["failed"]["itemknn --set shrnk=1"].startswith("itemknn has no option 'shrnk'")
    assert result.stderr.splitlines()[-1].startswith("error: itemknn --set shrnk=1: itemknn has no option 'shrnk'")
    assert (tmp_path / "runs" / "popularity" / "MODEL.md").exists()


def test_what_compare_refuses(runs: list[Path], data_folder: Path, tmp_path: Path) -> None:
    for arguments, code, said in (
        ((data_folder, "-m", "mf"), 2, "-o FOLDER for the runs"),
        ((data_folder, tmp_path, "-m", "mf", "-o", tmp_path), 2, "with -m or --experiment one data folder"),
        ((*runs, "-o", tmp_path), 2, "-o is for the runs of -m"),
        ((*runs, "--metric", "recal"), 2, "--metric must be one of recall, "),
        ((*runs, "--by", "recal@5"), 2, "by must be a mean over playlists"),
        ((data_folder, runs[0]), 1, f"is a data folder and not a run: fit a model with `playlistrec fit {data_folder}"),
    ):
        result = call("compare", *arguments, code=code)
        assert result.stdout == ""
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_compare_ranks_by_the_protocol_asked_for(runs: list[Path]) -> None:
    shown = json.loads(
        call(
            "compare", *runs, "--protocol", "sampled:20", "-k", 10, "--metric", "ndcg", "--by", "ndcg@10", "--json"
        ).stdout
    )
    assert shown["protocol"] == "sampled:20"
    assert (
        shown["models"][0]["metrics"]["ndcg@10"] == evaluated(runs[0], "--protocol", "sampled:20", "-k", 10)["ndcg@10"]
    )


def test_tune_then_fit(data_folder: Path, tmp_path: Path) -> None:
    tuning = ("tune", data_folder, "-m", "itemknn", "-o", tmp_path / "search", "--set", "neighbours=50")
    text = call(*tuning, "--trials", 2).stdout
    shown = json.loads(call(*tuning, "--trials", 3, "--json").stdout)
    assert shown["trials"] == {"finished": 3, "pruned": 0, "failed": 0}
    assert shown["options"]["neighbours"] == 50
    assert text.startswith(f"{tmp_path / 'search' / 'best.toml'}: ndcg@20 0.")
    call("fit", data_folder, "-m", "itemknn", "-o", tmp_path / "run", "--preset", shown["preset"])
    assert evaluated(tmp_path / "run")["ndcg@20"] == pytest.approx(shown["value"])
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert {name: info["options"][name] for name in shown["options"]} == {
        name: None if (value == "none" and name == "neighbours") else value for name, value in shown["options"].items()
    }
    refused = call("tune", data_folder, "-m", "popularity", "-o", tmp_path / "other", code=2)
    assert refused.stderr.startswith("error: popularity has no search space")


def test_a_blend_is_a_run_like_any_other(runs: list[Path], data_folder: Path, tmp_path: Path) -> None:
    said = call(
        "fit", data_folder, "-m", "blend", "--set", f"runs={runs[0]},{runs[1]}", "-o", tmp_path / "blend"
    ).stdout
    assert said.startswith("blend in ")
    info = json.loads((tmp_path / "blend" / "run.json").read_text())
    assert sum(info["options"]["weights"]) == pytest.approx(1)
    blend, parts = evaluated(tmp_path / "blend"), [evaluated(run) for run in runs]
    assert blend["ndcg@20"] >= max(part["ndcg@20"] for part in parts)
    items = json.loads(call("recommend", tmp_path / "blend", "--playlist", 0, "-k", 3, "--json").stdout)["items"]
    assert len(items) == 3
    call(
        "fit", data_folder, "-m", "blend", "--set", f"runs={runs[0]},{runs[1]}", "--refit", "-o", tmp_path / "b", code=2
    )
