"""Checks of a model's arrays before anything computes with them: kind, shape, range, finite numbers.

A run may come from somebody else. Numbers out of range would have native code read and write beyond its arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import RunError

__all__ = ["Csr", "Field", "check_arrays", "check_like", "schema"]

Arrays = Mapping[str, npt.NDArray[np.generic]]
KINDS = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "U": "text"}


@dataclass(frozen=True)
class Field:
    """One array.

    Attributes:
        kind: NumPy's letter: ``f``, ``i``, ``u`` or ``U``.
        shape: sizes, as numbers or names; ``tracks`` and ``playlists`` are those of the corpus, any other is what the
            first array has there.
        low, below: least value, and what all are less than, as a number or the name of a size.
        rising: true if each is above the one before.
        nan: true if NaN is allowed.
    """

    kind: str
    shape: tuple[str | int, ...]
    low: float | None = None
    below: str | int | None = None
    rising: bool = False
    nan: bool = False

    def check(self, name: str, array: npt.NDArray[np.generic], sizes: dict[str, int]) -> None:
        """Raise RunError where ``array`` is not so."""
        if array.dtype.kind != self.kind:
            raise RunError(f"{name} must be {KINDS[self.kind]} (got {array.dtype})")
        wanted = [size if isinstance(size, int) else sizes.get(size, "?") for size in self.shape]
        if array.ndim != len(wanted) or any(w not in ("?", n) for w, n in zip(wanted, array.shape)):
            said = " x ".join(str(n) if n != "?" else "any" for n in wanted) or "one number"
            raise RunError(
                f"{name} must be of the shape {said} (got {' x '.join(map(str, array.shape)) or 'one number'})"
            )
        sizes |= {size: n for size, n in zip(self.shape, array.shape) if isinstance(size, str)}
        values: Any = array
        if self.kind == "f" and not (np.isfinite(values) | (np.isnan(values) if self.nan else False)).all():
            raise RunError(f"{name} must be finite")
        if not array.size or self.kind == "U":
            return
        if self.low is not None and np.nanmin(values) < self.low:
            raise RunError(f"{name} must be at least {self.low:g} (got {np.nanmin(values)})")
        below = sizes[self.below] if isinstance(self.below, str) else self.below
        if below is not None and values.max() >= below:
            raise RunError(f"{name} must be below {below}{_called(self.below)} (got {values.max()})")
        if self.rising and not (values[1:] > values[:-1]).all():
            raise RunError(f"{name} must rise")


@dataclass(frozen=True)
class Csr:
    """A sparse matrix of ``rows`` x ``columns``: arrays of these names hold where rows begin, the columns, the values.

    Without ``data`` the values are ones.
    """

    rows: str
    columns: str
    indptr: str = "indptr"
    indices: str = "indices"
    data: str | None = None

    def check(self, prefix: str, arrays: Arrays, sizes: dict[str, int]) -> None:
        """Raise RunError where the arrays are no such matrix."""
        names = [self.indptr, self.indices, *([self.data] if self.data else [])]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise RunError(f"{prefix}{missing[0]} is missing")
        indptr: Any = arrays[self.indptr]
        indices: Any = arrays[self.indices]
        for name, array in ((self.indptr, indptr), (self.indices, indices)):
            if array.dtype not in (np.int32, np.int64) or array.ndim != 1 or array.dtype != indptr.dtype:
                raise RunError(f"{prefix}{name} must be a list of whole numbers (got {array.dtype})")
        rows = sizes.setdefault(self.rows, max(0, len(indptr) - 1))
        if len(indptr) != rows + 1:
            raise RunError(f"{prefix}{self.indptr} must be {rows + 1}, one more than {self.rows} (got {len(indptr)})")
        if indptr[0] != 0 or indptr[-1] != len(indices) or (indptr[1:] < indptr[:-1]).any():
            raise RunError(f"{prefix}{self.indptr} must rise from 0 to {len(indices)}, the length of {self.indices}")
        Field("i", (len(indices),), low=0, below=self.columns).check(f"{prefix}{self.indices}", indices, sizes)
        if self.data:
            Field("f", (len(indices),)).check(f"{prefix}{self.data}", arrays[self.data], sizes)


def schema(**fields: Field | Csr) -> Mapping[str, Field | Csr]:
    """A schema: fields by the name of the array; the name of a sparse matrix is for the reader."""
    return MappingProxyType(fields)


def check_arrays(schema: Mapping[str, Field | Csr], arrays: Arrays, sizes: Mapping[str, int], prefix: str = "") -> None:
    """Raise RunError, which names array and rule, where ``arrays`` are not what the ``schema`` says.

    Args:
        schema: by the name of the array; that of a matrix does not matter.
        sizes: those of the corpus.
        prefix: what stands before the names in messages.
    """
    known = dict(sizes)
    for name, rule in schema.items():
        if isinstance(rule, Csr):
            rule.check(prefix, arrays, known)
        elif name not in arrays:
            raise RunError(f"{prefix}{name} is missing")
        else:
            rule.check(f"{prefix}{name}", arrays[name], known)


def check_like(model: Arrays, arrays: Arrays) -> None:
    """Raise RunError where ``arrays`` are not, by names, kinds and shapes, those that a ``model`` has now."""
    if missing := [name for name in model if name not in arrays] or [name for name in arrays if name not in model]:
        raise RunError(f"{missing[0]} is {'not an array of this model' if missing[0] in arrays else 'missing'}")
    for name, array in model.items():
        if arrays[name].dtype != array.dtype:
            raise RunError(f"{name} must be {array.dtype} (got {arrays[name].dtype})")
        Field(array.dtype.kind, array.shape).check(name, arrays[name], {})


def _called(size: str | int | None) -> str:
    return f", the number of {size}" if size in ("tracks", "playlists") else ""
