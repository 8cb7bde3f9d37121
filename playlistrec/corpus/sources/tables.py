"""Playlists as tables, one row an entry, with tables of tracks and playlists beside them where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ...events import Event
from ..contexts import Codes
from ..corpus import Corpus
from ..vocabulary import Catalogue, Rows, Vocabulary, distinct, drop_unknown
from .columns import ENTRIES, OF_A_USER
from .context_columns import COLUMNS as CONTEXT_COLUMNS
from .context_columns import context_codes, sources_of
from .csv_file import CsvFile, score_of
from .dialects import letters
from .entries import Entries, gather, in_order
from .formats import Format, Given, Place, Request, part_of, some, stem, suffix, summarise
from .side_tables import SIDE_TABLES, add_columns, beside, known, read_ids, read_tracks, track_columns

__all__ = ["FORMAT", "SIDE_TABLES", "is_table", "read_csv"]

ORDER = {"pos", "time"}
ENDINGS = (".csv", ".tsv", ".txt")
REQUIRED = ("pid", "uri")
NUMERIC = ("pos", "time", "weight", "duration_ms", "duration_sec", "hour", "day")


def is_table(place: Place, path: Path) -> bool:
    """True for a file of entries: a delimited file whose header names playlists and tracks."""
    if suffix(path) not in ENDINGS or stem(path) in SIDE_TABLES:
        return False
    score = score_of(ENTRIES, REQUIRED)
    header = place.layout(path, score).header
    names = set(map(letters, header))
    # Beside the name of an artist, "playlist" and "track" are names too: a person's export.
    return score(header) >= 100 and not ("artist" in names and {"playlist", "track"} <= names)


def _recognises(place: Place) -> bool:
    return any(is_table(place, path) for path in place.files)


def entry_files(place: Place) -> list[tuple[str, Path]]:
    """The files of entries and the part of each: those of a folder that came in parts, or else all that are given."""
    if all(source.is_file() for source in place.sources):
        return list(place.parts(place.files).items()) or [("train", path) for path in place.files]
    tables = [path for path in place.files if is_table(place, path) or (part_of(path) and suffix(path) in ENDINGS[:2])]
    if not tables:  # the error says which column the one that may be meant lacks
        tables = [path for path in place.files if suffix(path) in ENDINGS[:2] and stem(path) not in SIDE_TABLES]
    if found := list(place.parts(tables).items()) or [("train", path) for path in tables if len(tables) == 1]:
        return found
    what = "several files" if tables else "no file"
    inside = some([path.name for path in tables or place.files])
    raise DataError(f"{place.name} holds {what} of entries (csv; found {inside}); give one file, or several by name")


def read_csv(request: Request) -> tuple[Corpus, Given | None]:
    """Read files of entries and the tables beside the first of them.

    A row is an entry. Where there is a column of positions, or else of times, the entries of a file stand in its order,
    else in that of the rows. Rows without a track are left out and counted.

    Returns the corpus and the part of each entry; see :func:`~.read.read`.
    """
    files, on_event, limit = entry_files(request.place), request.on_event, request.limit
    paths = [path for _, path in files]
    read_beside = {path for path in request.place.files if stem(path) in SIDE_TABLES}
    if others := [p.name for p in request.place.files if p not in {*paths, *read_beside} and suffix(p) in ENDINGS]:
        on_event(Event("warning", f"passed over what is no table of entries: {some(others)}", {"skipped": others}))
    catalogue, playlists = Catalogue(), Vocabulary()
    names: list[pa.Array] = []
    listing = beside(paths, "tracks")
    if listing is not None:
        read_tracks(listing, catalogue)
    n_listed = len(catalogue)
    required = (*REQUIRED, "weight") if request.weights else REQUIRED
    wanted = {**ENTRIES, **{name: CONTEXT_COLUMNS[name] for name in request.contexts}}
    sources = [CsvFile.open(request.place.source(path), wanted, required=required) for path in paths]
    for source, name in product(sources, request.contexts):
        source.need(sources_of(name), wanted)
    parts, n_lines = [], 0
    contexts: list[Codes] = []
    for done, (source, (part, path)) in enumerate(zip(sources, files), 1):
        source.tell(on_event)
        entries, n, n_empty = _read_entries(source, catalogue, playlists, names, contexts, request)
        parts.append((part, entries))
        n_lines += n
        source.tell_odd(on_event)
        if n_empty:
            what = "1 row has" if n_empty == 1 else f"{n_empty:,} rows have"
            on_event(
                Event("warning", f"{path.name}: {what} no {source.columns['uri']}: left out", {"left_out": n_empty})
            )
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    if listing is not None and (n := len(catalogue) - n_listed):
        what = "1 track that is" if n == 1 else f"{n:,} tracks that are"
        on_event(Event("warning", f"appended {what} not in {listing.name}", {"appended": n}))
    pids = playlists.ids()[:limit]
    offsets, tracks, kept_weights, given, order = gather(parts, len(pids), len(catalogue), on_event)
    table = pa.table({"pid": pids, "name": pa.chunked_array(names, pa.string())[: len(pids)]})
    if (more := beside(paths, "playlists")) is not None:
        table = add_columns(table, more)
    ordered = _ordered(sources, pids, beside(paths, "ordered_playlists"))
    track_table, artists = catalogue.tables()
    corpus = Corpus(
        offsets=offsets,
        tracks=tracks,
        playlists=drop_unknown(table.combine_chunks(), ("pid",)).append_column("ordered", ordered),
        track_table=track_table,
        artists=artists,
        weights=kept_weights,
        contexts=dict(zip(request.contexts, map(np.ascontiguousarray, np.concatenate(contexts)[order].T))),
    )
    summarise(on_event, n_lines, paths, corpus)
    return corpus, given


FORMAT = Format("csv", _recognises, read_csv, frozenset({"weights", "contexts"}))


def _ordered(sources: Sequence[CsvFile], pids: pa.Array, listed: Path | None) -> pa.Array:
    """(n_playlists,) true where the order of the entries means something."""
    if all(ORDER & set(source.columns) for source in sources):
        return pa.array(np.ones(len(pids), dtype=bool))
    if listed is not None:
        return pc.is_in(pids, read_ids(listed))
    of_users = {letters(name) for name in OF_A_USER}
    return pa.array(np.full(len(pids), letters(sources[0].columns["pid"]) not in of_users))


def _read_entries(
    file: CsvFile,
    catalogue: Catalogue,
    playlists: Vocabulary,
    names: list[pa.Array],
    contexts: list[Codes],
    request: Request,
) -> tuple[Entries, int, int]:
    """The entries in their order, with the ``names`` of new playlists and the ``contexts`` of the entries.

    Returns them, and how many rows there were and had no track.
    """
    limit, weights, codes = request.limit, request.weights, []
    columns: list[tuple[Rows, Rows, npt.NDArray[np.float64], npt.NDArray[np.float64]]] = []
    n_lines = n_empty = 0
    for batch in file.batches(NUMERIC):
        n_lines += len(batch)
        if n := pc.sum(pc.equal(batch.columns["uri"], "")).as_py():
            n_empty += n
            batch = batch.filter(pc.not_equal(batch.columns["uri"], "").to_numpy(zero_copy_only=False))
        pids, uris = file.ids("pid", batch), file.ids("uri", batch)
        place = np.zeros(0)
        if "pos" in file.columns:
            place = file.numbers("pos", batch, required=True).to_numpy(zero_copy_only=False)
        elif "time" in file.columns:
            place = file.moments("time", batch)
        weight = file.weights("weight", batch) if weights else np.zeros(0)
        numbers, first = distinct(pids)
        before = len(playlists)
        rows = playlists.number(pids.take(pa.array(first)))
        names.append(known(file, "playlist_name", batch, first[rows >= before]))
        playlist, row = rows[numbers], np.arange(len(batch))
        code = context_codes(file, batch, request.contexts)
        if limit is not None:
            kept = playlist < limit
            playlist, place, row = playlist[kept], place[kept[: len(place)]], row[kept]
            uris, weight, code = uris.filter(pa.array(kept)), weight[kept[: len(weight)]], code[kept]
        numbers, first = distinct(uris)
        codes.append(code)
        columns.append((playlist, catalogue.add(track_columns(file, batch, row[first]))[numbers], place, weight))
    if not sum(len(playlist) for playlist, *_ in columns) and n_empty:
        raise DataError(f"{file.name}: no row has a {file.columns['uri']}")
    playlist, track, place, weight = (np.concatenate(column) for column in zip(*columns))
    order = in_order(place, playlist) if len(place) else slice(None)
    if len(place):
        playlist, track = playlist[order], track[order]
        weight = weight[order] if weights else weight
    contexts.append(np.concatenate(codes)[order])
    return (playlist, track, weight if weights else None), n_lines, n_empty
