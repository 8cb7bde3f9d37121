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
    lengths = np.diff(matrix.indptr)
    edge = np.full(len(lengths), -np.inf, dtype=matrix.data.dtype)  # the k-th highest of each row
    for row in np.flatnonzero(lengths > k).tolist():
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        edge[row] = np.partition(values, len(values) - k)[len(values) - k]
    matrix.data[matrix.data < np.repeat(edge, lengths)] = 0
    matrix.eliminate_zeros()
    matrix.sort_indices()  # of what is left: columns matter only where values tie
    for row in np.flatnonzero(np.diff(matrix.indptr) > k).tolist():
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        places = k - np.count_nonzero(values > edge[row])
        values[np.flatnonzero(values == edge[row])[places:]] = 0
    matrix.eliminate_zeros()


def rows_of(matrix: sparse.csr_array[np.float32]) -> npt.NDArray[np.int64]:
    """(nnz,) the row of each entry."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))


def squares(matrix: sparse.csr_array[np.float32]) -> npt.NDArray[np.float32]:
    """(n_rows,) the squared Euclidean length of each row; 1 where it is empty, so that it can divide."""
    sums = np.asarray(matrix.power(2).sum(axis=1), dtype=np.float32).ravel()
    return np.where(sums > 0, sums, np.float32(1))
