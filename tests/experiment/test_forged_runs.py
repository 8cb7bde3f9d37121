"""Runs from somebody else: what their files may say, and that nothing in them is executed or corrupts memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from calling import call

import playlistrec as pr
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import PlaylistrecError, RunError
from playlistrec.experiment.data import write_data
from playlistrec.experiment.data_folder import DATA
from playlistrec.models.two_stage.tree_text import checked
from playlistrec.storage import new_folder, read_arrays, write_arrays

TRAINED = {"mf": {"epochs": 1}, "gru4rec": {"epochs": 1}}
CLOSED = ("popularity", "itemknn", "userknn", "ease", "gfcf", "chebycf", "ials", "title", "two-stage", "blend")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder ``d`` of 120 titled playlists, and runs on it."""
    out = tmp_path_factory.mktemp("forged")
    rng = np.random.default_rng(0)
    groups = [rng.choice(20, size=rng.integers(5, 12), replace=False) + 20 * (p % 2) for p in range(120)]
    corpus = pr.Corpus.from_lists(
        [[f"t{t}" for t in group] for group in groups], {f"t{t}": f"a{t % 7}" for t in range(40)}
    )
    titles = pa.array([("rock %d", "jazz %d")[p % 2] % (p % 9) for p in range(120)])
    corpus = pr.Corpus(
        corpus.offsets,
        corpus.tracks,
        corpus.playlists.append_column("name", titles),
        corpus.track_table,
        corpus.artists,
    )
    with new_folder(out / "d", DATA) as new:
        write_data(new, corpus, split_edges(corpus), {"source": "", "options": {}, "read": {}})
    for model in CLOSED:
        pr.fit(out / "d", model, out / model, options={"trees": 5} if model == "two-stage" else None)
    for model, options in TRAINED.items():
        pr.fit(out / "d", model, out / model, options=options, preset="none")
    return out


def forged(folder: Path, model: str, out: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a run whose arrays are changed and whose checksum is right."""
    shutil.copytree(folder / model, out)
    arrays, meta = read_arrays(out / "weights.npz")
    change(arrays)
    write_arrays(out / "weights.npz", arrays, meta)
    info = json.loads((out / "run.json").read_text())
    info.pop("files")
    (out / "run.json").write_text(json.dumps(info))
    return out


def put(name: str, array: Any, arrays: dict[str, Any]) -> None:
    """Change one array; without one it is removed."""
    arrays.pop(name)
    if array is not None:
        arrays[name] = array


def names(folder: Path, model: str) -> list[str]:
    return list(read_arrays(folder / model / "weights.npz")[0])


@pytest.mark.parametrize("model", [*CLOSED, *TRAINED])
def test_every_array_is_checked_before_anything_computes_with_it(folder: Path, tmp_path: Path, model: str) -> None:
    """Cut, lengthened, of another kind, of huge, negative or infinite numbers, or missing: one line, or figures."""

    def changes(array: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        found = (
            [array[1:-1], np.concatenate([array, array]), array.astype("U8"), array[None]]
            if array.ndim
            else [array[None]]
        )
        fills = {"i": (2_000_000_000, -5), "f": (2_000_000_000, -5, np.nan, np.inf)}.get(array.dtype.kind, ())
        found += [np.full_like(array, value) for value in fills]
        return found

    said, kept = [], 0
    for name in names(folder, model):
        array = read_arrays(folder / model / "weights.npz")[0][name]
        for change in [None, *changes(array)]:
            run = forged(folder, model, tmp_path / "r", partial(put, name, change))
            try:
                pr.Run.load(run).evaluate("valid", k=[5])
                kept += 1
            except RunError as error:
                said.append(str(error))
            shutil.rmtree(run)
    assert all("\n" not in line for line in said)
    assert sum(str(tmp_path / "r") in line for line in said) >= 0.8 * len(said), said
    assert kept <= 2 * len(names(folder, model)), "what is no fault, such as other weights, is read"


@pytest.mark.parametrize(
    ("array", "change", "said"),
    [
        ("indices", lambda a: a + 40, "indices must be below 40, the number of tracks (got"),
        ("indices", lambda a: -a - 1, "indices must be at least 0"),
        ("indptr", lambda a: a[1:-1], "indptr must be 41, one more than tracks (got 39)"),
        ("indptr", lambda a: a[::-1].copy(), "indptr must rise from 0 to"),
        ("data", lambda a: a * np.nan, "data must be finite"),
        ("data", lambda a: a.astype(np.int32), "data must be numbers (got int32)"),
    ],
)
def test_the_line_names_file_array_and_rule(folder: Path, tmp_path: Path, array: str, change: Any, said: str) -> None:
    run = forged(folder, "itemknn", tmp_path / "r", lambda a: a.update({array: change(a[array])}))
    error = call("evaluate", run, code=1).stderr
    assert error.startswith(f"error: {run}/weights.npz is damaged: {said}")


def test_moments_of_another_shape_are_not_resumed(folder: Path, tmp_path: Path) -> None:
    arrays, meta = read_arrays(folder / "mf" / "checkpoint.npz")
    moment = next(name for name in arrays if name.endswith("exp_avg"))
    changes: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({moment: arrays[moment][:1]}, {}, f"{moment} must be of the shape"),
        ({moment: arrays[moment] * np.inf}, {}, f"{moment} must be finite"),
        ({"adam/9999/exp_avg": arrays[moment]}, {}, "adam/9999/exp_avg is not a moment"),
        ({"weights/tables.track": arrays["weights/tables.track"][:, :3]}, {}, "tables.track must be of the shape"),
        ({}, {"epoch": "one"}, "Expected `int`"),
        ({}, {"history": 3}, "Expected `array`"),
        ({"sampler/pool": np.full((40, 2), 10**9)}, {}, "sampler/pool must be below"),
    ]
    for number, (change, other, said) in enumerate(changes):
        run = tmp_path / str(number)
        shutil.copytree(folder / "mf", run)
        write_arrays(run / "checkpoint.npz", {**arrays, **change}, {**meta, **other})
        with pytest.raises(RunError, match=r"checkpoint.npz is damaged") as caught:
            pr.fit(folder / "d", "mf", run, options={"epochs": 3}, resume=True)
        assert said in str(caught.value)


@pytest.mark.parametrize(
    "field", ["split_feature", "left_child", "right_child", "num_leaves", "tree_sizes", "decision_type"]
)
@pytest.mark.parametrize("value", ["-1", "1000000", "2147483647", "99999999999999999999", "", "nan", "0 0"])
def test_trees_with_other_numbers_never_reach_native_code(folder: Path, field: str, value: str) -> None:
    text = read_arrays(folder / "two-stage" / "weights.npz")[0]["trees/0"].tobytes().decode()
    n_features = int(text.partition("max_feature_idx=")[2].split("\n")[0]) + 1
    assert checked(text, n_features).endswith("end of trees\n")
    lines = [f"{field}={value}" if line.startswith(f"{field}=") else line for line in text.split("\n")]
    if field == "tree_sizes" and value not in ("", "nan"):
        checked("\n".join(lines), n_features) if len(value.split()) == text.count("Tree=") else None
        return
    with pytest.raises(RunError):
        checked("\n".join(lines), n_features)


def test_trees_that_are_cut_or_changed_at_random_end_no_process(folder: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    text = read_arrays(folder / "two-stage" / "weights.npz")[0]["trees/1"].tobytes().decode()
    n_features = int(text.partition("max_feature_idx=")[2].split("\n")[0]) + 1
    end = text.index("end of trees") + len("end of trees")
    random, read = np.random.default_rng(0), 0
    features = random.random((20, n_features)).astype(np.float32)
    whole = lightgbm.Booster(model_str=text).predict(features, raw_score=True)
    np.testing.assert_array_equal(
        lightgbm.Booster(model_str=checked(text, n_features)).predict(features, raw_score=True), whole
    )
    for place in random.integers(0, end, 150).tolist():
        letter = "0123456789-.= e\n"[int(random.integers(16))]
        for damaged in (text[: min(place, end - 1)], text[:place] + letter + text[place + 1 :]):
            try:
                canonical = checked(damaged, n_features)
            except RunError:
                continue
            lightgbm.Booster(model_str=canonical).predict(features, raw_score=True)
            read += 1
    assert 0 < read < 150, "a changed threshold is a tree still"


def named(folder: Path, model: str, out: Path, name: Any) -> Path:
    shutil.copytree(folder / model, out)
    info = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps({**info, "model": name}))
    return out


@pytest.mark.parametrize(
    "name", ["evil:X", "antigravity:X", "__hello__:X", "os.path:join", "playlistrec.models.popularity:Popularity"]
)
def test_a_run_cannot_have_code_imported(folder: Path, tmp_path: Path, name: str) -> None:
    run = named(folder, "popularity", tmp_path / "r", name)
    for arguments in (["evaluate", run], ["recommend", run, "--playlist", "0"], ["export", run, "-o", "x"]):
        before = set(sys.modules)
        error = call(*arguments, code=1).stderr
        assert f"names the model '{name}', whose code is not playlistrec's and would be run" in error
        assert error.endswith(f"read the run with --allow {name}\n")
        assert name.partition(":")[0] not in set(sys.modules) - before


def test_a_file_in_the_working_folder_is_not_executed(folder: Path, tmp_path: Path) -> None:
    run = named(folder, "popularity", tmp_path / "r", "evil:X")
    (tmp_path / "evil.py").write_text("open('executed', 'w').close()\n")
    arguments = [sys.executable, "-m", "playlistrec", "evaluate", str(run)]
    home = {**os.environ, "PYTHONPATH": str(Path(pr.__file__).parents[1])}
    done = subprocess.run(arguments, cwd=tmp_path, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "executed").exists()


def test_a_part_of_a_blend_cannot_either(folder: Path, tmp_path: Path) -> None:
    def change(arrays: dict[str, Any]) -> None:
        parts = json.loads(arrays["parts"].tobytes())
        parts[0]["model"] = "antigravity:X"
        arrays["parts"] = np.frombuffer(json.dumps(parts).encode(), np.uint8)

    run = forged(folder, "blend", tmp_path / "r", change)
    assert "--allow antigravity:X" in call("evaluate", run, code=1).stderr
    assert "antigravity" not in sys.modules


def test_a_model_that_the_user_names_is_read(folder: Path, tmp_path: Path) -> None:
    name = "playlistrec.models.popularity:Popularity"
    pr.fit(folder / "d", name, tmp_path / "own")
    with pytest.raises(RunError, match=rf"read the run with trust=\('{name}',\)"):
        pr.Run.load(tmp_path / "own")
    run = pr.Run.load(tmp_path / "own", trust=[name])
    assert run.evaluate("valid").metrics == pr.Run.load(folder / "popularity").evaluate("valid").metrics
    call("evaluate", tmp_path / "own", "--allow", name)
    call("evaluate", tmp_path / "own", "--allow", "other:Model", code=1)


@pytest.mark.parametrize("name", ["nothing", "", 3, None, ["mf"]])
def test_a_model_that_is_none(folder: Path, tmp_path: Path, name: Any) -> None:
    with pytest.raises(PlaylistrecError, match="damaged"):
        pr.Run.load(named(folder, "popularity", tmp_path / "r", name))
