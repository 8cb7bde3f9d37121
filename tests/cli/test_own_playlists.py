"""A person's own playlists: two commands from a folder of exports to a list, and nothing in it that is already held."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import call

import playlistrec as pr

COLUMNS = ["Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album Name", "Duration (ms)"]
N = 40


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 playlists as Exportify writes them; a third of their tracks stand under a second uri in other playlists."""
    folder = tmp_path_factory.mktemp("own") / "exports"
    folder.mkdir()
    random = np.random.default_rng(5)
    for number in range(N):
        name = ("Road Trip", "Rainy sunday", "Roadhouse blues")[number] if number < 3 else f"mood {number}"
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8-sig") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for song in (random.choice(75, 22, replace=False) + 30 * (number % 3)).tolist():
                twin = song % 3 == 0 and random.random() < 0.5
                uri = f"spotify:track:{'t' if twin else 's'}{song:021d}"
                title = f"Song Number {song}" + (" - Remastered 2011" if twin else "")
                rows.writerow([uri, title, f"spotify:artist:{song % 20}", f"Singer {song % 20} Ensemble", "x", 1])
    return folder


@pytest.fixture(scope="module")
def data(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own_data") / "data"
    call("preprocess", exports, "-o", folder)
    return folder


def number_of(title: str) -> int:
    return int(title.split()[2])


def held(exports: Path, name: str) -> set[int]:
    with (exports / f"{name}.csv").open(encoding="utf-8-sig") as file:
        return {number_of(row["Track Name"]) for row in csv.DictReader(file)}


def items(*arguments: object) -> list[dict[str, Any]]:
    found: dict[str, Any] = json.loads(call("recommend", *arguments, "--json").stdout)
    return list(found["items"])


def test_two_commands_to_a_list_of_songs_that_the_playlist_lacks(exports: Path, data: Path) -> None:
    result = call("recommend", data, "--playlist", "road trip")
    lines = result.stdout.splitlines()
    assert len(lines) >= 11
    assert max(map(len, lines)) <= 80
    assert "spotify:track" not in result.stdout
    assert f"tracks of these {N} playlists can be recommended" in result.stderr
    assert "--base RUN" in result.stderr
    for name in ("Road Trip", "Rainy sunday", "mood 17"):
        songs = [number_of(item["track_name"]) for item in items(data, "--playlist", name, "-k", 30)]
        assert len(songs) == 30
        assert not set(songs) & held(exports, name)
        assert len(set(songs)) == len(songs)


def test_the_model_is_kept_and_knows_what_the_split_hides(data: Path) -> None:
    call("recommend", data, "--playlist", "7")
    before = (data / "own" / "weights.npz").stat().st_mtime_ns
    call("recommend", data, "--playlist", "8", "-k", 3)
    assert (data / "own" / "weights.npz").stat().st_mtime_ns == before
    whole = pr.Data.load(data).whole()
    assert whole.split.counts()["test"] == 0
    assert pr.Run.load(data / "own", data=whole).history.n_entries == whole.corpus.n_entries


def test_preprocess_replaces_a_folder_with_its_model(exports: Path, tmp_path: Path) -> None:
    call("preprocess", exports, "-o", tmp_path / "data")
    call("recommend", tmp_path / "data", "--playlist", "7")
    call("preprocess", exports, "-o", tmp_path / "data", "--merge-versions", "--force")
    assert not (tmp_path / "data" / "own").exists()
    assert (pr.Data.load(tmp_path / "data").songs.versions == 1).all()
    assert len(items(tmp_path / "data", "--playlist", "7")) == 10


def test_a_run_never_recommends_what_a_playlist_holds(exports: Path, data: Path, tmp_path: Path) -> None:
    run = pr.fit(data, "itemknn", tmp_path / "run")
    corpus = run.data.corpus
    for row in range(N):
        pid = corpus.playlists["pid"][row].as_py()
        tracks, _ = run.recommend(playlist=pid, k=100)
        songs = {number_of(corpus.track_table["name"][track].as_py()) for track in tracks.tolist()}
        assert not songs & held(exports, corpus.titles(np.array([row]))[0])  # type: ignore[index]
    several, _ = run.recommend(playlist=["3", "4"], k=5)
    assert several[1].tolist() == run.recommend(playlist="4", k=5)[0].tolist()
    shown = items(tmp_path / "run", "--playlist", "Rainy", "-k", 60)
    assert not {number_of(item["track_name"]) for item in shown} & held(exports, "Rainy sunday")


def test_versions_are_kept_where_that_is_asked(exports: Path, data: Path) -> None:
    songs = [number_of(item["track_name"]) for item in items(data, "--playlist", "mood 9", "-k", 60, "--keep-versions")]
    assert len(set(songs)) < len(songs) or set(songs) & held(exports, "mood 9")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("road", "'road' stands in the names of 2 playlists: Road Trip ("),
        ("rode trip", "there is no playlist 'rode trip' in this data; nearest: Road Trip ("),
        ("qqqq", "there is no playlist 'qqqq' in this data"),
    ],
)
def test_a_name_that_is_unclear_lists_the_nearest(data: Path, text: str, words: str) -> None:
    for verb in (("recommend", data, "--playlist", text), ("show", data, text)):
        assert words in call(*verb, code=1).stderr


def test_playlists_are_listed_and_shown(exports: Path, data: Path) -> None:
    listed = json.loads(call("playlists", data, "--json").stdout)["playlists"]
    assert len(listed) == N
    assert {"Road Trip", "mood 39"} <= {playlist["name"] for playlist in listed}
    found = call("playlists", data, "--search", "ROAD").stdout
    assert [line.split()[1] for line in found.splitlines()[1:]] == ["Road", "Roadhouse"]
    part = call("playlists", data, "-n", 5)
    assert len(part.stdout.splitlines()) == 6
    assert f"5 of {N} playlists" in part.stderr
    shown = call("show", data, "ROAD-TRIP")
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert shown.stdout.startswith("Road Trip (")
    assert "spotify:track" in call("show", data, "road trip", "--uris").stdout
    tracks = json.loads(call("show", data, "road trip", "--json").stdout)["tracks"]
    assert {number_of(track["track_name"]) for track in tracks} == held(exports, "Road Trip")


def test_own_playlists_are_seeds_of_a_run_on_a_large_collection(exports: Path, data: Path, tmp_path: Path) -> None:
    """The collection has the songs by other uris and none of some."""
    lists = []
    for number in range(60):
        songs = np.random.default_rng(number).choice(90, 25, replace=False)
        lists.append(
            [f"{'Singer'} {song % 20} Ensemble|Song Number {song} (Live)|{song}" for song in songs if song % 5]
        )
    rows = [f"{pid},u:{text.split('|')[2]}" for pid, texts in enumerate(lists) for text in texts]
    (tmp_path / "playlists.csv").write_text("playlist_id,track_id\n" + "\n".join(rows))
    names = {text.split("|")[2]: text.split("|") for texts in lists for text in texts}
    described = [f"u:{song},{title},{artist}" for artist, title, song in names.values()]
    (tmp_path / "tracks.csv").write_text("track_id,track_name,artist_name\n" + "\n".join(described))
    call("preprocess", tmp_path / "playlists.csv", "-o", tmp_path / "large")
    call("fit", tmp_path / "large", "-m", "itemknn", "-o", tmp_path / "base")
    ask = ("recommend", data, "--playlist", "road trip", "--base", tmp_path / "base", "-k", 20)
    result = call(*ask, "--json")
    own = held(exports, "Road Trip")
    found = sum(song % 5 > 0 and str(song) in names for song in own)
    assert f"{found} of the {len(own)} tracks of Road Trip are in " in result.stderr
    assert f"({found / len(own):.0%})" in result.stderr
    uris = [item["track_uri"] for item in json.loads(result.stdout)["items"]]
    assert len(uris) == 20
    assert not {int(uri[2:]) for uri in uris} & own
    assert (
        "--base is for a --playlist"
        in call("recommend", data, "--base", tmp_path / "base", "--track", "x", code=2).stderr
    )
