"""Ratings and listening counts: each user is a playlist of the items rated, in order of time where it is known."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ...events import Event
from ..corpus import Corpus
from ..vocabulary import Catalogue, Rows, Vocabulary
from .adjacency import ENDINGS, text_files
from .adjacency import FORMAT as ADJACENCY
from .csv_file import Batch, CsvFile
from .entries import Entries, first_of_pairs, gather, in_order
from .formats import Format, Given, Place, Request, suffix, summarise
from .plain_text import separator_of_triples
from .rating_files import COLUMNS, NAMES, kind_of, names_of
from .tokens import tokens_of

__all__ = ["LASTFM", "MOVIELENS", "TRIPLES"]


def _files(place: Place, format: str) -> list[tuple[str, Path]]:
    """The files of ratings and the part of each."""
    return text_files(place, format) if format == "triples" else place.entry_files(format, partial(_is_one, format))


def _is_one(format: str, path: Path) -> bool:
    return path.name.removesuffix(".gz") in NAMES[format] or (format == "movielens" and suffix(path) == ".inter")


def _read(request: Request, format: str) -> tuple[Corpus, Given | None]:
    """Read files of ratings, and the names of the items from the table beside them.

    ``"movielens"`` is RecBole's atomic ``.inter`` (a header of ``name:type``, tabs), or one of MovieLens' own:
    ``ratings.csv``, ``ratings.dat`` (``::``), anything else like ``u.data`` (tabs, no header). ``"lastfm"`` is
    ``userID artistID weight`` with a header, as HetRec 2011 has it. Where there are timestamps, a user's items
    stand in their order, and at equal times in the file's; else the playlists are not ``ordered``. What is below
    ``min_rating`` leaves no trace.

    Returns the corpus and the part of each entry; see :func:`~.read.read`.
    """
    files, min_rating, on_event = _files(request.place, format), request.min_rating, request.on_event
    users, items = Vocabulary(), Vocabulary()
    kind = kind_of(files[0][1], request.place.source(files[0][1]), format)
    if format == "triples" and kind.ratings is not None:
        text = f"{files[0][1].name}: each line is `{' '.join(kind.ratings.header)}`, read as such"
        on_event(Event("warning", text))
    required = ("pid", "rating") if request.weights or min_rating is not None else ("pid",)
    sources = [
        CsvFile.open(source, COLUMNS, required, kind.ratings, quoted=kind.quoted, any_of=("uri", "list"))
        for source in (request.place.source(path) for _, path in files)
    ]
    parts, n_read, n_low = [], 0, 0
    for done, (source, (part, path)) in enumerate(zip(sources, files), 1):
        source.tell(on_event)
        entries, read, low = _read_entries(source, users, items, request)
        parts.append((part, entries))
        n_read, n_low = n_read + read, n_low + low
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    if min_rating is not None:
        if n_low == n_read:
            raise DataError(f"{files[0][1].name} has no rating of at least {min_rating:g}: choose a lower min_rating")
        text = f"left out {n_low:,} of {n_read:,} ratings, those below {min_rating:g}"
        on_event(Event("message", text, {"left_out": n_low}))
    pids, uris = users.ids()[: request.limit], items.ids()
    offsets, tracks, kept_weights, given, _ = gather(parts, len(pids), len(uris), on_event)
    catalogue = Catalogue()
    catalogue.add(pa.table({"uri": uris, "name": names_of(files[0][1], kind, uris)}))
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
    summarise(on_event, n_read, [path for _, path in files], corpus)
    return corpus, given


def _are_triples(place: Place) -> bool:
    texts = [path for path in place.files if suffix(path) in ENDINGS]
    if not texts or not ADJACENCY.recognises(place):
        return False
    first = place.parts(texts).get("train", texts[0])
    return separator_of_triples(place.head(first)) is not None


def _format(name: str) -> Format:
    return Format(
        name,
        lambda place: any(_is_one(name, path) for path in place.files),
        lambda request: _read(request, name),
        frozenset({"min_rating", "weights"}),
    )


MOVIELENS, LASTFM = _format("movielens"), _format("lastfm")
TRIPLES = Format(
    "triples", _are_triples, lambda request: _read(request, "triples"), frozenset({"min_rating", "weights"})
)


def _read_entries(file: CsvFile, users: Vocabulary, items: Vocabulary, request: Request) -> tuple[Entries, int, int]:
    """User, item and weight of each entry, by time where it is there; how many were read, and were too low."""
    limit, min_rating, weights = request.limit, request.min_rating, request.weights
    columns: list[tuple[Rows, Rows, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    n_read = n_low = 0
    for batch in file.batches(("rating", "timestamp")):
        user_ids, item_ids, rows = _of_rows(file, batch)
        rating, time = (
            file.numbers(name, batch, required=True).to_numpy(zero_copy_only=False)[rows]
            if name in file.columns
            else np.zeros(len(rows))
            for name in ("rating", "timestamp")
        )
        if weights:
            rating = file.weights("rating", batch)[rows]
        n_read += len(rows)
        if min_rating is not None:
            kept = rating >= min_rating
            n_low += int((~kept).sum())
            user_ids, item_ids = user_ids.filter(pa.array(kept)), item_ids.filter(pa.array(kept))
            time, rating = time[kept], rating[kept]
        user = users.number(user_ids)
        if limit is not None:
            kept = user < limit
            user, item_ids, time, rating = user[kept], item_ids.filter(pa.array(kept)), time[kept], rating[kept]
        columns.append((user, items.number(item_ids), time, rating))
    user, item, time, rating = (np.concatenate(column) for column in zip(*columns))
    order = in_order(time, user)
    user, item, rating = user[order], item[order], rating[order]
    if "list" in file.columns:
        first = first_of_pairs(user, item)  # the rows of one user are ever longer beginnings of the same list
        user, item, rating = user[first], item[first], rating[first]
    return (user, item, rating if weights else None), n_read, n_low


def _of_rows(file: CsvFile, batch: Batch) -> tuple[pa.Array, pa.Array, npt.NDArray[np.intp]]:
    """User and item of each entry, and its row: one a row, or first those of a column of lists."""
    user_ids = file.ids("pid", batch)
    if "list" not in file.columns:
        return user_ids, file.ids("uri", batch), np.arange(len(batch))
    text = batch.columns["list"]
    if "uri" in file.columns:
        text = pc.binary_join_element_wise(text, file.ids("uri", batch).cast(pa.string()), " ")
    lists = tokens_of(pc.replace_substring(text, ",", " "))
    rows = np.arange(len(batch)).repeat(lists.counts)
    return user_ids.take(pa.array(rows)), lists.ids.dictionary_encode(), rows
