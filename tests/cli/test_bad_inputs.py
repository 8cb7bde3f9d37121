"""What can go wrong at the command line: one readable line, the right exit code, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from playlistrec.cli.main import main
from playlistrec.experiment.data import preprocess

Make = Callable[[Path, Path], list[object]]


def broken_file(name: str, content: bytes) -> Make:
    def make(tmp: Path, data: Path) -> list[object]:
        (tmp / name).write_bytes(content)
        return ["preprocess", tmp / name, "-o", tmp / "out"]

    return make


def on_data(*arguments: object) -> Make:
    return lambda tmp, data: [str(a).format(tmp=tmp, data=data) for a in arguments]


def damaged_data(file: str, change: Callable[[Path], object]) -> Make:
    def make(tmp: Path, data: Path) -> list[object]:
        shutil.copytree(data, tmp / "bad")
        change(tmp / "bad" / file)
        return ["fit", tmp / "bad", "-m", "popularity", "-o", tmp / "out"]

    return make


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edit_json(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def config_file(content: str) -> Make:
    def make(tmp: Path, data: Path) -> list[object]:
        (tmp / "config.toml").write_text(content)
        return ["fit", data, "-m", "mf", "-o", tmp / "out", "--config", tmp / "config.toml"]

    return make


def run_of_other_data(tmp: Path, data: Path) -> list[object]:
    run_on(tmp, data)
    other = tmp / "other"
    invoke(["preprocess", tmp / "few.csv", "-o", other])
    return ["evaluate", tmp / "run", "--data", other]


def run_of_other_split(tmp: Path, data: Path) -> list[object]:
    invoke(["preprocess", few_csv(tmp), "-o", tmp / "one", "--seed", 1])
    invoke(["preprocess", tmp / "few.csv", "-o", tmp / "two", "--seed", 2])
    invoke(["fit", tmp / "one", "-m", "popularity", "-o", tmp / "run"])
    return ["evaluate", tmp / "run", "--data", tmp / "two"]


def few_csv(tmp: Path) -> Path:
    rows = [f"{p},{t}" for p in range(20) for t in range(p, p + 12)]
    (tmp / "few.csv").write_text("playlist_id,track_id\n" + "\n".join(rows) + "\n")
    return tmp / "few.csv"


def run_on(tmp: Path, data: Path) -> Path:
    few_csv(tmp)
    invoke(["fit", data, "-m", "mf", "-o", tmp / "run", "--epochs", 1])
    return tmp / "run"


def resume_of_other_data(tmp: Path, data: Path) -> list[object]:
    run_on(tmp, data)
    invoke(["preprocess", tmp / "few.csv", "-o", tmp / "other"])
    return ["fit", tmp / "other", "-m", "mf", "-o", tmp / "run", "--resume"]


def after_a_run(*arguments: object) -> Make:
    def make(tmp: Path, data: Path) -> list[object]:
        run_on(tmp, data)
        return [str(a).format(tmp=tmp, data=data, run=tmp / "run") for a in arguments]

    return make


def run_with_damaged_weights(tmp: Path, data: Path) -> list[object]:
    truncate(run_on(tmp, data) / "weights.npz")
    return ["evaluate", tmp / "run"]


def run_without_weights(tmp: Path, data: Path) -> list[object]:
    (run_on(tmp, data) / "weights.npz").unlink()
    return ["recommend", tmp / "run", "--playlist", "1"]


def small_data_without_parts(tmp: Path, data: Path) -> list[object]:
    invoke(["preprocess", few_csv(tmp), "-o", tmp / "all", "--valid", 0, "--test", 0])
    invoke(["fit", tmp / "all", "-m", "popularity", "-o", tmp / "run"])
    return ["evaluate", tmp / "run"]


CASES: list[tuple[str, Make, int, str]] = [
    ("no such source", on_data("preprocess", "{tmp}/none", "-o", "{tmp}/out"), 1, "none"),
    ("empty folder", lambda tmp, data: [(tmp / "e").mkdir(), "preprocess", tmp / "e", "-o", tmp / "out"][1:], 1, "/e"),
    ("truncated slice", broken_file("mpd.slice.0-9.json", b'{"playlists": [{"pid": 0, "tra'), 1, "mpd.slice.0-9.json"),
    ("no header", broken_file("a.csv", b"0,1\n0,2\n"), 1, "playlist_id"),
    ("too strict a core", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--k-core", 500), 1, "500"),
    ("no given split", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--split", "given"), 1, "given"),
    (
        "unknown playlist",
        on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--around", "x", "--hops", 1),
        1,
        "'x'",
    ),
    ("around alone", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--around", "1"), 2, "hops"),
    ("negative core", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--k-core", -3), 2, "(got -3)"),
    (
        "shares of all",
        on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--valid", 0.6, "--test", 0.6),
        2,
        "(got 1.2)",
    ),
    (
        "a run of whole playlists",
        on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--split", "continuation", "--hide", "contiguous"),
        2,
        "hide=contiguous",
    ),
    ("limit of none", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--limit", 0), 2, "limit"),
    ("not a number", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/out", "--limit", "ten"), 2, "ten"),
    ("over another's folder", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}", "--force"), 1, "not a data folder"),
    ("out below a file", on_data("preprocess", "{tmp}/few.csv", "-o", "{tmp}/few.csv/out"), 1, "cannot be made"),
    ("synth of none", on_data("synth", "{tmp}/out", "--playlists", 0), 2, "playlists"),
    ("no such data", on_data("fit", "{tmp}/none", "-m", "mf", "-o", "{tmp}/out"), 1, "no data folder"),
    ("not data", on_data("stats", "{tmp}"), 1, "manifest.json is missing"),
    ("damaged split", damaged_data("split.npz", truncate), 1, "split.npz is damaged"),
    ("damaged table", damaged_data("tracks.parquet", truncate), 1, "tracks.parquet is damaged"),
    ("missing entries", damaged_data("entries.npz", Path.unlink), 1, "entries.npz is missing"),
    ("damaged manifest", damaged_data("manifest.json", truncate), 1, "manifest.json is damaged"),
    ("newer format", damaged_data("manifest.json", edit_json(format=99)), 1, "99"),
    ("unknown model", on_data("fit", "{data}", "-m", "lightgnc", "-o", "{tmp}/out"), 2, "did you mean 'lightgcn'"),
    ("unknown key", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--set", "batchsize=3"), 2, "'batch_size'"),
    ("key of another model", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--set", "heads=3"), 2, "'heads'"),
    ("wrong type", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--set", "dim=wide"), 2, "(got 'wide')"),
    ("no value", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--set", "dim"), 2, "KEY=VALUE"),
    ("no epochs", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--epochs", 0), 2, "epochs"),
    ("no time", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--time-limit", "soon"), 2, "soon"),
    (
        "no config file",
        on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--config", "{tmp}/c.toml"),
        2,
        "c.toml",
    ),
    ("config is not TOML", config_file("dim: 3"), 2, "not TOML"),
    ("unknown key in config", config_file("dims = 3"), 2, "did you mean 'dim'"),
    ("features of wrong shape", config_file('features = "nowhere.npz"'), 2, "nowhere.npz"),
    ("refused to overwrite", after_a_run("fit", "{data}", "-m", "mf", "-o", "{run}"), 1, "--resume"),
    ("data in place of a run", on_data("evaluate", "{data}"), 1, "is a data folder and not a run"),
    ("not a run", on_data("evaluate", "{tmp}"), 1, "run.json is missing"),
    ("no such run", on_data("evaluate", "{tmp}/none"), 1, "does not exist"),
    ("other data", run_of_other_data, 1, "other data"),
    ("other split", run_of_other_split, 1, "another split"),
    ("resume on other data", resume_of_other_data, 1, "other data"),
    ("resume of nothing", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--resume"), 1, "does not exist"),
    (
        "resume another",
        after_a_run("fit", "{data}", "-m", "mf", "-o", "{run}", "--resume", "--set", "dim=3"),
        1,
        "dim=64",
    ),
    ("damaged weights", run_with_damaged_weights, 1, "weights.npz is damaged"),
    ("no weights", run_without_weights, 1, "no weights"),
    ("nothing hidden", small_data_without_parts, 1, "no valid part"),
    ("k of none", after_a_run("evaluate", "{run}", "-k", 0), 2, "at least 1"),
    ("unknown pid", after_a_run("recommend", "{run}", "--playlist", "nobody"), 1, "'nobody'"),
    ("unknown track", after_a_run("recommend", "{run}", "--track", "qqqq zzzz xxxx"), 1, "qqqq zzzz xxxx"),
    ("no query", after_a_run("recommend", "{run}"), 2, "--playlist or --track"),
    ("no such verb", on_data("recomend"), 2, "recomend"),
    ("no GPU", on_data("fit", "{data}", "-m", "mf", "-o", "{tmp}/out", "--device", "cuda"), 2, "no GPU"),
]


def invoke(arguments: list[object]) -> None:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output


def listing(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("*")}


@pytest.mark.parametrize(("make", "code", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_line_and_nothing_written(make: Make, code: int, words: str, data_folder: Path, tmp_path: Path) -> None:
    import torch

    if "GPU" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    few_csv(tmp_path)
    arguments = [str(a) for a in make(tmp_path, data_folder)]
    before = listing(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    said = result.stderr.strip().splitlines()
    assert words in said[-1]
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert len(said[0]) < 500
    assert "Traceback" not in result.stderr
    assert listing(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    few_csv(tmp_path)
    (tmp_path / "closed").mkdir(mode=0o500)
    result = CliRunner().invoke(main, ["preprocess", str(tmp_path / "few.csv"), "-o", str(tmp_path / "closed" / "out")])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be made" in result.stderr


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from playlistrec.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("verb", ["preprocess", "fit", "synth"])
def test_full_disk(verb: str, slices: Path, data_folder: Path, tmp_path: Path) -> None:
    """A limit on file size fails writes in the middle, as a full disk does."""
    arguments = {
        "preprocess": ["preprocess", slices, "-o", tmp_path / "out", "--workers", "1"],
        "fit": ["fit", data_folder, "-m", "mf", "-o", tmp_path / "out", "--epochs", "1"],
        "synth": ["synth", tmp_path / "out", "--playlists", "100"],
    }[verb]
    result = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    said = result.stderr.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: ")
    assert "out" in said[0]
    left = [p for p in tmp_path.rglob("*") if p.is_file() and "partial" in p.name]
    assert left == []
    if verb == "preprocess":
        assert list(tmp_path.iterdir()) == []


def test_a_killed_preprocess_leaves_nothing_half_made(
    slices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playlistrec.corpus.split import Split

    def killed(self: Split, folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Split, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            preprocess(slices, tmp_path / "out", workers=1, limit=20)
    assert list(tmp_path.iterdir()) == []
    stale = tmp_path / f".out.partial-{2**22 + 1}"  # above the largest process id
    stale.mkdir()
    preprocess(slices, tmp_path / "out", workers=1, limit=20)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["stats", str(tmp_path), "--debug"])
    assert result.exit_code == 1
    assert "manifest.json is missing" in str(result.exception)
