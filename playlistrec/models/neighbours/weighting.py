"""Term weights: how much an entry of a binary matrix says about its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse
from typing_extensions import Self

__all__ = ["TermWeights", "Weighting"]

Weighting = Literal["none", "tfidf", "bm25"]

K1, B = 1.2, 0.75
"""Of BM25: how fast repetition saturates, and how much the length of a document counts. The usual values."""


@dataclass(frozen=True, eq=False)
class TermWeights:
    """Term weights of documents, learned from some documents and applied to those or others.

    With ``n`` documents, ``n_j`` of which have term ``j``, and ``l_i`` terms in document ``i``, a one becomes

    - ``tfidf``: ``ln(1 + n / n_j)`` (Salton & Buckley 1988, section 3; the 1 so that no weight is 0);
    - ``bm25``: ``ln(1 + (n - n_j + 1/2) / (n_j + 1/2)) (k1 + 1) / (1 + k1 (1 - b + b l_i / mean l))`` with k1 1.2
      and b 0.75 (Robertson & Zaragoza 2009, section 3.4; the first 1 for the same reason).

    Attributes:
        idf: (n_terms,) the first factor; None: all weights stay 1.
        mean_length: the mean of ``l``; None: lengths do not count.

    >>> documents = sparse.csr_array(np.array([[1, 1], [1, 0]], dtype=np.float32))
    >>> TermWeights.of(documents, "tfidf")(documents).toarray().round(3)
    array([[0.693, 1.099],
           [0.693, 0.   ]], dtype=float32)
    """

    idf: npt.NDArray[np.float64] | None
    mean_length: float | None

    @classmethod
    def of(cls, documents: sparse.csr_array[np.float32], weighting: Weighting) -> Self:
        """The weights that ``documents`` (n, n_terms), binary, give."""
        n, held = documents.shape[0], np.bincount(documents.indices, minlength=documents.shape[1])
        if weighting == "none":
            return cls(None, None)
        if weighting == "tfidf":
            return cls(np.log1p(n / np.maximum(held, 1)), None)
        return cls(np.log1p((n - held + 0.5) / (held + 0.5)), max(documents.nnz / max(n, 1), 1e-12))

    def __call__(self, documents: sparse.csr_array[np.float32]) -> sparse.csr_array[np.float32]:
        """Binary ``documents`` (any number, n_terms) with their weights in place of the ones."""
        if self.idf is None:
            return documents
        data = self.idf[documents.indices]
        if self.mean_length is not None:
            lengths = np.diff(documents.indptr)
            data *= np.repeat((K1 + 1) / (1 + K1 * (1 - B + B * lengths / self.mean_length)), lengths)
        parts = data.astype(np.float32), documents.indices, documents.indptr
        return sparse.csr_array(parts, shape=documents.shape)
