"""All of a person's exports, whatever they are written in, as one corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ....errors import DataError
from ....events import Event, OnEvent
from ...corpus import Corpus
from ..decoding import Source
from .entry import ListedPlaylist
from .files import export_files
from .library import corpus_of
from .not_playlists import NotPlaylists
from .reading import ending, read_playlists, title_of
from .recognise import is_export

__all__ = ["read_exports"]

SHOWN = 3
WIDTH = 80 - len("warning: ")
"""Of a line, so that a list of names does not run beyond a terminal's edge."""


def read_exports(paths: Sequence[Path], *, limit: int | None, on_event: OnEvent) -> Corpus:
    """Read files, folders and archives of exports, each by its own reader.

    One file is one playlist, unless it holds several. A playlist is called what its file says, or else as the file.
    Files that hold no playlists are passed over if others do, and playlists without a track are left out; both are
    reported, as are the entries that are no tracks.

    Raises DataError where a file is damaged, or none holds a playlist.
    """
    files = export_files(paths)
    playlists: list[ListedPlaylist] = []
    other: list[tuple[Source, NotPlaylists]] = []
    for done, file in enumerate(files, 1):
        try:
            if ending(file.name) == ".txt" and len(files) > 1 and not is_export(file):  # a note beside the exports
                raise NotPlaylists(f"{file.name} is no list of names or uris")
            listed = read_playlists(file)
        except NotPlaylists as error:
            other.append((file, error))
            continue
        playlists += [one if one.title else replace(one, title=title_of(file.name)) for one in listed]
        on_event(Event("progress", "reading files", {"done": done, "total": len(files)}))
    if not playlists and len(other) == 1:
        raise other[0][1]
    kept = [playlist for playlist in playlists if playlist.entries][:limit]
    if not kept:
        names = ", ".join(file.name for file in files[:SHOWN]) + ", …" * (len(files) > SHOWN)
        raise DataError(f"{paths[0]} holds no playlist with a track (found {names or 'no files'})")
    _tell(playlists, [file.name for file, _ in other], len(files), on_event)
    return corpus_of(kept)


def _tell(playlists: Sequence[ListedPlaylist], other: Sequence[str], n_files: int, on_event: OnEvent) -> None:
    """Say what was read, and what was left out and why."""
    n_read = n_files - len(other)
    entries = sum(len(playlist.entries) for playlist in playlists)
    text = f"read {_count(n_read, 'file')}: {_count(len(playlists), 'playlist')} with {_count(entries, 'entry')}"
    on_event(
        Event("message", text, {"summary": True, "files": n_read, "playlists": len(playlists), "entries": entries})
    )
    for remark in (remark for playlist in playlists for remark in playlist.remarks):
        on_event(Event("warning", remark))
    if other:
        text = _some(f"passed over {_count(len(other), 'other file')}: ", other)
        on_event(Event("warning", text, {"skipped": other}))
    if unread := list(dict.fromkeys(column for playlist in playlists for column in playlist.unread)):
        on_event(Event("warning", _some(f"{_count(len(unread), 'column')} not read: ", unread), {"unread": unread}))
    left_out = sum((playlist.left_out for playlist in playlists), Counter[str]())
    if left_out:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in left_out.most_common())
        on_event(Event("warning", f"left out {_count(left_out.total(), 'entry')}: {reasons}", {"left_out": left_out}))
    if empty := [str(playlist.title) for playlist in playlists if not playlist.entries]:
        text = _some(f"left out {_count(len(empty), 'playlist')} without a track: ", empty)
        on_event(Event("warning", text, {"empty": empty}))


def _count(n: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{n:,} {noun if n == 1 else plural}"


def _some(said: str, names: Sequence[str]) -> str:
    """A remark with as many of the names as the line has room for, at least one."""
    shown = names[0]
    for name in names[1:]:
        if len(f"{said}{shown}, {name}, …") > WIDTH:
            return f"{said}{shown}, …"
        shown += f", {name}"
    return said + shown
