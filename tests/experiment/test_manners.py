"""The library's own manners: what a person gives it, what it gives and shows, and how it refuses."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import playlistrec as pr
from playlistrec.errors import ConfigError, DataError, PlaylistrecError


@pytest.fixture(scope="module")
def run(data_folder: Path) -> pr.Run:
    return pr.fit(data_folder, "itemknn")


def names(run: pr.Run, *rows: int) -> list[str]:
    return [f"{row['artist_name']} - {row['track_name']}" for row in run.data.corpus.describe(np.array(rows))]


def uris(run: pr.Run, *rows: int) -> list[str]:
    return [str(row["track_uri"]) for row in run.data.corpus.describe(np.array(rows))]


def same(one: Any, other: Any) -> None:
    assert one.tracks.tolist() == other.tracks.tolist()
    assert one.scores.tolist() == other.scores.tolist()


@pytest.fixture(scope="module")
def seeds(run: pr.Run) -> list[int]:
    """Tracks of a known playlist whose names are theirs alone."""
    listed = run.data.corpus.artist_names().to_pylist(), run.data.corpus.track_table["name"].to_pylist()
    keys = list(zip(*listed))
    rows = sorted({t for t in run.history.playlist(5).tolist() if keys.count(keys[t]) == 1})
    return rows[:3]


def test_tracks_by_row_uri_and_name_as_scalars_and_lists_of_every_kind(run: pr.Run, seeds: list[int]) -> None:
    a, b, c = seeds
    wanted = run.recommend(tracks=seeds)
    mixed = [uris(run, a)[0], names(run, b)[0], np.int64(c)]
    for tracks in (
        mixed,
        tuple(mixed),
        uris(run, *seeds),
        names(run, *seeds),
        np.array(seeds, dtype=np.int32),
        np.array(uris(run, *seeds)),
        pd.Series(seeds),
        pa.array(uris(run, *seeds)),
        (row for row in seeds),
    ):
        same(run.recommend(tracks=tracks), wanted)
    alone = run.recommend(tracks=[b])
    for track in (b, np.int32(b), np.array(b), uris(run, b)[0], names(run, b)[0]):
        same(run.recommend(tracks=track), alone)


def test_what_is_excluded_and_among_is_named_alike(run: pr.Run, seeds: list[int]) -> None:
    best = run.recommend(tracks=seeds, k=6).tracks.tolist()
    for excluded in (best[1], uris(run, best[1])[0], [uris(run, best[1])[0]], np.array(best[1:2])):
        left = run.recommend(tracks=seeds, k=5, exclude_tracks=excluded).tracks.tolist()
        assert left == [best[0], *best[2:]]
    few = [best[4], best[0], seeds[0]]
    for among in (few, uris(run, *few), np.array(few)):
        assert run.recommend(tracks=seeds, among=among).tracks.tolist() == [best[0], best[4]], (
            "a seed is not given back"
        )
    assert run.recommend(tracks=seeds, among=[]).tracks.tolist() == []
    artist = run.data.corpus.artist_names()[best[0]].as_py()
    by_list = run.recommend(tracks=seeds, exclude_artists=[artist])
    same(run.recommend(tracks=seeds, exclude_artists=artist), by_list)
    assert artist not in by_list.frame()["artist_name"].tolist()


def test_several_playlists_are_one_batch_with_the_results_of_each(run: pr.Run, monkeypatch: Any) -> None:
    alone = [run.recommend(playlist=pid, k=7) for pid in (7, "9", np.int64(12))]
    sizes = []
    score = type(run.service().model).score
    monkeypatch.setattr(type(run.service().model), "score", lambda self, q: sizes.append(len(q)) or score(self, q))
    for pids in ([7, "9", 12], np.array([7, 9, 12]), ("7", "9", "12"), pd.Series([7, 9, 12])):
        table = run.recommend(playlist=pids, k=7)
        assert table.tracks.tolist() == [one.tracks.tolist() for one in alone]
        assert table.playlists == ("7", "9", "12")
    assert sizes == [3] * 4
    assert table.uris == [one.uris for one in alone]
    frame = table.frame()
    assert frame["playlist"].tolist() == ["7"] * 7 + ["9"] * 7 + ["12"] * 7
    assert frame["rank"].tolist() == [*range(1, 8)] * 3
    assert run.recommend(playlist=[7]).tracks.shape == (1, 10)
    assert run.recommend(playlist=[]).tracks.shape == (0, 10)


def test_the_table_unpacks_and_shows_itself(run: pr.Run, seeds: list[int]) -> None:
    table = run.recommend(tracks=seeds, k=30)
    tracks, scores = table
    assert tracks is table.tracks
    assert scores is table.scores
    assert table.uris == uris(run, *tracks.tolist())
    frame = table.frame()
    assert list(frame) == ["rank", "track_uri", "track_name", "artist_name", "score"]
    assert frame["track_uri"].tolist() == table.uris
    assert len(frame) == len(tracks)
    text = repr(table)
    assert len(text.splitlines()) == 12
    assert "20 more" in text
    assert table.uris[0] in text
    for shown in (table, run.recommend(tracks=seeds), run.recommend(playlist=[7, 9])):
        assert max(map(len, repr(shown).splitlines())) <= 80
    assert "no tracks" in repr(run.recommend(tracks=seeds, among=[]))


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_names_with_markup_stay_text_in_html() -> None:
    from playlistrec.corpus.splitting import split_edges

    hostile = "<script>alert(1)</script> & co"
    corpus = pr.Corpus.from_lists([["a", "b", "c"]] * 4, {"b": hostile})
    run = pr.fit(pr.Data.of(corpus, split_edges(corpus, valid=0, test=0)), "itemknn")
    cells = Cells()
    cells.feed(run.recommend(tracks="a")._repr_html_())
    assert set(cells.tags) == {"table", "tr", "th", "td"}
    assert hostile in cells.text


def test_what_is_made_of_data_shows_itself_in_a_few_lines(run: pr.Run) -> None:
    for thing in (run, run.data, run.data.corpus, run.evaluate("test", k=[5, 10, 20])):
        lines = repr(thing).splitlines()
        assert 1 <= len(lines) <= 12, repr(thing)
        assert max(map(len, lines)) <= 80, repr(thing)
    assert "itemknn" in repr(run)
    assert f"{run.data.corpus.n_tracks:,} tracks" in repr(run)
    assert "ndcg@20" in repr(run.evaluate("test"))


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tracks": 10**6}, r"tracks must be rows of tracks, from 0 and below \d+ \(got 1000000\)"),
    ({"tracks": [-1]}, "tracks must be rows of tracks"),
    ({"tracks": [1.0]}, r"tracks must be rows, uris or names of tracks \(got 1.0\)"),
    ({"tracks": [None]}, "tracks must be rows, uris or names"),
    ({"tracks": True}, "tracks must be rows, uris or names"),
    ({"tracks": [[1, 2]]}, "tracks must be rows, uris or names"),
    ({"tracks": np.array([[1, 2]])}, "tracks must be rows, uris or names"),
    ({"tracks": {"a": 1}}, "tracks must be rows, uris or names"),
    ({"tracks": b"a"}, "tracks must be rows, uris or names"),
    ({"tracks": np.array([1, np.nan])}, "tracks must be rows, uris or names"),
    ({"tracks": ["no such track anywhere qqq"]}, "no such track anywhere"),
    ({"tracks": ""}, "no track has the uri"),
    ({"tracks": 1, "exclude_tracks": 10**9}, "exclude_tracks must be rows"),
    ({"tracks": 1, "exclude_tracks": "zzzz qqqq xxxx"}, "zzzz qqqq"),
    ({"tracks": 1, "among": [10**7]}, "among must be rows"),
    ({"tracks": 1, "exclude_artists": 5}, r"exclude_artists must be names or uris of artists \(got 5\)"),
    ({"tracks": 1, "title": 3}, r"title must be text \(got 3\)"),
    ({"tracks": 1, "k": "10"}, r"k must be a whole number \(got '10'\)"),
    ({"tracks": 1, "k": 2.5}, "k must be a whole number"),
    ({"tracks": 1, "k": True}, "k must be a whole number"),
    ({"tracks": 1, "max_per_artist": "two"}, "max_per_artist must be a whole number"),
    ({"tracks": 1, "diversity": "much"}, "diversity must be a number"),
    ({"playlist": 1.5}, r"playlist must be the pid of a playlist, or several \(got 1.5\)"),
    ({"playlist": [None]}, "playlist must be the pid"),
    ({"playlist": {"pid": 1}}, "playlist must be the pid"),
    ({"playlist": True}, "playlist must be the pid"),
    ({"playlist": "nobody"}, "there is no playlist 'nobody'"),
    ({"playlist": [7, 10**9]}, "there is no playlist 1000000000"),
    ({"playlist": 7, "tracks": 1}, "either a playlist or tracks"),
    ({}, "either a playlist or tracks"),
    ({"tracks": 1, "device": "tpu"}, "device must be one of"),
]


@pytest.mark.parametrize(("given", "words"), WRONG, ids=[str(given) for given, _ in WRONG])
def test_wrong_input_is_refused_in_our_words(run: pr.Run, given: dict[str, Any], words: str) -> None:
    with pytest.raises(PlaylistrecError, match=words) as caught:
        run.recommend(**given)
    assert isinstance(caught.value, ConfigError | DataError)
    assert "\n" not in str(caught.value)
