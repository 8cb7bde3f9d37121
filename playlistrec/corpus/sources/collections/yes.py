"""Cornell's playlists of yes.com: song ids, their counts, then playlists as places in the first line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ....errors import DataError
from ....events import Event
from ...corpus import Corpus
from .. import decoding
from ..decoding import Source
from ..formats import Format, Place, Request, some, suffix, summarise
from ..plain_text import LOOKED_AT
from ..tokens import tokens
from .building import corpus_of_lists, left_out, number_by_text

__all__ = ["FORMAT"]

NAMES = "song_hash.txt"
NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)
Songs = npt.NDArray[np.int64]
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
    return all(one.isdecimal() for one in ids[:LOOKED_AT]) and (len(ids) == len(counts) or len(lines) < 3)


def _read(request: Request) -> tuple[Corpus, None]:
    """Read the playlists in their order, those of ``train.txt`` and ``test.txt`` alike: they are different playlists.

    The names of the songs come from ``song_hash.txt``; a playlist without a song is left out.
    """
    files = _files(request.place) or request.place.files
    pids: list[pa.Array] = []
    lengths: list[Songs] = []
    songs: list[Songs] = []
    n_empty = 0
    for done, path in enumerate(files, 1):
        kept = 0
        for items, sizes in _lists(request.place.source(path)):
            n_empty += int((sizes == 0).sum())
            sizes = sizes[sizes > 0]
            lengths.append(sizes)
            songs.append(items)
            kept += len(sizes)
        numbers = pa.array(np.arange(kept)).cast(pa.string())
        name = path.name.partition(".")[0]
        pids.append(pc.binary_join_element_wise(name, numbers, ":") if len(files) > 1 else numbers)
        request.on_event(Event("progress", f"read {path.name}", {"done": done, "total": len(files)}))
    left_out(request.on_event, n_empty, "playlists without a song")
    if not lengths:
        raise DataError(f"{some([path.name for path in files])}: no playlist stands below the songs and their counts")
    sizes = np.concatenate(lengths)[: request.limit]
    table = pa.table({"pid": pa.concat_arrays(pids)[: len(sizes)]})
    items = np.concatenate(songs)[: sizes.sum()]
    corpus = corpus_of_lists(sizes, number_by_text(items), table, _names(files[0].parent / NAMES), ordered=True)
    summarise(request.on_event, sum(map(len, pids)), files, corpus, "playlist")
    return corpus, None


def _lists(source: Source) -> Iterator[tuple[Songs, Songs]]:
    """Blocks of playlists: the ids of their songs, and the number of songs of each."""
    ids: Songs | None = None
    rest, number = b"", 0
    for block, final in decoding.with_last(source.blocks(decoding.BLOCK)):
        whole, newline, rest = (rest + block, b"", b"") if final else (rest + block).rpartition(b"\n")
        whole += newline
        if final and b"\n" in whole and not whole[whole.rfind(b"\n") + 1 :].strip():
            whole = whole[: whole.rfind(b"\n") + 1]
        if ids is None and whole:
            first, _, whole = whole.partition(b"\n")
            ids, number = _integers(source, first, 1)[0], 1
        if number == 1 and whole:
            first, _, whole = whole.partition(b"\n")
            if len(_integers(source, first, 2)[0]) != len(ids if ids is not None else ()):
                raise DataError(f"{source.name}, line 2: as many counts as line 1 has songs are needed")
            number = 2
        if not whole or ids is None:
            continue
        places, sizes = _integers(source, whole, number + 1)
        if len(places) and (places.max() >= len(ids) or places.min() < 0):
            bad = int(np.argmax((places >= len(ids)) | (places < 0)))
            line = number + 1 + int(np.searchsorted(np.cumsum(sizes), bad, side="right"))
            raise DataError(f"{source.name}, line {line}: {places[bad]} is no place among {len(ids)} songs")
        number += len(sizes)
        yield ids[places], sizes


def _integers(source: Source, text: bytes, line: int) -> tuple[Songs, Songs]:
    """The whole numbers of some lines, and how many each line has."""
    found = tokens(text)
    try:
        return found.ids.cast(pa.int64()).to_numpy(), found.counts
    except pa.ArrowInvalid:
        word = next(one for one in found.ids.to_pylist() if not NUMBER.fullmatch(one))
        raise DataError(f"{source.name}, from line {line}: a word that is no number ({word[-40:]!r})") from None


def _names(path: Path) -> pa.Table | None:
    if not path.is_file():
        return None
    lines = pa.array(Source.of(path).text().split("\n"), pa.string())
    lines = lines.filter(pc.not_equal(pc.utf8_trim_whitespace(lines), ""))
    fields = pc.split_pattern(lines, "\t")
    short = pc.less(pc.list_value_length(fields), 3)
    if (row := pc.index(short, True).as_py()) >= 0:
        raise DataError(f"{path.name}, line {row + 1}: an id, a title and an artist are parted by tabs")
    columns = [pc.utf8_trim_whitespace(pc.list_element(fields, i)) for i in range(3)]
    return pa.table(columns, names=["uri", "name", "artist_name"])


FORMAT = Format("yes", lambda place: bool(_files(place)), _read)
