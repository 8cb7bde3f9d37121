"""Reading what somebody else may have written: regular files alone, and one version of a folder."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from ..errors import DataError, PlaylistrecError
from .files import ErrorType
from .swap import recover_for_reading

__all__ = [
    "OpenFolder",
    "checksum",
    "checksums",
    "open_file",
    "parse_json",
    "read_folder",
    "read_json",
]

T = TypeVar("T")
TRIES = 100
"""How often a folder is read anew that is replaced while it is read."""
MOST_JSON = 1 << 26
"""Bytes of a manifest at most."""
KINDS = {stat.S_IFDIR: "Is a directory", stat.S_IFIFO: "it is a pipe, not a regular file"}


def open_file(
    path: Path, error: ErrorType = DataError, *, folder: int | None = None, shown: Path | None = None
) -> IO[bytes]:
    """Open a regular file; never a pipe, a device or a folder, which may have no end.

    Args:
        folder: descriptor of the folder that ``path`` is below.
        shown: the path that messages name.

    Raises FileNotFoundError, and ``error`` where it is no regular file or cannot be read.
    """
    name = shown or path
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise FileNotFoundError(problem.errno, problem.strerror, str(name)) from None
    except OSError as problem:
        raise error(f"{name} cannot be read: {problem.strerror or problem}") from None
    except ValueError:
        raise error(f"{str(name)!r} cannot be read: there is no file of such a name") from None
    mode = os.fstat(opened).st_mode
    if not stat.S_ISREG(mode):
        os.close(opened)
        raise error(f"{name} cannot be read: {KINDS.get(stat.S_IFMT(mode), 'it is a device, not a regular file')}")
    return os.fdopen(opened, "rb")


class OpenFolder:
    """One version of a folder: what is opened through it is of that version, even if the folder is replaced meanwhile.

    Attributes:
        path: its name in messages.
        manifest: the file that is replaced whenever the folder is.
        error: raised where a file is missing or damaged.
    """

    def __init__(self, path: Path, manifest: str, error: ErrorType) -> None:
        self.path, self.manifest, self.error = path, manifest, error
        self._open = ExitStack()

    def __enter__(self) -> OpenFolder:
        recover_for_reading(Path(os.path.realpath(self.path)))
        self._folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open.callback(os.close, self._folder)
        self._version = self._stat(self._folder)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def open(self, name: str, digest: str | None = None) -> IO[bytes]:
        """A file of the folder. Raises ``error`` where it is missing, or where its SHA-256 is not ``digest``."""
        try:
            file = self._open.enter_context(
                open_file(Path(name), self.error, folder=self._folder, shown=self.path / name)
            )
        except FileNotFoundError:
            raise self.error(f"{self.path} is not whole: {name} is missing") from None
        if digest is not None:
            if checksum(file) != digest:
                raise self.error(f"{self.path}/{name} is damaged: its checksum is not that of {self.manifest}")
            file.seek(0)
        return file

    def has(self, name: str) -> bool:
        """True if there is a file of that name."""
        try:
            return stat.S_ISREG(os.stat(name, dir_fd=self._folder).st_mode)
        except OSError:
            return False

    def replaced(self) -> bool:
        """True if the folder has another version now."""
        try:
            return self._stat(None) != self._version
        except OSError:
            return True

    def _stat(self, folder: int | None) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self.path / self.manifest if folder is None else self.manifest, dir_fd=folder)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino, found.st_mtime_ns


def read_folder(path: Path, manifest: str, load: Callable[[OpenFolder], T], error: ErrorType) -> T:
    """The result of ``load`` on one version of a folder, again from the start where it was replaced meanwhile."""
    for attempt in range(TRIES):
        with OpenFolder(path, manifest, error) as folder:
            try:
                return load(folder)
            except PlaylistrecError:
                if attempt == TRIES - 1 or not folder.replaced():
                    raise
        time.sleep(0.001 * attempt)
    raise AssertionError("the last attempt returns or raises")


def checksum(file: IO[bytes]) -> str:
    """The SHA-256 of a file from where it stands, in hex."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def checksums(folder: Path, without: str) -> dict[str, str]:
    """The checksum of each file below ``folder`` but one, by its path there."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != without and not path.name.startswith("."):
            with path.open("rb") as file:
                found[name] = checksum(file)
    return found


def parse_json(content: bytes, name: str, error: ErrorType) -> dict[str, Any]:
    """The object that some JSON holds. Raises ``error``, which calls the file ``name``, where it holds none."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise error(f"{name} is damaged: it is nested too deeply") from None
    except ValueError as problem:
        raise error(f"{name} is damaged: {problem}") from None
    if not isinstance(value, dict):
        raise error(f"{name} is damaged: it must hold an object (got {type(value).__name__})")
    return value


def read_json(file: IO[bytes], name: str, error: ErrorType) -> dict[str, Any]:
    """The object in a file of JSON that is not larger than any that we write."""
    content = file.read(MOST_JSON + 1)
    if len(content) > MOST_JSON:
        raise error(f"{name} is damaged: it is larger than {MOST_JSON:,} bytes")
    return parse_json(content, name, error)
