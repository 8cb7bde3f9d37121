"""Making splits. All copies of a (playlist, track) pair fall in the same part, whichever way it is drawn.

Randomness comes from PCG64's uniform doubles alone, whose stream NumPy keeps between versions: the same seed
gives the same split everywhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ..config import require
from ..errors import DataError
from .corpus import Corpus, Ints, Mask
from .pair_blocks import PairBlock, pair_blocks
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
    draws = _Draws(corpus, valid, test, seed, hide)
    part = np.empty(corpus.n_entries, dtype=np.uint8)
    for block in pair_blocks(corpus):
        part[block.entries] = draws.parts(block)[block.of_entry]
    return Split("edges", part)


def split_given(
    corpus: Corpus,
    test: Mask,
    valid: float = 0.1,
    seed: int = 0,
    hide: Hide = "random",
    validation: Mask | None = None,
) -> Split:
    """Take the test part as it came with the data, and so the validation part, or carve that out of the rest.

    Validation is drawn as :func:`split_edges` does, from what is not test alone.

    Args:
        test: (n_entries,) the entries that are test.
        validation: (n_entries,) the entries that are validation, where it came with the data; ``valid`` then does
            not count.

    Raises ConfigError for a bad share, DataError when a test or validation entry repeats a track that the same
    playlist also has in an earlier part.
    """
    _check_shares(valid, 0.0, seed)
    for name, mask in (("test", test), ("validation", validation)):
        if mask is not None and mask.shape != corpus.tracks.shape:
            raise DataError(f"the {name} mask must have shape {corpus.tracks.shape} (got {mask.shape})")
    part = np.full(corpus.n_entries, TEST, dtype=np.uint8)
    _refuse_pairs_in_both(corpus, ~test, test, "train and test")
    if validation is not None:
        _refuse_pairs_in_both(corpus, ~test & ~validation, validation, "train and valid")
        part[~test] = np.where(validation[~test], VALID, TRAIN)
        return Split("given", part)
    draws = _Draws(corpus, valid, 0.0, seed, hide)
    for train in pair_blocks(corpus, ~test):
        part[train.entries] = draws.parts(train)[train.of_entry]
    return Split("given", part)


def _refuse_pairs_in_both(corpus: Corpus, one: Mask, other: Mask, what: str) -> None:
    both: list[int] = []
    for first, second in zip(pair_blocks(corpus, one), pair_blocks(corpus, other)):
        both += np.intersect1d(first.keys, second.keys, assume_unique=True).tolist()
    if both:
        playlist, track = divmod(both[0], corpus.n_tracks)
        pid, uri = corpus.playlists["pid"][playlist], corpus.track_table["uri"][track]
        raise DataError(f"{len(both)} pairs are both {what}; the first: playlist {pid}, track {uri}")


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
    size = np.bincount(corpus.pairs[0], minlength=corpus.n_playlists)
    eligible = np.flatnonzero(size >= 2)
    hidden = np.full(corpus.n_playlists, TRAIN, dtype=np.uint8)
    hidden[eligible] = _draw_one_group(len(eligible), valid, test, random)
    shown = np.maximum(size // 2, 1) if seeds is None else np.minimum(seeds, size - 1)
    seed_code = np.array([TRAIN, VALID_SEED, TEST_SEED], dtype=np.uint8)
    part = np.empty(corpus.n_entries, dtype=np.uint8)
    for block in pair_blocks(corpus):
        rank = block.place(corpus.n_entries) if order == "first" else block.rank(random.random(len(block.rows)))
        of_pair = hidden[block.rows]
        part[block.entries] = np.where(rank < shown[block.rows], seed_code[of_pair], of_pair)[block.of_entry]
    return Split("continuation", part)


def split_leave_one_out(corpus: Corpus) -> Split:
    """Hide the last track of every playlist for the test, and the one before it for validation.

    A track stands where it first occurs, and its later copies fall in its part: the test track is the last that
    was new to the playlist. Playlists of fewer than three distinct tracks are all train. Nothing is drawn.

    >>> split_leave_one_out(Corpus.from_lists([["a", "b", "c", "d", "d", "a"], ["a", "b", "a"]])).part.tolist()
    [0, 0, 1, 2, 2, 0, 0, 0, 0]
    """
    part = np.empty(corpus.n_entries, dtype=np.uint8)
    for block in pair_blocks(corpus):
        size = block.size[block.local]
        from_last = size - 1 - block.place(corpus.n_entries)
        of_pair = np.select([from_last == 0, from_last == 1], [TEST, VALID], TRAIN).astype(np.uint8)
        of_pair[size < 3] = TRAIN
        part[block.entries] = of_pair[block.of_entry]
    return Split("leave-one-out", part)


class _Draws:
    """Draws a part for each pair within its playlist, as ``hide`` says; blocks come in their order."""

    def __init__(self, corpus: Corpus, valid: float, test: float, seed: int, hide: Hide) -> None:
        require(hide in ("random", "contiguous", "last"), "hide", "one of random, contiguous, last", hide)
        self._shares, self._hide, self._n_entries = (valid, test), hide, corpus.n_entries
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._round_up = self._random.random(corpus.n_playlists)
        self._start = self._random.random(corpus.n_playlists) if hide == "contiguous" else np.zeros(0)

    def parts(self, block: PairBlock) -> npt.NDArray[np.uint8]:
        """(n_pairs,) a part for each pair.

        The first pairs of a playlist in some order are hidden. The order is random, or that from a random place on,
        or from the last one backwards.
        """
        valid, test = self._shares
        size, round_up = block.size, self._round_up[block.start : block.stop]
        if self._hide == "random":
            rank = block.rank(self._random.random(len(block.rows)))
        elif self._hide == "last":
            rank = size[block.local] - 1 - block.place(self._n_entries)
        else:
            n_hidden = _n_hidden(size, valid + test, valid + test, round_up)
            start = np.floor(self._start[block.start : block.stop] * (size - n_hidden + 1)).astype(np.int64)
            rank = (block.place(self._n_entries) - start[block.local]) % size[block.local]
        part = np.full(len(block.rows), TRAIN, dtype=np.uint8)
        for share, code in ((test + valid, VALID), (test, TEST)):
            part[rank < _n_hidden(size, share, valid + test, round_up)[block.local]] = code
        return part


def _n_hidden(
    size: Ints, share: float, hidden_share: float, round_up: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(n,) how many of each group's ``size`` items the first ``share`` of them is.

    With one uniform ``u`` a group (``round_up``), it is ``floor(share * size + u)``: right in the mean and off by less
    than one. One item is left: where both shares would take it, they shrink by the same factor.
    """
    wanted = size * np.minimum(1.0, (size - 1) / np.maximum(hidden_share * size, 1e-12))
    return np.asarray(np.minimum(np.floor(share * wanted + round_up), size - 1))


def _draw_one_group(n: int, valid: float, test: float, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(n,) a part for each of ``n`` items in a random order."""
    round_up = random.random(1)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(random.random(n))] = np.arange(n)
    part = np.full(n, TRAIN, dtype=np.uint8)
    for share, code in ((test + valid, VALID), (test, TEST)):
        part[rank < _n_hidden(np.array([n]), share, valid + test, round_up)] = code
    return part


def _check_shares(valid: float, test: float, seed: int) -> None:
    for name, share in (("valid", valid), ("test", test)):
        require(0 <= share < 1, name, "at least 0 and below 1", share)
    require(valid + test < 1, "valid + test", "below 1", valid + test)
    require(seed >= 0, "seed", "at least 0", seed)
