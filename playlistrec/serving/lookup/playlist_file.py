"""One playlist out of a file, read as :mod:`~playlistrec.corpus.sources.exports` reads whole libraries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ...config import require
from ...corpus.sources.decoding import Source
from ...corpus.sources.exports.entry import Entry, ListedPlaylist
from ...corpus.sources.exports.files import export_files
from ...corpus.sources.exports.reading import READERS, ending, read_playlists, title_of
from ...corpus.titles import normalised
from ...errors import DataError, Hint

__all__ = ["Entry", "ListedPlaylist", "read_playlist", "sent_playlist"]

SHOWN = 3


def read_playlist(path: Path, title: str | None = None) -> ListedPlaylist:
    """Read one playlist, from a file of any format in :data:`~playlistrec.corpus.sources.exports.reading.READERS`.

    Args:
        path: a file, or a folder or archive of them.
        title: which playlist, where there are several; case and punctuation are no matter.

    Raises:
        ConfigError: the name has another ending.
        DataError: the file cannot be read, names neither a track nor a title, or holds several playlists, none or
            more than one of which has this title.
    """
    several = path.is_dir() or path.suffix.lower() == ".zip"
    known = [*READERS, ".zip"]
    require(
        several or ending(path.name) in READERS, "file", f"one of {', '.join('*' + end for end in known)}", str(path)
    )
    files = [file for file in export_files([path]) if not several or ending(file.name) in READERS]
    return _one(path.name, files, title)


def sent_playlist(name: str, content: bytes, title: str | None = None) -> ListedPlaylist:
    """As :func:`read_playlist`, for a file that was sent under a name and lies nowhere; not for archives."""
    known = ", ".join("*" + end for end in READERS)
    require(PurePosixPath(name.lower()).suffix in READERS, "file", f"one of {known}", name)
    return _one(name, [Source.of_bytes(name, content)], title)


def _one(name: str, files: Iterable[Source], title: str | None) -> ListedPlaylist:
    """The playlist of this title, or the only one."""
    found = []
    for file in files:
        found += [(playlist.title or title_of(file.name), playlist) for playlist in read_playlists(file)]
    if len(found) > 1:
        named = [
            playlist for called, playlist in found if title is not None and normalised([called]) == normalised([title])
        ]
        if len(named) != 1:
            names = ", ".join(repr(called) for called, _ in found[:SHOWN]) + ", …" * (len(found) > SHOWN)
            raise DataError(
                f"{name} holds {len(found):,} playlists ({names})", Hint("choose one by {title}", {"title": None})
            )
        return named[0]
    if not found or not (found[0][1].entries or found[0][1].title):
        raise DataError(f"{name} names no track")
    return found[0][1]
