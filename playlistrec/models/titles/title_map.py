"""From a title to a playlist's vector: a linear map, fitted to the playlists that have both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from ...corpus.corpus import Corpus
from ...corpus.titles import normalised
from .features import (
    SentenceSpace,
    Titled,
    TitleKind,
    TitleSpace,
    title_space,
)

__all__ = ["TitleMap", "TitledSpace", "ridge"]

Floats = npt.NDArray[np.float32]

PENALTY = 10.0
"""λ of the ridge: a title of one playlist, like no other, moves its vector 1/11 of the way from the mean."""


MOST = 200_000
"""Playlists that the map is fitted to. A fit takes a minute on a million, and is repeated after each epoch."""


class TitledSpace:
    """The titles of a corpus and their features, each made on first use.

    Args:
        corpus: holds only what may be learned from.
        kind: of the features.
    """

    def __init__(self, corpus: Corpus, kind: TitleKind) -> None:
        self._corpus, self._kind = corpus, kind

    @cached_property
    def titled(self) -> Titled:
        """The playlists with a title and an entry, or every n-th, so that they are ``MOST`` at most."""
        return Titled.of(self._corpus, MOST)

    @cached_property
    def space(self) -> TitleSpace | SentenceSpace:
        return title_space(self.titled.titles, self._kind)

    @cached_property
    def features(self) -> sparse.csr_array[np.float32]:
        """(n_titles, n_features) those of the distinct training titles."""
        return self.space(self.titled.titles)

    @cached_property
    def popularity(self) -> Floats:
        """(n_tracks,) how many playlists hold each track."""
        return self._corpus.popularity.astype(np.float32)


class TitleMap:
    """``z(title) = z̄ + x(title) B`` with ``B = argmin Σ_p |z̄ + x(title_p) B - z_p|² + λ |B|²``.

    ``x`` are the features of a title, a row of length 1, and ``z̄`` is the mean of the vectors ``z_p`` of the training
    playlists that have a title.

    Args:
        known: the playlists with a title.
        vectors: (n, d) those of ``known.titled.playlists``.

    Attributes:
        length: the mean length of the ``z_p``.
    """

    def __init__(self, known: TitledSpace, vectors: Tensor) -> None:
        titled, self._space = known.titled, known.space
        rows = vectors.detach().cpu().numpy()
        counts = np.maximum(titled.counts, 1).astype(np.float32)
        self._mean = rows.mean(0)
        self.length = float(np.linalg.norm(rows, axis=1).mean())
        means = titled.sums @ (rows - self._mean) / counts[:, None]
        self._weights = ridge(known.features, means, counts, PENALTY)

    def __call__(self, titles: Sequence[str]) -> tuple[Tensor, npt.NDArray[np.bool_]]:
        """(n, d) the vectors of some titles as they are spelt, and (n,) of which of them a feature is known."""
        features = self._space(normalised(titles))
        return torch.from_numpy(self._mean + features @ self._weights), np.diff(features.indptr) > 0


def ridge(
    features: sparse.csr_array[np.float32], targets: Floats, counts: Floats, penalty: float, tolerance: float = 1e-3
) -> Floats:
    """``argmin_B Σ_i c_i |x_i B - y_i|² + λ |B|²`` for all columns of y at once.

    Directly where there are fewer features than rows. Else by conjugate gradients on the dual problem, scaled to a
    diagonal of ones (Hestenes & Stiefel 1952; Jacobi's preconditioner) so that common titles do not make it
    ill-conditioned: ``(s X Xᵀ s + 1 - s²) β = s y`` and ``B = Xᵀ s β``, where ``s_i² = c_i / (c_i + λ)``.

    Args:
        features: (n, m) sparse, rows of length 1 or 0.
        targets: (n, d).
        counts: (n,) above 0.
        penalty: λ, above 0.
        tolerance: of the residual of each column, relative to the right side.

    Returns:
        (m, d).

    >>> ridge(sparse.csr_array(np.eye(2, dtype=np.float32)), np.float32([[4], [4]]), np.float32([1, 3]), 1.0).round(3)
    array([[2.],
           [3.]], dtype=float32)
    """
    if features.shape[1] < features.shape[0]:
        weighted = sparse.csr_array(features.astype(np.float64).T * counts)
        gram = np.asarray((weighted @ features).toarray() + penalty * np.eye(features.shape[1]))
        return np.asarray(np.linalg.solve(gram, np.asarray(weighted @ targets)), dtype=np.float32)
    scale = np.sqrt(counts / (counts + np.float32(penalty)))[:, None]
    transposed = sparse.csr_array(features.T)
    solution, residual = np.zeros_like(targets), scale * targets
    direction, squares = residual.copy(), np.square(residual).sum(0)
    goal = squares * tolerance**2
    for _ in range(2 * len(targets)):
        if (squares <= goal).all():
            break
        image = scale * (features @ (transposed @ (scale * direction))) + (1 - scale**2) * direction
        step = squares / np.maximum((direction * image).sum(0), np.float32(1e-30))
        solution += step * direction
        residual -= step * image
        before, squares = squares, np.square(residual).sum(0)
        direction = residual + squares / np.maximum(before, np.float32(1e-30)) * direction
    return np.asarray(transposed @ (scale * solution), dtype=np.float32)
