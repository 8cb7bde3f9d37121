"""Adjacency text, the format of the LightGCN and NGCF data sets: ``user item item …``, one user a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from ..vocabulary import Catalogue, Rows, Vocabulary, distinct
from . import decoding
from .decoding import Source
from .entries import gather
from .formats import Format, Given, Place, Request, suffix, summarise, tell
from .plain_text import three_fields, users_end_in_colons
from .tables import is_table
from .tokens import Tokens, tokens

__all__ = ["FORMAT"]

FOREIGN = r"[,\x00-\x08\x0e-\x1f\x7f]"  # what no line of ids between blanks has
ID_AND_COLON = r"^[^\s:]+:[^:]*$"
ENDINGS = (".txt", ".adj")


def text_files(place: Place, format: str) -> list[tuple[str, Path]]:
    """The files of lines of ids and the part of each."""
    return place.entry_files(format, lambda path: suffix(path) in ENDINGS and not is_table(place, path))


def _recognises(place: Place) -> bool:
    texts = [path for path in place.files if suffix(path) in ENDINGS]
    return bool(texts) and (len(texts) == len(place.files) or bool(place.parts(texts)))


def _read(request: Request) -> tuple[Corpus, Given | None]:
    """Read lines of ids; a user may stand on several lines or have no item.

    A file of which each line is ``user:item item …`` is read as if the colon were a blank, with a warning.

    Returns the corpus and the part of each entry; see :func:`~.read.read`. The format has no order: ``ordered`` is
    false.
    """
    files, on_event, limit = text_files(request.place, "adjacency"), request.on_event, request.limit
    catalogue, playlists = Catalogue(), Vocabulary()
    parts, n_lines = [], 0
    if all(three_fields(request.place.head(path)) for _, path in files):
        text = "each line has three fields, read as `user item item`; `user item weight` is the format triples"
        on_event(Event("warning", text))
    for done, (part, path) in enumerate(files, 1):
        playlist, track, n = _read_entries(request.place.source(path), catalogue, playlists, limit, on_event)
        n_lines += n
        parts.append((part, (playlist, track, None)))
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    pids = playlists.ids()[:limit]
    offsets, tracks, _, given, _ = gather(parts, len(pids), len(catalogue), on_event)
    track_table, artists = catalogue.tables()
    corpus = Corpus(
        offsets=offsets,
        tracks=tracks,
        playlists=pa.table({"pid": pids, "ordered": pa.array(np.zeros(len(pids), dtype=bool))}),
        track_table=track_table,
        artists=artists,
    )
    summarise(on_event, n_lines, [path for _, path in files], corpus)
    return corpus, given


FORMAT = Format("adjacency", _recognises, _read)


def _read_entries(
    source: Source, catalogue: Catalogue, playlists: Vocabulary, limit: int | None, on_event: OnEvent
) -> tuple[Rows, Rows, int]:
    """The playlist and the track of each entry, and the number of lines."""
    columns: list[tuple[Rows, Rows]] = []
    n_lines = 0
    _check_first_line(source)
    for found in _blocks(source, on_event):
        lengths = found.counts[found.counts > 0]
        n_lines += len(lengths)
        starts = np.cumsum(lengths) - lengths
        ids = found.ids.dictionary_encode()
        playlist = playlists.number(ids.take(pa.array(starts))).repeat(lengths)
        is_item = np.ones(len(ids), dtype=bool)
        is_item[starts] = False
        if limit is not None:
            is_item &= playlist < limit
        items = ids.filter(pa.array(is_item))
        numbers, first = distinct(items)
        uris = items.take(pa.array(first)).cast(pa.string())
        columns.append((playlist[is_item], catalogue.add(pa.table({"uri": uris}))[numbers]))
    if not columns:
        raise DataError(f"{source.name} is empty")
    playlist, track = (np.concatenate(column) for column in zip(*columns))
    return playlist, track, n_lines


def _check_first_line(source: Source) -> None:
    """Raises DataError for a first line of words above lines of numbers: the header of another format."""
    lines = [line.split() for line in source.head(2**16).decode().split("\n") if line.strip()]
    words = len(lines) > 1 and not any(token.isdecimal() for token in lines[0])
    if words and all(token.isdecimal() for line in lines[1:] for token in line):
        shown = " ".join(lines[0])[:40]
        raise DataError(f"{source.name}, line 1: {shown!r} is unlike the lines below, which are numbers (a header?)")


def _blocks(source: Source, on_event: OnEvent) -> Iterator[Tokens]:
    """The ids of many lines at a time."""
    line, rest = 1, b""
    tell(on_event, [source.remark] if source.remark else [])
    colons = users_end_in_colons(source.head(2**16).decode())
    if colons:
        on_event(Event("warning", f"{source.name}: read as `user:item item …`"))
    for block, final in decoding.with_last(source.blocks(decoding.BLOCK)):
        whole, newline, rest = (rest + block, b"", b"") if final else (rest + block).rpartition(b"\n")
        found = tokens(whole)
        if colons or not found.plain or b"," in whole:
            lines = pc.ascii_trim_whitespace(pa.array(whole.decode().split("\n"), pa.string()))
            _check(source, lines, line, colons)
            lines = pc.replace_substring(lines, ":", " ", max_replacements=1) if colons else lines
            found = tokens("\n".join(lines.to_pylist()).encode())
        if len(found.ids):
            yield found
        line += whole.count(b"\n") + len(newline)


def _check(source: Source, lines: pa.Array, line: int, colons: bool) -> None:
    bad = pc.match_substring_regex(lines, FOREIGN)
    rule = "a line is ids between blanks, such as `user item item`"
    if colons and not pc.any(bad).as_py():
        bad = pc.and_not(pc.not_equal(lines, ""), pc.match_substring_regex(lines, ID_AND_COLON))
        rule = "no `user:item item`, as the lines before it are"
    if pc.any(bad).as_py():
        at = pc.index(bad, True).as_py()
        raise DataError(f"{source.name}, line {line + at}: {rule} (got {lines[at].as_py()[:40]!r})")
