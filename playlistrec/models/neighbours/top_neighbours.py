"""The base of item and playlist neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["keep_highest", "rows_of", "squares"]


def keep_highest(matrix: sparse.csr_array[np.float32], k: int) -> None:
    """Keep the ``k`` highest values of each row, ties to the lower column, in place.

    >>> matrix = sparse.csr_array(np.array([[1.0, 3.0, 1.0], [0.0, 2.0, 0.0]], dtype=np.float32))
    >>> keep_highest(matrix, 2)
    >>> matrix.toarray()
    array([[1., 3., 0.],
           [0., 2., 0.]], dtype=float32)
    """
    lengths, scratch, bounds = np.diff(matrix.indptr), matrix.data.copy(), matrix.indptr.tolist()
    edge = np.full(len(lengths), -np.inf, dtype=matrix.data.dtype)  # the k-th highest of each row
    for row in np.flatnonzero(lengths > k).tolist():
        values, place = scratch[bounds[row] : bounds[row + 1]], bounds[row + 1] - bounds[row] - k
        values.partition(place)
        edge[row] = values[place]
    _keep(matrix, matrix.data >= np.repeat(edge, lengths))
    matrix.eliminate_zeros()
    matrix.sort_indices()  # of what is left: columns matter only where values tie
    lengths = np.diff(matrix.indptr)
    if (lengths > k).any():
        at_edge = matrix.data == np.repeat(edge, lengths)
        before = np.concatenate([[0], np.cumsum(at_edge)])
        tied = before[matrix.indptr]  # of all rows before each
        places = k - (lengths - np.diff(tied))
        _keep(matrix, ~at_edge | (before[:-1] < np.repeat(tied[:-1] + places, lengths)))


def _keep(matrix: sparse.csr_array[np.float32], kept: npt.NDArray[np.bool_]) -> None:
    """Keep the entries in the mask (nnz,), in place."""
    entries = np.flatnonzero(kept)
    matrix.indptr = np.searchsorted(entries, matrix.indptr).astype(matrix.indptr.dtype)
    matrix.data, matrix.indices = matrix.data[entries], matrix.indices[entries]


def rows_of(matrix: sparse.csr_array[np.float32]) -> npt.NDArray[np.int64]:
    """(nnz,) the row of each entry."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def squares(matrix: sparse.csr_array[np.float32]) -> npt.NDArray[np.float32]:
    """(n_rows,) the squared Euclidean length of each row; 1 where it is empty, so that it can divide."""
    sums = np.asarray(matrix.power(2).sum(axis=1), dtype=np.float32).ravel()
    return np.where(sums > 0, sums, np.float32(1))
