"""A person's exports at the command line: a folder of many files in one command, in lines that fit a terminal."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from calling import call

from playlistrec.experiment.data import Data

TITLES = ("road_trip", "rainy sunday", "gym", "focus")
HEADER = (
    *("Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name", "Album Artist URI(s)"),
    *("Album Artist Name(s)", "Album Release Date", "Album Image URL", "Disc Number", "Track Number"),
    *("Track Duration (ms)", "Track Preview URL", "Explicit", "Popularity", "ISRC", "Added By", "Added At"),
)


def row(track: int) -> list[object]:
    artist = track // 6
    return [
        *(f"spotify:track:{track:022d}", f"Song {track}", f"spotify:artist:{artist:022d}", f"Artist {artist}"),
        *("spotify:album:1", "Low", "", "", "2011", "", 1, 1, 1000, "", "false", 50, "", "me", "2024"),
    ]


def exportify(tracks: list[int]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([HEADER, *map(row, tracks), ["spotify:local:a:b:c:1", "mine", *[""] * 17]])
    return ("\ufeff" + text.getvalue()).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 files of Exportify, in two folders, one of them packed, with what else lies beside them."""
    place = tmp_path_factory.mktemp("exports")
    random = np.random.default_rng(0)
    (place / "older").mkdir()
    with zipfile.ZipFile(place / "newer.zip", "w") as archive:
        for i in range(40):
            content = exportify(random.choice(120, 20, replace=False).tolist())
            name = f"{TITLES[i % 4]}_{i}.csv"
            if i % 2:
                archive.writestr(f"spotify_playlists/{name}", content)
            else:
                (place / "older" / name).write_bytes(content)
    (place / "Userdata.json").write_text('{"username": "me"}')
    (place / "empty.csv").write_text(",".join(HEADER) + "\n")
    return place


@pytest.mark.parametrize("columns", ["80"])
def test_a_folder_of_forty_exports_in_one_command(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = call("preprocess", folder, "-o", tmp_path / "data")
    lines = [line for line in result.output.splitlines() if str(tmp_path) not in line]
    assert "warning: passed over 1 other file: Userdata.json" in lines
    assert "warning: left out 40 entries: local file (40)" in lines
    assert "warning: left out 1 playlist without a track: empty" in lines
    assert any(line.startswith("warning: 11 columns not read: Album Artist URI(s), ") for line in lines)
    assert max(map(len, lines)) <= 80
    data = Data.load(tmp_path / "data")
    assert (data.corpus.n_playlists, data.corpus.n_entries, data.corpus.n_artists) == (40, 800, 20)
    assert "road trip 0" in data.corpus.playlists["name"].to_pylist()
    parts = data.split.counts()
    assert sum(parts.values()) == 800
    assert min(np.bincount(data.corpus.entry_playlist[data.split.part == 0], minlength=40)) >= 14


def test_recommend_reads_one_of_several_playlists(folder: Path, tmp_path: Path) -> None:
    call("preprocess", folder, "-o", tmp_path / "data")
    call("fit", tmp_path / "data", "-m", "itemknn", "-o", tmp_path / "run", "--refit")
    refused = call("recommend", tmp_path / "run", "--file", folder / "newer.zip", code=1)
    assert "newer.zip holds 20 playlists" in refused.stderr
    assert "choose one by --title" in refused.stderr
    answer = call("recommend", tmp_path / "run", "--file", folder / "newer.zip", "--title", "gym 2", "--json", code=1)
    assert "holds 20 playlists" in answer.stderr  # gym 2 is not in the archive
    answer = call("recommend", tmp_path / "run", "--file", folder / "newer.zip", "--title", "Focus 3", "--json")
    assert "warning: left out of newer.zip: local file (1)" in answer.stderr
    assert json.loads(answer.stdout)["query"]["title"] == "Focus 3"
    assert len(json.loads(answer.stdout)["query"]["tracks"]) == 20
