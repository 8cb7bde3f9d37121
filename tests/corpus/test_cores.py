"""Core numbers against a loop that drops one weak node at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.cores import core, core_numbers

N_ROWS, N_COLS = 7, 8

pairs_of = st.sets(st.tuples(st.integers(0, N_ROWS - 1), st.integers(0, N_COLS - 1)), max_size=40)


def left_by(pairs: set[tuple[int, int]], k: int) -> set[tuple[int, int]]:
    """The pairs of the k-core."""
    for side in (0, 1):
        for node in {pair[side] for pair in pairs}:
            mine = {pair for pair in pairs if pair[side] == node}
            if len(mine) < k:
                return left_by(pairs - mine, k)
    return pairs


@given(pairs_of)
@settings(max_examples=60, deadline=None)
def test_core_numbers_are_the_last_core_that_holds_each(pairs: set[tuple[int, int]]) -> None:
    ordered = sorted(pairs)
    rows, cols = np.array(ordered, dtype=np.int64).reshape(-1, 2).T
    found = core_numbers(rows, cols, N_ROWS, N_COLS)
    cores = {k: left_by(pairs, k) for k in range(1, 10)}
    assert found.last == max((k for k, left in cores.items() if left), default=0)
    assert found.pairs.tolist() == [sum(pair in left for left in cores.values()) for pair in ordered]
    for side, numbers in enumerate((found.row, found.col)):
        held = [{pair[side] for pair in left} for left in cores.values()]
        assert numbers.tolist() == [sum(node in nodes for nodes in held) for node in range(len(numbers))]
    for k, left in cores.items():
        one = core(rows, cols, N_ROWS, N_COLS, k)
        assert set(zip(*(side.tolist() for side in one.pairs))) == left
        assert (one.row == (found.row >= k)).all()
        assert (one.col == (found.col >= k)).all()


def test_no_pairs() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    found = core_numbers(nothing, nothing, 2, 3)
    assert (found.last, found.row.tolist(), found.col.tolist()) == (0, [0, 0], [0, 0, 0])
