"""The edges of a data folder with their names, as a table for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .data import Data

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["edges"]

NAMES = np.array(["train", "valid", "test", "valid", "test"])
"""The part of an entry by its number; seeds of playlists that are hidden whole count to their part."""


def edges(data: Data | str | Path) -> pd.DataFrame:
    """A row for each playlist and track that it holds: ids, names, and the part of the split.

    The columns are ``pid``, ``playlist_name``, ``track_uri``, ``track_name``, ``artist_name``, ``part``, and
    ``playlist`` and ``track``, the rows of the tables. Names are None where the source had none. Hidden edges
    are there: what is learned from should keep to ``part == "train"``.

    >>> from playlistrec.corpus.corpus import Corpus
    >>> from playlistrec.corpus.splitting import split_edges
    >>> corpus = Corpus.from_lists([["a", "b"], ["b"]])
    >>> edges(Data.of(corpus, split_edges(corpus)))[["pid", "track_uri", "part"]].values.tolist()
    [['0', 'a', 'train'], ['0', 'b', 'valid'], ['1', 'b', 'train']]
    """
    import pandas as pd

    data = data if isinstance(data, Data) else Data.load(data)
    corpus = data.corpus
    playlists = corpus.frame("playlists")
    found = pd.DataFrame(
        {"playlist": corpus.entry_playlist, "track": corpus.tracks, "part": NAMES[data.split.part]}
    ).drop_duplicates(["playlist", "track"], ignore_index=True)
    tracks = pd.DataFrame(corpus.describe(np.arange(corpus.n_tracks)))
    found["pid"] = playlists["pid"].to_numpy()[found["playlist"]]
    named = "name" in playlists
    found["playlist_name"] = playlists["name"].to_numpy()[found["playlist"]] if named else None
    for column in ("track_uri", "track_name", "artist_name"):
        found[column] = tracks[column].to_numpy(dtype=object)[found["track"]]
    order = ["pid", "playlist_name", "track_uri", "track_name", "artist_name", "part", "playlist", "track"]
    return found[order]
