"""Files that appear whole or not at all: text, arrays, JSON and TOML.

Each writer takes the class of the error that it raises where the disk refuses. Nothing is ever pickled.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, DataError, PlaylistrecError, RunError
from ..text import escaped_json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "META",
    "PARTIAL",
    "Arrays",
    "ErrorType",
    "json_text",
    "make_folder",
    "parse_toml",
    "read_toml",
    "refused",
    "running",
    "toml_text",
    "write_arrays",
    "write_file",
    "write_json",
    "write_json_lines",
    "write_npz",
]

if TYPE_CHECKING:
    Arrays = dict[str, npt.NDArray[np.generic]]
else:
    Arrays = dict
MOST_TOML = 1 << 20
ErrorType = type[PlaylistrecError]
META = "__meta__"


def make_folder(folder: Path, error: ErrorType = RunError) -> None:
    """Make ``folder`` and those above it, where they do not exist."""
    with refused(folder, error):
        folder.mkdir(parents=True, exist_ok=True)


def write_file(path: Path, content: str | bytes | memoryview | Iterable[bytes], error: ErrorType = RunError) -> None:
    """Write a file in one step: text as UTF-8, bytes, or lines as they come.

    The folder must exist. Nothing is left of a file that could not be finished.
    """
    data = content.encode(errors="replace") if isinstance(content, str) else content
    chunks: Iterable[bytes | memoryview] = [data] if isinstance(data, bytes | memoryview) else data
    with refused(path, error):
        real = Path(os.path.realpath(path))  # what a link names is replaced, not the link
        if real.exists() and not real.is_file() and not real.is_dir():
            with real.open("wb") as stream:  # a pipe or a device, such as /dev/stdout
                stream.writelines(chunks)
            return
        partial = _partial(real)
        try:
            with partial.open("wb") as file:
                file.writelines(chunks)
            os.replace(partial, real)
        finally:
            partial.unlink(missing_ok=True)


def json_text(value: Any) -> str:
    """JSON as a person reads it."""
    return escaped_json(json.dumps(value, indent=2, ensure_ascii=False)) + "\n"


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
    with buffer.getbuffer() as content:  # an error would keep it, and Python 3.13 prints that at length
        write_file(path, content, error)


def write_arrays(
    path: Path,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    meta: Mapping[str, Any],
    error: ErrorType = RunError,
) -> None:
    """Write ``arrays`` and the JSON-able ``meta`` to one ``.npz`` file."""
    import numpy as np

    write_npz(path, {META: np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **arrays}, error)


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
        if not path.is_file() and path.exists():
            raise OSError(0, "it is not a regular file")
        if path.stat().st_size > MOST_TOML:
            raise OSError(0, f"it is larger than {MOST_TOML:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the {kind} {path} cannot be read: {error.strerror or error}") from None
    return parse_toml(content, str(path))


def parse_toml(content: str | bytes, name: str) -> dict[str, Any]:
    """Parse TOML. Raises ConfigError, which names the file ``name``, where it is none."""
    try:
        return tomllib.loads(content if isinstance(content, str) else content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{name} is not TOML: {error}") from error


PARTIAL = re.compile(r"\.(.+)\.partial(?:-(\d+))?", re.DOTALL)
"""The name of a file that is being written: that of the file, and the process."""


def _partial(path: Path) -> Path:
    """The path beside ``path`` that this process fills; those of processes that have ended are removed."""
    parent = path.absolute().parent
    for entry in os.scandir(parent):
        match = PARTIAL.fullmatch(entry.name)
        stale = match and match[1] == path.name and match[2] and not running(int(match[2]))
        if stale and entry.is_file(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)
    return parent / f".{path.name}.partial-{os.getpid()}"


@contextmanager
def refused(path: Path, error: ErrorType = DataError) -> Iterator[None]:
    """Within this block a disk that refuses raises ``error``, which names ``path``."""
    try:
        yield
    except OSError as problem:
        raise error(f"{path} cannot be written: {problem.strerror or problem}") from problem


def running(pid: int) -> bool:
    """True if there is a process of this number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
