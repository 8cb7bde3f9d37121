"""Titles: one spelling for what is spelt in many ways, and the features by which titles are like each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from typing_extensions import Self

from ..config import require

__all__ = ["TitleFeatures", "folded", "normalised"]

Hashes = npt.NDArray[np.uint64]
K = TypeVar("K", np.uint64, np.int64)
Places = npt.NDArray[np.int64]

ACCENTS = r"\x{300}-\x{36F}\x{1AB0}-\x{1AFF}\x{1DC0}-\x{1DFF}\x{20D0}-\x{20FF}\x{FE00}-\x{FE2F}"

QUOTE = "['`\u2018\u2019]"
REWRITTEN = tuple(
    (re.compile(pattern.replace("'", QUOTE)), text)
    for pattern, text in (
        (r"<3+", " ❤ "),
        (r"(?<!\d)2k([0-2]\d)(?!\d)", r"20\1"),
        (r"(?<!\d)'([0-2]\d)(?!\w|')", r"20\1"),
        (r"(?<!\w)'?(?:19)?([3-9]0)'?s(?!\w)", r"19\1s"),
        (r"(?<!\w)'?(?:20)?([0-2]0)'?s(?!\w)", r"20\1s"),
        (r"(?<!\d)((?:19|20)\d\d)(?!\d|s(?!\w))", r" \1 "),
        (r"&|'n'|(?<!\w)'?n'?(?!\w)", " and "),
        (r"(?<=\w)'(?=\w)", ""),
        (r"([^\W\d_])\1{2,}", r"\1\1"),
    )
)
"""In this order: hearts, years, decades, years glued to a word, ands, apostrophes in a word, letters drawn out."""

SYMBOL = r"[\x{1F1E6}-\x{1F1FF}]{2}|\p{So}"
"""A flag, which is two signs, or any other emoji; skin tones are of another category and go with the punctuation."""

CHUNK = 100_000
"""Titles whose features stand in memory at once."""

BASE = 0x9E3779B97F4A7C15
"""Of the polynomial hash; odd, so that it has an inverse among the numbers of 64 bits."""


def folded(names: pa.Array) -> pa.Array:
    """Names in lower case and compatibility form, without accents; null stays null.

    Marks that are no accents stay, since in many scripts they are vowels. ``ß`` and the final sigma are what lower
    case leaves of case folding.

    >>> folded(pa.array(["Déjà VU", "Straße"])).to_pylist()
    ['deja vu', 'strasse']
    """
    lower = pc.utf8_lower(pc.utf8_normalize(names.cast(pa.string()), form="NFKD"))
    for letter, plain in (("ß", "ss"), ("\u03c2", "\u03c3")):
        lower = pc.replace_substring(lower, letter, plain)
    return pc.replace_substring_regex(lower, f"[{ACCENTS}]+", "")


def normalised(titles: Sequence[str]) -> list[str]:
    """Titles as tokens with one space between them.

    Blind to case, accents, punctuation and letters drawn out; "and", years and decades have one spelling; every emoji
    is a token. A title of punctuation alone keeps its signs.

    >>> normalised(["Rock & Roll", "  rock'n'roll!!", "SUMMER2k17 🌴🌴", "90's", "1990s jams", "sooooo", "???", " "])
    ['rock and roll', 'rock and roll', 'summer 2017 🌴 🌴', '1990s', '1990s jams', 'soo', '???', '']
    """
    coded = pa.array(titles, pa.string()).dictionary_encode()
    plain = folded(coded.dictionary)
    texts = plain.to_pylist()
    for pattern, text in REWRITTEN:
        texts = [pattern.sub(text, title) for title in texts]
    tokens = pc.replace_substring_regex(pa.array(texts, pa.string()), f"({SYMBOL})", r" \1 ")
    tokens = pc.replace_substring_regex(tokens, r"[^\p{L}\p{N}\p{M}\p{So}]+", " ")
    tokens = pc.utf8_trim_whitespace(pc.utf8_normalize(tokens, form="NFC"))
    bare = pc.replace_substring_regex(plain, r"[\s\p{Z}\p{C}]+", "")
    distinct = pc.if_else(pc.equal(tokens, ""), bare, tokens)
    names: list[str] = distinct.take(coded.indices).to_pylist()
    return names


@dataclass(frozen=True, eq=False)
class TitleFeatures:
    """The words, the character n-grams and the whole of normalised titles, as columns learned on some of them.

    An n-gram lies in one word, whose ends are marked, as in fastText (Bojanowski et al. 2017, section 3.2). A feature
    is known by a hash of 64 bits, so that no text is kept; features that were not learned are left out.

    Attributes:
        hashes: (n_features,) sorted.
        sizes: the shortest and the longest n-gram.

    >>> features = TitleFeatures.learn(["chill", "rock"], (3, 3))
    >>> features(["chill", "rocky", "jazz"]).sum(axis=1).tolist()  # 5 trigrams and the word; " ro", "roc", "ock"
    [6.0, 3.0, 0.0]
    """

    hashes: Hashes
    sizes: tuple[int, int]

    @classmethod
    def learn(cls, titles: Sequence[str], sizes: tuple[int, int] = (3, 5)) -> Self:
        """The features of normalised ``titles``. Raises ConfigError unless ``3 <= sizes[0] <= sizes[1]``."""
        require(len(sizes) == 2 and 3 <= sizes[0] <= sizes[1], "ngrams", "two lengths of 3 or more, as in 3,5", sizes)
        found = [_distinct(_hashed(titles[low : low + CHUNK], sizes)[1]) for low in range(0, len(titles), CHUNK)]
        return cls(_distinct(np.concatenate([np.empty(0, np.uint64), *found])), sizes)

    def __len__(self) -> int:
        return len(self.hashes)

    def __call__(self, titles: Sequence[str]) -> sparse.csr_array[np.float32]:
        """(n_titles, n_features) binary."""
        keys = [np.empty(0, np.int64)]
        for low in range(0, len(titles), CHUNK):
            rows, hashes = _hashed(titles[low : low + CHUNK], self.sizes)
            columns = np.searchsorted(self.hashes, hashes)
            learned = columns < len(self)
            learned[learned] = self.hashes[columns[learned]] == hashes[learned]
            keys.append(_distinct((rows[learned] + low) * len(self) + columns[learned]))
        places = np.concatenate(keys)
        ones, width = np.ones(len(places), dtype=np.float32), max(len(self), 1)
        return sparse.csr_array((ones, (places // width, places % width)), shape=(len(titles), len(self)))


def _hashed(titles: Sequence[str], sizes: tuple[int, int]) -> tuple[Places, Hashes]:
    """The title and the hash of each feature, a polynomial of its characters, mixed."""
    text = np.frombuffer("".join(f" {title} " for title in titles).encode("utf-32-le"), np.uint32)
    ends = np.cumsum([len(title) + 2 for title in titles], dtype=np.int64)
    title_of = np.repeat(np.arange(len(titles)), np.diff(ends, prepend=0))
    blank = text == ord(" ")
    blanks = np.concatenate([[0], np.cumsum(blank)])
    base, inverse = (_powers(number, len(text)) for number in (BASE, pow(BASE, -1, 2**64)))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_mixed(text.astype(np.uint64)) * base, dtype=np.uint64)])

    spaces = np.flatnonzero(blank)
    inside = np.diff(spaces) > 1
    windows = [(spaces[:-1][inside], spaces[1:][inside] + 1)]
    long = np.diff(ends, prepend=0) > 2
    windows.append((np.concatenate([[0], ends[:-1]])[long], ends[long]))
    for size in range(sizes[0], sizes[1] + 1):
        starts = np.arange(max(len(text) - size + 1, 0))
        starts = starts[blanks[starts + size - 1] == blanks[starts + 1]]  # no blank but at the ends
        windows.append((starts, starts + size))
    low, high = (np.concatenate(bounds) for bounds in zip(*windows))
    return title_of[low], _mixed((sums[high] - sums[low]) * inverse[low])


def _distinct(values: npt.NDArray[K]) -> npt.NDArray[K]:
    """The distinct values, sorted; np.unique hashes as of NumPy 2.3, which takes many times as long."""
    values = np.sort(values)
    new: npt.NDArray[np.bool_] = np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]])
    return values.compress(new)


def _powers(number: int, n: int) -> Hashes:
    """(n,) ``number ** 0 … number ** (n - 1)`` modulo 2^64."""
    factors = np.full(n, number, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


def _mixed(z: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
