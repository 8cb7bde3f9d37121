"""Songs that other sources name in other ways are found, and no artist's song is taken for another's."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.serving.lookup.locating import Located, locate
from playlistrec.serving.lookup.playlist_file import Entry
from playlistrec.serving.lookup.search import TrackIndex

TRACKS = [
    ("Vela", "Thunder (feat. P!lar)"),
    ("Vela", "Paper Lantern - Remastered 2011"),
    ("Sand, Salt & Ember", "Thunder"),
    ("O'Malley Road", "Don't Wait (with 10,000 Lanterns)"),
    ("Björk-Anne Holt", "Static - Radio Edit"),
    ("Ma$on", "Part 1"),
    ("Ma$on", "Part 2"),
    ("Zoë & The Kites", "Wake Me / Up"),
    ("Milo, The Potter", "Static"),
    ("Kite, Hex", "Glass"),
    ("Hex", "Echo - Live"),
    ("Kite", "Copper"),
    ("青い月", "夜の海"),
    ("Сергей Ветров", "Белый парус"),
]


def index(popularity: list[int] | None = None) -> TrackIndex:
    artists = list(dict.fromkeys(artist for artist, _ in TRACKS))
    rows = pa.array([artists.index(artist) for artist, _ in TRACKS], pa.int32())
    table = {"uri": [f"t:{i}" for i in range(len(TRACKS))], "artist": rows, "name": [title for _, title in TRACKS]}
    corpus = Corpus(
        np.array([0, len(TRACKS)]),
        np.arange(len(TRACKS), dtype=np.int32),
        pa.table({"pid": ["0"]}),
        pa.table(table),
        pa.table({"uri": [f"a:{i}" for i in range(len(artists))], "name": artists}),
    )
    return TrackIndex(corpus, np.array(popularity or [1] * len(TRACKS)))


@pytest.fixture(scope="module")
def names() -> TrackIndex:
    return index()


def found(names: TrackIndex, artist: str | None, title: str) -> Located:
    return locate(names, [Entry(None, title, artist)])[0]


@pytest.mark.parametrize(
    ("artist", "title", "track"),
    [
        ("Vela", "Thunder", 0),
        ("VELA", "thunder (Official Video)", 0),
        ("Vela feat. P!lar", "Thunder", 0),
        ("Pilar x Vela", "Thunder - Live", 0),
        ("Vela", "Vela - Paper Lantern", 1),
        ("Vela - Topic", "Paper Lantern [Lyric Video]", 1),
        ("Vela; Hex", "Paper-Lantern (Radio Edit)", 1),
        ("Vela", "Paper Lanttern", 1),
        ("Sand, Salt & Ember", "Thunder", 2),
        ("Kite / Sand, Salt and Ember", "Thunder", 2),
        ("OMalley Road", "Dont Wait", 3),
        ("O’Malley Road & Hex", "Don’t Wait - 2011 Remaster", 3),
        ("Bjork‐Anne Holt", "Static", 4),
        ("Mason", "Part 2", 6),
        ("Zoe and the Kites, Hex", "Wake Me Up", 7),
        ("Hex and Milo, The Potter", "Static (feat. Vela)", 8),
        ("Hex & Kite", "Glass", 9),
        ("Kite", "Glass", 9),
        ("Hexx", "Echo", -1),  # too short a name to be misspelt
        ("Sergej Vetrov", "Белый парус", -1),
        ("青い月", "夜の海 (Live)", 12),
        ("СЕРГЕЙ ВЕТРОВ", "белый парус", 13),
        ("Bjork Anne Hold", "Static", 4),
    ],
)
def test_found_by_artist_and_title(names: TrackIndex, artist: str, title: str, track: int) -> None:
    located = found(names, artist, title)
    assert located.track == track
    assert located.taken == ((track,) if track >= 0 else ())


@pytest.mark.parametrize("artist", ["Zed", "Quentin Sparrow Trio", "Salt", "Zed & The Potters", "The Vela Tribute"])
def test_an_unknown_artist_is_never_somebody_else(names: TrackIndex, artist: str) -> None:
    entries = [Entry(None, title, artist) for _, title in TRACKS]
    assert [seed.track for seed in locate(names, entries)] == [-1] * len(entries)
    remark = found(names, artist, "Thunder").remark or ""
    assert f"{artist} - Thunder" in remark
    assert "nor is its artist" in remark


@pytest.mark.parametrize("way", [lambda one: one, lambda one: f"{one} feat. Zed", lambda one: f"Zed, {one}"])
def test_a_known_artist_has_a_stand_in_that_is_told(names: TrackIndex, way: object) -> None:
    for artist, own in {"Vela": {0, 1}, "Ma$on": {5, 6}, "Kite": {11}, "Sand, Salt & Ember": {2}}.items():
        located = found(names, way(artist), "Unheard Of")  # type: ignore[operator]
        assert located.track in own
        assert located.taken == (), "it may be recommended"
        assert "stands in for it" in (located.remark or "")


def test_numbers_tell_songs_apart(names: TrackIndex) -> None:
    located = found(names, "Ma$on", "Part 3")
    assert "stands in for it" in (located.remark or ""), "Part 3 is no misspelt Part 2"


def test_a_song_that_nobody_holds_is_asked_by_its_other_version_or_its_artist() -> None:
    popularity = [1] * len(TRACKS)
    popularity[0] = 0
    names = index(popularity)
    assert found(names, "Vela", "Thunder") == Located(
        1, (0,), "'Vela - Thunder' is in no playlist: Vela - Paper Lantern - Remastered 2011 (t:1) stands in for it"
    )


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("Static - Radio Edit", 4),
        ("Static - Live", None),  # two artists have it
        ("Vela - Thunder", 0),
        ("Thunder - Vela", 0),
        ("Vela: Thunder", 0),
        ("Paper Lantern", 1),
        ("Paper Lantern - Live", 1),
        ("Copper by Kite", 11),
        ("Zed - Thunder", -1),
        ("Zed - Copper", -1),
    ],
)
def test_what_a_person_types(names: TrackIndex, text: str, track: int | None) -> None:
    located = locate(names, [Entry.of(text)])[0]
    assert located.track == (-1 if track is None else track)
    if track is None:
        assert "is the name of 2 tracks" in (located.remark or "")


def test_many_entries_keep_their_order_and_tell_progress(names: TrackIndex) -> None:
    entries = [Entry(f"t:{i % 14}") if i % 3 else Entry(None, "Copper (Live)", "Kite") for i in range(240)]
    events = []
    located = locate(names, entries, events.append)
    assert [seed.track for seed in located] == [i % 14 if i % 3 else 11 for i in range(240)]
    assert [event.data for event in events] == [{"done": 50, "total": 80}, {"done": 80, "total": 80}]
