"""Adjacency text, the format of the LightGCN and NGCF data sets: ``user item item …``, one user a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from ..vocabulary import Catalogue, Rows, Vocabulary, distinct
from .entries import gather
from .records import open_bytes

__all__ = ["read_adjacency"]

BLOCK = 8 * 2**20
FOREIGN = r"[,\x00-\x08\x0e-\x1f\x7f]"  # what no line of ids between blanks has


def read_adjacency(
    files: Sequence[Path], *, limit: int | None, on_event: OnEvent
) -> tuple[Corpus, npt.NDArray[np.bool_]]:
    """Read one file, or a training and a test file; a user may stand on several lines or have no item.

    Returns the corpus and which entries came from the second file; see :func:`~.read.read`. The format has no
    order: ``ordered`` is false.
    """
    catalogue, playlists = Catalogue(), Vocabulary()
    parts = []
    for done, path in enumerate(files, 1):
        parts.append(_read_entries(path, catalogue, playlists, limit))
        on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    pids = playlists.ids()[:limit]
    offsets, tracks, _, from_test = gather([(*part, None) for part in parts], len(pids), len(catalogue), on_event)
    track_table, artists = catalogue.tables()
    corpus = Corpus(
        offsets=offsets,
        tracks=tracks,
        playlists=pa.table({"pid": pids, "ordered": pa.array(np.zeros(len(pids), dtype=bool))}),
        track_table=track_table,
        artists=artists,
    )
    return corpus, from_test


def _read_entries(path: Path, catalogue: Catalogue, playlists: Vocabulary, limit: int | None) -> tuple[Rows, Rows]:
    """The playlist and the track of each entry."""
    columns: list[tuple[Rows, Rows]] = []
    for lines in _lines(path):
        tokens = pc.ascii_split_whitespace(lines)
        ids, starts = tokens.values, tokens.offsets.to_numpy()[:-1]
        lengths = pc.list_value_length(tokens).to_numpy()
        numbers, first = distinct(ids.take(starts))
        playlist = playlists.number(ids.take(starts[first]))[numbers].repeat(lengths)
        is_item = np.ones(len(ids), dtype=bool)
        is_item[starts] = False
        if limit is not None:
            is_item &= playlist < limit
        items = ids.filter(pa.array(is_item))
        numbers, first = distinct(items)
        columns.append((playlist[is_item], catalogue.add(pa.table({"uri": items.take(first)}))[numbers]))
    if not columns:
        raise DataError(f"{path.name} is empty")
    playlist, track = (np.concatenate(column) for column in zip(*columns))
    return playlist, track


def _lines(path: Path) -> Iterator[pa.Array]:
    """Blocks of lines without their outer blanks, empty ones left out."""
    line, rest = 1, b""
    with open_bytes(path) as file:
        while True:
            block = file.read(BLOCK)
            whole, newline, rest = (rest + block).rpartition(b"\n") if block else (rest, b"", b"")
            if whole:
                lines = pc.ascii_trim_whitespace(pa.array(_text(path, whole, line).split("\n"), pa.string()))
                foreign = pc.match_substring_regex(lines, FOREIGN)
                if pc.any(foreign).as_py():
                    at = pc.index(foreign, True).as_py()
                    raise DataError(
                        f"{path.name}, line {line + at}: a line is ids between blanks, such as "
                        f"`user item item` (got {lines[at].as_py()[:40]!r})"
                    )
                if len(lines := lines.filter(pc.not_equal(lines, ""))):
                    yield lines
            line += whole.count(b"\n") + len(newline)
            if not block:
                return


def _text(path: Path, data: bytes, line: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise DataError(f"{path.name}, line {line}: bytes that are not UTF-8 text") from None
