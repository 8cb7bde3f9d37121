"""A corpus in a folder: arrays in ``.npz``, tables in Parquet."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import DataError
from ..storage import write_npz
from .corpus import Corpus

__all__ = ["load_corpus", "save_corpus"]

FILES = ("entries.npz", "playlists.parquet", "tracks.parquet", "artists.parquet")


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """Write the arrays and tables into an existing folder."""
    weights = {} if corpus.weights is None else {"weights": corpus.weights}
    write_npz(folder / "entries.npz", {"offsets": corpus.offsets, "tracks": corpus.tracks, **weights})
    for name, table in zip(FILES[1:], (corpus.playlists, corpus.track_table, corpus.artists)):
        pq.write_table(table, folder / name)


def load_corpus(folder: Path) -> Corpus:
    """The corpus that :func:`save_corpus` wrote. Raises DataError where a file is missing or damaged."""
    for name in FILES:
        if not (folder / name).is_file():
            raise DataError(f"{folder} is not a data folder: {name} is missing")
    try:
        with np.load(folder / "entries.npz", allow_pickle=False) as arrays:
            offsets, tracks, weights = arrays["offsets"], arrays["tracks"], arrays.get("weights")
        tables = [pq.read_table(folder / name) for name in FILES[1:]]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, pa.ArrowException) as error:
        raise DataError(f"{folder} is damaged: {str(error).splitlines()[0]}") from error
    return Corpus(offsets, tracks, tables[0], tables[1], tables[2], weights)
