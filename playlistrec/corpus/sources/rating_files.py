"""Files of ratings by their names: how each is written, what its columns are called, where its items have names."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ...errors import DataError
from .decoding import Source
from .dialects import Layout, letters
from .formats import suffix
from .plain_text import separator_of_triples
from .records import CSV, Dialect, records

__all__ = ["COLUMNS", "NAMES", "Kind", "kind_of", "names_of"]

NAMES = {
    "movielens": ("u.data", "ratings.dat", "ratings.csv"),
    "lastfm": ("user_artists.dat", "user_artists.tsv"),
}
"""File names without ``.gz``."""

COLUMNS = {
    "pid": ("user_id:token", "session_id:token", "playlist_id:token", "user_id", "user"),
    "uri": ("item_id:token", "artist_id:token", "track_id:token", "item_id", "movie_id", "artist_id", "item"),
    "list": ("item_id_list:token_seq", "track_id_list:token_seq", "artist_id_list:token_seq"),
    "rating": (
        *("rating:float", "weight:float", "count:float", "play_count:float"),
        *("rating", "weight", "count", "play_count"),
    ),
    "timestamp": ("timestamp:float", "time:float", "timestamp:token", "timestamp", "time"),
}
ITEM_ID = (*COLUMNS["uri"], "id")
ITEM_NAME = ("movie_title:token_seq", "title:token_seq", "title:token", "name:token_seq", "name:token", "title", "name")

TAB = Dialect("\t", quoted=False)
UNNAMED = ("user_id", "item_id", "rating", "timestamp")


class Kind(NamedTuple):
    """A file of ratings and the table of its items: layouts, whether ratings have quotes, possible names of tables."""

    ratings: Layout | None
    quoted: bool
    tables: tuple[str, ...]
    items: Dialect


def kind_of(path: Path, source: Source, format: str) -> Kind:
    """How a file of ratings is written."""
    name = path.name.removesuffix(".gz")
    if format == "triples":
        separator, width = separator_of_triples(source.head().decode()) or (" ", 3)
        return Kind(Layout(separator, UNNAMED[:width]), False, (), TAB)
    if format == "lastfm":
        return Kind(None, False, ("artists.dat", "artists.tsv"), TAB)
    if suffix(path) == ".inter":
        stem = name.removesuffix(".inter")
        bare = stem.rpartition(".")[0] if stem.rpartition(".")[2] in ("train", "valid", "test") else stem
        return Kind(None, False, (stem + ".item", bare + ".item"), TAB)
    if name.endswith(".csv"):
        return Kind(None, True, ("movies.csv",), CSV)
    if name.endswith(".dat"):
        return Kind(Layout("::", UNNAMED), False, ("movies.dat",), Dialect("::", False, ("id", "name")))
    return Kind(Layout("\t", UNNAMED), False, ("u.item",), Dialect("|", False, ("id", "name")))


def names_of(ratings: Path, layout: Kind, uris: pa.Array) -> pa.Array:
    """The names of the items from the table beside the ratings, null where there is none."""
    paths = [ratings.with_name(name + suffix) for name in layout.tables for suffix in ("", ".gz")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return pa.nulls(len(uris), pa.string())
    rows = records(path, layout.items)
    header = [letters(name) for name in layout.items.names or next(rows, (0, []))[1]]
    at = [
        next((header.index(letters(name)) for name in known if letters(name) in header), -1)
        for known in (ITEM_ID, ITEM_NAME)
    ]
    name_of: dict[str, str] = {}
    if min(at) >= 0:
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
