"""Titles as vectors: TF-IDF of words and character n-grams, or a sentence embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from typing_extensions import Self

from ...corpus.corpus import Corpus
from ...corpus.titles import TitleFeatures, normalised
from ..neighbours.top_neighbours import rows_of, squares
from ..neighbours.weighting import TermWeights
from .sentences import StaticVectors

__all__ = ["SentenceSpace", "TitleKind", "TitleSpace", "Titled", "title_space"]

TitleKind = Literal["ngrams", "wordllama"]


@dataclass(frozen=True, eq=False)
class Titled:
    """The playlists of a corpus that have a name and an entry, by their distinct normalised titles.

    Attributes:
        playlists: (n,) int64 their rows.
        titles: the distinct titles.
        title: (n,) int64 which of them each has.
    """

    playlists: npt.NDArray[np.int64]
    titles: list[str]
    title: npt.NDArray[np.int64]

    @classmethod
    def of(cls, corpus: Corpus, most: int | None = None) -> Self:
        """Those of a corpus that holds only what may be learned from: a playlist hidden whole has no entry in it.

        Args:
            corpus: its playlists may have names.
            most: of more playlists than these only every second, third, … is taken.

        >>> Titled.of(Corpus.from_lists([["a"]])).titles
        []
        """
        held = np.flatnonzero(corpus.lengths)
        held = held[:: max(1, -(-len(held) // (most or len(held) or 1)))]
        names = normalised(corpus.titles(held) or [""] * len(held))
        row = {title: i for i, title in enumerate(sorted({*names} - {""}))}
        title = np.array([row.get(name, -1) for name in names], dtype=np.int64)
        return cls(held[title >= 0], list(row), title[title >= 0])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(n_titles,) how many playlists have each title."""
        return np.bincount(self.title, minlength=len(self.titles))

    @property
    def sums(self) -> sparse.csr_array[np.float32]:
        """(n_titles, n) binary: times a matrix with a row a playlist it sums those of each title."""
        ones = np.ones(len(self.title), dtype=np.float32)
        return sparse.csr_array((ones, (self.title, np.arange(len(self.title)))), shape=(len(self.titles), len(ones)))


@dataclass(frozen=True, eq=False)
class TitleSpace:
    """Normalised titles as TF-IDF rows of length 1; a title of which no feature was learned is a row of zeros.

    >>> space = TitleSpace.learn(["chill", "chill rock", "rock"])
    >>> rows = space(["rock", "rocks", "jazz"])
    >>> (rows @ rows.T).toarray().round(1)
    array([[1. , 0.8, 0. ],
           [0.8, 1. , 0. ],
           [0. , 0. , 0. ]], dtype=float32)
    """

    features: TitleFeatures
    weights: TermWeights

    @classmethod
    def learn(cls, titles: Sequence[str], ngrams: tuple[int, int] = (3, 5)) -> Self:
        """The space of distinct ``titles``."""
        features = TitleFeatures.learn(titles, ngrams)
        return cls(features, TermWeights.of(features(titles), "tfidf"))

    def __call__(self, titles: Sequence[str]) -> sparse.csr_array[np.float32]:
        """(n_titles, n_features)."""
        return self.unit(self.features(titles))

    def unit(self, binary: sparse.csr_array[np.float32]) -> sparse.csr_array[np.float32]:
        """(n, n_features) the rows of titles whose ``features`` are ``binary``."""
        rows = self.weights(binary)
        rows.data /= np.sqrt(squares(rows))[rows_of(rows)]
        return rows


class SentenceSpace:
    """Normalised titles as WordLlama's sentence embeddings, rows of length 1 and width 256.

    Raises:
        ConfigError: the package is not installed.
    """

    def __init__(self) -> None:
        self._vectors = StaticVectors.wordllama()

    def __call__(self, titles: Sequence[str]) -> sparse.csr_array[np.float32]:
        """(n_titles, 256)."""
        return sparse.csr_array(self._vectors(titles))


def title_space(titles: Sequence[str], kind: TitleKind) -> TitleSpace | SentenceSpace:
    """The space of this kind; n-grams are learned on ``titles``, distinct and normalised."""
    return TitleSpace.learn(titles) if kind == "ngrams" else SentenceSpace()
