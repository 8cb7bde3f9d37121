"""Blocks of playlists give what one sort of all entries gives, wherever their borders fall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from playlistrec.corpus import pair_blocks
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import Split
from playlistrec.corpus.splitting import (
    split_continuation,
    split_edges,
    split_given,
    split_leave_one_out,
)


def _corpus() -> Corpus:
    random = np.random.default_rng(3)
    lengths = np.concatenate([[0, 40, 0, 1], random.integers(0, 9, 60), [0]])
    return Corpus.from_lists([[f"t{t}" for t in random.integers(0, 25, n)] for n in lengths])


def _given(corpus: Corpus) -> Split:
    test = (corpus.entry_playlist * 7 + corpus.tracks) % 5 == 0
    return split_given(corpus, test, valid=0.3)


@pytest.mark.parametrize("entries", [1, 5, 39, 64])
@pytest.mark.parametrize(
    "make",
    [
        split_edges,
        lambda corpus: split_edges(corpus, hide="contiguous"),
        lambda corpus: split_edges(corpus, hide="last"),
        split_continuation,
        lambda corpus: split_continuation(corpus, order="random"),
        split_leave_one_out,
        _given,
    ],
)
def test_splits_do_not_depend_on_the_size_of_a_block(
    make: Callable[[Corpus], Split], entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(_corpus()).part
    monkeypatch.setattr(pair_blocks, "BLOCK", entries)
    assert make(_corpus()).part.tolist() == whole.tolist()


@pytest.mark.parametrize("entries", [1, 5, 39, 1000])
def test_distinct_pairs_are_those_of_a_plain_loop(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = _corpus()
    monkeypatch.setattr(pair_blocks, "BLOCK", entries)
    expected = sorted({(p, t) for p in range(corpus.n_playlists) for t in corpus.playlist(p).tolist()})
    assert list(zip(*(part.tolist() for part in corpus.pairs))) == expected


@pytest.mark.parametrize("tracks", [[[]], [[0, 0, 0]], None])
def test_holders_are_those_of_a_plain_loop(tracks: list[list[int]] | None) -> None:
    """A track that ends one playlist and begins the next is held by both; tracks that nobody holds count 0."""
    corpus = _corpus() if tracks is None else Corpus.from_lists([[f"t{t}" for t in held] for held in tracks])
    edge = Corpus.from_lists([["a", "b"], ["b", "b"], ["b", "c"], []])
    for one in (corpus, edge, corpus.where(np.zeros(corpus.n_entries, dtype=bool))):
        held = [t for p in range(one.n_playlists) for t in set(one.playlist(p).tolist())]
        assert one.popularity.tolist() == np.bincount(np.array(held, dtype=int), minlength=one.n_tracks).tolist()
