"""Titles: many spellings of one thing, and the features against sets of strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus import titles
from playlistrec.corpus.titles import TitleFeatures, normalised
from playlistrec.errors import ConfigError

SAME = [
    ("chill", "Chill", "CHILL ", "  chill!!", "chill.", "(Chill)", "_chill_"),
    ("deja vu", "Déjà Vu", "De\u0301ja\u0300 Vu", "DEJA-VU"),
    ("summer 2017", "Summer 2k17", "SUMMER '17", "summer2017", "Summer\u201917", "Summer 2K17"),
    ("1990s", "90s", "90's", "'90s", "90\u2019s", "1990s", "1990's"),
    ("2000s", "00s", "2000's"),
    ("1980s and 1990s", "80s & 90s", "80's and 90's"),
    ("rock and roll", "Rock & Roll", "rock n roll", "Rock 'n' Roll", "rock'n'roll", "Rock N\u2019 Roll"),
    ("dont stop", "Don't Stop", "don\u2019t stop", "DONT STOP"),
    ("chill 🌴", "Chill🌴", "chill 🌴 "),
    ("❤", "<3", "❤️", "<333"),
    ("👍", "👍🏽", "👍"),
    ("🇺🇸 🇧🇷", "🇺🇸🇧🇷", "🇺🇸 🇧🇷"),
    ("soo good", "soooo good", "Sooooooo goood"),
    ("strasse", "Straße", "STRASSE"),
    ("любимое", "Любимое", "ЛЮБИМОЕ!"),
    ("музыка 2016", "музыка2016"),
    ("が", "が", "か\u3099"),
    ("음악", "음악"),
    ("हिन्दी", "हिन्दी!"),
    ("???", "???", "? ? ?"),
    ("", "", "  ", "\u0301"),
]


@pytest.mark.parametrize(("wanted", "spellings"), [(same[0], same[1:]) for same in SAME])
def test_spellings_of_one_title(wanted: str, spellings: tuple[str, ...]) -> None:
    assert normalised(spellings) == [wanted] * len(spellings)


@pytest.mark.parametrize(
    ("one", "other"),
    [("90s", "80s"), ("summer 2016", "summer 2017"), ("1000", "100"), ("🌴", "🔥"), ("chill", "chili"), ("1st", "2st")],
)
def test_what_differs_stays_apart(one: str, other: str) -> None:
    assert normalised([one]) != normalised([other])


def test_order_and_repeats_are_kept() -> None:
    assert normalised(["B", "a", "b!", "A"]) == ["b", "a", "b", "a"]
    assert normalised([]) == []


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=25))
def test_any_text_gives_tokens(text: str) -> None:
    (title,) = normalised([text])
    assert title == " ".join(title.split())
    assert (title == "") <= (not any(c.isalnum() and ord(c) < 0x250 for c in text)), "letters are never lost"


def features_of(title: str, low: int, high: int) -> set[str]:
    """The n-grams of each word with its ends marked by blanks, the words, and the whole."""
    words = [f" {word} " for word in title.split()]
    grams = {word[i : i + n] for word in words for n in range(low, high + 1) for i in range(len(word) - n + 1)}
    return grams | set(words) | ({f" {title} "} if title else set())


@pytest.mark.parametrize("sizes", [(3, 3), (3, 5), (4, 6)])
@pytest.mark.parametrize("chunk", [2, 100])
def test_features_are_those_of_sets_of_strings(
    sizes: tuple[int, int], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "CHUNK", chunk)
    learned = ["chill", "chill rock", "rocking", "1990s", "🌴", "a", "ab", "la la land", "음악", "???"]
    asked = [*learned, "rock chill", "", "lala", "jazz", "🌴 ab", "and"]
    features = TitleFeatures.learn(learned, sizes)
    known = set().union(*(features_of(title, *sizes) for title in learned))
    assert len(features) == len(known)
    rows = features(asked)
    sets = [features_of(title, *sizes) & known for title in asked]
    assert set(rows.data.tolist()) == {1.0}
    shared = (rows @ rows.T).toarray()
    np.testing.assert_array_equal(shared, [[len(one & other) for other in sets] for one in sets])


def test_no_titles_and_no_features() -> None:
    empty = TitleFeatures.learn([])
    assert len(empty) == 0
    assert empty(["chill", ""]).shape == (2, 0)
    assert TitleFeatures.learn(["chill"])([]).shape[0] == 0


@pytest.mark.parametrize("sizes", [(2, 3), (5, 4)])
def test_lengths_that_cannot_be(sizes: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="ngrams must be two lengths of 3 or more"):
        TitleFeatures.learn([], sizes)
