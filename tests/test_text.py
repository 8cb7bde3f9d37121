"""Text that somebody else wrote: refused as an id, and harmless as a name wherever it is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calling import call

import playlistrec as pr
from playlistrec.errors import DataError
from playlistrec.serving.listing import as_csv, as_m3u
from playlistrec.text import csv_cell, escaped_json, markdown_cell, shown

HOSTILE = {
    "a line of its own": "x\nhttp://evil.example/stream.mp3",
    "a return": "x\rhttp://evil.example",
    "a title of the terminal": "\x1b]0;owned\x07\x1b[2J",
    "eight-bit control": "\x9b2Jx",
    "a link": "\x1b]8;;http://evil\x07hi\x1b]8;;\x07",
    "a change of direction": "\u202eabc\u202c",
    "an isolate": "a\u2066b",
    "a separator of lines": "a\u2028b",
    "blank": " ",
    "nul": "a\x00b",
}


def source(path: Path, form: str, text: str) -> Path:
    """A file of one format in which an id is ``text``."""
    if form == "mpd":
        tracks = [[{"track_uri": uri} for uri in ("a", text, "b")] for _ in range(3)]
        content = {"playlists": [{"pid": pid, "tracks": own} for pid, own in enumerate(tracks)]}
        (path / "mpd.slice.0-2.json").write_text(json.dumps(content))
        return path / "mpd.slice.0-2.json"
    quoted = '"' + text.replace('"', '""') + '"'
    (path / "x.csv").write_text(
        "playlist_id,track_id\n" + "".join(f"p{i},{t}\n" for i in range(3) for t in ("a", quoted, "b")), newline=""
    )
    return path / "x.csv"


@pytest.mark.parametrize(
    ("form", "what"), [(form, what) for form in ("mpd", "csv") for what in HOSTILE if (form, what) != ("csv", "blank")]
)
def test_no_reader_takes_such_an_id(tmp_path: Path, form: str, what: str) -> None:
    path = source(tmp_path, form, HOSTILE[what])
    with pytest.raises(DataError) as caught:
        pr.preprocess(path, tmp_path / "d", workers=1)
    assert not any(character in str(caught.value) for character in "\x1b\x9b\x00\u202e\u2028\u2066")
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("text", ["nan", "=1+1", "a b", "ä", "<b>", "[bold]"])
def test_what_is_merely_odd_is_an_id(tmp_path: Path, text: str) -> None:
    data = pr.preprocess(source(tmp_path, "mpd", text), tmp_path / "d", workers=1)
    assert text in data.corpus.track_table["uri"].to_pylist()


def test_names_are_kept_and_cleaned_where_they_are_shown(tmp_path: Path) -> None:
    names = [*HOSTILE.values(), '=HYPERLINK("http://evil")', "[bold red]x[/]", "[/]", "@cmd|' /C calc'!A0", "+1", "-x"]
    playlists = []
    for p in range(40):
        named = [names[(p + k) % 20 % len(names)] for k in range(8)]
        tracks = [
            {"track_uri": f"t{(p + k) % 20}", "track_name": named[k], "artist_name": names[k], "artist_uri": f"a{k}"}
            for k in range(8)
        ]
        playlists.append({"pid": p, "name": names[p % len(names)], "tracks": tracks})
    (tmp_path / "mpd.slice.0-39.json").write_text(json.dumps({"playlists": playlists}))
    data = pr.preprocess(tmp_path / "mpd.slice.0-39.json", tmp_path / "d", workers=1)
    assert "\x1b]0;owned\x07\x1b[2J" in data.corpus.track_table["name"].to_pylist()
    for pid in range(len(names)):
        out = call("show", tmp_path / "d", pid).output
        assert out.splitlines()[0].endswith(f" ({pid}), 8 tracks")
        assert not any(c in out for c in "\x1b\x07\x9b\x00\r\u202e\u2028\u2066")
    pr.fit(tmp_path / "d", "popularity", tmp_path / "r")
    for form in ("table", "csv", "m3u", "json"):
        out = call("recommend", tmp_path / "r", "--track", "t1", "--format", form, "-k", "15").output
        assert not any(c in out for c in "\x1b\x07\x9b\x00\r\u202e\u2028\u2066")
        if form == "m3u":
            lines = out.splitlines()
            assert all(line.startswith("#EXT") or line[1:].isdecimal() for line in lines), lines
        if form == "csv":
            assert not any(
                cell.startswith(("=", "@", "+", "-", '"=')) for line in out.splitlines() for cell in line.split(",")
            )
        if form == "json":
            assert "\x1b]0;owned\x07\x1b[2J" in {item["track_name"] for item in json.loads(out)["items"]}


def test_each_writer() -> None:
    record = {"rank": 1, "track_uri": "a\nb", "track_name": "=x", "artist_name": "y\x1bz", "score": -0.5}
    assert as_m3u([record]).splitlines() == ["#EXTM3U", "#EXTINF:-1,y\ufffdz - =x", "a\ufffdb"]
    assert as_csv([record]).splitlines()[1] == "1,a\ufffdb,'=x,y\ufffdz,-0.5"
    assert csv_cell(" =1") == "' =1"
    assert json.loads(escaped_json(json.dumps("a\x7f\u202e\x9b\udcff", ensure_ascii=False))) == "a\x7f\u202e\x9b\udcff"
    assert markdown_cell("[x](y)|`z`") == r"\[x\](y)\|\`z\`"
    assert shown("\udcff") == "\ufffd"


@pytest.mark.parametrize(
    "arguments",
    [
        ["preprocess", "{f}", "-o", "{t}/d"],
        ["fit", "{d}", "-m", "mf", "-o", "{t}/r", "--config", "{f}"],
        ["challenge", "verify", "{f}", "{f}"],
        ["challenge", "score", "{f}", "{f}"],
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_is_no_source(data_folder: Path, tmp_path: Path, arguments: list[str], kind: str) -> None:
    path = tmp_path / "in.json"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    words = [word.format(f=path, t=tmp_path, d=data_folder) for word in arguments]
    before = time.monotonic()
    error = call(*words, code=2 if "--config" in words else 1).stderr
    assert error.count("\n") == 1
    assert "in.json" in error
    assert time.monotonic() - before < 20
    assert os.listdir(tmp_path) == ["in.json"]


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_signals_end_in_a_line_and_leave_nothing(tmp_path: Path, number: int, code: int, said: str) -> None:
    home = {**os.environ, "PYTHONPATH": str(Path(pr.__file__).parents[1])}
    words = [sys.executable, "-m", "playlistrec", "synth", str(tmp_path / "s"), "--playlists", "200000"]
    process = subprocess.Popen(
        words, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not list(tmp_path.glob(".s.*/*")) and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code
    assert error == f"error: {said}\n"
    assert not os.listdir(tmp_path)
