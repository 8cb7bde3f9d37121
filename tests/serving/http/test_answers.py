"""What a server answers, against the command line's answers on the same run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import call
from serving_process import Server

from playlistrec.experiment.data import Data


@pytest.fixture(scope="module")
def uris(data_folder: Path) -> list[str]:
    """The tracks of the data, the most popular first."""
    corpus = Data.load(data_folder).corpus
    rows = corpus.popularity.argsort(kind="stable")[::-1]
    return corpus.track_table["uri"].take(rows).to_pylist()


def same(answer: dict, printed: dict) -> None:
    """As the command line has it; scores may differ in the last digits, where queries are scored together."""
    assert answer["query"] == printed["query"]
    assert answer["cold"] == printed["cold"]
    assert [item["track_uri"] for item in answer["items"]] == [item["track_uri"] for item in printed["items"]]
    for ours, theirs in zip(answer["items"], printed["items"]):
        assert ours["score"] == pytest.approx(theirs["score"], abs=2e-5)
        assert {**ours, "score": 0} == {**theirs, "score": 0}


def test_recommend_answers_as_the_command_line_does(server: Server, served_run: Path, uris: list[str]) -> None:
    artist = server.ask("POST", "/tracks", {"tracks": [uris[1]]}).content["items"][0]["artist_name"]
    cases = (
        ({"tracks": uris[:3], "k": 4}, ["--track", uris[0], "--track", uris[1], "--track", uris[2], "-k", 4]),
        ({"playlist": 7, "explain": True}, ["--playlist", 7, "--explain"]),
        ({"title": "workout", "tracks": [uris[5]]}, ["--title", "workout", "--track", uris[5]]),
        (
            {"tracks": [uris[0]], "exclude_artists": [artist], "exclude_tracks": [uris[4]], "max_per_artist": 1},
            ["--track", uris[0], "--exclude-artist", artist, "--exclude-track", uris[4], "--max-per-artist", 1],
        ),
        ({"tracks": [uris[2]], "diversity": 0.5}, ["--track", uris[2], "--diversity", 0.5]),
    )
    for body, options in cases:
        printed = json.loads(call("recommend", served_run, *options, "--json").stdout)
        same(server.recommend(**body), printed)
