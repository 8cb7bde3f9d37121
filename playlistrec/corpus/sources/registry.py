"""The formats that are read, one line each: its name and the module and attribute that hold its :class:`Format`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .formats import Format

__all__ = ["FALLBACKS", "FORMATS", "format_called"]

# In this order they are asked whether what lies there is theirs.
READERS = {
    "melon": "collections.melon:FORMAT",
    "aotm": "collections.aotm:FORMAT",
    "30music": "collections.thirty_music:FORMAT",
    "yes": "collections.yes:FORMAT",
    "nowplaying": "collections.nowplaying:FORMAT",
    "mpd": "mpd:FORMAT",
    "movielens": "ratings:MOVIELENS",
    "lastfm": "ratings:LASTFM",
    "exports": "exports.format:FORMAT",
    "csv": "tables:FORMAT",
    "triples": "ratings:TRIPLES",
    "adjacency": "adjacency:FORMAT",
    "parquet": "parquet_format:FORMAT",
}
FALLBACKS = {".csv": "csv", ".tsv": "csv", ".txt": "adjacency", ".json": "mpd", ".zip": "mpd"}
"""Who reads a file of which nobody says that it is theirs, by its ending; its error tells what is wrong."""

FORMATS = ("auto", *READERS)


def format_called(name: str) -> Format:
    """The format of this name; its module is imported when it is asked for."""
    module, _, attribute = READERS[name].partition(":")
    found: Format = getattr(importlib.import_module(f".{module}", __package__), attribute)
    return found
