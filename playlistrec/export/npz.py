"""NumPy: the vectors, whose they are and the seeds, in one file without pickled objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..serving.vectors import Embeddings
from ..storage import write_npz

__all__ = ["LOAD", "write"]

LOAD = (
    '`numpy.load("embeddings.npz")` has `playlists`, `tracks` and, where the model has them, `artists`, float32; '
    "`playlist_pids`, `track_uris` and `artist_uris` by row; and the seeds of playlist p, rows of `tracks`, as "
    "`seeds[seed_offsets[p]:seed_offsets[p + 1]]`"
)


def write(source: Embeddings, folder: Path) -> dict[str, Any]:
    """``embeddings.npz``."""
    corpus = source.history
    arrays = {
        "playlists": source.playlists,
        "tracks": source.tracks,
        "playlist_pids": np.array(corpus.playlists["pid"].to_pylist(), dtype=np.str_),
        "track_uris": np.array(corpus.track_table["uri"].to_pylist(), dtype=np.str_),
        "artist_uris": np.array(corpus.artists["uri"].to_pylist(), dtype=np.str_),
        "seed_offsets": source.query.offsets,
        "seeds": source.query.tracks.astype(np.int32),
    }
    if source.artists is not None:
        arrays["artists"] = source.artists
    write_npz(folder / "embeddings.npz", arrays)
    return {"files": ["embeddings.npz"]}
