"""Submissions that break the rules, each in its own way, and those that keep them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from playlistrec.challenge.files import ChallengeSet, Entry, Incomplete
from playlistrec.challenge.submission import write_submission
from playlistrec.challenge.verify import verify
from playlistrec.errors import ConfigError, DataError

TRACKS = [f"spotify:track:{i}" for i in range(600)]
ANSWERS = {str(pid): TRACKS[10 + pid : 510 + pid] for pid in (0, 1, 12)}

Lines = list[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    playlists = [Incomplete(int(pid), [Entry(uri) for uri in TRACKS[:3]]) for pid in ANSWERS]
    (folder / "challenge_set.json").write_bytes(msgspec.json.encode(ChallengeSet(playlists)))
    return folder


def good() -> Lines:
    """Line 1 the team, 2 to 4 the playlists 0, 1 and 12."""
    return ["team_info,my team,me@example.org", *(",".join([pid, *uris]) for pid, uris in ANSWERS.items())]


def changed(lines: Lines, number: int, change: Callable[[list[str]], list[str]]) -> Lines:
    fields = change(lines[number - 1].split(","))
    return [*lines[: number - 1], ",".join(fields), *lines[number:]]


def replaced(number: int, place: int, value: str) -> Lines:
    return changed(good(), number, lambda fields: [*fields[:place], value, *fields[place + 1 :]])


BROKEN: dict[str, tuple[Lines, list[str]]] = {
    "no team": (good()[1:], ["line 1: the first line must begin with team_info (got 0)"]),
    "team later": (
        [good()[1], good()[0], *good()[2:]],
        [
            "line 1: the first line must begin with team_info (got 0)",
            "line 2: team_info stands in the first line alone",
        ],
    ),
    "two teams": ([*good(), good()[0]], ["line 5: team_info stands in the first line alone"]),
    "team without address": (
        ["team_info,my team", *good()[1:]],
        ["line 1: the first line must be team_info,team,email (got 2 fields)"],
    ),
    "another track": (
        ["team_info,other,my team,me@example.org", *good()[1:]],
        ["line 1: the first line must be team_info,team,email (got 4 fields)"],
    ),
    "bad address": (replaced(1, 2, "me"), ["line 1: the first line must name an email address (got me)"]),
    "empty team": (replaced(1, 1, " "), ["line 1: the first line must name a team (got '')"]),
    "499 tracks": (changed(good(), 3, lambda f: f[:-1]), ["line 3: playlist 1 has 499 tracks, not 500"]),
    "501 tracks": (
        changed(good(), 4, lambda f: [*f, "spotify:track:z"]),
        ["line 4: playlist 12 has 501 tracks, not 500"],
    ),
    "no track": (changed(good(), 4, lambda f: f[:1]), ["line 4: playlist 12 has 0 tracks, not 500"]),
    "comma at the end": (
        changed(good(), 2, lambda f: [*f, ""]),
        ["line 2: playlist 0 has 501 tracks, not 500", "line 2: track 501 of playlist 0: empty"],
    ),
    "empty track": (replaced(2, 7, "  "), ["line 2: track 7 of playlist 0: empty"]),
    "track twice": (replaced(3, 500, "spotify:track:11"), ["line 3: more than once: track spotify:track:11"]),
    "a seed": (replaced(3, 9, "spotify:track:2"), ["line 3: seeds of playlist 1: track spotify:track:2"]),
    "two seeds": (
        changed(good(), 3, lambda f: [f[0], "spotify:track:2", "spotify:track:0", *f[3:]]),
        ["line 3: seeds of playlist 1: 2 tracks, spotify:track:2, spotify:track:0"],
    ),
    "no uri": (replaced(4, 1, "Holocene"), ["line 4: not of the form spotify:track:…: track Holocene"]),
    "an album": (
        replaced(4, 1, "spotify:album:1"),
        ["line 4: not of the form spotify:track:…: track spotify:album:1"],
    ),
    "unknown playlist": (
        replaced(3, 0, "77"),
        ["line 3: the challenge set has no playlist 77", "line 4: not answered by the end of the file: playlist 1"],
    ),
    "no number": (
        replaced(3, 0, "p\t1"),
        [
            r"line 3: the challenge set has no playlist 'p\t1'",
            "line 4: not answered by the end of the file: playlist 1",
        ],
    ),
    "playlist twice": ([*good(), good()[2]], ["line 5: playlist 1 was answered already, on line 3"]),
    "playlist missing": (good()[:3], ["line 3: not answered by the end of the file: playlist 12"]),
    "all missing": (good()[:1], ["line 1: not answered by the end of the file: 3 playlists, 0, 1, 12"]),
    "semicolons": (
        [good()[0], *(line.replace(",", ";") for line in good()[1:2]), *good()[2:]],
        [
            f"line 2: the challenge set has no playlist {good()[1].replace(',', ';')[:59]}…",
            f"line 2: playlist {good()[1].replace(',', ';')[:59]}… has 0 tracks, not 500",
            "line 4: not answered by the end of the file: playlist 0",
        ],
    ),
    "lines count blanks and comments": (
        ["# mine", "", *changed(good(), 2, lambda f: f[:-1])],
        ["line 4: playlist 0 has 499 tracks, not 500"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_each_fault_is_told_with_its_line(name: str, suffix: str, folder: Path, tmp_path: Path) -> None:
    lines, faults = BROKEN[name]
    content = "\n".join(lines).encode()
    (path := tmp_path / f"s{suffix}").write_bytes(gzip.compress(content) if suffix == ".csv.gz" else content)
    assert [str(fault) for fault in verify(path, folder).faults] == faults


BYTES: dict[str, tuple[str, bytes, list[str]]] = {
    "empty": ("s.csv", b"", ["line 1: the file says nothing"]),
    "comments alone": ("s.csv", b"# a\n\n# b\n", ["line 1: the file says nothing"]),
    "empty gzip": ("s.csv.gz", gzip.compress(b""), ["line 1: the file says nothing"]),
    "not gzipped": ("s.csv.gz", "\n".join(good()).encode(), ["line 1: it is not gzipped, and its name says otherwise"]),
    "gzipped": ("s.csv", gzip.compress(b"a"), ["line 1: it is gzipped, and its name says otherwise"]),
    "byte-order mark": (
        "s.csv",
        b"\xef\xbb\xbf" + "\n".join(good()).encode(),
        [r"line 1: the first line must begin with team_info (got '\ufeffteam_info')"],
    ),
    "Latin-1": (
        "s.csv",
        "\n".join(["team_info,Café,me@example.org", *good()[1:]]).encode("latin-1"),
        ["line 1: it is not UTF-8 text (byte 14 is 0xe9)"],
    ),
}


@pytest.mark.parametrize("name", BYTES)
def test_files_that_are_no_submission(name: str, folder: Path, tmp_path: Path) -> None:
    file, content, faults = BYTES[name]
    (tmp_path / file).write_bytes(content)
    assert [str(fault) for fault in verify(tmp_path / file, folder).faults] == faults


def test_damaged_gzip_is_told_where_it_ends(folder: Path, tmp_path: Path) -> None:
    import random

    noise = random.Random(0)
    lines = [f"# {noise.random()}" for _ in range(5000)]
    data = gzip.compress("\n".join([*good(), *lines]).encode())
    (path := tmp_path / "s.csv.gz").write_bytes(data[: len(data) // 2])
    (fault,) = verify(path, folder).faults
    assert fault.text == "the gzip data is cut off"
    assert 100 < fault.line < 5004
    path.write_bytes(data[: len(data) // 2] + bytes(100) + data[len(data) // 2 + 100 :])
    assert verify(path, folder).faults[-1].text == "the gzip data is damaged"
    path.write_bytes(data[:-4])
    assert [fault.text for fault in verify(path, folder).faults] == ["the gzip data is cut off"]


@pytest.mark.parametrize("binary", [bytes(range(256)) * 50, "\n".join(good()).encode("utf-16"), b"PK\x03\x04" * 99])
def test_no_file_is_a_traceback(binary: bytes, folder: Path, tmp_path: Path) -> None:
    (path := tmp_path / "s.csv").write_bytes(binary)
    faults = verify(path, folder).faults
    assert faults[0].line == 1
    assert all(str(fault).isprintable() for fault in faults)


def test_what_keeps_the_rules(folder: Path, tmp_path: Path) -> None:
    for name, lines in {
        "plain": good(),
        "2018": ["team_info,main,my team,me@example.org", *good()[1:]],
        "free": ["# mine", "", good()[0].replace(",", " , "), "  ", *reversed(good()[1:]), "#", ""],
        "zeros": [good()[0], "000" + good()[1], "01" + good()[2][1:], good()[3]],
        "windows": [line + "\r" for line in good()],
    }.items():
        (path := tmp_path / f"{name}.csv").write_text("\n".join(lines), newline="")
        verdict = verify(path, folder)
        assert (verdict.faults, verdict.warnings) == ([], []), name
        assert verdict.answers == ANSWERS, name


def test_other_uris_need_no_form_of_spotifys(folder: Path, tmp_path: Path) -> None:
    playlists = [Incomplete("list a", [Entry("1")])]
    (tmp_path / "challenge_set.json").write_bytes(msgspec.json.encode(ChallengeSet(playlists)))
    write_submission(tmp_path / "s.csv", {"list a": [str(i) for i in range(2, 502)]}, "us", "a@b.c")
    assert verify(tmp_path / "s.csv", tmp_path).faults == []


def test_tracks_unknown_to_the_data_are_a_warning(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "challenge_set.json").write_bytes((folder / "challenge_set.json").read_bytes())
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"uri": TRACKS[:520]}), tmp_path / "data" / "tracks.parquet")
    write_submission(tmp_path / "s.csv.gz", ANSWERS, "us", "a@b.c")
    verdict = verify(tmp_path / "s.csv.gz", tmp_path)
    assert verdict.faults == []
    assert verdict.warnings == [f"{tmp_path / 'data'} does not know 2 tracks, spotify:track:520, spotify:track:521"]


def test_what_is_written_keeps_the_rules_and_is_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write_submission(tmp_path / name, ANSWERS, " us ", "a@b.c")
        assert verify(tmp_path / name, folder).answers == ANSWERS
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"team_info,us,a@b.c\n0,spotify:track:10,")
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv.gz", "b.csv.gz"}
    for team, email in (("a,b", "a@b.c"), ("", "a@b.c"), ("a", "b"), ("a\nb", "a@b.c"), ("a", "a@b,c@d")):
        with pytest.raises(ConfigError, match=r"must be (text without commas|an address)"):
            write_submission(tmp_path / "c.csv", {}, team, email)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_submission(tmp_path / "file" / "c.csv", {}, "a", "a@b.c")


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        verify(tmp_path / "none.csv", folder)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        verify(tmp_path, folder)
    with pytest.raises(DataError, match="does not exist"):
        verify(tmp_path / "none.csv", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not in the format: Input data was truncated"),
        ("[]", "is not in the format: Expected `object`, got `array`"),
        ('{"playlists": [{"tracks": []}]}', r"missing required field `pid` - at playlists\[0\]"),
        ('{"playlists": [{"pid": 1, "tracks": [{"track_uri": 3}]}]}', r"Expected `str`, got `int` - at playlists"),
        ('{"playlists": []}', "holds no playlists"),
        ('{"playlists": [{"pid": 1, "tracks": []}, {"pid": "1", "tracks": []}]}', "holds playlist 1 twice"),
        (b"\xff\xfe\x00", "is not in the format"),
        ('{"playlists": [{"pid": 1, "tracks": [], "name": "\udcff"}]}'.encode("utf-8", "surrogateescape"), "format"),
    ],
)
def test_challenge_sets_that_cannot_be_read(content: str | bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message):
        verify(tmp_path / "s.csv", tmp_path / "c.json")


OFFICIAL = [f"spotify:track:{i:022d}" for i in range(600)]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A challenge set whose uris are of the official form."""
    folder = tmp_path_factory.mktemp("official")
    playlists = [Incomplete(7, [Entry(uri) for uri in OFFICIAL[:3]])]
    (folder / "challenge_set.json").write_bytes(msgspec.json.encode(ChallengeSet(playlists)))
    return folder


def held(folder: Path, path: Path, head: str, uris: list[str], variant: str | None = None) -> list[str]:
    path.write_text(f"{head}\n7,{','.join(uris)}\n")
    return [fault.text for fault in verify(path, folder, variant).faults]


@pytest.mark.parametrize(
    "uri",
    ["spotify:track:", "spotify:track:abc", "spotify:track:a:" + "0" * 20, "spotify:album:" + "0" * 22, "x" * 36],
)
def test_a_track_is_three_parts_and_22_characters(official: Path, tmp_path: Path, uri: str) -> None:
    head = "team_info,my team,me@example.org"
    assert held(official, tmp_path / "s.csv", head, OFFICIAL[5:505]) == []
    [fault] = held(official, tmp_path / "s.csv", head, [*OFFICIAL[5:504], uri])
    assert fault.startswith("not of the form spotify:track:… with 22 characters: track ")


@pytest.mark.parametrize(
    ("head", "of_2018", "of_2020", "of_either"),
    [
        ("team_info,my team,main,me@example.org", True, False, True),
        ("team_info,my team,creative,me@example.org", True, False, True),
        ("team_info,my team,me@example.org", False, True, True),
        ("team_info,my team,other,me@example.org", False, False, False),
        ("TEAM_INFO,my team,me@example.org", False, False, False),
        ("Team_info,my team,main,me@example.org", False, False, False),
        ("team_info,my team", False, False, False),
    ],
)
def test_the_first_line_of_each_year(
    official: Path, tmp_path: Path, head: str, of_2018: bool, of_2020: bool, of_either: bool
) -> None:
    for variant, fine in {"2018": of_2018, "2020": of_2020, None: of_either}.items():
        assert (held(official, tmp_path / "s.csv", head, OFFICIAL[5:505], variant) == []) == fine, variant


@pytest.mark.parametrize("variant", ["2018", "2020"])
def test_what_is_written_for_a_year_keeps_its_rules(official: Path, tmp_path: Path, variant: str) -> None:
    out = tmp_path / "s.csv"
    write_submission(out, {"7": OFFICIAL[5:505]}, "my team", "me@example.org", variant=variant, track="creative")
    assert verify(out, official, variant).faults == []
    assert out.read_text().startswith(
        "team_info,my team,creative,me@" if variant == "2018" else "team_info,my team,me@"
    )


@pytest.mark.parametrize(
    ("pid", "uri"), [("a,b", "x"), ("c\nd", "x"), ("7", "t50,x"), ("7", "x\ny"), ("7", ""), ("#7", "x")]
)
def test_an_id_that_cannot_stand_in_a_submission_is_not_written(tmp_path: Path, pid: str, uri: str) -> None:
    with pytest.raises(DataError, match="cannot stand in a submission: ids must not be empty, hold commas"):
        write_submission(tmp_path / "s.csv", {pid: [*OFFICIAL[:499], uri]}, "my team", "me@example.org")
    assert not (tmp_path / "s.csv").exists()
