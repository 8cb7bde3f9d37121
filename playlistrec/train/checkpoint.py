"""Arrays and a little JSON in one ``.npz`` file, written whole or not at all. Never pickled."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..corpus.npz import write_npz
from ..errors import RunError

__all__ = ["read_arrays", "write_arrays"]

Arrays = dict[str, npt.NDArray[np.generic]]
META = "__meta__"


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]], meta: Mapping[str, Any]) -> None:
    """Write ``arrays`` and the JSON-able ``meta`` to ``path`` in one step. Raises RunError where it cannot."""
    encoded = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    partial = path.with_name(f".{path.name}.partial")
    try:
        write_npz(partial, {META: encoded, **arrays})
        os.replace(partial, path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def read_arrays(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read what :func:`write_arrays` wrote. Raises RunError when the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(file[META].tobytes())
            return {name: file[name] for name in file.files if name != META}, meta
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
