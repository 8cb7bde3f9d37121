"""Names that are spelt much like another."""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ALIKE", "NearNames", "clearly", "same_numbers"]

ALIKE, AHEAD = 80.0, 5.0
"""A misspelt name is taken when its likeness reaches the first and the next name's is lower by the second."""

NEAR = 100
"""Most names that are given."""


class NearNames:
    """Finds the keys that are most like another, by the normalised Indel similarity (0 to 100) of rapidfuzz.

    Two keys of ``n`` and ``m`` characters with a likeness of ``s`` differ by at most ``(1 - s / 100) (n + m)``
    insertions and deletions. So their lengths do, and so do the sets of their letters, which are bits of one number a
    name; only keys that pass both are compared.

    >>> NearNames(pa.array(["holocene", "towers", None])).find("holocen")
    [(0, 93.33333333333333)]
    """

    def __init__(self, keys: pa.Array) -> None:
        self.keys = keys

    def find(self, key: str, cutoff: float = ALIKE) -> list[tuple[int, float]]:
        """Rows and likenesses of at least ``cutoff``, the most alike first; ties to the lower row."""
        from rapidfuzz import fuzz, process

        letters, lengths = self._letters, self._lengths
        wanted = _letters(pa.array([key]))[0]
        apart = (1 - cutoff / 100) * (lengths + len(key))
        maybe = (np.abs(lengths - len(key)) <= apart) & (_ones(letters ^ wanted) <= apart) & (lengths > 0)
        rows = np.flatnonzero(maybe)
        names = self.keys.take(pa.array(rows)).to_pylist()
        found = process.extract(key, names, scorer=fuzz.ratio, processor=None, score_cutoff=cutoff, limit=NEAR)
        return sorted(((int(rows[at]), score) for _, score, at in found), key=lambda pair: (-pair[1], pair[0]))

    @cached_property
    def _letters(self) -> npt.NDArray[np.uint32]:
        return _letters(self.keys)

    @cached_property
    def _lengths(self) -> npt.NDArray[np.int32]:
        lengths = pc.fill_null(pc.utf8_length(self.keys), 0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False), dtype=np.int32)


def clearly(found: list[float], cutoff: float = ALIKE) -> bool:
    """True if the first of some likenesses, best first, is enough and clearly ahead of the next."""
    return bool(found) and found[0] >= cutoff and (len(found) == 1 or found[0] - found[1] >= AHEAD)


def same_numbers(one: str, other: str) -> bool:
    """True if both keys hold the same numbers: ``part1`` is not ``part2`` misspelt.

    >>> same_numbers("part1", "prt1"), same_numbers("part1", "part2"), same_numbers("1979", "1989")
    (True, False, False)
    """
    return re.findall(r"\d+", one) == re.findall(r"\d+", other)


def _letters(keys: pa.Array) -> npt.NDArray[np.uint32]:
    """(n,) which bytes of UTF-8 stand in each key, modulo 32 one bit each."""
    keys = pc.fill_null(keys, "")
    _, offsets, data = keys.buffers()
    bounds = np.frombuffer(offsets, np.int32)[keys.offset : keys.offset + len(keys) + 1]
    letters = np.zeros(len(keys), dtype=np.uint32)
    filled = np.flatnonzero(np.diff(bounds))
    if len(filled):
        text = np.frombuffer(data, np.uint8)[: bounds[-1]]
        bits = np.left_shift(np.uint32(1), text & np.uint8(31), dtype=np.uint32)
        letters[filled] = np.bitwise_or.reduceat(bits, bounds[:-1][filled])
    return letters


def _ones(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """(n,) bits that are set."""
    if hasattr(np, "bitwise_count"):  # as of NumPy 2
        return np.asarray(np.bitwise_count(values), dtype=np.uint8)
    bits = np.unpackbits(values.view(np.uint8).reshape(-1, 4), axis=1)
    return np.asarray(bits.sum(axis=1), dtype=np.uint8)
