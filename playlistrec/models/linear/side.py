"""Side information: what is known of tracks besides the playlists that hold them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from ...corpus.corpus import Corpus
from ...errors import ConfigError

__all__ = ["albums", "side_rows"]


def side_rows(corpus: Corpus, *, artist: float = 0.0, album: float = 0.0) -> sparse.csr_array[np.float32]:
    """(n_artists + n_albums, n_tracks): a row for each artist and each album, as if it were a playlist.

    A row holds the root of its weight, so that the product of two columns is the weight of what both tracks have in
    common. Jeunen, Van Balen & Goethals 2020 ("Closed-form models for collaborative filtering with side-information",
    section 3) stack them below the playlist-track matrix. A weight of 0 leaves the rows out.

    Raises ConfigError where the data have no artists, or no albums, that could be weighted.

    >>> corpus = Corpus.from_lists([["a", "b", "c"]], {"a": "x", "b": "y", "c": "x"})
    >>> side_rows(corpus, artist=4.0).toarray()
    array([[2., 0., 2.],
           [0., 2., 0.]], dtype=float32)
    """
    rows: list[sparse.csr_array[np.float32]] = [sparse.csr_array(np.zeros((0, corpus.n_tracks), dtype=np.float32))]
    if artist:
        rows.append(_rows(corpus.track_artist, artist, "artist"))
    if album:
        rows.append(_rows(albums(corpus), album, "album"))
    return sparse.csr_array(sparse.vstack(rows, format="csr"))


def albums(corpus: Corpus) -> npt.NDArray[np.int32]:
    """(n_tracks,) a number for the album of each track, -1 where unknown."""
    if "album_uri" not in corpus.track_table.column_names:
        return np.full(corpus.n_tracks, -1, dtype=np.int32)
    codes = pc.dictionary_encode(corpus.track_table["album_uri"]).combine_chunks().indices
    return np.asarray(pc.fill_null(codes, pa.scalar(-1, pa.int32())).to_numpy(zero_copy_only=False), dtype=np.int32)


def _rows(group: npt.NDArray[np.int32], weight: float, what: str) -> sparse.csr_array[np.float32]:
    known = np.flatnonzero(group >= 0)
    if not len(known):
        raise ConfigError(f"{what}_weight must be 0 for data without {what}s (got {weight})")
    parts = np.full(len(known), np.sqrt(weight), dtype=np.float32), (group[known], known)
    return sparse.csr_array(parts, shape=(int(group.max()) + 1, len(group)))
