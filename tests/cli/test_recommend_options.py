"""``playlistrec recommend`` as people ask it: files, titles, filters, reasons, formats, batches."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import playlistrec as pr
from playlistrec.cli.main import main


def call(*arguments: object, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["recommend", *(str(a) for a in arguments)], input=stdin)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.stderr
    return result


def items(*arguments: object) -> list[dict[str, Any]]:
    reported: dict[str, Any] = json.loads(call(*arguments, "--format", "json").stdout)
    return list(reported["items"])


@pytest.fixture(scope="module")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked") / "run"
    pr.fit(data_folder, "itemknn", folder)
    return folder


@pytest.fixture(scope="module")
def seeds(data_folder: Path) -> list[dict[str, str]]:
    """The first tracks of a playlist, as the data describes them."""
    corpus = pr.Data.load(data_folder).corpus
    return corpus.describe(corpus.playlist(5)[:4])  # type: ignore[return-value]


def named(track: dict[str, str]) -> str:
    return f"{track['artist_name']} - {track['track_name']}"


def test_the_same_seeds_in_all_kinds_of_files(run: Path, seeds: list[dict[str, str]], tmp_path: Path) -> None:
    wanted = items(run, *(part for track in seeds for part in ("--track", track["track_uri"])))
    lines = [f"#EXTINF:-1,{named(track)}\nx{i}.mp3" for i, track in enumerate(seeds)]
    (tmp_path / "a.m3u").write_text("#EXTM3U\n" + "\n".join(lines))
    with (tmp_path / "a.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, list(seeds[0]))
        rows.writeheader()
        rows.writerows(seeds)
    (tmp_path / "a.json").write_text(json.dumps([track["track_uri"] for track in seeds]))
    for suffix in ("m3u", "csv", "json"):
        assert items(run, "--file", tmp_path / f"a.{suffix}") == wanted
    some = seeds[:2]
    (tmp_path / "b.json").write_text(json.dumps({"tracks": some}))
    assert items(run, "--file", tmp_path / "b.json", "--track", named(seeds[2]), "--track", named(seeds[3])) == wanted


def test_what_is_written_can_be_read_again(run: Path, seeds: list[dict[str, str]], tmp_path: Path) -> None:
    ask = (run, "--track", seeds[0]["track_uri"], "-k", 6)
    listed = items(*ask)
    text = call(*ask, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["track_uri"] for row in rows] == [item["track_uri"] for item in listed]
    assert [float(row["score"]) for row in rows] == [item["score"] for item in listed]
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.m3u").write_text(call(*ask, "--format", "m3u").stdout)
    assert (tmp_path / "a.m3u").read_text().startswith("#EXTM3U\n#EXTINF:-1,")
    assert items(run, "--file", tmp_path / "a.csv") == items(run, "--file", tmp_path / "a.m3u")


def test_tracks_that_are_not_found_are_told_and_the_rest_goes_on(
    run: Path, seeds: list[dict[str, str]], tmp_path: Path
) -> None:
    missing = [f"spotify:track:{i:022d}" for i in range(5)]
    (tmp_path / "a.json").write_text(json.dumps([*missing, seeds[0]["track_uri"]]))
    result = call(run, "--file", tmp_path / "a.json", "--json")
    assert json.loads(result.stdout)["query"] == {"tracks": [seeds[0]["track_uri"]]}
    assert result.stderr.count("no track has the uri") == 3
    assert "5 of the 6 tracks of a.json are not in the data and were left out" in result.stderr
    (tmp_path / "b.json").write_text(json.dumps(missing))
    none = call(run, "--file", tmp_path / "b.json", code=1)
    assert none.stdout == ""
    assert none.stderr.startswith("error: none of the 5 tracks of b.json is in the data; the first: no track has")
    titled = call(run, "--file", tmp_path / "b.json", "--title", "x", "--json")
    assert json.loads(titled.stdout)["cold"] is True


def test_an_artist_stands_in_for_a_track(run: Path, seeds: list[dict[str, str]], tmp_path: Path) -> None:
    track = {"track_uri": "spotify:track:new", "artist_name": seeds[0]["artist_name"], "track_name": "Qqqq Zzzzz Xxxxx"}
    (tmp_path / "a.json").write_text(json.dumps([track]))
    result = call(run, "--file", tmp_path / "a.json", "--json")
    reported = json.loads(result.stdout)
    assert "stands in for it" in result.stderr
    assert not reported["cold"]
    assert len(reported["query"]["tracks"]) == 1
    again = call(run, "--track", f"{seeds[0]['artist_name']} - Qqqq Zzzzz Xxxxx", "--json")
    assert json.loads(again.stdout) == reported


def test_filters_reach_the_model(run: Path, seeds: list[dict[str, str]]) -> None:
    ask = (run, "--track", seeds[0]["track_uri"])
    listed = items(*ask, "-k", 60)
    first, second = list(dict.fromkeys(item["artist_name"] for item in listed))[:2]
    left = items(*ask, "-k", 20, "--exclude-artist", first.upper(), "--exclude-artist", second)
    wanted = [item["track_uri"] for item in listed if item["artist_name"] not in (first, second)]
    assert [item["track_uri"] for item in left] == wanted[:20]
    artists = [item["artist_name"] for item in items(*ask, "-k", 20, "--max-per-artist", 1)]
    assert len(artists) == len(set(artists)) == 20
    uris = [item["track_uri"] for item in listed]
    named = f"{listed[2]['artist_name']} - {listed[2]['track_name']}"
    without = [
        item["track_uri"] for item in items(*ask, "-k", 20, "--exclude-track", uris[0], "--exclude-track", named)
    ]
    assert without == [uri for i, uri in enumerate(uris) if i not in (0, 2)][:20]
    diverse = [item["track_uri"] for item in items(*ask, "-k", 20, "--diversity", 0.7)]
    assert diverse[0] == listed[0]["track_uri"]
    assert diverse != [item["track_uri"] for item in listed[:20]]


def test_reasons_name_seeds_and_playlists(run: Path, data_folder: Path, seeds: list[dict[str, str]]) -> None:
    uris = [track["track_uri"] for track in seeds]
    ask = (run, *(part for uri in uris for part in ("--track", uri)), "-k", 4, "--explain")
    data = pr.Data.load(data_folder)
    known = data.split.ranking(data.corpus, "test")
    for item in items(*ask):
        because = item["because"]
        track = known.track_index(item["track_uri"])
        assert because["n_playlists"] >= max(seed["n_playlists"] for seed in because["seeds"])
        assert {seed["track_uri"] for seed in because["seeds"]} <= set(uris)
        for playlist in because["playlists"]:
            row = known.playlist_index(playlist["pid"])
            assert track in known.playlist(row)
            assert playlist["title"] == known.titles([row])[0]  # type: ignore[arg-type, index]
    assert "; as in " in call(*ask).stdout
    assert "; as in " in call(*ask, "--format", "csv").stdout


def test_nothing_known_says_so(run: Path) -> None:
    result = call(run, "--title", "rainy sunday", "-k", 3, "--json")
    assert "these are the most popular tracks" in result.stderr
    assert "itemknn makes nothing of the title 'rainy sunday'" in result.stderr
    reported = json.loads(result.stdout)
    assert reported["cold"] is True
    assert reported["query"] == {"title": "rainy sunday", "tracks": []}
    assert call(run, "--title", "rainy sunday", "-q").stderr == ""


def test_batch_from_file_and_from_stdin(run: Path, seeds: list[dict[str, str]], tmp_path: Path) -> None:
    uri = seeds[0]["track_uri"]
    good = json.dumps({"id": "a", "tracks": [uri], "k": 5})
    (tmp_path / "q.jsonl").write_text(good + "\n\n" + good + "\n")
    result = call(run, "--batch", tmp_path / "q.jsonl", "-o", tmp_path / "out.jsonl")
    assert (result.stdout, result.stderr) == ("", "")
    one, two = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert one == two
    listed = items(run, "--track", uri, "-k", 5)
    assert one["tracks"] == [item["track_uri"] for item in listed]
    assert one["scores"] == pytest.approx([item["score"] for item in listed], abs=2e-6)
    piped = call(run, "--batch", "-", "-k", 2, stdin=f'{good}\nnonsense\n{{"id": 3, "tracks": ["{uri}"]}}\n', code=1)
    lines = [json.loads(line) for line in piped.stdout.splitlines()]
    assert [line["id"] for line in lines] == ["a", None, 3]
    assert lines[1]["line"] == 2
    assert lines[2]["tracks"] == one["tracks"][:2]
    reported = piped.stderr.splitlines()
    assert reported[0].startswith("warning: line 2: JSON is malformed")
    assert reported[1] == "error: 1 of 3 lines could not be read; the others are answered"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--playlist or --track"),
        (("--playlist", 1, "--title", "x"), 2, "--playlist or --track"),
        (("--batch", "q.jsonl", "--track", "x"), 2, "--batch"),
        (("--batch", "q.jsonl", "--explain"), 2, "neither --explain nor --format"),
        (("--title", "x", "-o", "out"), 2, "-o is for the results of --batch"),
        (("--title", "x", "--explain", "--format", "m3u"), 2, "no place in m3u"),
        (("--title", "x", "--diversity", 2), 2, "diversity must be between 0 and 1 (got 2.0)"),
        (("--title", "x", "--max-per-artist", 0), 2, "max_per_artist must be at least 1 (got 0)"),
        (("--title", "x", "-k", 0), 2, "k must be at least 1 (got 0)"),
        (("--title", "x", "--exclude-artist", "qqqq zzzz xxxx"), 1, "no artist is called 'qqqq zzzz xxxx'"),
        (("--title", "x", "--exclude-track", "spotify:track:qqqq"), 1, "spotify:track:qqqq"),
        (("--batch", "q.jsonl", "--exclude-track", "x"), 2, "--exclude-track is for one query"),
        (("--file", "none.m3u"), 1, "none.m3u cannot be read: No such file or directory"),
        (("--file", "none.mp3"), 2, "one of *.m3u"),
        (("--batch", "none.jsonl"), 1, "none.jsonl: No such file or directory"),
    ],
)
def test_what_is_refused(run: Path, arguments: tuple[object, ...], code: int, words: str) -> None:
    result = call(run, *arguments, code=code)
    assert result.stdout == ""
    assert words in result.stderr.splitlines()[-1]
