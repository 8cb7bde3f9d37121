"""Growth: rows stay where they are, and what was hidden or learned stays so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.growth import Growth, fingerprints, grown, grown_split
from playlistrec.corpus.split import TEST, TEST_SEED, TRAIN, VALID, VALID_SEED, Split
from playlistrec.corpus.splitting import split_continuation, split_edges, split_leave_one_out
from playlistrec.errors import DataError

LISTS = st.dictionaries(
    st.sampled_from("pqrstu"), st.lists(st.sampled_from("abcdefgh"), max_size=6), min_size=1, max_size=6
)
ARTIST = {"a": "X", "b": "X", "c": "Y", "d": "Z", "e": "W"}


def named(lists: dict[str, list[str]]) -> Corpus:
    from dataclasses import replace

    import pyarrow as pa

    corpus = Corpus.from_lists(list(lists.values()), ARTIST)
    return replace(corpus, playlists=pa.table({"pid": pa.array(list(lists), pa.string())}))


def as_lists(corpus: Corpus) -> dict[str, list[str]]:
    uris = corpus.track_table["uri"].to_pylist()
    pids = corpus.playlists["pid"].to_pylist()
    return {pid: [uris[t] for t in corpus.playlist(row)] for row, pid in enumerate(pids)}


@settings(max_examples=60, deadline=None)
@given(LISTS, LISTS)
def test_rows_are_stable_and_the_playlists_are_the_new_ones(
    old: dict[str, list[str]], new: dict[str, list[str]]
) -> None:
    before, after = named(old), named(new)
    corpus, entries = grown(before, after)
    for table, key in (("playlists", "pid"), ("track_table", "uri"), ("artists", "uri")):
        ids, first = getattr(corpus, table)[key].to_pylist(), getattr(before, table)[key].to_pylist()
        assert ids[: len(first)] == first
        assert len(set(ids)) == len(ids)
        assert set(ids) == {*first, *getattr(after, table)[key].to_pylist()}
    lists = as_lists(corpus)
    assert {pid: tracks for pid, tracks in lists.items() if pid in new} == new
    assert all(not tracks for pid, tracks in lists.items() if pid not in new), "it was removed"
    names = dict(zip(corpus.track_table["uri"].to_pylist(), corpus.artist_names().to_pylist()))
    assert all(ARTIST.get(uri) == name for uri, name in names.items())
    assert after.tracks.take(entries).shape == corpus.tracks.shape
    again, _ = grown(corpus, after)
    assert again.vocabulary_hash == corpus.vocabulary_hash


@settings(max_examples=40, deadline=None)
@given(LISTS, LISTS, st.sampled_from(["edges", "continuation", "leave-one-out"]))
def test_nothing_learned_is_hidden_and_nothing_hidden_is_learned(
    old: dict[str, list[str]], new: dict[str, list[str]], kind: str
) -> None:
    def divided(corpus: Corpus, seed: int) -> Split:
        if kind == "leave-one-out":
            return split_leave_one_out(corpus)
        split = split_edges if kind == "edges" else split_continuation
        return split(corpus, valid=0.3, test=0.3, seed=seed)

    before, after = named(old), named(new)
    split, part = divided(before, 0), divided(after, 1)
    corpus, entries = grown(before, after)
    together = grown_split(before, split, corpus, part.part[entries], part.kind)
    was = {
        (p, t): code for p, t, code in zip(before.entry_playlist.tolist(), before.tracks.tolist(), split.part.tolist())
    }
    now = list(zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist(), together.part.tolist()))
    assert all(was[p, t] == code for p, t, code in now if (p, t) in was)
    by_pair: dict[tuple[int, int], set[int]] = {}
    for p, t, code in now:
        by_pair.setdefault((p, t), set()).add(code)
    if kind != "leave-one-out":
        assert all(len(codes) == 1 for codes in by_pair.values()), "copies of a track are in one part"
    if kind == "continuation":
        whole = {frozenset({TRAIN}), frozenset({VALID, VALID_SEED}), frozenset({TEST, TEST_SEED})}
        for p in range(corpus.n_playlists):
            codes = {code for q, _, code in now if q == p}
            assert not codes or any(codes <= one for one in whole)


def test_splits_of_two_kinds_are_refused() -> None:
    corpus = named({"p": list("abc"), "q": list("bcd")})
    edges, whole = split_edges(corpus, valid=0.2, test=0.2), split_continuation(corpus, valid=0.5, test=0)
    with pytest.raises(DataError, match="of one kind: edges before, continuation now"):
        grown_split(corpus, edges, corpus, whole.part, whole.kind)


def test_changed_playlists_are_told_by_their_sets_of_tracks() -> None:
    before = named({"p": list("abc"), "q": list("bcd"), "r": list("a"), "s": []})
    after, _ = grown(before, named({"q": list("bcda"), "p": list("cbaa"), "s": [], "n": ["a"]}))
    fitted = {"rows": np.array([4, 4, 3]), "train": fingerprints(before)}
    growth = Growth.since(fitted, "train", before, after)
    assert growth.changed.tolist() == [False, True, True, False]
    assert len(np.unique(fingerprints(named({str(i): list("abcdefgh")[: i + 1] for i in range(8)})))) == 8
