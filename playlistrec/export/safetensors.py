"""Safetensors: the vectors and the seeds in one file that is mapped into memory, and the same format for weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError
from ..serving.vectors import Embeddings
from ..storage import write_file

__all__ = ["LOAD", "as_safetensors", "write"]

LOAD = (
    '`safetensors.numpy.load_file("embeddings.safetensors")` has `playlists`, `tracks` and, where the model has them, '
    "`artists`, float32, row i being that of their Parquet file; and the seeds of playlist p, rows of `tracks`, as "
    "`seeds[seed_offsets[p]:seed_offsets[p + 1]]`"
)


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``embeddings.safetensors``. Raises ConfigError without safetensors."""
    arrays = {
        "playlists": source.playlists,
        "tracks": source.tracks,
        "seed_offsets": source.query.offsets,
        "seeds": source.query.tracks.astype(np.int32),
    }
    if source.artists is not None:
        arrays["artists"] = source.artists
    write_file(folder / "embeddings.safetensors", as_safetensors(arrays), DataError)
    return {"files": ["embeddings.safetensors"]}


def as_safetensors(arrays: dict[str, Any]) -> bytes:
    """Arrays in the format of safetensors. Raises ConfigError where the package is missing."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise ConfigError("safetensors needs the package safetensors: pip install 'playlistrec[safetensors]'") from None
    found: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return found
