"""`playlistrec challenge`, from synthetic slices to a table of scores."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from playlistrec.cli.main import main


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def there(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a challenge ``set``, and submissions of two models fitted to its data."""
    folder = tmp_path_factory.mktemp("challenge")
    call("preprocess", slices, "-o", folder / "data", "--workers", 1)
    made = call("challenge", "make", folder / "data", "-o", folder / "set", "--per-scenario", 3, "--seed", 5)
    assert "playlists to continue" in made.stdout
    assert "title, random 25" in made.stdout
    for model in ("popularity", "itemknn"):
        call("fit", folder / "set" / "data", "-m", model, "-o", folder / model)
        out = folder / f"{model}.csv.gz"
        team = ("--team", "our team", "--email", "us@example.org")
        reported = call("challenge", "submit", folder / model, folder / "set", "-o", out, *team)
        assert reported.stdout.endswith(f": {out}\n")
    return folder


def test_the_whole_round(there: Path) -> None:
    found = {}
    for model in ("popularity", "itemknn"):
        file = there / f"{model}.csv.gz"
        assert gzip.decompress(file.read_bytes()).startswith(b"team_info,our team,us@example.org\n")
        reported = call("challenge", "verify", file, there / "set")
        assert reported.stdout == f"{file} keeps the rules: {n_playlists(there)} playlists\n"
        assert reported.stderr == ""
        found[model] = json.loads(call("challenge", "score", file, there / "set", "--format", "json").stdout)
    known, popular = found["itemknn"], found["popularity"]
    assert list(known) == ["variant", "n_playlists", "r_precision", "ndcg", "clicks", "scenarios"]
    assert known["n_playlists"] == n_playlists(there) == sum(s["n_playlists"] for s in known["scenarios"])
    assert known["ndcg"] > 1.5 * popular["ndcg"]
    assert known["clicks"] < popular["clicks"]


def n_playlists(there: Path) -> int:
    return len(json.loads((there / "set" / "challenge_set.json").read_text())["playlists"])


def test_formats_and_variants(there: Path) -> None:
    arguments = ("challenge", "score", there / "itemknn.csv.gz", there / "set")
    table = call(*arguments).stdout.splitlines()
    assert table[0].endswith("itemknn.csv.gz, variant 2018")
    assert table[1].split() == ["scenario", "playlists", "R-precision", "NDCG", "clicks"]
    assert table[-1].split()[0] == "all"
    truth = there / "set" / "truth.json"
    markdown = call(*arguments, truth, "--variant", "2020", "--format", "markdown").stdout.splitlines()
    reported = json.loads(call(*arguments, truth, "--variant", "2020", "--format", "json").stdout)
    assert reported["variant"] == "2020"
    assert markdown[1] == "| --- | ---: | ---: | ---: | ---: |"
    assert markdown[-1].startswith(f"| all | {reported['n_playlists']} | {reported['r_precision']:.4f} |")


def test_the_file_of_a_challenge_set_is_enough(there: Path, tmp_path: Path) -> None:
    team = ("--team", "our team", "--email", "us@example.org")
    file = there / "set" / "challenge_set.json"
    call("challenge", "submit", there / "itemknn", file, "-o", tmp_path / "s.csv", *team)
    assert (tmp_path / "s.csv").read_bytes() == gzip.decompress((there / "itemknn.csv.gz").read_bytes())


def test_an_official_file_with_unknown_tracks(there: Path, tmp_path: Path) -> None:
    """The format as it is downloaded: other fields, tracks that the data has not, a playlist of nothing but those."""
    artist = json.loads((there / "set" / "truth.json").read_text())["playlists"][0]["tracks"][0]["artist_uri"]
    base = {"pos": 0, "artist_name": "A", "album_uri": "spotify:album:x", "duration_ms": 1, "album_name": "B"}
    tracks = [
        base | {"track_uri": "spotify:track:new1", "artist_uri": artist, "track_name": "Unheard"},
        base | {"track_uri": "spotify:track:new2", "artist_uri": "spotify:artist:new", "track_name": "Of"},
    ]
    playlists = [
        {
            "name": "x",
            "num_holdouts": 5,
            "pid": 1000000 + i,
            "num_tracks": 5 + len(t),
            "tracks": t,
            "num_samples": len(t),
        }
        for i, t in enumerate((tracks, tracks[1:], []))
    ]
    content = {"date": "2018-01-16 08:47:28.198015", "version": "v1", "playlists": playlists}
    (tmp_path / "challenge_set.json").write_text(json.dumps(content))
    team = ("--team", "our team", "--email", "us@example.org")
    reported = call("challenge", "submit", there / "itemknn", tmp_path, "-o", tmp_path / "s.csv.gz", *team)
    assert "3 of 3 seeds, in 2 of 3 playlists, are not in the training data" in reported.stderr
    assert "for 1 the artist's most popular track stands in, 2 count for nothing" in reported.stderr
    call("challenge", "verify", tmp_path / "s.csv.gz", tmp_path)
    assert (
        "name the file with the withheld tracks"
        in call("challenge", "score", tmp_path / "s.csv.gz", tmp_path, code=1).stderr
    )


def test_faults_are_listed_and_end_with_code_1(there: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((there / "itemknn.csv.gz").read_bytes()).decode().splitlines()
    (path := tmp_path / "s.csv").write_text("\n".join([*lines[:3], lines[3] + ",x", *lines[4:]]))
    reported = call("challenge", "verify", path, there / "set", code=1)
    assert reported.stdout.splitlines()[0].startswith("line 4: playlist ")
    assert f"error: {path} breaks the rules: 2 faults\n" in reported.stderr
    assert "(2 faults; line 4: " in call("challenge", "score", path, there / "set", code=1).stderr
    path.write_text("\n".join([lines[0], *["9,x"] * 200]))
    reported = call("challenge", "verify", path, there / "set", code=1)
    assert len(reported.stdout.splitlines()) == 100
    assert ", of which the first 100 are listed" in reported.stderr


def test_what_is_refused(there: Path, tmp_path: Path) -> None:
    made = ("challenge", "make", there / "data", "-o")
    assert "exists: choose another folder" in call(*made, there / "set", code=1).stderr
    assert "per_scenario must be from 1 to 7" in call(*made, tmp_path / "s", "--per-scenario", 9, code=2).stderr
    submit = ("challenge", "submit", there / "itemknn", there / "set", "-o", tmp_path / "s.csv")
    reported = call(*submit, "--team", "a, b", "--email", "us@example.org", code=2)
    assert "team must be text without commas (got 'a, b')" in reported.stderr
    call("fit", there / "data", "-m", "popularity", "-o", tmp_path / "whole")
    submit = ("challenge", "submit", tmp_path / "whole", there / "set", "-o", tmp_path / "s.csv")
    reported = call(*submit, "--team", "a", "--email", "us@example.org", code=1)
    assert "it may have seen what was withheld" in reported.stderr
    assert not (tmp_path / "s.csv").exists()
    assert "No such file" in call("challenge", "verify", tmp_path / "none.csv", there / "set", code=1).stderr
