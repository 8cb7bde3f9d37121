"""Seeds from elsewhere: by uri, by name, by artist, or not at all."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.serving.lookup.seeds import ARTIST, NAME, UNKNOWN, URI, resolve

TRACKS = [  # uri, name, artist, playlists that hold it
    ("t0", "Holocene", 0, 5),
    ("t1", "Towers", 0, 9),
    ("t2", "Déjà Vu", 1, 3),
    ("t3", "Deja vu", 1, 4),
    ("t4", "Never Heard", 1, 0),
    ("t5", "Alone", 2, 0),
    ("t6", "Towers", 3, 7),
    ("t7", None, None, 8),
]
ARTISTS = [("a0", "Bon Iver"), ("a1", "Beyoncé"), ("a2", "Nobody"), ("a3", "bon iver")]
POPULARITY = np.array([row[3] for row in TRACKS])


@pytest.fixture
def corpus() -> Corpus:
    uris, names, artists, _ = zip(*TRACKS)
    return Corpus(
        np.array([0]),
        np.zeros(0, np.int32),
        pa.table({"pid": pa.array([], pa.string())}),
        pa.table({"uri": uris, "name": names, "artist": pa.array(artists, pa.int32())}),
        pa.table({"uri": [a[0] for a in ARTISTS], "name": [a[1] for a in ARTISTS]}),
    )


@pytest.mark.parametrize(
    ("seed", "row", "by", "own"),
    [
        ({"uri": "t2"}, 2, URI, 2),
        ({"uri": "t7"}, 7, URI, 7),
        ({"uri": "new", "artist_uri": "a1"}, 3, ARTIST, -1),
        ({"uri": "new", "artist_uri": "a1", "name": "DEJA VU!"}, 3, NAME, -1),  # the more popular of the two
        ({"uri": "new", "artist_uri": "a0", "name": "Towers"}, 1, NAME, -1),
        ({"uri": "new", "artist_uri": "a3", "name": "Towers"}, 6, NAME, -1),
        ({"uri": "new", "artist_uri": "a0", "name": "Unheard"}, 1, ARTIST, -1),
        ({"uri": "new", "artist_uri": "zz", "artist_name": "beyonce"}, 3, ARTIST, -1),
        ({"uri": "new", "artist_name": "BON IVER", "name": "Holocene"}, 0, NAME, -1),  # a0 has the top track of both
        ({"uri": "t4"}, 3, ARTIST, 4),  # it has a row, and nobody learned from it
        ({"uri": "t4", "artist_uri": "a0"}, 3, ARTIST, 4),  # the data's word for its artist goes first
        ({"uri": "t5"}, -1, UNKNOWN, 5),
        ({"uri": "t5", "artist_name": "Nobody"}, -1, UNKNOWN, 5),
        ({"uri": "new", "artist_uri": "zz", "name": "Towers"}, -1, UNKNOWN, -1),  # a title alone is not enough
        ({"uri": "new"}, -1, UNKNOWN, -1),
    ],
)
def test_one_seed(corpus: Corpus, seed: dict[str, str], row: int, by: int, own: int) -> None:
    found = resolve(
        corpus,
        POPULARITY,
        ["t0", seed["uri"]],
        artist_uris=[None, seed.get("artist_uri")],
        artist_names=[None, seed.get("artist_name")],
        names=["Holocene", seed.get("name")],
    )
    assert (found.rows.tolist(), found.by.tolist(), found.own.tolist()) == ([0, row], [URI, by], [0, own])


def test_uris_alone_and_no_seeds(corpus: Corpus) -> None:
    assert resolve(corpus, POPULARITY, ["t3", "t4", "x"]).rows.tolist() == [3, 3, -1]
    assert resolve(corpus, POPULARITY, []).rows.tolist() == []


def test_a_stand_in_may_be_recommended_and_the_track_itself_may_not(corpus: Corpus) -> None:
    found = resolve(corpus, POPULARITY, ["t4", "n", "t0"], artist_uris=[None, "a0", None], names=[None, "Towers", None])
    assert sorted(zip(*(part.tolist() for part in found.taken()))) == [(0, 4), (1, 1), (2, 0), (2, 0)]
