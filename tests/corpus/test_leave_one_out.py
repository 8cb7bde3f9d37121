"""Leave-one-out against a loop that walks each playlist backwards."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import TEST, TRAIN, VALID
from playlistrec.corpus.splitting import split_leave_one_out


def naive(playlist: list[str]) -> list[int]:
    """Part of each entry: walking backwards, the first two entries whose track does not occur earlier are hidden."""
    new = [at for at, track in enumerate(playlist) if track not in playlist[:at]]
    if len(new) < 3:
        return [TRAIN] * len(playlist)
    test, valid = playlist[new.pop()], playlist[new.pop()]
    return [{test: TEST, valid: VALID}.get(track, TRAIN) for track in playlist]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=9), min_size=1, max_size=6))
def test_is_the_naive_walk(playlists: list[list[str]]) -> None:
    corpus = Corpus.from_lists(playlists)
    split = split_leave_one_out(corpus)
    assert split.kind == "leave-one-out"
    assert split.part.dtype == np.uint8
    assert split.part.tolist() == [part for playlist in playlists for part in naive(playlist)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=9), min_size=1, max_size=6))
def test_one_question_a_playlist_and_none_gives_itself_away(playlists: list[list[str]]) -> None:
    corpus = Corpus.from_lists(playlists)
    split = split_leave_one_out(corpus)
    long = [p for p, tracks in enumerate(playlists) if len(set(tracks)) >= 3]
    for part in ("valid", "test"):
        evaluation_set = split.evaluation_set(corpus, part)  # type: ignore[arg-type]
        assert evaluation_set.known
        assert evaluation_set.playlists.tolist() == long
        assert evaluation_set.n_left_out == len(playlists) - len(long)
        assert np.diff(evaluation_set.truth_offsets).tolist() == [1] * len(long)
        for i, track in enumerate(evaluation_set.truth.tolist()):
            seeds = evaluation_set.seeds[evaluation_set.seed_offsets[i] : evaluation_set.seed_offsets[i + 1]]
            assert len(seeds)
            assert track not in seeds


def test_a_repeat_at_the_end_is_not_what_is_asked() -> None:
    corpus = Corpus.from_lists([["a", "b", "c", "d", "a", "c"]])
    assert split_leave_one_out(corpus).part.tolist() == [TRAIN, TRAIN, VALID, TEST, TRAIN, VALID]


def test_many_playlists_keep_apart() -> None:
    corpus = Corpus.from_lists([[f"t{(7 * p + i) % 50}" for i in range(3 + p % 5)] for p in range(3000)])
    part = split_leave_one_out(corpus).part
    last = corpus.offsets[1:] - 1
    assert (part[last] == TEST).all()
    assert (part[last - 1] == VALID).all()
    assert (part == TRAIN).sum() == corpus.n_entries - 2 * corpus.n_playlists
