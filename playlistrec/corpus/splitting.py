"""Making splits. All copies of a (playlist, track) pair fall in the same part, whichever way it is drawn.

Randomness comes from PCG64's uniform doubles alone, whose stream NumPy keeps between versions: the same seed
gives the same split everywhere.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..config import require
from ..errors import DataError
from .corpus import Corpus, Ints, Mask
from .split import (
    TEST,
    TEST_SEED,
    TRAIN,
    VALID,
    VALID_SEED,
    Split,
)

__all__ = ["Hide", "split_continuation", "split_edges", "split_given", "split_leave_one_out"]

Hide = Literal["random", "contiguous", "last"]


def split_edges(corpus: Corpus, valid: float = 0.1, test: float = 0.1, seed: int = 0, hide: Hide = "random") -> Split:
    """Hide a share of every playlist's distinct tracks.

    The number hidden in a playlist is rounded at random so that it is right in the mean; at least one track
    stays in train, hence a playlist of one distinct track is all train.

    Args:
        hide: which ones: ``"random"`` ones; ``"contiguous"`` tracks, which follow each other, from a random place on,
            the test part first; or the ``"last"`` ones, the validation part before the test part. A track stands where
            it first occurs.

    Raises ConfigError unless the shares are at least 0 and their sum is below 1, and for an unknown ``hide``.

    >>> split = split_edges(Corpus.from_lists([["a", "b", "c", "d"]]), valid=0.25, test=0.5)
    >>> split.counts()
    {'train': 1, 'valid': 1, 'test': 2, 'valid_seeds': 0, 'test_seeds': 0}
    """
    _check_shares(valid, test, seed)
    pairs = _distinct(corpus, np.ones(corpus.n_entries, dtype=bool))
    return Split("edges", _draw_pairs(corpus, pairs, valid, test, seed, hide)[pairs.of_entry])


def split_given(corpus: Corpus, test: Mask, valid: float = 0.1, seed: int = 0, hide: Hide = "random") -> Split:
    """Take the test part as it came with the data, and carve validation out of the rest.

    Validation is drawn as :func:`split_edges` does, from what is not test alone.

    Args:
        test: (n_entries,) the entries that are test.

    Raises ConfigError for a bad share, DataError when a test entry repeats a track that the same playlist
    also has outside the test part.
    """
    _check_shares(valid, 0.0, seed)
    if test.shape != corpus.tracks.shape:
        raise DataError(f"the test mask must have shape {corpus.tracks.shape} (got {test.shape})")
    pairs = _distinct(corpus, ~test)
    both = np.intersect1d(_distinct(corpus, test).keys, pairs.keys, assume_unique=True)
    if len(both):
        playlist, track = divmod(int(both[0]), corpus.n_tracks)
        pid, uri = corpus.playlists["pid"][playlist], corpus.track_table["uri"][track]
        raise DataError(f"{len(both)} pairs are both train and test; the first: playlist {pid}, track {uri}")
    drawn = _draw_pairs(corpus, pairs, valid, 0.0, seed, hide)
    part = np.full(corpus.n_entries, TEST, dtype=np.uint8)
    part[~test] = drawn[pairs.of_entry]
    return Split("given", part)


def split_continuation(
    corpus: Corpus,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    seeds: int | None = None,
    order: Literal["first", "random"] = "first",
) -> Split:
    """Hide whole playlists, a share of those with two distinct tracks or more, and show some of their tracks.

    Args:
        seeds: distinct tracks shown of a hidden playlist, at most all but one; by default half of them.
        order: which: the ``"first"`` ones of the playlist, or ``"random"`` ones.

    Raises ConfigError for bad shares, ``seeds`` below 1 or an unknown ``order``.
    """
    _check_shares(valid, test, seed)
    require(seeds is None or seeds >= 1, "seeds", "at least 1", seeds)
    require(order in ("first", "random"), "order", "one of first, random", order)
    random = np.random.Generator(np.random.PCG64(seed))
    pairs = _distinct(corpus, np.ones(corpus.n_entries, dtype=bool))
    size = np.bincount(pairs.rows, minlength=corpus.n_playlists)
    eligible = np.flatnonzero(size >= 2)
    hidden = np.full(corpus.n_playlists, TRAIN, dtype=np.uint8)
    hidden[eligible] = _draw(np.zeros(len(eligible), dtype=np.int64), 1, valid, test, random)
    shown = np.maximum(size // 2, 1) if seeds is None else np.minimum(seeds, size - 1)
    rank = _place(corpus, pairs, size) if order == "first" else _rank(pairs.rows, size, random.random(len(pairs.rows)))
    of_pair = hidden[pairs.rows]
    seed_code = np.array([TRAIN, VALID_SEED, TEST_SEED], dtype=np.uint8)
    part = np.where(rank < shown[pairs.rows], seed_code[of_pair], of_pair)
    return Split("continuation", part[pairs.of_entry])


def split_leave_one_out(corpus: Corpus) -> Split:
    """Hide the last track of every playlist for the test, and the one before it for validation.

    A track stands where it first occurs, and its later copies fall in its part: the test track is the last that
    was new to the playlist. Playlists of fewer than three distinct tracks are all train. Nothing is drawn.

    >>> split_leave_one_out(Corpus.from_lists([["a", "b", "c", "d", "d", "a"], ["a", "b", "a"]])).part.tolist()
    [0, 0, 1, 2, 2, 0, 0, 0, 0]
    """
    pairs = _distinct(corpus, np.ones(corpus.n_entries, dtype=bool))
    size = np.bincount(pairs.rows, minlength=corpus.n_playlists)
    from_last = size[pairs.rows] - 1 - _place(corpus, pairs, size)
    part = np.select([from_last == 0, from_last == 1], [TEST, VALID], TRAIN).astype(np.uint8)
    part[size[pairs.rows] < 3] = TRAIN
    return Split("leave-one-out", part[pairs.of_entry])


class _Pairs(NamedTuple):
    """Distinct pairs: their sorted keys, playlists and first entries; and the pair of each entry."""

    keys: Ints
    rows: Ints
    first: Ints
    of_entry: Ints


def _distinct(corpus: Corpus, mask: Mask) -> _Pairs:
    keys = corpus.entry_playlist[mask].astype(np.int64) * corpus.n_tracks + corpus.tracks[mask]
    unique, first, of_entry = np.unique(keys, return_index=True, return_inverse=True)
    return _Pairs(unique, unique // corpus.n_tracks, first, of_entry)


def _draw_pairs(
    corpus: Corpus, pairs: _Pairs, valid: float, test: float, seed: int, hide: Hide
) -> npt.NDArray[np.uint8]:
    """(n_pairs,) a part for each pair, drawn within its playlist as ``hide`` says."""
    require(hide in ("random", "contiguous", "last"), "hide", "one of random, contiguous, last", hide)
    random = np.random.Generator(np.random.PCG64(seed))
    if hide == "random":
        return _draw(pairs.rows, corpus.n_playlists, valid, test, random)
    place = _place(corpus, pairs, np.bincount(pairs.rows, minlength=corpus.n_playlists))
    return _draw(pairs.rows, corpus.n_playlists, valid, test, random, place, last=hide == "last")


def _draw(
    groups: Ints,
    n_groups: int,
    valid: float,
    test: float,
    random: np.random.Generator,
    place: Ints | None = None,
    last: bool = False,
) -> npt.NDArray[np.uint8]:
    """(n,) a part for each item, drawn within its group. ``groups`` (n,) is sorted.

    With one uniform ``u`` a group, the first ``floor(test * m + u)`` of its ``m`` items in some order are
    test, and the first ``floor((test + valid) * m + u)`` hidden: each count is right in the mean and off by
    less than one. The order is random without a ``place`` (n,) of the items in their group; with one it is that
    from a random place on, or from the last one backwards.
    """
    size = np.bincount(groups, minlength=n_groups)
    # Where they would leave less than one item to train, both shares shrink by the same factor.
    wanted = size * np.minimum(1.0, (size - 1) / np.maximum((test + valid) * size, 1e-12))
    round_up = random.random(n_groups)
    if place is None:
        rank = _rank(groups, size, random.random(len(groups)))
    elif last:
        rank = size[groups] - 1 - place
    else:
        n_hidden = np.minimum(np.floor((test + valid) * wanted + round_up), size - 1)
        start = np.floor(random.random(n_groups) * (size - n_hidden + 1)).astype(np.int64)
        rank = (place - start[groups]) % size[groups]
    part = np.full(len(groups), TRAIN, dtype=np.uint8)
    for share, code in ((test + valid, VALID), (test, TEST)):
        n_hidden = np.minimum(np.floor(share * wanted + round_up), size - 1)
        part[rank < n_hidden[groups]] = code
    return part


def _place(corpus: Corpus, pairs: _Pairs, size: Ints) -> npt.NDArray[np.int64]:
    """(n_pairs,) the place, from 0, of each pair's first entry among the distinct tracks of its playlist."""
    return _rank(pairs.rows, size, pairs.first / max(1, corpus.n_entries))


def _rank(groups: Ints, size: Ints, key: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """(n,) the place, from 0, of each item in its group by rising ``key`` in [0, 1). ``groups`` is sorted."""
    rank = np.empty(len(groups), dtype=np.int64)
    start = np.cumsum(size) - size
    # Keys lie in [0, 1) and groups rise, so that one sort of the sums, much faster than a lexsort, keeps groups apart.
    rank[np.argsort(groups + key)] = np.arange(len(groups)) - start[groups]
    return rank


def _check_shares(valid: float, test: float, seed: int) -> None:
    for name, share in (("valid", valid), ("test", test)):
        require(0 <= share < 1, name, "at least 0 and below 1", share)
    require(valid + test < 1, "valid + test", "below 1", valid + test)
    require(seed >= 0, "seed", "at least 0", seed)
