"""Folders that appear whole or not at all, have one writer, and are replaced only where all in them is ours."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, Hint
from .files import PARTIAL, ErrorType, refused, running
from .locks import PATIENCE, lock, locked
from .swap import recover, swap, unfinished

__all__ = ["FolderKind", "add_files", "check_replaceable", "new_folder", "remove_ours"]

MOST_JSON = 1 << 26


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that we write, by which we know it again.

    Attributes:
        noun: its name in a message.
        manifest: the file that says what the folder is: ``"type"`` is ``marker`` there, and ``"files"`` names the
            files that were written beside it.
        names: patterns of names that need not be in that list, such as those of a fit that goes on.
        error: raised where one cannot be written.
        replaceable: true if there is a ``force`` to replace one with.
    """

    noun: str
    manifest: str
    marker: str
    names: tuple[str, ...] = ()
    error: ErrorType = DataError
    replaceable: bool = True

    def marked(self, folder: Path) -> dict[str, Any] | None:
        """The manifest of a folder of this kind, None where it is another's."""
        path = folder / self.manifest
        try:
            if not path.is_file() or path.stat().st_size > MOST_JSON:
                return None
            content = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) and content.get("type") == self.marker else None

    def owns(self, name: str, listed: Collection[str]) -> bool:
        """True if a file of this name, below the folder, is one that we write."""
        path, _, last = name.rpartition("/")
        if match := PARTIAL.fullmatch(last):
            name = f"{path}/{match[1]}" if path else match[1]  # left by a process that was killed
        return name == self.manifest or name in listed or any(re.fullmatch(one, name) for one in self.names)

    def only_leftovers(self, folder: Path) -> bool:
        """True if a process was killed in ``folder`` before it had written a whole file."""
        names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else ["?"]
        return all(PARTIAL.fullmatch(name) and self.owns(name, ()) for name in names)

    def ours(self, folder: Path) -> tuple[list[str], str | None]:
        """The names below ``folder``, those within a folder before it, and the first that is not ours."""
        listed = (self.marked(folder) or {}).get("files")
        known = set(listed) if isinstance(listed, dict) else set()
        found: list[str] = []
        for name, is_folder in _names(folder):
            inside = any(one.startswith(f"{name}/") for one in known) or any(f"{name}/" in one for one in self.names)
            if not (inside if is_folder else self.owns(name, known)):
                return found, name
            found.append(name)
        return found, None


def _names(folder: Path, prefix: str = "") -> Iterator[tuple[str, bool]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{prefix}{entry.name}"
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder:
            yield from _names(Path(entry.path), f"{name}/")
        yield name, is_folder


def check_replaceable(out: Path, kind: FolderKind, *, force: bool, sources: Sequence[Path] = ()) -> None:
    """Raise the error of the kind unless ``out`` can be made, or replaced with ``force``.

    What is replaced is of this kind, holds nothing that we did not write, and none of the ``sources``.
    """
    target, error = _target(out), kind.error
    if any(os.scandir(target)) if target.is_dir() else target.exists():
        if not force and not kind.only_leftovers(target):
            hint = Hint("choose another folder, or replace it with {force}", {"force": True})
            raise error(f"{out} exists", hint if kind.replaceable else Hint("choose another folder"))
        if not target.is_dir() or (kind.marked(target) is None and not kind.only_leftovers(target)):
            raise error(f"{out} is not {kind.noun}: it will not be replaced")
        for source in sources:
            real = Path(os.path.realpath(source))
            if target == real or target in real.parents:
                raise error(f"{out} holds {source}, which is read: choose another folder")
        if foreign := kind.ours(target)[1]:
            raise error(
                f"{out} holds {foreign!r}, which playlistrec did not write: move it elsewhere, or choose another folder"
            )
        if not os.access(target, os.W_OK):
            raise error(f"{out} cannot be written to: it will not be replaced")
    parent = target.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise error(f"{out} cannot be made: {parent} is not a folder that can be written to")


@contextmanager
def new_folder(out: Path, kind: FolderKind, *, force: bool = False, sources: Sequence[Path] = ()) -> Iterator[Path]:
    """An empty folder that takes the place of ``out`` when the block ends; nothing is left of it where it fails.

    Meanwhile no other process writes ``out``. One that was killed here leaves a folder of a name that begins with a
    dot, which the next one removes.

    Raises the error of the kind where ``out`` exists and ``force`` is not given, or where anything in it is not ours.
    """
    target, error = _target(out), kind.error
    check_replaceable(out, kind, force=force, sources=sources)
    with ExitStack() as stack:
        with refused(out, error):
            target.parent.mkdir(parents=True, exist_ok=True)
            new = stack.enter_context(_claimed(out, target, error))
            _remove_earlier(target, kind)
            if target.is_dir():
                stack.enter_context(locked(out, error))
        check_replaceable(out, kind, force=force, sources=sources)  # nobody else has been here meanwhile
        yield new
        check_replaceable(out, kind, force=force, sources=sources)
        with refused(out, error):
            if not target.exists():
                os.rename(new, target)
                return
            old = swap(new, target)
        remove_ours(old, kind)


@contextmanager
def _claimed(out: Path, target: Path, error: ErrorType) -> Iterator[Path]:
    """The folder that takes the place of ``target``, empty and locked; removed at the end if it is still there."""
    new = unfinished(target)
    while True:
        new.mkdir(exist_ok=True)
        try:
            opened = lock(new, PATIENCE)
        except FileNotFoundError:
            continue  # another has just put it in its place
        break
    if opened is None:
        raise error(f"{out} is being written by another process")
    mine = os.fstat(opened).st_ino
    try:
        recover(target)
        for entry in os.scandir(new):  # of a process that was killed
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        yield new
    finally:
        if new.exists() and new.stat().st_ino == mine:
            shutil.rmtree(new, ignore_errors=True)
        os.close(opened)


def _remove_earlier(target: Path, kind: FolderKind) -> None:
    """Remove what processes of earlier versions left when they were killed: ``.NAME.partial-PID``, ``.NAME.old-PID``.

    The old folder gets its name back where the new one is missing.
    """
    for entry in os.scandir(target.parent):
        match = re.fullmatch(r"\.(.+)\.(partial|old)-(\d+)", entry.name, re.DOTALL)
        if not match or match[1] != target.name or not entry.is_dir(follow_symlinks=False) or running(int(match[3])):
            continue
        if match[2] == "old" and not target.exists() and kind.marked(Path(entry.path)) is not None:
            os.rename(entry.path, target)
        else:
            remove_ours(Path(entry.path), kind)


def remove_ours(folder: Path, kind: FolderKind) -> None:
    """Remove what we wrote in ``folder``, and the folder if it is empty then."""
    for name in kind.ours(folder)[0]:
        path = folder / name
        try:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        except OSError:
            continue  # a later writer tries again
    try:
        folder.rmdir()
    except OSError:
        return


def add_files(out: Path, write: Callable[[Path], None], error: ErrorType = DataError) -> None:
    """Let ``write`` fill an empty folder, then move its files into ``out``; none of them where it fails.

    Where ``out`` is empty or missing, they come in one step.
    """
    target = _target(out)
    with refused(out, error):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _claimed(out, target, error) as new:
            write(new)
            if not target.exists() or not any(os.scandir(target)):
                os.rename(new, target)
                return
            for path in sorted(new.iterdir()):
                os.replace(path, target / path.name)


def _target(out: Path) -> Path:
    """Where ``out`` is, itself and not a link to it."""
    return Path(os.path.realpath(out))
