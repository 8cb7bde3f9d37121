"""What every reader's ids must be: text without control characters, line breaks and changes of direction."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError
from ..text import NOT_IN_IDS, shown
from .corpus import Corpus

__all__ = ["check_ids"]


def check_ids(corpus: Corpus, where: str) -> None:
    """Raise DataError, which names the source ``where``, for the first id that is not so.

    An id goes as it is into lines of playlists and submissions, and is typed on command lines. Names stay as they are,
    and are cleaned where they are shown.
    """
    for kind, column in {
        "playlist": corpus.playlists["pid"],
        "track": corpus.track_table["uri"],
        "artist": corpus.artists["uri"],
    }.items():
        bad = pc.index(pc.match_substring_regex(column, NOT_IN_IDS), pa.scalar(True)).as_py()
        if bad >= 0:
            text = shown(column[bad].as_py())[:60]
            raise DataError(
                f"{where}: the id of a {kind}, {text!r}, must have neither control characters nor line breaks, nor be "
                "blank"
            )
