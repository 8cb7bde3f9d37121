"""Filters against slow code written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus, Mask
from playlistrec.corpus.filters import k_core, largest_component, neighbourhood
from playlistrec.errors import ConfigError, DataError

Pairs = set[tuple[int, int]]
LISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), min_size=1, max_size=8)


def corpus_of(lists: list[list[str]]) -> Corpus:
    return Corpus.from_lists(lists)


def pairs_of(corpus: Corpus, counted: Mask | None = None) -> Pairs:
    keep = np.ones(corpus.n_entries, dtype=bool) if counted is None else counted
    return {(p, t) for p, t, k in zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist(), keep) if k}


def some_entries(corpus: Corpus, seed: int) -> Mask:
    return np.random.default_rng(seed).random(corpus.n_entries) < 0.7


def chosen(masks: tuple[Mask, Mask]) -> tuple[set[int], set[int]]:
    return set(np.flatnonzero(masks[0]).tolist()), set(np.flatnonzero(masks[1]).tolist())


def naive_core(pairs: Pairs, k: int) -> tuple[set[int], set[int]]:
    """Drop one node at a time, whichever comes first."""
    pairs = set(pairs)
    while True:
        playlists, tracks = {p for p, _ in pairs}, {t for _, t in pairs}
        weak_p = next((p for p in playlists if sum(q == p for q, _ in pairs) < k), None)
        weak_t = next((t for t in tracks if sum(u == t for _, u in pairs) < k), None)
        if weak_p is None and weak_t is None:
            return playlists, tracks
        pairs = {(p, t) for p, t in pairs if p != weak_p and t != weak_t}


def naive_hops(pairs: Pairs, playlist: int, hops: int | None) -> tuple[set[int], set[int]]:
    """Breadth-first search over single nodes; ``None`` goes on to the end."""
    distance = {("p", playlist): 0}
    queue = [("p", playlist)]
    for kind, node in queue:
        if hops is not None and distance[kind, node] == hops:
            continue
        for p, t in pairs:
            if node == (p if kind == "p" else t):
                other = ("t", t) if kind == "p" else ("p", p)
                if other not in distance:
                    distance[other] = distance[kind, node] + 1
                    queue.append(other)
    return {n for kind, n in distance if kind == "p"}, {n for kind, n in distance if kind == "t"}


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, k=st.integers(1, 4), seed=st.none() | st.integers(0, 5))
def test_k_core_is_what_is_left_when_weak_nodes_are_dropped_one_by_one(lists, k, seed):
    corpus = corpus_of(lists)
    counted = None if seed is None else some_entries(corpus, seed)
    pairs = pairs_of(corpus, counted)
    expected = naive_core(pairs, k)
    if expected[0]:
        assert chosen(k_core(corpus, k, counted)) == expected
        return
    largest = max((j for j in range(1, k) if naive_core(pairs, j)[0]), default=0)
    with pytest.raises(DataError, match=f"the {k}-core of this data is empty; .* leaves something is {largest}$"):
        k_core(corpus, k, counted)


def test_k_core_needs_more_than_one_round():
    # Dropping d (one playlist) leaves playlist 2 with one track, whose loss leaves track c with one playlist.
    corpus = corpus_of([["a", "b", "c"], ["a", "b"], ["c", "d"]])
    assert chosen(k_core(corpus, 2)) == ({0, 1}, {0, 1})


def test_k_core_counts_a_repeated_track_once():
    with pytest.raises(DataError, match="leaves something is 1"):
        k_core(corpus_of([["a", "a", "a"], ["b", "b"]]), 2)


def test_k_core_zero_keeps_everything_and_one_drops_the_empty():
    corpus = corpus_of([["a"], [], ["a", "b"]])
    assert chosen(k_core(corpus, 0)) == ({0, 1, 2}, {0, 1})
    assert chosen(k_core(corpus, 1)) == ({0, 2}, {0, 1})
    not_b = np.array([True, True, False])
    assert chosen(k_core(corpus, 1, not_b)) == ({0, 2}, {0})


def test_a_negative_k_core_is_refused():
    with pytest.raises(ConfigError, match=r"^k_core must be at least 0 \(got -3\)$"):
        k_core(corpus_of([["a"]]), -3)


def test_hidden_entries_do_not_hold_a_core_up():
    corpus = corpus_of([["a", "b"], ["a", "b"]])
    assert chosen(k_core(corpus, 2)) == ({0, 1}, {0, 1})
    with pytest.raises(DataError, match="leaves something is 1"):
        k_core(corpus, 2, np.array([True, True, True, False]))


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, seed=st.none() | st.integers(0, 5))
def test_largest_component_is_the_largest_set_that_a_search_reaches(lists, seed):
    corpus = corpus_of(lists)
    counted = None if seed is None else some_entries(corpus, seed)
    pairs = pairs_of(corpus, counted)
    if not pairs:
        with pytest.raises(DataError, match="no entries"):
            largest_component(corpus, counted)
        return
    reached = [naive_hops(pairs, p, None) for p in range(corpus.n_playlists)]
    assert chosen(largest_component(corpus, counted)) == max(reached, key=lambda r: len(r[0]) + len(r[1]))


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, hops=st.integers(1, 6), seed=st.none() | st.integers(0, 5), data=st.data())
def test_neighbourhood_is_a_breadth_first_search(lists, hops, seed, data):
    corpus = corpus_of(lists)
    playlist = data.draw(st.integers(0, corpus.n_playlists - 1))
    counted = None if seed is None else some_entries(corpus, seed)
    expected = naive_hops(pairs_of(corpus, counted), playlist, hops)
    assert chosen(neighbourhood(corpus, playlist, hops, counted)) == expected


def test_neighbourhood_by_hand():
    corpus = corpus_of([["a"], ["a", "b"], ["b", "c"], ["z"]])
    assert chosen(neighbourhood(corpus, 0, 1)) == ({0}, {0})
    assert chosen(neighbourhood(corpus, 0, 2)) == ({0, 1}, {0})
    assert chosen(neighbourhood(corpus, 0, 3)) == ({0, 1}, {0, 1})
    assert chosen(neighbourhood(corpus, 0, 10**9)) == ({0, 1, 2}, {0, 1, 2})


def test_neighbourhood_refuses_no_hops_and_rows_that_are_not_there():
    corpus = corpus_of([["a"]])
    with pytest.raises(ConfigError, match=r"^hops must be at least 1 \(got 0\)$"):
        neighbourhood(corpus, 0, 0)
    for row in (1, -1):
        with pytest.raises(DataError, match=rf"^playlist must be a row in 0\.\.0 \(got {row}\)$"):
            neighbourhood(corpus, row, 2)


def test_the_masks_go_into_subset():
    corpus = corpus_of([["a", "b", "c", "b"], ["a", "b"], ["c", "d"]])
    core, kept = corpus.subset(*k_core(corpus, 2))
    assert [core.playlist(p).tolist() for p in range(core.n_playlists)] == [[0, 1, 1], [0, 1]]
    assert kept.tolist() == [True, True, False, True, True, True, False, False]
