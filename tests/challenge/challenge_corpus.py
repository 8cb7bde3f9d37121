"""A small corpus with all that a challenge needs: long playlists, titles, artists, repeats, tracks held once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.splitting import split_edges
from playlistrec.experiment.data import Data

N_PLAYLISTS, N_TRACKS, N_ARTISTS = 200, 900, 60


def challenge_data(seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    chances = 1 / np.arange(10, N_TRACKS - 90)
    chances = np.append(chances / chances.sum(), np.full(100, 0.00004))
    lengths = rng.integers(3, 260, size=N_PLAYLISTS)
    tracks = rng.choice(N_TRACKS, size=lengths.sum(), p=chances / chances.sum())  # the last hundred are rare
    artist = rng.integers(0, N_ARTISTS, size=N_TRACKS)
    corpus = Corpus(
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        tracks=tracks.astype(np.int32),
        playlists=pa.table(
            {
                "pid": [str(1000 + i) for i in range(N_PLAYLISTS)],
                "name": [None if i % 9 == 8 else f"List {i}" for i in range(N_PLAYLISTS)],
            }
        ),
        track_table=pa.table(
            {
                "uri": [f"spotify:track:{i}" for i in range(N_TRACKS)],
                "name": [f"Song {i}" for i in range(N_TRACKS)],
                "artist": pa.array(artist, pa.int32()),
                "album_uri": [f"spotify:album:{i // 5}" for i in range(N_TRACKS)],
                "album_name": [f"Album {i // 5}" for i in range(N_TRACKS)],
                "duration_ms": [1000 * i for i in range(N_TRACKS)],
            }
        ),
        artists=pa.table(
            {
                "uri": [f"spotify:artist:{i}" for i in range(N_ARTISTS)],
                "name": [f"Artist {i}" for i in range(N_ARTISTS)],
            }
        ),
    )
    return Data.of(corpus, split_edges(corpus))
