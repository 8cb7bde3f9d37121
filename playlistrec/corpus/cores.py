"""k-cores of a bipartite graph of distinct pairs. Seidman 1983, "Network structure and minimum degree"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .corpus import Ints, Mask

__all__ = ["Core", "CoreNumbers", "core", "core_numbers"]


@dataclass(frozen=True, eq=False)
class Core:
    """The largest subgraph in which each node has at least k pairs.

    Attributes:
        row, col: (n_rows,) and (n_cols,) True for a node of the core.
        pairs: rows and columns (n_left,) of the pairs between its nodes.
    """

    row: Mask
    col: Mask
    pairs: tuple[Ints, Ints]


def core(rows: Ints, cols: Ints, n_rows: int, n_cols: int, k: int) -> Core:
    """The k-core of the pairs (``rows``, ``cols``), which may be empty; ``k`` is at least 1.

    >>> core(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2]), 3, 3, 2).row.tolist()
    [True, True, False]
    """
    while True:
        row = np.bincount(rows, minlength=n_rows) >= k
        col = np.bincount(cols, minlength=n_cols) >= k
        kept = row[rows] & col[cols]
        if kept.all():
            return Core(row, col, (rows, cols))
        rows, cols = rows[kept], cols[kept]


@dataclass(frozen=True, eq=False)
class CoreNumbers:
    """The largest k in whose core each node and each pair is, 0 for a node without a pair.

    Attributes:
        row, col, pairs: (n_rows,), (n_cols,) and (n_pairs,).
    """

    row: Ints
    col: Ints
    pairs: Ints

    @property
    def last(self) -> int:
        """The largest k whose core holds anything; 0 where there are no pairs."""
        return int(self.pairs.max(initial=0))


def core_numbers(rows: Ints, cols: Ints, n_rows: int, n_cols: int) -> CoreNumbers:
    """The core numbers of the pairs (``rows``, ``cols``): one core after the other, each taken from the one before.

    >>> found = core_numbers(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 1, 2]), 3, 3)
    >>> found.row.tolist(), found.col.tolist(), found.pairs.tolist()
    ([2, 2, 1], [2, 2, 1], [2, 2, 2, 2, 1, 1])
    """
    row, col = np.zeros(n_rows, np.int64), np.zeros(n_cols, np.int64)
    left, k = (rows, cols), 1
    while len(left[0]):
        found = core(*left, n_rows, n_cols, k)
        row[found.row], col[found.col] = k, k
        left, k = found.pairs, k + 1
    # A core holds all pairs between its nodes, so a pair leaves with the first of its two ends.
    return CoreNumbers(row, col, np.minimum(row[rows], col[cols]))
