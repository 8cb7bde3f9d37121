"""A track is found by its uri, however a person or the data spells it."""

from __future__ import annotations

import numpy as np
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.serving.lookup.known import KnownTracks
from playlistrec.serving.lookup.locating import locate
from playlistrec.serving.lookup.playlist_file import Entry
from playlistrec.serving.lookup.search import TrackIndex
from playlistrec.serving.lookup.seeds import resolve

ID, OTHER = "4uLU6hMCjMI75M1A2tKUQC", "UlnBfrGXeqkjnjpWwqGNbm"


@pytest.mark.parametrize("written", ["spotify:track:{}", "{}"])
@pytest.mark.parametrize(
    "given",
    [
        *("spotify:track:{}", "{}", "SPOTIFY:TRACK:{}", "https://open.spotify.com/track/{}?si=1"),
        *("open.spotify.com/track/{}", "https://open.spotify.com/intl-de/track/{}", "http://open.spotify.com/track/{}"),
    ],
)
def test_however_it_is_spelt(written: str, given: str) -> None:
    corpus = Corpus.from_lists([[written.format(ID), written.format(OTHER)], [written.format(ID)]])
    texts = [given.format(OTHER), given.format(ID), given.format(ID[::-1]), "nothing"]
    index = TrackIndex(corpus)
    assert resolve(corpus, corpus.popularity, texts).own.tolist() == [1, 0, -1, -1]
    assert KnownTracks(corpus).seeds(texts).own.tolist() == [1, 0, -1, -1]
    assert [index.find(text).track for text in texts[:2]] == [1, 0]
    assert [found.track for found in locate(index, [Entry.of(text) for text in texts])] == [1, 0, -1, -1]


def test_the_data_s_own_spelling_comes_first() -> None:
    corpus = Corpus.from_lists([[ID, f"spotify:track:{ID}"]])
    assert np.array_equal(resolve(corpus, corpus.popularity, [f"spotify:track:{ID}", ID]).own, [1, 0])
