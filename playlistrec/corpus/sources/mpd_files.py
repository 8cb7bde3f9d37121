"""Which files are slices of the Million Playlist Dataset, and which only look like some."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ...errors import DataError
from ...events import Event, OnEvent
from .slice_file import SliceFile

__all__ = ["find_slices", "is_called_slice", "whole_ones"]

HEAD = 2**16
INCOMPLETE = b'"num_holdouts"'
COPY = re.compile(r"(?: ?\(\d+\)| - copy(?: \(\d+\))?| copy(?: \d+)?)(?=\.json(?:\.gz)?$)", re.IGNORECASE)


def find_slices(source: Path) -> tuple[list[SliceFile], list[str]]:
    """The slices of a folder (or its ``data`` folder), a ``.zip`` or a file, in natural order; other files.

    Where any file is called ``mpd.slice.*`` those alone are slices, else every ``.json`` and ``.json.gz``.
    Raises DataError for a ``.zip`` that cannot be opened.
    """
    if source.is_dir():
        places = [[SliceFile(path) for path in _files(folder)] for folder in (source, source / "data")]
    elif zipfile.is_zipfile(source) or source.suffix == ".zip":
        places = [[SliceFile(source, member) for member in _members(source)]]
    else:
        return [SliceFile(source)], []
    for prefix in ("mpd.slice.", ""):
        for files in places:
            slices = [file for file in files if _is_slice(file, prefix)]
            if slices:
                others = [file.name for file in files if file not in set(slices)]
                return sorted(slices, key=lambda file: _natural(file.member or file.path.name)), others
    return [], [file.name for files in places for file in files]


def is_called_slice(file: SliceFile) -> bool:
    """True for ``mpd.slice.*.json``."""
    return _is_slice(file, "mpd.slice.")


def whole_ones(files: Sequence[SliceFile], on_event: OnEvent) -> list[SliceFile]:
    """The slices without copies of others and without files of incomplete playlists, with a warning for both.

    Raises DataError where none is left.
    """
    by_name = {file.name: file for file in files}
    kept = []
    for file in files:
        original = by_name.get(COPY.sub("", file.name))
        if original is not None and original is not file and original.read() == file.read():
            on_event(Event("warning", f"passed over {file.name}, a copy of {original.name}"))
        elif INCOMPLETE in file.head(HEAD):
            text = f"{file.name}: its playlists are incomplete (num_holdouts), as those of a challenge set are"
            if len(files) == 1:
                raise DataError(f"{text}: it is no slice to learn from")
            on_event(Event("warning", f"passed over {text}"))
        else:
            kept.append(file)
    return kept


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def _members(archive: Path) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return [info.filename for info in opened.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive.name} is not a readable .zip: {str(error).splitlines()[0]}") from None


def _is_slice(file: SliceFile, prefix: str) -> bool:
    path = PurePosixPath(file.member or file.path.name)
    return (
        path.name.startswith(prefix)
        and path.name.endswith((".json", ".json.gz"))
        and not path.name.startswith(".")
        and "__MACOSX" not in path.parts
    )


def _natural(name: str) -> list[str | int]:
    return [int(part) if i % 2 else part for i, part in enumerate(re.split("([0-9]+)", name))]
