"""Making splits, and what they give out: no pair in two parts, unbiased shares, the same split by seed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import TEST, TEST_SEED, TRAIN, VALID, VALID_SEED, Split
from playlistrec.corpus.splitting import split_continuation, split_edges, split_given
from playlistrec.errors import ConfigError, DataError

LISTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), min_size=1, max_size=8)
SHARES = st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)).filter(lambda s: sum(s) < 1)


def parts_by_playlist(corpus: Corpus, split: Split) -> list[dict[int, set[int]]]:
    """For each playlist and each of its tracks, the parts in which it stands."""
    found: list[dict[int, set[int]]] = [{} for _ in range(corpus.n_playlists)]
    for playlist, track, part in zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist(), split.part.tolist()):
        found[playlist].setdefault(track, set()).add(part)
    return found


def random_corpus(n: int, seed: int = 0, longest: int = 40) -> Corpus:
    rng = np.random.default_rng(seed)
    return Corpus.from_lists([[f"t{t}" for t in rng.zipf(1.3, rng.integers(1, longest)) % 500] for _ in range(n)])


@settings(max_examples=80, deadline=None)
@given(lists=LISTS, shares=SHARES, seed=st.integers(0, 3))
def test_edges_put_each_pair_in_one_part_and_leave_one_track_to_train(lists, shares, seed):
    corpus = Corpus.from_lists(lists)
    valid, test = shares
    split = split_edges(corpus, valid, test, seed)
    assert split.kind == "edges"
    for parts in parts_by_playlist(corpus, split):
        assert all(len(of_track) == 1 for of_track in parts.values())
        flat = [next(iter(of_track)) for of_track in parts.values()]
        assert not flat or TRAIN in flat
        n, n_test, n_valid = len(flat), flat.count(TEST), flat.count(VALID)
        if n and (valid + test) * n <= n - 1:
            assert abs(n_test - test * n) < 1 + 1e-9
            assert abs(n_test + n_valid - (test + valid) * n) < 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, shares=SHARES, seed=st.integers(0, 3), hide=st.sampled_from(["contiguous", "last"]))
def test_what_is_hidden_together_stands_together(lists, shares, seed, hide):
    """In the order of their first occurrence; as many in each part as at random; the last ones end with the test."""
    corpus = Corpus.from_lists(lists)
    split, at_random = (split_edges(corpus, *shares, seed, hide=h) for h in (hide, "random"))
    for parts, others in zip(parts_by_playlist(corpus, split), parts_by_playlist(corpus, at_random)):
        text, other = ("".join("-vt"[next(iter(part))] for part in found.values()) for found in (parts, others))
        assert sorted(text) == sorted(other)
        assert re.fullmatch("-*v*t*" if hide == "last" else "-*t*v*-*", text), text


def test_a_run_begins_anywhere_alike():
    corpus = Corpus.from_lists([[f"t{i}" for i in range(6)]] * 6000)
    part = split_edges(corpus, 1 / 6, 1 / 6, hide="contiguous").part.reshape(6000, 6)
    starts = np.bincount(part.argmax(axis=1), minlength=6) / 6000
    assert np.abs(starts[:5] - 1 / 5).max() < 0.03
    assert starts[5] == 0


def test_a_given_test_part_may_have_a_run_for_validation():
    corpus = Corpus.from_lists([[f"t{i}" for i in range(10)]] * 50)
    test = np.tile(np.arange(10) >= 8, 50)
    split = split_given(corpus, test, valid=0.25, hide="contiguous")
    for parts in parts_by_playlist(corpus, split):
        assert re.fullmatch("-*vv-*tt", "".join("-vt"[next(iter(part))] for part in parts.values()))


@pytest.mark.parametrize(("valid", "test"), [(0.1, 0.1), (0.07, 0.23), (0.0, 0.15), (0.4, 0.0)])
def test_edge_shares_are_unbiased_for_every_length(valid, test):
    # 4,000 playlists of each length: a binomial mean is off by over five standard errors once in a million.
    for length in (2, 3, 5, 7, 12):
        corpus = Corpus.from_lists([[f"t{i}" for i in range(length)]] * 4000)
        split = split_edges(corpus, valid, test, seed=length)
        for share, code in ((valid, VALID), (test, TEST)):
            counts = (split.part == code).reshape(4000, length).sum(axis=1)
            error = max(counts.std() / np.sqrt(4000), 1e-12)
            assert abs(counts.mean() - share * length) < 5 * error, (length, code)


def test_every_place_of_a_playlist_is_hidden_alike():
    corpus = Corpus.from_lists([[f"t{i}" for i in range(10)]] * 6000)
    hidden = (split_edges(corpus, 0.1, 0.1, seed=3).part != TRAIN).reshape(6000, 10).mean(axis=0)
    assert np.all(np.abs(hidden - 0.2) < 5 * np.sqrt(0.16 / 6000))


def test_shares_too_large_for_a_short_playlist_shrink_together():
    corpus = Corpus.from_lists([["a", "b"]] * 6000)
    part = split_edges(corpus, valid=0.4, test=0.4, seed=1).part.reshape(6000, 2)
    assert np.all((part == TRAIN).sum(axis=1) == 1)
    assert abs((part == TEST).sum() / 6000 - 0.5) < 5 * np.sqrt(0.25 / 6000)


def test_a_playlist_of_one_distinct_track_is_all_train():
    corpus = Corpus.from_lists([["a", "a", "a"]] * 200 + [[]] * 5)
    assert split_edges(corpus, 0.45, 0.45).counts()["train"] == 600
    assert split_continuation(corpus, 0.45, 0.45).counts()["train"] == 600


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    corpus = random_corpus(200)
    for make in (split_edges, split_continuation):
        assert np.array_equal(make(corpus, seed=5).part, make(corpus, seed=5).part)
        assert not np.array_equal(make(corpus, seed=5).part, make(corpus, seed=6).part)


def test_splits_do_not_change_between_versions():
    """Digests written down once: a change here makes every published number incomparable."""
    corpus = Corpus.from_lists([[f"t{(p * i) % 37}" for i in range(3 + p % 20)] for p in range(100)])
    test = np.zeros(corpus.n_entries, dtype=bool)
    test[corpus.tracks % 5 == 0] = True
    splits = [split_edges(corpus), split_continuation(corpus), split_given(corpus, test)]
    assert [hashlib.sha256(split.part.tobytes()).hexdigest()[:16] for split in splits] == DIGESTS


DIGESTS = ["7bb098fd2c12d8b2", "fb9a4c0356487c8c", "f1967669cb796546"]


@settings(max_examples=80, deadline=None)
@given(
    lists=LISTS,
    shares=SHARES,
    seed=st.integers(0, 3),
    seeds=st.none() | st.integers(1, 6),
    order=st.sampled_from(["first", "random"]),
)
def test_continuation_shows_and_hides_whole_playlists(lists, shares, seed, seeds, order):
    corpus = Corpus.from_lists(lists)
    split = split_continuation(corpus, *shares, seed=seed, seeds=seeds, order=order)
    for row, parts in enumerate(parts_by_playlist(corpus, split)):
        assert all(len(of_track) == 1 for of_track in parts.values())
        flat = {track: next(iter(of_track)) for track, of_track in parts.items()}
        codes = set(flat.values())
        if codes <= {TRAIN}:
            continue
        assert codes in ({VALID, VALID_SEED}, {TEST, TEST_SEED})
        shown = [track for track, code in flat.items() if code in (VALID_SEED, TEST_SEED)]
        expected = max(len(flat) // 2, 1) if seeds is None else min(seeds, len(flat) - 1)
        assert len(shown) == expected
        if order == "first":
            assert shown == list(dict.fromkeys(corpus.playlist(row).tolist()))[:expected]


def test_continuation_hides_the_share_of_playlists_it_was_asked_for():
    corpus = random_corpus(2000)
    part = split_continuation(corpus, valid=0.05, test=0.2, seed=2).part
    eligible = sum(len(set(corpus.playlist(p).tolist())) >= 2 for p in range(corpus.n_playlists))
    for share, code in ((0.05, VALID), (0.2, TEST)):
        assert abs(len(np.unique(corpus.entry_playlist[part == code])) - share * eligible) < 1


def test_random_seeds_come_from_the_whole_playlist():
    corpus = Corpus.from_lists([[f"t{i}" for i in range(8)]] * 4000)
    part = split_continuation(corpus, valid=0.0, test=0.5, seeds=2, order="random").part.reshape(4000, 8)
    shown = (part[(part != TRAIN).all(axis=1)] == TEST_SEED).mean(axis=0)
    assert np.all(np.abs(shown - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 2000))


def test_a_shown_track_is_never_also_asked_for():
    corpus = Corpus.from_lists([["a", "b", "a", "b", "c", "a"]] * 50)
    split = split_continuation(corpus, valid=0.4, test=0.4, seeds=2)
    for part in ("valid", "test"):
        evaluation_set = split.evaluation_set(corpus, part)
        assert len(evaluation_set) == 20
        assert evaluation_set.n_left_out == 30
        assert not evaluation_set.known
        assert set(evaluation_set.truth.tolist()) == {2}
        assert evaluation_set.seeds.tolist() == [0, 1, 0, 1, 0] * 20


def test_given_keeps_the_test_part_and_carves_validation_out_of_the_rest():
    corpus = random_corpus(300)
    test = corpus.tracks % 7 == 0
    split = split_given(corpus, test, valid=0.2, seed=4)
    assert split.kind == "given"
    assert np.array_equal(split.mask(TEST), test)
    assert abs(split.mask(VALID).sum() / (~test).sum() - 0.2) < 0.02
    for parts in parts_by_playlist(corpus, split):
        assert all(len(of_track) == 1 for of_track in parts.values())
    # What stands in the test part has no bearing on what is drawn from the rest.
    rest = corpus.where(~test)
    assert np.array_equal(split_edges(rest, valid=0.2, test=0.0, seed=4).part, split.part[~test])


def test_given_leaves_a_playlist_one_training_track():
    corpus = Corpus.from_lists([["a", "b", "c"]] * 100)
    test = np.tile([False, True, True], 100)
    assert split_given(corpus, test, valid=0.9).counts() == {
        "train": 100,
        "valid": 0,
        "test": 200,
        "valid_seeds": 0,
        "test_seeds": 0,
    }


def test_given_refuses_a_pair_that_is_both_train_and_test():
    corpus = Corpus.from_lists([["a", "b"], ["a", "b", "a"]])
    with pytest.raises(DataError, match=r"^1 pairs are both train and test; the first: playlist 1, track a$"):
        split_given(corpus, np.array([True, False, False, False, True]))
    with pytest.raises(DataError, match="test mask must have shape"):
        split_given(corpus, np.array([True]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": -0.1}, "valid must be at least 0 and below 1 (got -0.1)"),
        ({"test": 1.0}, "test must be at least 0 and below 1 (got 1.0)"),
        ({"test": float("nan")}, "test must be at least 0 and below 1 (got nan)"),
        ({"valid": 0.5, "test": 0.5}, "valid + test must be below 1 (got 1.0)"),
        ({"seed": -1}, "seed must be at least 0 (got -1)"),
    ],
)
@pytest.mark.parametrize("make", [split_edges, split_continuation])
def test_bad_shares_are_refused(make, options, message):
    with pytest.raises(ConfigError) as error:
        make(Corpus.from_lists([["a", "b"]]), **options)
    assert str(error.value) == message


def test_bad_continuation_options_are_refused():
    corpus = Corpus.from_lists([["a", "b"]])
    with pytest.raises(ConfigError, match=r"^seeds must be at least 1 \(got 0\)$"):
        split_continuation(corpus, seeds=0)
    with pytest.raises(ConfigError, match=r"^order must be one of first, random"):
        split_continuation(corpus, order="last")  # type: ignore[arg-type]


def test_an_empty_corpus_splits_into_nothing():
    corpus = Corpus.from_lists([])
    empty = np.zeros(0, dtype=bool)
    for split in (split_edges(corpus), split_continuation(corpus), split_given(corpus, empty)):
        assert split.part.shape == (0,)
        assert len(split.evaluation_set(corpus, "test")) == 0


def naive_questions(corpus: Corpus, split: Split, part: str) -> dict[int, tuple[list[int], set[int]]]:
    """Seeds in order and truth of each playlist that is asked, entry by entry."""
    hidden = VALID if part == "valid" else TEST
    if split.kind == "continuation":
        shown = {VALID_SEED if part == "valid" else TEST_SEED}
    else:
        shown = {TRAIN} if part == "valid" else {TRAIN, VALID}
    asked: dict[int, tuple[list[int], set[int]]] = {p: ([], set()) for p in range(corpus.n_playlists)}
    for playlist, track, code in zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist(), split.part.tolist()):
        if code == hidden:
            asked[playlist][1].add(track)
        elif code in shown:
            asked[playlist][0].append(track)
    return {p: question for p, question in asked.items() if question[1]}


@pytest.mark.parametrize("part", ["valid", "test"])
@pytest.mark.parametrize("kind", ["edges", "continuation", "given"])
def test_questions_are_those_of_a_plain_loop(kind, part):
    corpus = random_corpus(80, seed=7, longest=15)
    split = {
        "edges": lambda: split_edges(corpus, 0.2, 0.2),
        "continuation": lambda: split_continuation(corpus, 0.2, 0.2),
        "given": lambda: split_given(corpus, corpus.tracks % 4 == 1, 0.2),
    }[kind]()
    expected = naive_questions(corpus, split, part)
    evaluation_set = split.evaluation_set(corpus, part)
    assert evaluation_set.playlists.tolist() == sorted(expected)
    assert evaluation_set.known == (kind != "continuation")
    assert evaluation_set.n_left_out == corpus.n_playlists - len(expected)
    for i, playlist in enumerate(evaluation_set.playlists.tolist()):
        seeds = evaluation_set.seeds[evaluation_set.seed_offsets[i] : evaluation_set.seed_offsets[i + 1]].tolist()
        truth = evaluation_set.truth[evaluation_set.truth_offsets[i] : evaluation_set.truth_offsets[i + 1]].tolist()
        assert seeds == expected[playlist][0]
        assert len(truth) == len(set(truth))
        assert set(truth) == expected[playlist][1]
        assert not set(seeds) & set(truth)


def test_questions_know_what_their_playlists_are_called():
    corpus = random_corpus(80, seed=7, longest=15)
    names = [None if p % 3 == 0 else f"list {p}" for p in range(corpus.n_playlists)]
    named = replace(corpus, playlists=corpus.playlists.append_column("name", pa.array(names, pa.string())))
    evaluation_set = split_continuation(named, 0.2, 0.2).evaluation_set(named, "test")
    assert evaluation_set.titles == tuple(names[p] or "" for p in evaluation_set.playlists.tolist())
    assert split_continuation(corpus, 0.2, 0.2).evaluation_set(corpus, "test").titles is None


@pytest.mark.parametrize("make", [split_edges, split_continuation])
def test_training_and_ranking_hold_no_hidden_entry(make):
    corpus = random_corpus(200)
    split = make(corpus, 0.2, 0.2)

    def pairs(part: Corpus) -> set[tuple[int, int]]:
        return set(zip(*(array.tolist() for array in part.pairs)))

    hidden = {code: pairs(corpus.where(split.mask(code))) for code in (VALID, TEST, TEST_SEED)}
    assert hidden[VALID]
    assert hidden[TEST]
    for known in (split.training(corpus), split.ranking(corpus, "valid")):
        assert not pairs(known) & (hidden[VALID] | hidden[TEST] | hidden[TEST_SEED])
    for known in (split.training(corpus, refit=True), split.ranking(corpus, "test")):
        assert pairs(known) >= hidden[VALID]
        assert not pairs(known) & (hidden[TEST] | hidden[TEST_SEED])


def test_save_and_load(tmp_path):
    corpus = random_corpus(30)
    split = split_continuation(corpus)
    split.save(tmp_path)
    loaded = Split.load(tmp_path)
    assert loaded.kind == "continuation"
    assert np.array_equal(loaded.part, split.part)
    assert loaded.counts() == split.counts()
    assert sum(split.counts().values()) == corpus.n_entries


def test_load_says_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match=r"is not whole: split\.npz is missing$"):
        Split.load(tmp_path)
    split_edges(random_corpus(30)).save(tmp_path)
    whole = (tmp_path / "split.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"nonsense"):
        (tmp_path / "split.npz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"split\.npz is damaged: [^\n]+$"):
            Split.load(tmp_path)


def test_a_split_of_another_corpus_is_refused():
    split = split_edges(random_corpus(30))
    other = random_corpus(31)
    with pytest.raises(DataError, match=rf"the split is of {len(split.part)} entries, the corpus has"):
        split.training(other)
    with pytest.raises(DataError, match="the split is of"):
        split.evaluation_set(other, "test")


def test_a_sample_of_the_queries_keeps_seeds_truth_and_titles_together() -> None:
    corpus = Corpus.from_lists([[f"t{(p * 7 + i) % 40}" for i in range(6 + p % 5)] for p in range(50)])
    names = corpus.playlists.append_column("name", corpus.playlists["pid"])
    corpus = replace(corpus, playlists=names)
    whole = split_edges(corpus, valid=0.3, test=0.2, seed=0).evaluation_set(corpus, "valid")
    some = whole.sample(9, seed=1)
    assert len(some) == 9
    assert some.playlists.tolist() == whole.sample(9, seed=1).playlists.tolist() != whole.sample(9).playlists.tolist()
    place = {row: i for i, row in enumerate(whole.playlists.tolist())}
    for i, row in enumerate(some.playlists.tolist()):
        j = place[row]
        for offsets, values in (("seed_offsets", "seeds"), ("truth_offsets", "truth")):
            mine, theirs = ((getattr(e, offsets), getattr(e, values)) for e in (some, whole))
            assert mine[1][mine[0][i] : mine[0][i + 1]].tolist() == theirs[1][theirs[0][j] : theirs[0][j + 1]].tolist()
        assert some.titles[i] == whole.titles[j] == str(row)
    assert whole.sample(1000) is whole
