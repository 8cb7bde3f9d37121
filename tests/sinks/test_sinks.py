"""Trackers: what they get of a fit, and TensorBoard's files read again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

import playlistrec as pr
from playlistrec.cli.main import main
from playlistrec.errors import ConfigError
from playlistrec.events import Event, ignore
from playlistrec.sinks.sink import TRACKERS, tracked


def test_tensorboard_has_the_curves_of_the_history(data_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logs = tmp_path / "logs"
    arguments = [
        "fit",
        data_folder,
        "-m",
        "mf",
        "-o",
        tmp_path / "run",
        "--preset",
        "none",
        "--epochs",
        2,
        "--set",
        "eval_every=1",
    ]
    done = CliRunner().invoke(main, [*map(str, arguments), "--track", f"tensorboard:{logs}"])
    assert done.exit_code == 0, done.output
    read = EventAccumulator(str(logs / "run"))
    read.Reload()
    records = _history(tmp_path / "run")
    for name in ("loss", "ndcg@20"):
        curve = [(event.step, event.value) for event in read.Scalars(name)]
        assert curve == [(r["epoch"], pytest.approx(r[name], rel=1e-5)) for r in records]
    assert read.Scalars("fit/ndcg@20")[0].value == pytest.approx(max(r["ndcg@20"] for r in records), rel=1e-5)
    assert b"| epochs | 2 |" in read.Tensors("options/text_summary")[0].tensor_proto.string_val[0]


def _history(folder: Path) -> list[dict[str, float]]:
    import json

    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", ["mlflow", "wandb", "trackio"])
def test_a_tracker_that_is_not_installed_is_an_error_before_the_fit(
    name: str, data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    arguments = ["fit", data_folder, "-m", "popularity", "-o", tmp_path / "run", "--track", name]
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 2
    assert f"pip install 'playlistrec[{name}]'" in done.output
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")
def test_mlflow_has_the_figures(data_folder: Path, tmp_path: Path) -> None:
    import mlflow

    where = f"sqlite:///{tmp_path}/mlflow.db"
    with tracked([f"mlflow:{where}"], "one", ignore) as on_event:
        run = pr.fit(data_folder, "mf", options={"epochs": 2}, preset="none", on_event=on_event)
    mlflow.set_tracking_uri(where)
    found = mlflow.search_runs(experiment_names=["playlistrec"]).iloc[0]
    assert found["params.epochs"] == "2"
    assert found["metrics.fit_ndcg_at_20"] == pytest.approx(run.info["valid"]["ndcg@20"])


def test_events_pass_on_and_a_failed_fit_ends_its_trackers(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[tuple[str, Any]] = []

    class Tracker:
        def __init__(self, name: str, where: str | None) -> None:
            messages.append(("new", (name, where)))

        def begin(self, options: dict[str, Any]) -> None:
            messages.append(("begin", options))

        def epoch(self, number: int, figures: dict[str, float]) -> None:
            messages.append(("epoch", number))

        def end(self, figures: dict[str, float]) -> None:
            messages.append(("end", figures))

    module = ModuleType("playlistrec.sinks.trackio")
    module.Tracker = Tracker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "playlistrec.sinks.trackio", module)
    events: list[Event] = []
    with tracked(["trackio:songs"], "r", events.append) as on_event:
        pr.fit(data_folder, "mf", options={"epochs": 2, "lr": 0.02}, preset="none", on_event=on_event)
    assert [what for what, _ in messages] == ["new", "begin", "epoch", "epoch", "end"]
    assert messages[0][1] == ("r", "songs")
    assert messages[1][1]["lr"] == 0.02
    assert messages[1][1]["model"] == "mf"
    assert "ndcg@20" in messages[-1][1]
    assert {"begin", "epoch", "end"} <= {event.kind for event in events}
    messages.clear()
    with pytest.raises(KeyboardInterrupt), tracked(["trackio"], "r", ignore):
        raise KeyboardInterrupt
    assert [what for what, _ in messages] == ["new", "end"]


def test_an_unknown_tracker_is_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown tracker 'tensorbord' \(did you mean 'tensorboard'\?\); known: "):
        tracked(["tensorbord"], "r", ignore).__enter__()
    assert len(TRACKERS) == 4
