"""30Music: ``playlist.idomaar`` and beside it ``tracks.idomaar`` and ``persons.idomaar``, lines of tabs and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....errors import DataError
from ....events import Event
from ...corpus import Corpus
from .. import decoding
from ..decoding import Source
from ..formats import Format, Place, Request, suffix, summarise
from .building import corpus_of_lists, left_out, number_by_text

__all__ = ["FORMAT"]

LINE = re.compile(r"playlist\t([^\t]*)\t([^\t]*)\t(\{.*?\})\s+(\{.*\})\s*")
NAME = r'"name"\s*:\s*"(?P<name>(?:[^"\\]|\\.)*)"'
BETWEEN = "/_/"
"""Between the artist and the title of a track, as the address of its page has them."""


class About(msgspec.Struct, gc=False):
    """A playlist as a line has it."""

    Title: str | None = None


class Link(msgspec.Struct, gc=False):
    """A link of a playlist to one of its tracks."""

    id: int
    type: str = "track"


class Track(msgspec.Struct, gc=False, tag_field="type", tag="track"):
    """A link to a track."""

    id: int


class Tracks(msgspec.Struct, gc=False):
    """Links to tracks alone, as nearly all playlists have them."""

    objects: list[Track]


class Links(msgspec.Struct, gc=False):
    """The links of a playlist: ``objects`` are its entries."""

    objects: list[Link | list[Link]] = []


ABOUT, TRACKS, LINKS = map(msgspec.json.Decoder, (About, Tracks, Links))


def _files(place: Place) -> list[Path]:
    inside = [
        path for source in place.sources if source.is_dir() for path in sorted(source.glob("entities/*.idomaar*"))
    ]
    return [path for path in (*place.files, *inside) if suffix(path) == ".idomaar" and path.name.startswith("playlist")]


def _read(request: Request) -> tuple[Corpus, None]:
    """Read the playlists in their order, with titles; of the tracks beside them the names of artist and title."""
    files = _files(request.place) or request.place.files
    pids: list[str] = []
    names: list[str | None] = []
    stamps: list[int | None] = []
    lists: list[list[int]] = []
    n_other = 0
    for line in (line for path in files for line in _lines(request.place.source(path))):
        pid, stamp, about, listed, n_others = line
        pids.append(pid)
        names.append(about.Title)
        stamps.append(int(stamp) if stamp.isdecimal() else None)
        lists.append(listed)
        n_other += n_others
        if len(pids) == request.limit:
            break
    left_out(request.on_event, n_other, "entries that are no tracks")
    lengths = np.array([len(one) for one in lists], dtype=np.int64)
    uris = number_by_text(np.fromiter(chain.from_iterable(lists), np.int64, int(lengths.sum())))
    table = pa.table(
        {
            "pid": pa.array(pids, pa.string()),
            "name": pa.array(names, pa.string()),
            "modified_at": pa.array(stamps, pa.int64()),
        }
    )
    beside = [path for path in files[0].parent.glob("tracks.idomaar*") if suffix(path) == ".idomaar"]
    known = _tracks(Source.of(beside[0]), uris.dictionary) if beside else None
    corpus = corpus_of_lists(lengths, uris, table, known, ordered=True)
    summarise(request.on_event, len(pids), files, corpus)
    request.on_event(Event("progress", f"read {files[0].name}", {"done": 1, "total": 1}))
    return corpus, None


def _lines(source: Source) -> Iterator[tuple[str, str, About, list[int], int]]:
    """Id, time, properties, tracks and number of other links of each playlist.

    Raises DataError, with the line, for what is none.
    """
    number, rest = 0, b""
    for block, final in decoding.with_last(source.blocks(decoding.BLOCK)):
        whole, _, rest = (rest + block, b"", b"") if final else (rest + block).rpartition(b"\n")
        for line in whole.decode().split("\n"):
            number += 1
            if not line.strip():
                continue
            found = LINE.fullmatch(line)
            try:
                if found is None:
                    raise ValueError("it is not `playlist`, id, time and two objects")
                yield found[1], found[2], ABOUT.decode(found[3]), *_links(found[4])
            except (msgspec.DecodeError, ValueError) as error:
                raise DataError(f"{source.name}, line {number}: no playlist ({str(error)[:80]})") from None


def _links(text: str) -> tuple[list[int], int]:
    """The tracks of a playlist, and how many other links it has."""
    with suppress(msgspec.ValidationError):
        return [track.id for track in TRACKS.decode(text).objects], 0
    links = [link for one in LINKS.decode(text).objects for link in (one if isinstance(one, list) else (one,))]
    tracks = [link.id for link in links if link.type == "track"]
    return tracks, len(links) - len(tracks)


def _tracks(source: Source, wanted: pa.Array) -> pa.Table:
    """Artist and title of the tracks that stand in playlists."""
    ids: list[pa.Array] = []
    names: list[pa.Array] = []
    rest = b""
    for block, final in decoding.with_last(source.blocks(decoding.BLOCK)):
        whole, _, rest = (rest + block, b"", b"") if final else (rest + block).rpartition(b"\n")
        lines = pa.array(whole.decode().split("\n"), pa.string())
        own = pc.list_element(pc.split_pattern(pc.binary_join_element_wise(lines, "\t\t", ""), "\t", max_splits=2), 1)
        used = pc.is_in(own, wanted)
        ids.append(own.filter(used))
        names.append(pc.struct_field(pc.extract_regex(lines.filter(used), NAME), "name"))
    text = pc.fill_null(pc.replace_substring(pa.chunked_array(names, pa.string()).combine_chunks(), "\\/", "/"), "")
    parts = pc.split_pattern(text, BETWEEN, max_splits=1)
    both = pc.equal(pc.list_value_length(parts), 2)
    first, last = pc.list_element(parts, 0), parts.flatten().take(pc.subtract(parts.offsets[1:], 1))
    artist = pc.if_else(both, first, "")
    columns = [pa.chunked_array(ids, pa.string()).combine_chunks(), _plain(last), _plain(artist)]
    return pa.table(columns, names=["uri", "name", "artist_name"])


def _plain(quoted: pa.Array) -> pa.Array:
    """Text of addresses as it is read; null where it is empty."""
    texts = pc.replace_substring(quoted, "+", " ")
    escaped = pc.match_substring(texts, "%")
    texts = pc.replace_with_mask(texts, escaped, pa.array(map(unquote, texts.filter(escaped).to_pylist()), pa.string()))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


FORMAT = Format("30music", lambda place: bool(_files(place)), _read)
