"""Runs on data whose names are markup, and one server for all tests that do not end it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import call
from serving_process import Server, serving

HOSTILE = '<img src=x onerror="document.title=1"><b>{}</b> & "q"'


@pytest.fixture(scope="session")
def hostile_data(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Playlists whose tracks, artists and titles are called by markup, every third of each."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "slices").mkdir()
    for file in sorted(slices.glob("*.json")):
        content = json.loads(file.read_text())
        for playlist in content["playlists"]:
            if playlist["pid"] % 3 == 0:
                playlist["name"] = HOSTILE.format(playlist["name"])
            for track in playlist["tracks"]:
                if sum(track["track_uri"].encode()) % 3 == 0:
                    track["track_name"] = HOSTILE.format(track["track_name"])
                if sum(track["artist_uri"].encode()) % 3 == 0:
                    track["artist_name"] = HOSTILE.format(track["artist_name"])
        (folder / "slices" / file.name).write_text(json.dumps(content))
    call("preprocess", folder / "slices", "-o", folder / "data", "--k-core", 2, "--workers", 1)
    return folder / "data"


@pytest.fixture(scope="session")
def served_run(hostile_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of vectors, trained a little."""
    run = tmp_path_factory.mktemp("served") / "run"
    call("fit", hostile_data, "-m", "mf", "-o", run, "--preset", "none", "--epochs", 3, "--set", "lr=0.05")
    return run


@pytest.fixture(scope="session")
def newer_run(hostile_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without vectors, which recommends otherwise."""
    run = tmp_path_factory.mktemp("newer") / "run"
    call("fit", hostile_data, "-m", "itemknn", "-o", run)
    return run


@pytest.fixture(scope="session")
def uris(hostile_data: Path) -> list[str]:
    """The tracks of the data, the most popular first."""
    from playlistrec.experiment.data import Data

    corpus = Data.load(hostile_data).corpus
    rows = corpus.popularity.argsort(kind="stable")[::-1]
    return list(corpus.track_table["uri"].take(rows).to_pylist())


@pytest.fixture(scope="session")
def server(served_run: Path) -> Iterator[Server]:
    with serving(served_run) as started:
        yield started
