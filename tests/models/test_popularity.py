"""Popularity counts playlists."""

from __future__ import annotations

import numpy as np
import torch

from playlistrec.config import Config
from playlistrec.corpus.corpus import Corpus
from playlistrec.models.base import Query
from playlistrec.models.popularity import Popularity
from playlistrec.rank.recommend import recommend


def corpus() -> Corpus:
    whole = Corpus.from_lists([["a", "b", "c", "a"], ["c", "b", "c"], ["c", "d"], []])
    return whole.where(whole.tracks != 3)  # "d" stays in the catalogue without an entry


def test_counts_distinct_playlists() -> None:
    model = Popularity.from_corpus(corpus(), Config())
    assert model.state()["counts"].tolist() == [1, 2, 3, 0]
    scores = model.score(Query.of([[0, 1], [], [3]], [0, -1, -1]))
    assert scores.dtype == torch.float32
    assert scores.tolist() == [[1, 2, 3, 0]] * 3


def test_rows_are_the_callers() -> None:
    model = Popularity.from_corpus(corpus(), Config())
    indices, _ = recommend(model, Query.of([[2], []]), 4)
    assert indices.tolist() == [[1, 0, 3, -1], [2, 1, 0, 3]], "masking one row must not reach the next"
    assert model.score(Query.of([[]])).tolist() == [[1, 2, 3, 0]]


def test_arrays_round_trip() -> None:
    model, query = Popularity.from_corpus(corpus(), Config()), Query.of([[1], []])
    loaded = Popularity.from_state(corpus(), Config(), model.state())
    assert torch.equal(loaded.score(query), model.score(query))
    assert all(isinstance(array, np.ndarray) and array.dtype != object for array in model.state().values())
