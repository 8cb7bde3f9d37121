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
from .reading import read_playlists, title_of

__all__ = ["read_exports"]

SHOWN = 3


def read_exports(paths: Sequence[Path], *, limit: int | None, on_event: OnEvent) -> Corpus:
    """Read files, folders and archives of exports, each by its own reader.

    One file is one playlist, unless it holds several. A playlist is called what its file says, or else as the file.
    Files that hold no playlists are passed over if others do, and playlists without a track are left out; both are
    told, as are the entries that are no tracks.

    Raises DataError where a file is damaged, or none holds a playlist.
    """
    files = export_files(paths)
    playlists: list[ListedPlaylist] = []
    other: list[tuple[Source, NotPlaylists]] = []
    for done, file in enumerate(files, 1):
        try:
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
    on_event(Event("message", text, {"files": n_read, "playlists": len(playlists), "entries": entries}))
    for remark in (remark for playlist in playlists for remark in playlist.remarks):
        on_event(Event("warning", remark))
    if other:
        on_event(
            Event("message", f"passed over {_count(len(other), 'other file')}: {_some(other)}", {"skipped": other})
        )
    if unread := list(dict.fromkeys(column for playlist in playlists for column in playlist.unread)):
        on_event(Event("warning", f"{_count(len(unread), 'column')} not read: {_some(unread)}", {"unread": unread}))
    left_out = sum((playlist.left_out for playlist in playlists), Counter[str]())
    if left_out:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in left_out.most_common())
        on_event(Event("warning", f"left out {_count(left_out.total(), 'entry')}: {reasons}", {"left_out": left_out}))
    if empty := [str(playlist.title) for playlist in playlists if not playlist.entries]:
        text = f"left out {_count(len(empty), 'playlist')} without a track: {_some(empty)}"
        on_event(Event("warning", text, {"empty": empty}))


def _count(n: int, noun: str) -> str:
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else noun + "s"
    return f"{n:,} {noun if n == 1 else plural}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + ", …" * (len(names) > SHOWN)
