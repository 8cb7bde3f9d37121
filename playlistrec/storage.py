"""The one place that writes: files and folders that appear whole or not at all, arrays, JSON and TOML.

Each writer takes the class of the error that it raises where the disk refuses. Nothing is ever pickled.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, DataError, PlaylistrecError, RunError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "Arrays",
    "add_files",
    "check_replaceable",
    "json_text",
    "make_folder",
    "parse_toml",
    "read_arrays",
    "read_toml",
    "remove_folder",
    "toml_text",
    "write_arrays",
    "write_file",
    "write_json",
    "write_json_lines",
    "write_npz",
    "write_whole",
]

if TYPE_CHECKING:
    Arrays = dict[str, npt.NDArray[np.generic]]
else:
    Arrays = dict
ErrorType = type[PlaylistrecError]
META = "__meta__"


def check_replaceable(out: Path) -> None:
    """Raise DataError unless ``out`` can be made; what exists and is neither empty nor ours is never replaced."""
    if out.exists() and not (out / "manifest.json").exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not a data folder: it will not be replaced")
    parent = out.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise DataError(f"{out} cannot be made: {parent} is not a folder that can be written to")


def write_whole(out: Path, write: Callable[[Path], None], error: ErrorType = DataError) -> None:
    """Fill a folder beside ``out`` and rename it, so that a killed or failed run leaves nothing half-made."""
    parent = out.absolute().parent
    with _refused(out, error):
        parent.mkdir(parents=True, exist_ok=True)
        partial = _partial(out)
        try:
            partial.mkdir()
            write(partial)
            if out.exists():
                old = parent / f".{out.name}.old-{os.getpid()}"
                os.replace(out, old)
                os.replace(partial, out)
                shutil.rmtree(old)
            else:
                os.replace(partial, out)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def add_files(out: Path, write: Callable[[Path], None], error: ErrorType = DataError) -> None:
    """Let ``write`` fill an empty folder, then move its files into ``out``; none of them where it fails."""
    with _refused(out, error):
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as unfinished:
            write(Path(unfinished))
            for path in sorted(Path(unfinished).iterdir()):
                os.replace(path, out / path.name)


def make_folder(folder: Path, error: ErrorType = RunError) -> None:
    """Make ``folder`` and those above it, where they do not exist."""
    with _refused(folder, error):
        folder.mkdir(parents=True, exist_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that it holds."""
    shutil.rmtree(folder)


def write_file(path: Path, content: str | bytes | memoryview | Iterable[bytes], error: ErrorType = RunError) -> None:
    """Write a file in one step: text as UTF-8, bytes, or lines as they come.

    The folder must exist. Nothing is left of a file that could not be finished.
    """
    chunks = [content.encode()] if isinstance(content, str) else content
    with _refused(path, error):
        partial = _partial(path)
        try:
            with partial.open("wb") as file:
                file.writelines([chunks] if isinstance(chunks, bytes | memoryview) else chunks)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def json_text(value: Any) -> str:
    """JSON as a person reads it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any, error: ErrorType = RunError) -> None:
    """Write a value as indented JSON."""
    write_file(path, json_text(value), error)


def write_json_lines(path: Path, rows: Iterable[Any], error: ErrorType = RunError) -> None:
    """Write one line of JSON for each row."""
    write_file(path, "".join(json.dumps(row) + "\n" for row in rows), error)


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]], error: ErrorType = DataError) -> None:
    """Write arrays to an ``.npz`` file, put together in memory first.

    Where ``np.savez`` writes to a full disk itself, its archive tries again when it is collected, and Python prints
    that second failure at length.
    """
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_file(path, buffer.getbuffer(), error)


def write_arrays(
    path: Path,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    meta: Mapping[str, Any],
    error: ErrorType = RunError,
) -> None:
    """Write ``arrays`` and the JSON-able ``meta`` to one ``.npz`` file."""
    import numpy as np

    write_npz(path, {META: np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays}, error)


def read_arrays(path: Path, error: ErrorType = RunError) -> tuple[Arrays, dict[str, Any]]:
    """Read the arrays and meta of :func:`write_arrays`. Raises ``error`` where the file is missing or damaged."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(file[META].tobytes())
            return {name: file[name] for name in file.files if name != META}, meta
    except FileNotFoundError as problem:
        raise error(f"{path} does not exist") from problem
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise error(f"{path} is damaged: {str(problem).splitlines()[0]}") from problem


def toml_text(options: Mapping[str, Any]) -> str:
    """A flat TOML file; JSON's scalars and lists are TOML's. An option that is None is left out.

    >>> toml_text({"lr": 0.02, "layers": (1, 2), "teacher": None})
    'lr = 0.02\\nlayers = [1, 2]\\n'
    """
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value is not None)


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """Read the TOML file ``path``. Raises ConfigError, which calls it the ``kind``, where that cannot be done."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the {kind} {path} cannot be read: {error.strerror or error}") from None
    return parse_toml(content, str(path))


def parse_toml(content: str | bytes, name: str) -> dict[str, Any]:
    """Parse TOML. Raises ConfigError, which names the file ``name``, where it is none."""
    try:
        return tomllib.loads(content if isinstance(content, str) else content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is not TOML: {error}") from error


def _partial(path: Path) -> Path:
    """The path beside ``path`` that this process fills; those of processes that have ended are removed."""
    parent = path.absolute().parent
    for stale in parent.glob(f".{path.name}.partial-*"):
        if not _running(int(stale.name.rpartition("-")[2])):
            if stale.is_dir():
                shutil.rmtree(stale, ignore_errors=True)
            else:
                stale.unlink(missing_ok=True)
    return parent / f".{path.name}.partial-{os.getpid()}"


@contextmanager
def _refused(path: Path, error: ErrorType) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise error(f"{path} cannot be written: {problem.strerror or problem}") from problem


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
