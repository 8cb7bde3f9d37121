"""What is refused, and in which words: every message is one short line that names the place and the rule."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from playlistrec.corpus.sources.read import read
from playlistrec.errors import ConfigError, DataError

Content = bytes | str | dict[str, Any]


def playlist(pid: object = 0, *uris: object, **fields: object) -> dict[str, Any]:
    return {"pid": pid, "tracks": [{"track_uri": uri} for uri in uris], **fields}


def slice_of(*playlists: object) -> dict[str, Any]:
    return {"playlists": list(playlists)}


def encode(content: Content) -> bytes:
    if isinstance(content, dict):
        content = json.dumps(content)
    return content if isinstance(content, bytes) else content.encode()


def zipped(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


GOOD = encode(slice_of(playlist(7, "a", "b", name="x" * 500)))
TWO_COLUMNS = "playlist_id,track_id\n"

# name of the case, the files of a folder, words of the message in their order
SLICES: list[tuple[str, dict[str, Content], list[str]]] = [
    ("truncated", {"mpd.slice.0-9.json": GOOD[:40]}, ["mpd.slice.0-9.json is cut off", "after 40 bytes"]),
    ("empty", {"mpd.slice.0-9.json": b""}, ["mpd.slice.0-9.json is empty"]),
    ("blank", {"mpd.slice.0-9.json": b" \n"}, ["mpd.slice.0-9.json is empty"]),
    ("not JSON", {"mpd.slice.0-9.json": b'{"a" oops'}, ["is not JSON", "byte 5"]),
    ("two values", {"a.json": GOOD + b"x"}, ["a.json is not JSON", "trailing"]),
    ("binary", {"a.json": bytes(range(256))}, ["a.json is not JSON", "byte 0"]),
    ("NaN", {"a.json": b'{"playlists": [{"pid": NaN}]}'}, ["a.json is not JSON", "byte 23"]),
    ("a list", {"a.json": b"[]"}, ["a.json: the file must be an object (got a list)"]),
    ("no playlists field", {"a.json": b"{}"}, ["a.json: field playlists is missing"]),
    (
        "playlists no list",
        {"a.json": b'{"playlists": 3}'},
        ["field playlists must be a list", "whole number"],
    ),
    ("no playlist in it", {"a.json": slice_of()}, ["holds no playlists"]),
    (
        "playlist no object",
        {"a.json": slice_of(7)},
        ["a.json, playlist 1 of 1: the playlist must be an object (got a whole"],
    ),
    ("no pid", {"a.json": slice_of(playlist(1), {"tracks": []})}, ["playlist 2 of 2: field pid is missing"]),
    ("no tracks", {"a.json": slice_of({"pid": 31})}, ["(pid 31): field tracks is missing"]),
    (
        "no uri",
        {"a.json": slice_of({"pid": 3, "tracks": [{"pos": 0}]})},
        ["(pid 3): track 1, field track_uri is m"],
    ),
    (
        "uri a number",
        {"a.json": slice_of(playlist(3, 7))},
        ["track 1, field track_uri must be text or null (got a whole number)"],
    ),
    (
        "a challenge set",
        {"a.json": slice_of(playlist(3, "a", num_holdouts=5))},
        ["a.json: its playlists are incomplete (num_holdouts)", "no slice to learn from"],
    ),
    (
        "pid text",
        {"a.json": slice_of(playlist("3"))},
        ["(pid '3'): field pid must be a whole number (got text)"],
    ),
    ("pid huge", {"a.json": slice_of(playlist(10**30))}, ["(pid 1000", "field pid is out of range"]),
    (
        "edits",
        {"a.json": slice_of(playlist(3, num_edits="2"))},
        ["num_edits must be a whole number or null (got t"],
    ),
    ("edits huge", {"a.json": slice_of(playlist(3, num_edits=2**63))}, ["field num_edits is out of range"]),
    (
        "collaborative",
        {"a.json": slice_of(playlist(3, collaborative="ja\nnein" * 40))},
        ["collaborative must be the text true or false (got ja\\nnein"],
    ),
    ("half a surrogate", {"a.json": slice_of(playlist(3, "\ud800"))}, ["a.json is not JSON", "byte 58"]),
    ("nested", {"a.json": b'{"a": ' + b"[" * 10**5}, ["a.json is not JSON"]),
    (
        "latin-1",
        {"a.json": b'{"playlists":[{"pid":1,"name":"\xe9","tracks":[]}]}'},
        ["1 of 1", "not Unicode"],
    ),
    (
        "gzip cut off",
        {"mpd.slice.0-9.json.gz": gzip.compress(GOOD)[:-9]},
        ["0-9.json.gz is cut off: the compressed"],
    ),
    ("gzip garbled", {"a.json.gz": b"\x1f\x8b" + b"garbage" * 9}, ["a.json.gz is damaged"]),
    ("gzip bad sum", {"a.json.gz": gzip.compress(GOOD)[:-8] + b"\0" * 8}, ["a.json.gz is damaged: CRC"]),
    (
        "pid in two files",
        {"mpd.slice.0-9.json": GOOD, "mpd.slice.10-19.json": GOOD},
        ["pid 7 stands in mpd.slice.0-9.json and in mpd.slice.10-19.json", "renumber"],
    ),
    (
        "pid twice in one",
        {"a.json": slice_of(playlist(5), playlist(5))},
        ["pid 5 stands twice in a.json", "renumber"],
    ),
    ("empty folder", {}, ["cannot tell what", "found nothing", "taken are"]),
    ("other files", {f"{i}.md": "x" for i in range(5)}, ["cannot tell what", "found 0.md, 1.md, 2.md, …"]),
]

TABLES: list[tuple[str, dict[str, Content], list[str]]] = [
    ("empty", {"a.csv": b""}, ["a.csv is empty"]),
    ("blank lines", {"a.csv": b"\n\n"}, ["a.csv is empty"]),
    ("header only", {"a.csv": TWO_COLUMNS}, ["a.csv has a header and no rows"]),
    ("header, no newline", {"a.csv": TWO_COLUMNS.strip()}, ["a.csv has a header and no rows"]),
    (
        "no track column",
        {"a.csv": "pid,melody,x,y,z,w\n1,2,3,4,5,6\n"},
        ["a.csv has no column track_id or track_uri or track or uri", "'pid', 'melody'", "…"],
    ),
    ("column twice", {"a.csv": "pid,uri,uri\n1,2,3\n"}, ["a.csv has 2 columns called uri"]),
    ("empty playlist", {"a.csv": TWO_COLUMNS + "1,2\n ,2\n"}, ["a.csv, line 3: playlist_id is missing"]),
    ("no id at all", {"a.csv": TWO_COLUMNS + "1,\n2,  \n"}, ["a.csv: no row has a track_id"]),
    ("line in a title", {"a.csv": 'pid,uri,track_name\n1,2,"x\ny"\n'}, ["line 2: track_name holds a line break"]),
    ("line in an id", {"a.csv": TWO_COLUMNS + '1,2\n3,"4\n5"\n'}, ["line 3: track_id holds a line break"]),
    ("open quote", {"a.csv": TWO_COLUMNS + '1,2\n3,"4\n5,6\n'}, ["line 3: a quote that opens here is not closed"]),
    ("a field too few", {"a.csv": TWO_COLUMNS + "1,2\n\n3\n"}, ["line 4: 1 field where the header has 2"]),
    ("a field too many", {"a.csv": TWO_COLUMNS + "1,2,3\n"}, ["line 2: 3 fields where the header has 2"]),
    ("no text", {"a.csv": b"pid,uri\n1,a\n2,\x81\n"}, ["a.csv, line 3: bytes that are not Windows-1252"]),
    ("binary", {"a.csv": bytes(range(256)) * 2000}, ["a.csv"]),
    ("pos", {"a.csv": "pid,uri,pos\n1,a,0\n1,b,first\n"}, ["line 3: pos must be a number (got 'first')"]),
    ("pos missing", {"a.csv": "pid,uri,pos\n1,a,\n"}, ["line 2: pos must be a number (got '')"]),
    ("pos infinite", {"a.csv": "pid,uri,pos\n1,a,1e999\n"}, ["line 2: pos must be a number (got '1e999')"]),
    ("duration", {"a.csv": "pid,uri,duration_ms\n1,a,3:21\n"}, ["duration_ms must be a number (got '3:21')"]),
    ("gzip cut off", {"a.csv.gz": gzip.compress(b"pid,uri\n" + b"1,2\n" * 9)[:-9]}, ["a.csv.gz is cut off"]),
    ("gzip garbled", {"a.csv.gz": b"\x1f\x8b" + b"garbage" * 9}, ["a.csv.gz is damaged"]),
    (
        "track listed twice",
        {"a.csv": TWO_COLUMNS + "1,2\n", "tracks.csv": "track_id\n2\n3\n2\n"},
        ["tracks.csv, line 4: '2' stands in this table for the second time"],
    ),
    (
        "playlist listed twice",
        {"a.csv": TWO_COLUMNS + "1,2\n", "playlists.csv": "playlist_id,name\n1,x\n1,y\n"},
        ["playlists.csv, line 3: '1' stands in this table for the second time"],
    ),
    (
        "flag",
        {"a.csv": TWO_COLUMNS + "1,2\n", "playlists.csv": "pid,collaborative\n1,TRUE\n2,perhaps\n"},
        ["playlists.csv, line 3: collaborative must be true or false (got 'perhaps')"],
    ),
    (
        "edits",
        {"a.csv": TWO_COLUMNS + "1,2\n", "playlists.csv": "pid,num_edits\n1,many\n"},
        ["playlists.csv, line 2: num_edits must be a number (got 'many')"],
    ),
    ("tracks alone", {"tracks.csv": "track_id\n2\n"}, ["holds no file of entries (csv; found tracks.csv)"]),
    (
        "two tables",
        {"a.csv": TWO_COLUMNS, "b.csv": TWO_COLUMNS},
        ["several files of entries", "a.csv, b.csv", "give one file"],
    ),
    (
        "two track tables",
        {"a.csv": "pid,uri\n1,2\n", "tracks.csv": "", "tracks.csv.gz": ""},
        ["holds both tracks.csv and"],
    ),
    ("no test", {"train.csv": "pid,uri\n1,2\n"}, ["holds train.csv but no test file", "give the file"]),
    ("no train", {"test.txt": "1 2\n"}, ["holds test.txt but no train file"]),
    (
        "two trains",
        {"train.csv": "", "train.csv.gz": "", "test.csv": ""},
        ["holds both train.csv and train.csv.gz"],
    ),
    (
        "two formats",
        {"train.csv": "", "train.txt": "", "test.txt": ""},
        ["test.txt, train.csv, train.txt: keep one"],
    ),
    ("empty test", {"train.csv": "pid,uri\n1,2\n", "test.csv": ""}, ["test.csv is empty"]),
]

ADJACENCY: list[tuple[str, dict[str, Content], list[str]]] = [
    ("empty", {"train.txt": "1 2\n", "test.txt": ""}, ["test.txt is empty"]),
    ("blank", {"train.txt": "\n \n", "test.txt": "1 2\n"}, ["train.txt is empty"]),
    (
        "commas",
        {"train.txt": "1 2\n\n1,3\n", "test.txt": "1 2\n"},
        ["train.txt, line 3: a line is ids", "'1,3'"],
    ),
    (
        "latin-1",
        {"train.txt": "1 é\né 2\n".encode() + b"2 \xe9\n", "test.txt": "1 2\n"},
        ["train.txt, line 3: bytes that are not UTF-8"],
    ),
    (
        "control",
        {"train.txt": b"1 2\n2 \x00\x01\n", "test.txt": "1 2\n"},
        ["train.txt, line 2: a line is ids", "\\x00"],
    ),
    (
        "gzip",
        {"train.txt.gz": gzip.compress(b"1 2\n" * 99)[:-9], "test.txt": "1 2\n"},
        ["train.txt.gz is cut off"],
    ),
]


def refused(source: Path, words: list[str], **options: Any) -> None:
    with pytest.raises(DataError) as caught:
        read(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    at = 0
    for word in words:
        assert word in message[at:], message
        at = message.index(word, at) + len(word)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param(files, words, id=f"{kind}: {name}")
        for kind, cases in (("mpd", SLICES), ("csv", TABLES), ("adjacency", ADJACENCY))
        for name, files, words in cases
    ],
)
def test_folder(tmp_path: Path, files: dict[str, Content], words: list[str]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(encode(content))
    refused(tmp_path, words)


def corrupt_zip(path: Path) -> None:
    zipped(path, {"data/mpd.slice.0-9.json": GOOD})
    data = bytearray(path.read_bytes())
    data[60:64] = b"\xff\xff\xff\xff"
    path.write_bytes(data)


FILES: list[tuple[str, str, Callable[[Path], object], list[str]]] = [
    ("missing", "nowhere", lambda path: None, ["there is no file or folder"]),
    (
        "unknown",
        "a.xlsx",
        lambda path: path.write_bytes(b"x"),
        ["cannot tell what", "found a.xlsx", "taken are"],
    ),
    ("no zip", "a.zip", lambda path: path.write_bytes(b"x" * 99), ["a.zip is not a readable .zip"]),
    (
        "zip cut off",
        "a.zip",
        lambda path: path.write_bytes(b"PK\x03\x04" + GOOD),
        ["a.zip is not a readable .zip"],
    ),
    (
        "zip without slices",
        "a.zip",
        lambda path: zipped(path, {"x.md": b""}),
        ["holds no slices", "found a.zip/x.md"],
    ),
    ("zip garbled", "a.zip", corrupt_zip, ["a.zip/data/mpd.slice.0-9.json is damaged"]),
    (
        "zip, bad member",
        "a.zip",
        lambda path: zipped(path, {"b.json": b"{}"}),
        ["a.zip/b.json: field playlists"],
    ),
    (
        "CSV as text",
        "a.txt",
        lambda path: path.write_text("a,b\nc,d\n"),
        ["a.txt, line 1", "'a,b'"],
    ),
]


@pytest.mark.parametrize(("name", "make", "words"), [pytest.param(*case[1:], id=case[0]) for case in FILES])
def test_file(tmp_path: Path, name: str, make: Callable[[Path], object], words: list[str]) -> None:
    make(tmp_path / name)
    refused(tmp_path / name, words)


def test_the_wrong_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TWO_COLUMNS + "1,2\n")
    refused(tmp_path, ["holds no slices", "found a.csv"], format="mpd")
    refused(tmp_path, ["holds no file of entries (adjacency; found a.csv)"], format="adjacency")
    refused(tmp_path / "a.csv", ["a.csv is not JSON", "byte 0"], format="mpd")


def test_options_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"format must be one of auto, melon, .*, mpd, movielens, lastfm, .*, csv, .*, parquet \(got 'xml'\)",
    ):
        read(tmp_path, format="xml")
    with pytest.raises(ConfigError, match=r"limit must be at least 1 \(got 0\)"):
        read(tmp_path, limit=0)
    with pytest.raises(ConfigError, match=r"workers must be at least 1 \(got -2\)"):
        read(tmp_path, workers=-2)
