"""Artists and albums as rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.linear.side import side_rows


def corpus(albums: list[str | None] | None) -> Corpus:
    made = Corpus.from_lists([["a", "b", "c", "d"]], {"a": "x", "b": "y", "c": "x"})
    if albums is None:
        return made
    table = made.track_table.append_column("album_uri", pa.array(albums, pa.string()))
    return Corpus(made.offsets, made.tracks, made.playlists, table, made.artists)


def test_products_of_columns_are_the_weights_of_what_is_common() -> None:
    rows = side_rows(corpus(["p", "p", "q", None]), artist=3.0, album=5.0).toarray()
    wanted = [[8, 5, 3, 0], [5, 8, 0, 0], [3, 0, 8, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(rows.T @ rows, wanted, rtol=1e-6)
    assert rows.dtype == np.float32


def test_no_weight_no_rows() -> None:
    assert side_rows(corpus(None)).shape == (0, 4)


@pytest.mark.parametrize("albums", [None, [None] * 4])
def test_a_weight_of_what_is_unknown_is_refused(albums: list[None] | None) -> None:
    with pytest.raises(ConfigError, match=r"^album_weight must be 0 for data without albums \(got 2.0\)$"):
        side_rows(corpus(albums), album=2.0)
    nameless = Corpus.from_lists([["a"]])
    with pytest.raises(ConfigError, match=r"^artist_weight must be 0 for data without artists \(got 1.0\)$"):
        side_rows(nameless, artist=1.0)
