"""Which tracks are one song: by artist and bare title, joined artists, and ISRC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.songs import Songs, merge_versions
from playlistrec.errors import DataError

Track = tuple[str | None, str | None]


def corpus(
    tracks: list[Track], playlists: list[list[int]] | None = None, isrc: list[str | None] | None = None
) -> Corpus:
    """Tracks of (artist, title), each artist with a uri of its own per spelling."""
    names = list(dict.fromkeys(artist for artist, _ in tracks if artist is not None))
    lists = playlists or [list(range(len(tracks)))]
    columns = {
        "uri": [f"t:{i}" for i in range(len(tracks))],
        "name": pa.array([title for _, title in tracks], pa.string()),
        "artist": pa.array([None if a is None else names.index(a) for a, _ in tracks], pa.int32()),
    }
    return Corpus(
        np.cumsum([0, *map(len, lists)]).astype(np.int64),
        np.array([track for held in lists for track in held], np.int32),
        pa.table({"pid": [str(i) for i in range(len(lists))]}),
        pa.table(columns | ({} if isrc is None else {"isrc": pa.array(isrc, pa.string())})),
        pa.table({"uri": [f"a:{i}" for i in range(len(names))], "name": pa.array(names, pa.string())}),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Vela", "Thunder"), ("Vela", "Thunder")),
        (("Vela", "Thunder"), ("VELA", "Thunder (feat. Hex) - Remastered 2011")),
        (("Vela", "Don't Go"), ("Véla", "Don’t Go [Live]")),
        (("Vela, Hex", "Thunder"), ("Hex & Vela", "Thunder - Radio Edit")),
        (("Vela feat. Hex", "Thunder"), ("Vela / Hex", "thunder")),
        (("Sand, Salt & Ember, Kite", "Thunder"), ("Kite; Sand, Salt & Ember", "Thunder")),
    ],
)
def test_one_song(one: Track, other: Track) -> None:
    assert Songs.of(corpus([("Kite", "Echo"), one, ("Kite", "Glass"), other])).song.tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Vela", "Thunder"), ("Hex", "Thunder")),
        (("Vela", "Thunder"), ("Vela", "Thunder (Hex Remix)")),
        (("Vela", "Part 1"), ("Vela", "Part 2")),
        (("Vela", None), ("Vela", None)),
        ((None, "Thunder"), (None, "Thunder")),
        (("Vela", "Thunder"), (None, "Thunder")),
        (("Sand, Salt & Ember", "Thunder"), ("Salt", "Thunder")),  # a group, since none is called Sand or Ember
    ],
)
def test_two_songs(one: Track, other: Track) -> None:
    assert Songs.of(corpus([one, other])).song.tolist() == [0, 1]


def test_joined_artists_and_the_first_of_them_alone() -> None:
    tracks: list[Track] = [("Hex", "Echo"), ("Vela", "Thunder"), ("Vela & Hex", "Thunder"), ("Hex", "Thunder")]
    assert Songs.of(corpus(tracks)).song.tolist() == [0, 1, 1, 3], "the songs of two artists stay two"


def test_a_recording_is_one_song_whatever_it_is_called() -> None:
    tracks: list[Track] = [("Vela", "Thunder"), ("Vella", "Thundr"), ("Hex", "Glass"), ("Kite", "Echo")]
    found = Songs.of(corpus(tracks, isrc=["GB-AAA-11-00001", "gbaaa1100001", "XX", "XX"]))
    assert found.song.tolist() == [0, 0, 2, 3], "XX is no code"


def test_a_corpus_without_names_has_a_song_a_track() -> None:
    found = Songs.of(Corpus.from_lists([["a", "b", "a"]]))
    assert found.song.tolist() == [0, 1]
    assert found.versions.tolist() == [1, 1]


def test_all_versions_of_some_tracks() -> None:
    found = Songs.of(corpus([("Vela", "A"), ("Vela", "B"), ("Vela", "A - Live"), ("Vela", "C"), ("Vela", "a!")]))
    assert found.versions.tolist() == [3, 1, 3, 1, 3]
    places, rows = found.same(np.array([3, 4, 1]))
    assert list(zip(places.tolist(), rows.tolist())) == [(0, 3), (1, 0), (1, 2), (1, 4), (2, 1)]


def test_saved_and_loaded(tmp_path: Path) -> None:
    made = corpus([("Vela, Hex", "A"), (None, None), ("Hex", "A (Live)"), ("Vela", "A")])
    songs = Songs.of(made)
    songs.save(tmp_path)
    again = Songs.load(tmp_path, made)
    assert (again.titles, again.artists, again.parts) == (songs.titles, songs.artists, songs.parts)
    assert again.song.tolist() == songs.song.tolist() == [0, 1, 2, 0]
    with pytest.raises(DataError, match="is of 4 tracks, not 2"):
        Songs.load(tmp_path, Corpus.from_lists([["a", "b"]]))
    (tmp_path / "songs.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is damaged"):
        Songs.load(tmp_path, made)


def test_merged_versions_are_one_track_the_most_held() -> None:
    made = corpus([("Vela", "A"), ("Vela", "A - Live"), ("Vela", "B"), ("Hex", "A")], [[0, 2], [1, 3], [1, 0]])
    merged = merge_versions(made)
    assert merged.track_table["uri"].to_pylist() == ["t:0", "t:2", "t:3"]
    assert [merged.playlist(p).tolist() for p in range(3)] == [[0, 1], [0, 2], [0, 0]]
    assert merged.artists["name"].to_pylist() == ["Vela", "Hex"]
    assert merge_versions(merged).n_tracks == 3
