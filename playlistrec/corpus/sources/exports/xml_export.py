"""Playlists as XML: whose it is, its first element tells."""

from __future__ import annotations

from ..decoding import Source
from .entry import ListedPlaylist
from .itunes import read_itunes
from .not_playlists import NotPlaylists
from .rekordbox import read_rekordbox
from .safe_xml import bare_name, parse_xml
from .xspf import read_xspf

__all__ = ["read_xml"]


def read_xml(source: Source) -> list[ListedPlaylist]:
    """The playlists of an XML file: XSPF, the library of iTunes and Music, or Rekordbox's collection.

    Raises DataError for XML that is not well formed or that declares entities, NotPlaylists for any other document.
    """
    with source.open() as file:
        head = file.read(1024)
    if b"<plist" in head or head.startswith(b"bplist") or b"<!DOCTYPE plist" in head:
        return read_itunes(source)
    root = parse_xml(source)
    kind = bare_name(root)
    if kind == "playlist":
        return read_xspf(root)
    if kind == "dj_playlists":
        return read_rekordbox(root)
    raise NotPlaylists(f"{source.name} is XML, but neither XSPF nor a library of iTunes, Music or Rekordbox (<{kind}>)")
