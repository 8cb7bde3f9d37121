"""What is replaced is ours, the old or the new is there at every moment, and one process writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from boxes import KIND, make

import playlistrec as pr
from playlistrec.errors import DataError, RunError
from playlistrec.export.export import export
from playlistrec.storage import new_folder, read_arrays, read_folder, write_arrays, write_file
from playlistrec.storage import swap as swapping
from playlistrec.storage.arrays import read_npz


def content(folder: Path) -> set[str]:
    return {(folder / name).read_text() for name in ("a.txt", "sub/b.txt")}


@pytest.fixture(params=["exchange", "two renames"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to replace a folder: in one step, and as on systems that cannot."""
    if request.param == "two renames":
        monkeypatch.setattr(swapping, "exchange", lambda one, other: False)
    return str(request.param)


def test_a_folder_is_replaced_whole_and_nothing_is_left(tmp_path: Path, how: str) -> None:
    make(tmp_path / "x", "old")
    with pytest.raises(DataError, match=r"x exists: choose another folder, or replace it with force=True"):
        make(tmp_path / "x", "new")
    make(tmp_path / "x", "new", force=True)
    assert content(tmp_path / "x") == {"new"}
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("thesis.tex", "thesis.tex"),
        ("sub/notes.md", "sub/notes.md"),
        ("a.txt.bak", "a.txt.bak"),
        ("other/", "other"),
        (".hidden", ".hidden"),
        (".a.txt.partial-backup", ".a.txt.partial-backup"),
    ],
)
def test_what_we_did_not_write_is_never_removed(tmp_path: Path, name: str, said: str) -> None:
    make(tmp_path / "x", "old")
    foreign = tmp_path / "x" / name
    if name.endswith("/"):
        foreign.mkdir()
    else:
        foreign.write_text("mine")
    with pytest.raises(DataError, match=rf"x holds '{said}', which playlistrec did not write"):
        make(tmp_path / "x", "new", force=True)
    assert content(tmp_path / "x") == {"old"}
    assert foreign.exists()
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize(
    "manifest", ['{"name": "My app"}', "[]", "", '{"format": 1, "files": {"a.txt": ""}}', "[" * 9999]
)
def test_a_manifest_of_another_program_makes_no_folder_ours(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "box.json").write_text(manifest)
    with pytest.raises(DataError, match="app is not a box: it will not be replaced"):
        make(tmp_path / "app", "new", force=True)
    assert (tmp_path / "app" / "box.json").read_text() == manifest


def test_a_file_that_appears_while_the_new_folder_is_made_stops_it(tmp_path: Path) -> None:
    make(tmp_path / "x", "old")
    with pytest.raises(DataError, match=r"holds 'late.txt'"), new_folder(tmp_path / "x", KIND, force=True):
        (tmp_path / "x" / "late.txt").write_text("mine")
    assert content(tmp_path / "x") == {"old"}
    assert os.listdir(tmp_path) == ["x"]


def test_a_block_that_fails_leaves_the_old_folder(tmp_path: Path, how: str) -> None:
    make(tmp_path / "x", "old")
    with pytest.raises(IsADirectoryError), new_folder(tmp_path / "x", KIND, force=True) as folder:
        folder.write_text("half")
    assert content(tmp_path / "x") == {"old"}
    assert os.listdir(tmp_path) == ["x"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    make(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    make(tmp_path / "link", "new", force=True)
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == {"new"}
    write_file(tmp_path / "one.txt", "old")
    (tmp_path / "to-one").symlink_to("one.txt")
    write_file(tmp_path / "to-one", "new")
    assert (tmp_path / "one.txt").read_text() == "new"
    assert (tmp_path / "to-one").is_symlink()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with new_folder(tmp_path / "x", KIND):
        with pytest.raises(DataError, match="x is being written by another process"):
            make(tmp_path / "x", "other")
        make(tmp_path / "y", "beside")
    assert sorted(os.listdir(tmp_path)) == ["x", "y"]


@pytest.mark.parametrize("name", ["d", "[1]", "a.b", "*", "ä ö"])
def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path, name: str) -> None:
    backup = tmp_path / f".{name}.partial-backup"
    backup.mkdir()
    for stale in (f".{name}.playlistrec-new", f".{name}.partial-{2**22 + 1}"):
        (tmp_path / stale).mkdir()
    (tmp_path / f".{name}.playlistrec-new" / "half.npz").write_text("x")
    make(tmp_path / name, "new")
    assert sorted(os.listdir(tmp_path)) == sorted([name, backup.name])
    (tmp_path / f".{name}.txt.partial-{2**22 + 1}").write_text("half")
    write_file(tmp_path / f"{name}.txt", "whole")
    assert sorted(os.listdir(tmp_path)) == sorted([name, backup.name, f"{name}.txt"])


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import boxes
from playlistrec.storage import swap
out, moment = Path(sys.argv[1]), int(sys.argv[2])
if sys.argv[3] == "two renames":
    swap.exchange = lambda one, other: False
left = moment
def hook(event, arguments):
    global left
    writes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.scandir", "ctypes.dlsym", "open")
    if writes:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
boxes.make(out, "new", force=True)
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["exchange", "two renames"])
def test_killed_at_any_write_the_old_or_the_new_is_there(tmp_path: Path, how: str) -> None:
    """A kill before each file that is opened, renamed or removed, until the process gets to its end."""
    script, out = KILLED.format(tests=str(Path(__file__).parent)), tmp_path / "x"
    for moment in range(100):
        shutil.rmtree(out, ignore_errors=True)
        make(out, "old")
        arguments = [sys.executable, "-c", script, str(out), str(moment), how]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        found = read_folder(out, "box.json", lambda folder: folder.open("a.txt").read().decode(), DataError)
        assert found in ("old", "new"), moment
        assert content(out) == {found}
        make(out, "later", force=True)
        assert content(out) == {"later"}
        assert os.listdir(tmp_path) == ["x"], moment
        if "done" in done.stdout:
            break
    assert moment > 10
    assert "done" in done.stdout, done.stderr


def test_readers_get_the_old_or_the_new_while_it_is_replaced(data_folder: Path, tmp_path: Path) -> None:
    """Each version is whole: counts of the manifest, entries, split and tables are of one."""
    data = pr.Data.load(data_folder)
    half = np.arange(data.corpus.n_playlists) % 2 == 0
    small, kept = data.corpus.subset(half, np.ones(data.corpus.n_tracks, dtype=bool))
    versions = [(data.corpus, data.split), (small, pr.Split(data.split.kind, data.split.part[kept]))]
    from playlistrec.experiment.data import write_data
    from playlistrec.experiment.data_folder import DATA

    def write(version: int) -> None:
        with new_folder(tmp_path / "d", DATA, force=True) as folder:
            write_data(folder, *versions[version], {"source": "", "options": {}, "read": {}})

    write(0)
    end, written = threading.Event(), [0]

    def writer() -> None:
        while not end.is_set():
            written[0] += 1
            write(written[0] % 2)

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        seen = set()
        for _ in range(60):
            loaded = pr.Data.load(tmp_path / "d")
            counts = loaded.manifest["counts"]
            assert (loaded.corpus.n_playlists, loaded.corpus.n_entries) == (counts["playlists"], counts["entries"])
            seen.add(counts["playlists"])
    finally:
        end.set()
        thread.join()
    assert len(seen) == 2, written
    assert os.listdir(tmp_path) == ["d"]


def test_a_forced_fit_that_fails_leaves_the_run(data_folder: Path, tmp_path: Path) -> None:
    pr.fit(data_folder, "mf", tmp_path / "r", options={"epochs": 1}, preset="none")
    before = {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir() if path.is_file()}
    with pytest.raises(RunError, match="exists"):
        pr.fit(data_folder, "popularity", tmp_path / "r")
    with pytest.raises(RunError, match=r"lr") as caught:
        pr.fit(data_folder, "mf", tmp_path / "r", options={"epochs": 3, "lr": 1e30}, preset="none", force=True)
    assert "playlistrec-new" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir() if path.is_file()} == before
    assert os.listdir(tmp_path) == ["r"]
    (tmp_path / "r" / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match=r"holds 'thesis.tex'"):
        pr.fit(data_folder, "popularity", tmp_path / "r", force=True)
    (tmp_path / "r" / "thesis.tex").unlink()
    pr.fit(data_folder, "popularity", tmp_path / "r", force=True)
    assert sorted(os.listdir(tmp_path / "r")) == ["MODEL.md", "config.toml", "data", "run.json", "weights.npz"]
    assert pr.Run.load(tmp_path / "r").info["model"] == "popularity"


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_in_which_a_fit_was_killed_at_once_is_gone_on_with(
    data_folder: Path, tmp_path: Path, resume: bool
) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / ".run.json.partial-4194305").write_text('{"for')
    pr.fit(data_folder, "popularity", tmp_path / "r", force=resume)
    assert sorted(os.listdir(tmp_path / "r")) == ["MODEL.md", "config.toml", "data", "run.json", "weights.npz"]


def test_what_is_read_is_not_replaced(data_folder: Path, slices: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "d")
    (tmp_path / "d" / "slices").symlink_to(slices)
    run = pr.fit(tmp_path / "d", "mf", tmp_path / "d" / "run", options={"epochs": 1}, preset="none")
    for name in ("run", "slices"):
        with pytest.raises(DataError, match=r"d holds '.*', which playlistrec did not write"):
            pr.preprocess(slices, tmp_path / "d", force=True)
        path = tmp_path / "d" / name
        shutil.move(path, tmp_path / name)
    with pytest.raises(DataError, match="which is read"):
        pr.preprocess(tmp_path / "d", tmp_path / "d", force=True)
    pr.preprocess(slices, tmp_path / "d", k_core=2, workers=1, force=True)
    with pytest.raises(DataError, match="run is not an export"):
        export(tmp_path / "run", tmp_path / "run", force=True, data=tmp_path / "d")
    assert run.info["model"] == pr.Run.load(tmp_path / "run").info["model"]


def test_damaged_and_forged_runs(data_folder: Path, tmp_path: Path) -> None:
    pr.fit(data_folder, "popularity", tmp_path / "r")
    info = json.loads((tmp_path / "r" / "run.json").read_text())
    weights = (tmp_path / "r" / "weights.npz").read_bytes()
    (tmp_path / "r" / "weights.npz").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(RunError, match=r"weights.npz is damaged: its checksum is not that of run.json"):
        pr.Run.load(tmp_path / "r")
    (tmp_path / "r" / "weights.npz").write_bytes(weights)
    for key, value in {"options": [], "model": 3, "refit": "no", "seed": True, "files": 0, "valid": {"x": "y"}}.items():
        (tmp_path / "r" / "run.json").write_text(json.dumps({**info, key: value}))
        with pytest.raises(RunError, match=rf"run.json is damaged: {key} must"):
            pr.Run.load(tmp_path / "r")
    for key in ("data", "training", "split"):
        (tmp_path / "r" / "run.json").write_text(json.dumps({k: v for k, v in info.items() if k != key}))
        with pytest.raises(RunError, match=rf"run.json is damaged: {key} must"):
            pr.Run.load(tmp_path / "r")
    for text in ("[" * 100_000, "[]", "1", '{"format": 1}', "{", '{"format": null}', "\udcff"):
        (tmp_path / "r" / "run.json").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(RunError, match=r"damaged|format"):
            pr.Run.load(tmp_path / "r")


@pytest.mark.parametrize("name", ["/dev/zero", "../x", "sub/x", "manifest.json", ".", "", "/etc/passwd"])
def test_a_manifest_names_our_files_alone(data_folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(data_folder, tmp_path / "d")
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    manifest["files"][name] = "0"
    (tmp_path / "d" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"manifest.json is damaged: files must be checksums of"):
        pr.Data.load(tmp_path / "d")


@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_a_file_that_is_none_is_not_read(data_folder: Path, tmp_path: Path, kind: str) -> None:
    shutil.copytree(data_folder, tmp_path / "d")
    path = tmp_path / "d" / "tracks.parquet"
    path.unlink()
    {"device": lambda: path.symlink_to("/dev/zero"), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[kind]()
    said = "Is a directory" if kind == "folder" else f"it is a {kind}, not a regular file"
    with pytest.raises(DataError, match=f"tracks.parquet cannot be read: {said}"):
        pr.Data.load(tmp_path / "d")


def test_arrays_are_as_large_as_their_file(tmp_path: Path) -> None:
    import zipfile

    good: dict[str, Any] = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "t": np.array(["x", "yö"])}
    good["f"] = np.asfortranarray(np.eye(3))
    write_arrays(tmp_path / "x.npz", good, {"epoch": 3})
    arrays, meta = read_arrays(tmp_path / "x.npz")
    assert meta == {"epoch": 3}
    for name, array in good.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10_000_000))
    with zipfile.ZipFile(tmp_path / "header.npz", "w") as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    np.savez(tmp_path / "times.npz", a=np.array(["2020-01-01"], dtype="datetime64[D]"))
    np.savez(tmp_path / "text.npz", a=np.frombuffer(b"\xff\xff\xff\x7f", "<U1"))
    for name in ("bomb", "header", "objects", "times", "text"):
        with (tmp_path / f"{name}.npz").open("rb") as file, pytest.raises(DataError, match=f"{name}.npz is damaged"):
            read_npz(file, f"{name}.npz")


def test_any_cut_or_flipped_byte_of_an_archive_is_told(tmp_path: Path) -> None:
    write_arrays(tmp_path / "x.npz", {"a": np.arange(50)}, {})
    whole = (tmp_path / "x.npz").read_bytes()
    random = np.random.default_rng(0)
    messages = 0
    for place in random.choice(len(whole), 150, replace=False).tolist():
        flipped = bytes([whole[place] ^ int(random.integers(1, 256))])
        for damaged in (whole[:place], whole[:place] + flipped + whole[place + 1 :]):
            (tmp_path / "y.npz").write_bytes(damaged)
            messages += 1
            with suppress(RunError):  # and nothing else
                read_arrays(tmp_path / "y.npz")
                messages -= 1
    assert messages > 200
