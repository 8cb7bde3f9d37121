"""Finding tracks by what a person would type."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import DataError
from playlistrec.serving.lookup.search import Match, TrackIndex

TRACKS = [  # title, artist, entries
    ("Bohemian Rhapsody", "Queen", 5),
    ("Hello", "Adele", 9),
    ("Hello", "Lionel Richie", 3),
    ("Déjà Vu", "Beyoncé", 4),
    ("DÉJÀ-VU!", "BEYONCE", 7),  # the same thing under another uri, more popular
    ("Don't Stop Me Now", "Queen", 2),
    ("Сердце", "Молчат Дома", 1),
    ("夜に駆ける", "YOASOBI", 1),
    ("🌴🌴", "Palms", 1),
    ("MIC Drop 🎤", "방탄소년단", 2),
    ("Straße", "Weiß", 1),
    ("ΌΔΥΣΣΕΎΣ", None, 1),
    (None, "Nobody", 1),
    ("T.N.T.", "AC/DC", 6),
]


def corpus(tracks: list[tuple[str | None, str | None, int]] = TRACKS) -> Corpus:
    titles, artists, entries = zip(*tracks)
    names = list(dict.fromkeys(a for a in artists if a is not None))
    rows = [names.index(a) if a is not None else None for a in artists]
    return Corpus(
        offsets=np.array([0, sum(entries)]),
        tracks=np.repeat(np.arange(len(tracks), dtype=np.int32), entries),
        playlists=pa.table({"pid": ["0"]}),
        track_table=pa.table(
            {
                "uri": [f"spotify:track:{i:02d}" for i in range(len(tracks))],
                "artist": pa.array(rows, pa.int32()),
                "name": pa.array(titles, pa.string()),
            }
        ),
        artists=pa.table({"uri": [f"a{i}" for i in range(len(names))], "name": names}),
    )


@pytest.fixture(scope="module")
def index() -> TrackIndex:
    return TrackIndex(corpus())


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("spotify:track:02", 2),
        (" spotify:track:12 ", 12),
        ("Bohemian Rhapsody", 0),
        ("bohemian   rhapsody", 0),
        ("queen - bohemian rhapsody", 0),
        ("Bohemian Rhapsody – Queen", 0),
        ("Queen Bohemian Rhapsody", 0),
        ("dont stop me now", 5),
        ("DON’T STOP ME NOW", 5),
        ("Adele: Hello", 1),
        ("hello lionel richie", 2),
        ("deja vu", 4),
        ("De\u0301ja\u0300 Vu", 4),
        ("beyonce deja vu", 4),
        ("сердце", 6),
        ("МОЛЧАТ ДОМА - СЕРДЦЕ", 6),
        ("夜に駆ける", 7),
        ("🌴🌴", 8),
        ("mic drop", 9),
        ("방탄소년단 MIC Drop", 9),
        ("strasse", 10),
        ("STRASSE weiss", 10),
        ("οδυσσευς", 11),
        ("TNT", 13),
        ("acdc tnt", 13),
        ("ac-dc: t.n.t", 13),
    ],
)
def test_exact(index: TrackIndex, text: str, track: int) -> None:
    assert index.find(text) == Match(track, fuzzy=False)


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("bohemian rapsody", 0),
        ("Quen - Bohemian Rhapsody", 0),
        ("adele helo", 1),
        ("dont stop me noww", 5),
        ("серце молчат дома", 6),
    ],
)
def test_misspelt(index: TrackIndex, text: str, track: int) -> None:
    assert index.find(text) == Match(track, fuzzy=True)


def error(index: TrackIndex, text: str) -> str:
    with pytest.raises(DataError) as caught:
        index.find(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_one_title_of_two_artists(index: TrackIndex) -> None:
    assert error(index, "hello") == (
        "'hello' is the name of 2 tracks: Adele - Hello (spotify:track:01), "
        "Lionel Richie - Hello (spotify:track:02); name the artist as well, or give the uri"
    )


def test_popularity_decides_between_uris_and_orders_the_list() -> None:
    popularity = np.zeros(len(TRACKS))
    popularity[[2, 3]] = 1
    index = TrackIndex(corpus(), popularity)
    assert index.find("deja vu").track == 3
    assert error(index, "hello").index("Lionel") < error(index, "hello").index("Adele")


def test_misspelt_between_two_is_not_taken(index: TrackIndex) -> None:
    message = error(index, "helllo")
    assert message.startswith("no track has the uri or the name 'helllo'; nearest: Adele - Hello (spotify:track:01), ")


def test_at_most_five_are_listed() -> None:
    index = TrackIndex(corpus([("Intro", f"Artist {i}", i + 1) for i in range(9)]))
    message = error(index, "intro")
    assert "9 tracks: Artist 8 - Intro" in message
    assert message.count("spotify:track:") == 5
    assert ", …" in message
    assert error(index, "introo").count("spotify:track:") == 5


@pytest.mark.parametrize("text", ["xyzzy", "spotify:track:99", "☃"])
def test_nothing_alike(index: TrackIndex, text: str) -> None:
    assert error(index, text).startswith(f"no track has the uri or the name {text!r}")


@pytest.mark.parametrize("text", ["", "  \t"])
def test_empty(index: TrackIndex, text: str) -> None:
    assert error(index, text) == "the name of a track must not be empty"


@pytest.mark.parametrize("text", ["ab", "a", "!", "\u0301", "'" * 3, "x" * 5000, "a\x00b", "ﷺ"])
def test_odd_text_is_found_or_refused(index: TrackIndex, text: str) -> None:
    assert error(index, text).startswith("no track has")


def test_data_without_names() -> None:
    plain = Corpus.from_lists([["17", "4"]])
    assert TrackIndex(plain).find("4") == Match(1)
    assert error(TrackIndex(plain), "Hello") == "no track has the uri 'Hello', and this data has no names to look among"
    unnamed = corpus([(None, None, 1), (None, None, 1)])
    assert "no names" in error(TrackIndex(unnamed), "Hello")


def test_describe(index: TrackIndex) -> None:
    assert index.describe(0) == "Queen - Bohemian Rhapsody (spotify:track:00)"
    assert index.describe(11) == "ΌΔΥΣΣΕΎΣ (spotify:track:11)"
    assert TrackIndex(Corpus.from_lists([["17"]])).describe(0) == "17"


def test_one_misspelt_title_among_many_words() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(50)]
    tracks = [(" ".join(rng.choice(words, 3)), None, 1) for _ in range(500)]
    tracks[-1] = ("quizzical zebra", None, 1)
    assert TrackIndex(corpus(tracks)).find("quizical zebra") == Match(499, fuzzy=True)
