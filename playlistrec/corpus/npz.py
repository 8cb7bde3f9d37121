"""Writing ``.npz`` files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["write_npz"]


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write arrays to ``path``, put together in memory first.

    Where ``np.savez`` writes to a full disk itself, its archive tries again when it is collected, and Python prints
    that second failure at length.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    path.write_bytes(buffer.getbuffer())
