"""The files of a person's exports: single ones, those of folders and of archives, at any depth."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ....errors import DataError
from ..decoding import Source

__all__ = ["LARGEST", "export_files", "natural"]

LARGEST = 2**30
"""Bytes of one member of an archive, unpacked; a larger one is no export but a bomb."""
SMALL, GROWTH = 2**24, 200
"""Bytes to which a member may unpack in any case, and how many times its size; tables unpack to 5 to 20 times."""
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, NotImplementedError),
    ValueError,
)
DEEPEST = 3
"""Archives within archives."""
HIDDEN = ("__MACOSX", ".")


def export_files(paths: Sequence[Path], *, skip_damaged: bool = False) -> list[Source]:
    """All files, those of folders and archives in natural order, each named by its path below what was given.

    Hidden files are left out. Raises DataError for an archive that cannot be opened, unless ``skip_damaged``.
    """
    return [source for file, name in _listed(paths) for source in _opened(file, name, skip_damaged)]


def _opened(file: Path, name: str, skip_damaged: bool) -> list[Source]:
    try:
        return list(_unpacked(Source.of(file), name, 0))
    except DataError:
        if skip_damaged:
            return []
        raise


def _listed(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The files, and their names below the folders that were given."""
    for path in paths:
        if not path.is_dir():
            yield path, path.name
            continue
        names = {file: file.relative_to(path) for file in path.rglob("*") if file.is_file()}
        shown = [(file, name.as_posix()) for file, name in names.items() if not _is_hidden(name.parts)]
        yield from sorted(shown, key=lambda one: natural(one[1]))


def natural(name: str) -> list[str | int]:
    """A key that puts ``list 2`` before ``list 10``."""
    return [int(part) if i % 2 else part.casefold() for i, part in enumerate(re.split("([0-9]+)", name))]


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(HIDDEN) for part in parts)


def _unpacked(source: Source, name: str, depth: int) -> Iterator[Source]:
    """The file itself, or the members of an archive."""
    if not name.lower().endswith(".zip"):
        yield Source(name, source.open)
        return
    if depth == DEEPEST:
        raise DataError(f"{name} lies {depth} archives deep: unpack it")
    with _archive(source, name) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    members = [info for info in members if not _is_hidden(PurePosixPath(info.filename).parts)]
    for info in sorted(members, key=lambda info: natural(info.filename)):
        member = Source(f"{name}/{info.filename}", _opener(source, name, info.filename))
        if info.file_size > min(LARGEST, SMALL + GROWTH * info.compress_size):
            raise DataError(f"{member.name} unpacks to {info.file_size >> 20:,} MiB: unpack it and read it alone")
        yield from _unpacked(member, member.name, depth + 1)


def _opener(source: Source, name: str, member: str) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    @contextmanager
    def opened() -> Iterator[IO[bytes]]:
        try:
            with _archive(source, name) as archive, archive.open(member) as file:
                yield io.BytesIO(_gunzipped(file, f"{name}/{member}")) if member.lower().endswith(".gz") else file
        except BROKEN as error:
            raise DataError(f"{name}/{member} cannot be read: {str(error).splitlines()[0][:120]}") from None

    return opened


def _gunzipped(file: IO[bytes], name: str) -> bytes:
    with gzip.open(file) as unpacked:
        content = unpacked.read(SMALL + 1)
    if len(content) > SMALL:
        raise DataError(f"{name} unpacks to more than {SMALL >> 20:,} MiB: unpack it and read it alone")
    return content


@contextmanager
def _archive(source: Source, name: str) -> Iterator[zipfile.ZipFile]:
    with source.open() as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(f"{name} is not a readable .zip: {str(error).splitlines()[0]}") from None
        with archive:
            yield archive
