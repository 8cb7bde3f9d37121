"""The rule for ids of every reader: text without control characters, line breaks and changes of direction."""

from __future__ import annotations

import numpy as np
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
        if all(map(_is_plain, column.chunks)):
            continue
        bad = pc.index(pc.match_substring_regex(column, NOT_IN_IDS), pa.scalar(True)).as_py()
        if bad >= 0:
            text = shown(column[bad].as_py())[:60]
            raise DataError(
                f"{where}: the id of a {kind}, {text!r}, must have neither control characters nor line breaks, nor be "
                "blank"
            )


def _is_plain(ids: pa.StringArray) -> bool:
    """True if no id can be wrong, since all letters are those of ASCII that are seen. Faster than to look at each."""
    bounds, values = (
        np.frombuffer(buffer or b"", kind) for buffer, kind in zip(ids.buffers()[1:], (np.int32, np.uint8))
    )
    bounds = bounds[ids.offset : ids.offset + len(ids) + 1]
    letters = values[bounds[0] : bounds[-1]] if len(bounds) else values
    return bool((np.diff(bounds) > 0).all() and letters.min(initial=127) > ord(" ") and letters.max(initial=0) < 127)
