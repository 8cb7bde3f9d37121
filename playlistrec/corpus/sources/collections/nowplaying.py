"""#nowplaying ("Spotify playlists" on Kaggle): a row an entry, by names alone; a playlist is a user and a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....errors import DataError
from ....events import Event
from ...corpus import Corpus
from ...vocabulary import Catalogue, Rows, Vocabulary, distinct
from ..csv_file import CsvFile, Names, score_of
from ..dialects import letters
from ..entries import gather
from ..formats import Format, Place, Request, suffix, summarise
from ..named_tracks import NamedTracks
from .building import left_out

__all__ = ["FORMAT"]

COLUMNS: Names = {
    "user": ("user_id", "user", "username"),
    "artist": ("artistname", "artist_name", "artist"),
    "title": ("trackname", "track_name", "track", "title"),
    "playlist": ("playlistname", "playlist_name", "playlist"),
}
REQUIRED = tuple(COLUMNS)
IDS = {"trackid", "trackuri", "uri", "songid", "itemid", "spotifyid"}


def _is_one(place: Place, path: Path) -> bool:
    if suffix(path) not in (".csv", ".tsv"):
        return False
    header = place.layout(path, score_of(COLUMNS, REQUIRED)).header
    return score_of(COLUMNS, REQUIRED)(header) >= 100 and not IDS & set(map(letters, header))


def _read(request: Request) -> tuple[Corpus, None]:
    """Read rows of user, artist, title and name of a playlist.

    A track is known by its artist and title, since it has no id; rows without them are left out and counted, and so are
    lines that are broken (a quote that is not closed, a wrong number of fields). The order means nothing.
    """
    on_event, limit = request.on_event, request.limit
    files = [path for path in request.place.files if _is_one(request.place, path)] or request.place.files
    catalogue, playlists, named = Catalogue(), Vocabulary(), NamedTracks()
    titles: list[pa.Array] = []
    columns: list[tuple[Rows, Rows]] = []
    n_lines = 0
    for done, path in enumerate(files, 1):
        file = CsvFile.open(request.place.source(path), COLUMNS, REQUIRED, skip_broken=True)
        file.tell(on_event)
        n_file = n_empty = 0
        for batch in file.batches():
            n_file += len(batch)
            bare = pc.or_(pc.equal(batch.columns["title"], ""), pc.equal(batch.columns["artist"], ""))
            n_empty += pc.sum(bare).as_py()
            batch = batch.filter(pc.invert(bare).to_numpy(zero_copy_only=False))
            names = batch.columns["playlist"]
            pids = pc.binary_join_element_wise(batch.columns["user"], names, "/")
            numbers, first = distinct(pids)
            before = len(playlists)
            rows = playlists.number(pids.take(first))
            titles.append(names.take(pa.array(first[rows >= before])))
            playlist = rows[numbers]
            if limit is not None:
                kept = playlist < limit
                playlist, batch = playlist[kept], batch.filter(kept)
            columns.append((playlist, _number(batch.columns["artist"], batch.columns["title"], named, catalogue)))
        left_out(on_event, n_empty, f"rows of {path.name} without an artist or a title")
        left = file.table.left
        left_out(on_event, left.count, "broken lines", [f"the first: {left.first}"])
        n_lines += n_file + left.count
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    playlist, track = (np.concatenate(column) for column in zip(*columns))
    if not len(playlist):
        raise DataError(f"{files[0].name}: no row has an artist and a title")
    pids = playlists.ids()[:limit]
    offsets, tracks, *_ = gather([("train", (playlist, track, None))], len(pids), len(catalogue), on_event)
    track_table, artists = catalogue.tables()
    table = pa.table(
        {
            "pid": pids,
            "name": pa.chunked_array(titles, pa.string()).combine_chunks()[: len(pids)],
            "ordered": pa.array(np.zeros(len(pids), dtype=bool)),
        }
    )
    corpus = Corpus(offsets, tracks, table, track_table, artists)
    summarise(on_event, n_lines, files, corpus)
    return corpus, None


def _number(artists: pa.Array, titles: pa.Array, named: NamedTracks, catalogue: Catalogue) -> Rows:
    """The row of each track."""
    ids = named.ids(artists, titles)
    numbers, first = distinct(ids)
    some = pa.array(first)
    rows = catalogue.add(
        pa.table(
            {"uri": ids.take(some).cast(pa.string()), "name": titles.take(some), "artist_name": artists.take(some)}
        )
    )
    return rows[numbers]


FORMAT = Format("nowplaying", lambda place: any(_is_one(place, path) for path in place.files), _read)
