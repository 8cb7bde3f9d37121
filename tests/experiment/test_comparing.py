"""Comparisons: the right differences and tests for each model, fits in processes of their own, failures reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.cli.compare import fit_request
from playlistrec.errors import ConfigError, RunError
from playlistrec.events import Event
from playlistrec.experiment.comparison import SIGNIFICANT, compare
from playlistrec.experiment.fit_each import FitRequest, fit_each
from playlistrec.rank.significance import bootstrap_interval, bootstrap_test, holm, permutation_test


@pytest.fixture(scope="module")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("compared")
    pr.fit(data_folder, "popularity", folder / "popularity")
    pr.fit(data_folder, "itemknn", folder / "itemknn")
    pr.fit(data_folder, "itemknn", folder / "shrunk", options={"shrink": 1e-6})
    pr.fit(data_folder, "itemknn", folder / "few", options={"neighbours": 2})
    return {name: folder / name for name in ("popularity", "itemknn", "shrunk", "few")}


@pytest.mark.parametrize(("test", "function"), [("permutation", permutation_test), ("bootstrap", bootstrap_test)])
def test_each_is_held_to_the_best(test, function, runs: dict[str, Path]) -> None:
    found = compare(runs, k=[5], by="ndcg@10", test=test, resamples=500, seed=3)
    alone = {name: pr.Run.load(path).evaluate("valid", [5, 10]) for name, path in runs.items()}
    values = {name: result.per_query["ndcg@10"] for name, result in alone.items()}
    best = max(values, key=lambda name: values[name].mean())
    assert [row.name for row in found.rows] == list(runs)
    p = dict(
        zip(
            [n for n in runs if n != best],
            holm([function(values[n] - values[best], resamples=500, seed=3) for n in runs if n != best]),
        )
    )
    for row in found.rows:
        assert row.metrics == {**alone[row.name].metrics}
        assert row.fit_seconds == json.loads((runs[row.name] / "run.json").read_text())["seconds"]
        if row.name == best:
            assert (row.difference, row.interval, row.p, row.as_good) == (0, None, None, False)
            continue
        assert row.difference == pytest.approx((values[row.name] - values[best]).mean())
        assert row.p == pytest.approx(p[row.name])
        assert row.as_good == (p[row.name] >= SIGNIFICANT)
        wanted = bootstrap_interval(values[row.name] - values[best], resamples=500, seed=4)
        np.testing.assert_allclose(row.interval, wanted)
    reported = {row.name: row for row in found.rows}
    assert not reported["popularity"].as_good, "far behind"
    other = "shrunk" if best == "itemknn" else "itemknn"
    assert best in ("itemknn", "shrunk")
    assert reported[other].as_good, "a shrinkage of next to nothing is no difference"


def test_folders_name_themselves_and_one_is_no_comparison(runs: dict[str, Path]) -> None:
    found = compare([runs["few"]])
    assert [(row.name, row.difference, row.p) for row in found.rows] == [("few", 0, None)]
    assert found.rows[0].metrics == compare({"x": runs["few"]}).rows[0].metrics


def test_what_does_not_compare(runs: dict[str, Path], data_folder: Path, slices: Path, tmp_path: Path) -> None:
    pr.preprocess(slices, tmp_path / "data", k_core=2, workers=1, seed=5)
    pr.fit(tmp_path / "data", "popularity", tmp_path / "run")
    with pytest.raises(RunError, match=r"^other was fitted on (other data|another split) than few: they"):
        compare({"few": runs["few"], "other": tmp_path / "run", "popularity": runs["popularity"]})
    with pytest.raises(ConfigError, match=r"by must be a mean over playlists .*'ndcg@20'.*\(got 'ndgc@20'\)"):
        compare([runs["few"]], by="ndgc@20")
    with pytest.raises(ConfigError, match="by must be a mean over playlists"):
        compare([runs["few"]], by="coverage@20")
    with pytest.raises(ConfigError, match="test must be permutation or bootstrap"):
        compare([runs["few"]], test="t")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="does not exist"):
        compare([runs["few"], tmp_path / "none"])


def test_a_run_that_cannot_be_ranked_does_not_stop_the_others(
    runs: dict[str, Path], data_folder: Path, tmp_path: Path
) -> None:
    pr.fit(data_folder, "popularity", tmp_path / "broken")
    (tmp_path / "broken" / "weights.npz").write_bytes(b"no archive")
    found = compare({"broken": tmp_path / "broken", "few": runs["few"]})
    assert [row.name for row in found.rows] == ["few"]
    assert "damaged" in found.failed["broken"]
    with pytest.raises(RunError, match=r"broken.* is damaged"):
        compare({"broken": tmp_path / "broken"})


@pytest.mark.slow
def test_fits_what_is_not_fitted_and_tells_what_failed(data_folder: Path, tmp_path: Path) -> None:
    texts = ["popularity", "itemknn --set shrink=2", "mf --set lr=1e30", "itemknn --set shrnk=2"]
    requests = [fit_request(text) for text in texts]
    events: list[Event] = []
    fitted, failed = fit_each(data_folder, requests, tmp_path, seed=7, on_event=events.append)
    assert list(fitted) == texts[:2]
    assert {path.name for path in fitted.values()} == {"popularity-seed-7", "itemknn-set-shrink=2-seed-7"}
    infos = {name: json.loads((path / "run.json").read_text()) for name, path in fitted.items()}
    assert infos["itemknn --set shrink=2"]["options"]["shrink"] == 2
    assert all(info["seed"] == 7 for info in infos.values())
    assert isinstance(failed["mf --set lr=1e30"], RunError)
    assert "the loss is" in str(failed["mf --set lr=1e30"])
    assert isinstance(failed["itemknn --set shrnk=2"], ConfigError)
    assert str(failed["itemknn --set shrnk=2"]).startswith("itemknn has no option 'shrnk' (did you mean 'shrink'?)")
    assert all(len(str(error).splitlines()) == 1 for error in failed.values())
    assert [e.text for e in events if e.kind == "warning"] == [f"{name}: {error}" for name, error in failed.items()]
    again: list[Event] = []
    assert fit_each(data_folder, requests[:2], tmp_path, seed=7, on_event=again.append) == (fitted, {})
    assert not again, "what is fitted is left as it is"


@pytest.mark.slow
def test_peak_memory_is_that_of_the_fit_alone(data_folder: Path, tmp_path: Path) -> None:
    ballast = np.ones(2**27)  # 1 GB here, which a process started from here has not used
    fitted, _ = fit_each(data_folder, ["popularity"], tmp_path)
    assert ballast[0] == 1
    assert json.loads((fitted["popularity"] / "run.json").read_text())["peak_memory_mb"] < 900


@pytest.mark.slow
def test_what_was_interrupted_is_resumed(data_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mf-preset-mf-epochs-3"
    pr.fit(data_folder, "mf", folder, preset="mf", epochs=3, time_limit=1e-6)
    info = json.loads((folder / "run.json").read_text())
    del info["seconds"]  # as if it had been killed
    (folder / "run.json").write_text(json.dumps(info))
    whole = pr.fit(data_folder, "mf", preset="mf", epochs=3)
    fitted, failed = fit_each(data_folder, [fit_request("mf --preset mf --epochs 3")], tmp_path)
    assert (fitted, failed) == ({"mf --preset mf --epochs 3": folder}, {})
    assert len((folder / "history.jsonl").read_text().splitlines()) == 3
    for name, array in pr.Run.load(folder).arrays.items():
        np.testing.assert_array_equal(array, whole.arrays[name])


def test_models_that_cannot_be_told_apart_or_do_not_exist(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must differ in letters or digits"):
        fit_each(data_folder, [FitRequest(model="mf", label=name) for name in ("mf a", "mf -a")], tmp_path)
    with pytest.raises(ConfigError, match=r"unknown model 'itemknm' \(did you mean 'itemknn'"):
        fit_each(data_folder, ["popularity", "itemknm"], tmp_path)
    assert not list(tmp_path.iterdir()), "refused before anything is fitted"


@pytest.mark.slow
def test_a_fit_that_is_killed_ends_no_other(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "deadly.py"
    module.write_text(
        "import os, signal\n"
        "from playlistrec.models.popularity import Popularity\n"
        "class Deadly(Popularity):\n"
        "    @classmethod\n"
        "    def from_corpus(cls, corpus, config, *, seed=0):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    fitted, failed = fit_each(data_folder, ["deadly:Deadly", "popularity"], tmp_path / "runs")
    assert list(fitted) == ["popularity"]
    assert str(failed["deadly:Deadly"]) == "the fit was ended by signal 9 (9: by hand, or for lack of memory)"


def test_requests_without_labels_are_told_apart_by_their_options(data_folder: Path, tmp_path: Path) -> None:
    few, many = (FitRequest(model="itemknn", options={"neighbours": n}) for n in (5, 50))
    fitted, failed = fit_each(data_folder, [few, many], tmp_path)
    assert not failed
    found = [json.loads((path / "run.json").read_text())["options"]["neighbours"] for path in fitted.values()]
    assert found == [5, 50]
    with pytest.raises(ConfigError, match="two different fits are called 'x'"):
        fit_each(data_folder, [FitRequest(model=m, label="x") for m in ("mf", "popularity")], tmp_path)


@pytest.mark.parametrize(
    ("text", "error"),
    [("mf --epoch x", "mf --epoch x: No such option"), ("", "models must be a name"), ("mf --set lr", "KEY=")],
)
def test_requests_that_fit_does_not_take(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        fit_request(text)
