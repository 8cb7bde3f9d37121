"""Cornell's playlists of yes.com: song ids, their counts, then playlists as places in the first line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ....errors import DataError
from ....events import Event
from ...corpus import Corpus
from .. import decoding
from ..decoding import Source
from ..formats import Format, Place, Request, suffix, summarise
from .building import corpus_of_lists, left_out, number_by_text

__all__ = ["FORMAT"]

NAMES = "song_hash.txt"
ENDINGS = (".txt",)


def _files(place: Place) -> list[Path]:
    """The files of playlists: beside the names of songs, and with as many counts as ids."""
    return [
        path
        for path in place.files
        if suffix(path) in ENDINGS and (path.parent / NAMES).is_file() and _two_lines(place.head(path))
    ]


def _two_lines(head: str) -> bool:
    lines = head.split("\n")
    if len(lines) < 2:
        return bool(head)  # a first line longer than what was looked at
    ids, counts = lines[0].split(), lines[1].split()
    return all(one.isdecimal() for one in ids) and (len(ids) == len(counts) or len(lines) < 3)


def _read(request: Request) -> tuple[Corpus, None]:
    """Read the playlists in their order, those of ``train.txt`` and ``test.txt`` alike: they are different playlists.

    The names of the songs come from ``song_hash.txt``; a playlist without a song is left out.
    """
    files = _files(request.place) or request.place.files
    pids: list[str] = []
    lengths: list[npt.NDArray[np.int64]] = []
    songs: list[npt.NDArray[np.int64]] = []
    n_empty = 0
    for done, path in enumerate(files, 1):
        kept = 0
        for items, sizes in _lists(Source.of(path)):
            n_empty += int((sizes == 0).sum())
            sizes = sizes[sizes > 0]
            lengths.append(sizes)
            songs.append(items)
            kept += len(sizes)
        pids += [f"{path.name.partition('.')[0]}:{i}" if len(files) > 1 else str(i) for i in range(kept)]
        request.on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    left_out(request.on_event, n_empty, "playlists without a song")
    sizes = np.concatenate(lengths)[: request.limit]
    table = pa.table({"pid": pa.array(pids[: len(sizes)], pa.string())})
    items = np.concatenate(songs)[: sizes.sum()]
    corpus = corpus_of_lists(sizes, number_by_text(items), table, _names(files[0].parent / NAMES), ordered=True)
    summarise(request.on_event, len(pids), files, corpus, "playlist")
    return corpus, None


def _lists(source: Source) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Blocks of playlists: the ids of their songs, and the songs of each."""
    ids: npt.NDArray[np.int64] | None = None
    rest, number = b"", 0
    for block, final in decoding.with_last(source.blocks(decoding.BLOCK)):
        whole, _, rest = (rest + block, b"", b"") if final else (rest + block).rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        if final and lines and not lines[-1].strip():
            lines.pop()
        start = number
        number += len(lines)
        if ids is None and lines:
            ids = _integers(source, lines[0], 1)
            lines = lines[1:]
            start += 1
        if start == 1 and lines:
            if len(_integers(source, lines[0], 2)) != len(ids if ids is not None else ()):
                raise DataError(f"{source.name}, line 2: as many counts as line 1 has songs are needed")
            lines = lines[1:]
            start += 1
        if not lines or ids is None:
            continue
        places = _integers(source, b" ".join(lines), start + 1)
        sizes = np.array([len(line.split()) for line in lines], dtype=np.int64)
        if len(places) and (places.max() >= len(ids) or places.min() < 0):
            bad = int(np.argmax((places >= len(ids)) | (places < 0)))
            line = start + 1 + int(np.searchsorted(np.cumsum(sizes), bad, side="right"))
            raise DataError(f"{source.name}, line {line}: {places[bad]} is no place among {len(ids)} songs")
        yield ids[places], sizes


def _integers(source: Source, text: bytes, line: int) -> npt.NDArray[np.int64]:
    try:
        return np.array(text.split(), dtype=np.int64)
    except ValueError as error:
        raise DataError(f"{source.name}, from line {line}: a word that is no number ({str(error)[-40:]})") from None


def _names(path: Path) -> pa.Table | None:
    if not path.is_file():
        return None
    rows = [line.split("\t") for line in Source.of(path).text().split("\n") if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) < 3:
            raise DataError(f"{path.name}, line {number}: an id, a title and an artist are parted by tabs")
    columns = [[row[i].strip() for row in rows] for i in range(3)]
    return pa.table(columns, names=["uri", "name", "artist_name"])


FORMAT = Format("yes", lambda place: bool(_files(place)), _read)
