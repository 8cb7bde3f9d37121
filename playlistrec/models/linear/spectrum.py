"""The normalised playlist-track matrix, and its largest singular values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["low_frequencies", "normalised"]

Matrix = npt.NDArray[np.float32]

ROUNDS = 5
"""Subspace iterations; each multiplies twice by the matrix and once by its Gram matrix."""


def normalised(pairs: sparse.csr_array[np.float32]) -> sparse.csr_array[np.float32]:
    """Each entry divided by the roots of the degrees of its row and its column."""
    lengths = np.diff(pairs.indptr)
    degrees = np.bincount(pairs.indices, minlength=pairs.shape[1])
    data = 1 / np.sqrt(np.repeat(lengths, lengths) * degrees[pairs.indices].astype(np.float64))
    return sparse.csr_array((data.astype(np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)


def low_frequencies(matrix: sparse.csr_array[np.float32], dim: int, seed: int) -> tuple[Matrix, Matrix]:
    """(n_columns, k) right singular vectors with the largest singular values, and (k,) these, falling; k up to ``dim``.

    Singular values of 0 are left out. Randomised subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4)
    with a fifth more columns than are kept; where that is most of the matrix, the dense decomposition. The last vectors
    of a flat spectrum are mixed with those beyond them: a filter hardly tells them apart.
    """
    small = min(matrix.shape)
    if dim == 0 or matrix.nnz == 0:
        return np.zeros((matrix.shape[1], 0), dtype=np.float32), np.zeros(0, dtype=np.float32)
    width = dim + max(16, dim // 5)
    if width >= small // 2:
        _, values, rows = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
        vectors = rows.T
    else:
        transposed = sparse.csr_array(matrix.T)
        basis = np.random.default_rng(seed).standard_normal((matrix.shape[1], width)).astype(np.float32)
        for _ in range(ROUNDS):
            for _ in range(2):
                basis = transposed @ (matrix @ np.ascontiguousarray(basis))
            basis = np.linalg.qr(basis)[0]
        projected = matrix @ np.ascontiguousarray(basis)
        squares, mixed = np.linalg.eigh((projected.T @ projected).astype(np.float64))
        values, vectors = np.sqrt(np.maximum(squares[::-1], 0)), basis @ mixed[:, ::-1].astype(np.float32)
    kept = values[:dim] > values[0] * 1e-5
    return np.ascontiguousarray(vectors[:, :dim][:, kept], dtype=np.float32), values[:dim][kept].astype(np.float32)
