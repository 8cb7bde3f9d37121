"""Ratings and listening counts: each user is a playlist of the items rated, in order of time where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from ..vocabulary import Catalogue, Rows, Vocabulary, distinct
from .csv_file import CsvFile
from .entries import Weights, gather
from .records import CSV, Dialect, records

__all__ = ["NAMES", "SUFFIXES", "read_ratings"]

NAMES = {
    "movielens": ("u.data", "ratings.dat", "ratings.csv"),
    "lastfm": ("user_artists.dat", "user_artists.tsv"),
}
"""File names without ``.gz``."""

SUFFIXES = {"movielens": (".inter", ".inter.gz")}

COLUMNS = {
    "pid": ("user_id:token", "user_id", "userId", "userID"),
    "uri": ("item_id:token", "artist_id:token", "item_id", "movieId", "artistID"),
    "rating": (
        "rating:float",
        "weight:float",
        "count:float",
        "play_count:float",
        "rating",
        "weight",
        "count",
        "play_count",
    ),
    "timestamp": ("timestamp:float", "timestamp"),
}
ITEM_ID = (*COLUMNS["uri"], "id")
ITEM_NAME = ("movie_title:token_seq", "title:token_seq", "title:token", "name:token_seq", "name:token", "title", "name")

TAB = Dialect("\t", quoted=False)
UNNAMED = ("user_id", "item_id", "rating", "timestamp")


class Layout(NamedTuple):
    """The format of a file of ratings and of the table of its items: possible file names and the CSV dialect."""

    ratings: Dialect
    tables: tuple[str, ...]
    items: Dialect


def _layout(path: Path, format: str) -> Layout:
    name = path.name.removesuffix(".gz")
    if format == "lastfm":
        return Layout(TAB, ("artists.dat", "artists.tsv"), TAB)
    if name.endswith(".inter"):
        return Layout(TAB, (name.removesuffix("inter") + "item",), TAB)
    if name.endswith(".csv"):
        return Layout(CSV, ("movies.csv",), CSV)
    if name.endswith(".dat"):
        colons = Dialect("::", quoted=False)
        return Layout(colons._replace(names=UNNAMED), ("movies.dat",), colons._replace(names=("id", "name")))
    return Layout(TAB._replace(names=UNNAMED), ("u.item",), Dialect("|", quoted=False, names=("id", "name")))


def read_ratings(
    files: Sequence[Path],
    *,
    format: str,
    limit: int | None,
    min_rating: float | None,
    weights: bool,
    on_event: OnEvent,
) -> tuple[Corpus, npt.NDArray[np.bool_]]:
    """Read one file of ratings, or a training and a test file, and the names of the items from the table beside it.

    ``"movielens"`` is RecBole's atomic ``.inter`` (a header of ``name:type``, tabs), or one of MovieLens' own:
    ``ratings.csv``, ``ratings.dat`` (``::``), anything else like ``u.data`` (tabs, no header). ``"lastfm"`` is
    ``userID artistID weight`` with a header, as HetRec 2011 has it. Where there are timestamps, a user's items
    stand in their order, and at equal times in the file's; else the playlists are not ``ordered``.

    Args:
        min_rating: leave out the ratings (or counts) below it; no trace of them is kept.
        weights: keep the ratings (or counts) of the others.

    Returns the corpus and which entries came from the second file; see :func:`~.read.read`.
    """
    users, items = Vocabulary(), Vocabulary()
    layout = _layout(files[0], format)
    required = ("pid", "uri", "rating") if weights or min_rating is not None else ("pid", "uri")
    sources = [CsvFile.open(path, COLUMNS, required, layout.ratings) for path in files]
    parts, n_read, n_low = [], 0, 0
    for done, source in enumerate(sources, 1):
        part, read, low = _read_entries(source, users, items, limit, min_rating, weights)
        parts.append(part)
        n_read, n_low = n_read + read, n_low + low
        on_event(Event("progress", f"read {source.path.name}", {"done": done, "total": len(files)}))
    if min_rating is not None:
        if n_low == n_read:
            raise DataError(f"{files[0].name} has no rating of at least {min_rating:g}: choose a lower min_rating")
        text = f"left out {n_low:,} of {n_read:,} ratings, those below {min_rating:g}"
        on_event(Event("message", text, {"left_out": n_low}))
    pids, uris = users.ids()[:limit], items.ids()
    offsets, tracks, kept_weights, from_test = gather(parts, len(pids), len(uris), on_event)
    catalogue = Catalogue()
    catalogue.add(pa.table({"uri": uris, "name": _names(files[0], layout, uris)}))
    track_table, artists = catalogue.tables()
    timed = np.full(len(pids), all("timestamp" in source.columns for source in sources))
    corpus = Corpus(
        offsets=offsets,
        tracks=tracks,
        playlists=pa.table({"pid": pids, "ordered": pa.array(timed)}),
        track_table=track_table,
        artists=artists,
        weights=kept_weights,
    )
    return corpus, from_test


def _read_entries(
    file: CsvFile,
    users: Vocabulary,
    items: Vocabulary,
    limit: int | None,
    min_rating: float | None,
    weights: bool,
) -> tuple[tuple[Rows, Rows, Weights], int, int]:
    """User, item and weight of each entry, by time where it is there; how many were read, and were too low."""
    columns: list[tuple[Rows, Rows, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    n_read = n_low = 0
    for start, batch in file.batches():
        user_ids, item_ids = file.ids("pid", start, batch), file.ids("uri", start, batch)
        rating, time = (
            file.numbers(name, start, batch, required=True).to_numpy(zero_copy_only=False)
            if name in file.columns
            else np.zeros(batch.num_rows)
            for name in ("rating", "timestamp")
        )
        if weights:
            rating = file.weights("rating", start, batch)
        kept = np.ones(batch.num_rows, dtype=bool) if min_rating is None else rating >= min_rating
        n_read, n_low = n_read + len(kept), n_low + int((~kept).sum())
        user_ids, item_ids = user_ids.filter(pa.array(kept)), item_ids.filter(pa.array(kept))
        time, rating = time[kept], rating[kept]
        user = _number(users, user_ids)
        if limit is not None:
            kept = user < limit
            user, item_ids, time, rating = user[kept], item_ids.filter(pa.array(kept)), time[kept], rating[kept]
        columns.append((user, _number(items, item_ids), time, rating))
    user, item, time, rating = (np.concatenate(column) for column in zip(*columns))
    order = np.argsort(time, kind="stable")
    return (user[order], item[order], rating[order] if weights else None), n_read, n_low


def _number(vocabulary: Vocabulary, ids: pa.Array) -> Rows:
    numbers, first = distinct(ids)
    return vocabulary.number(ids.take(first))[numbers]


def _names(ratings: Path, layout: Layout, uris: pa.Array) -> pa.Array:
    """The names of the items from the table beside the ratings, null where there is none."""
    paths = [ratings.with_name(name + suffix) for name in layout.tables for suffix in ("", ".gz")]
    path = next((path for path in paths if path.is_file()), None)
    rows = iter(()) if path is None else records(path, layout.items)
    header = list(layout.items.names) or next(rows, (0, []))[1]
    at = [next((header.index(name) for name in known if name in header), -1) for known in (ITEM_ID, ITEM_NAME)]
    name_of: dict[str, str] = {}
    if path is not None and min(at) >= 0:
        for line, fields in rows:
            if len(fields) <= max(at):
                there = f"{len(fields)} field{'s' * (len(fields) != 1)}"
                raise DataError(f"{path.name}, line {line}: {there} where the name is field {max(at) + 1}")
            name_of[fields[at[0]]] = _text(fields[at[1]])
    return pa.array([name_of.get(uri) or None for uri in uris.to_pylist()], pa.string())


def _text(name: str) -> str:
    """The name, read as Latin-1 where its bytes are not UTF-8: MovieLens' older tables are written so."""
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
