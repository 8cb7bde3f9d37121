"""A corpus from lists: what the readers of collections have when they have read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ....events import Event, OnEvent
from ...corpus import Corpus
from ...vocabulary import Catalogue, distinct, drop_unknown

__all__ = ["corpus_of_lists", "left_out", "number_by_text"]


def corpus_of_lists(
    lengths: npt.NDArray[np.int64], uris: pa.Array, playlists: pa.Table, tracks: pa.Table | None, *, ordered: bool
) -> Corpus:
    """A corpus of playlists in a row.

    Args:
        lengths: (n_playlists,) entries of each.
        uris: (n_entries,) the track of each entry.
        playlists: ``pid`` and what is known of each.
        tracks: ``uri`` and other columns of ``TRACK_SCHEMA``, one row a track or more, of which the first counts; those
            of no playlist are left out.
        ordered: the order of the entries means something.
    """
    numbers, first = distinct(uris)
    used = uris.take(pa.array(first)).cast(pa.string())
    table = pa.table({"uri": used})
    if tracks is not None:
        rows = pc.index_in(used, tracks["uri"].combine_chunks())
        table = tracks.take(rows).set_column(0, "uri", used)
    catalogue = Catalogue()
    catalogue.add(table)
    track_table, artists = catalogue.tables()
    flags = pa.array(np.full(playlists.num_rows, ordered))
    return Corpus(
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        tracks=numbers,
        playlists=drop_unknown(playlists.combine_chunks(), ("pid",)).append_column("ordered", flags),
        track_table=track_table,
        artists=artists,
    )


def number_by_text(ids: npt.NDArray[np.int64]) -> pa.DictionaryArray:
    """Whole numbers as the text of ids; each distinct one is written once."""
    encoded = pa.array(ids).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(pa.string()))


def left_out(on_event: OnEvent, n: int, what: str, names: Sequence[str] = ()) -> None:
    """A warning of what was left out, where there was any."""
    if n:
        which = f" ({', '.join(names[:3])}{', …' * (len(names) > 3)})" if names else ""
        on_event(Event("warning", f"left out {n:,} {what}{which}", {"left_out": n}))
