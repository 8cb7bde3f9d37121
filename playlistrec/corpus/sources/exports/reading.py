"""Which reader is for a file: its ending tells, or what it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from ..decoding import Source
from .csv_export import read_csv
from .entry import ListedPlaylist
from .json_export import read_json
from .m3u import read_m3u
from .not_playlists import NotPlaylists
from .pls import read_pls
from .text_list import read_text
from .xml_export import read_xml

__all__ = ["READERS", "ending", "read_playlists", "title_of"]

Reader = Callable[[Source], list[ListedPlaylist]]


def _read_txt(source: Source) -> list[ListedPlaylist]:
    """Text under the ending ``.txt``: M3U, a table with tabs as players write it, or a list."""
    text = source.text()
    if text.lstrip().upper().startswith("#EXTM3U"):
        return read_m3u(source)
    first = text.lstrip().partition("\n")[0]
    return read_csv(source) if "\t" in first or first.count(",") > 1 or first.count(";") > 1 else read_text(source)


READERS: dict[str, Reader] = {
    **dict.fromkeys((".m3u", ".m3u8"), read_m3u),
    ".pls": read_pls,
    **dict.fromkeys((".xspf", ".xml", ".plist"), read_xml),
    **dict.fromkeys((".json", ".jspf", ".spotdl"), read_json),
    **dict.fromkeys((".csv", ".tsv"), read_csv),
    ".txt": _read_txt,
}
"""The reader for each ending."""


def ending(name: str) -> str:
    """The ending of a file's name, in lower case, without that of a compression."""
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def read_playlists(source: Source) -> list[ListedPlaylist]:
    """The playlists of one file; a guess at its encoding is among the remarks of the first.

    Raises DataError where the file is damaged, NotPlaylists where it is no list of tracks.
    """
    reader = READERS.get(ending(source.name))
    if reader is None:
        known = ", ".join("*" + name for name in READERS)
        raise NotPlaylists(f"{source.name} is not one of {known}")
    found = reader(source)
    if reader is not read_xml and found and source.encoding == "cp1252" and (said := source.remark):
        found[0] = replace(found[0], remarks=tuple(dict.fromkeys((said, *found[0].remarks))))
    return found


def title_of(name: str) -> str:
    """The title that a file's name gives.

    >>> title_of("exports.zip/My Takeout/road_trip.csv"), title_of("chill-videos.csv")
    ('road trip', 'chill')
    """
    stem = PurePosixPath(name.removesuffix(".gz")).stem
    stem = stem.removesuffix("-videos")  # Google Takeout
    return stem if " " in stem else stem.replace("_", " ").strip() or stem
