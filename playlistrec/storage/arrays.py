"""Arrays in ``.npz`` files, read without trust: plain numbers and text, none larger than the file that holds it."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import DataError, RunError
from .files import META, Arrays, ErrorType
from .reading import open_file, parse_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["read_arrays", "read_npz"]


def read_arrays(
    path: Path, error: ErrorType = RunError, file: IO[bytes] | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """Read the arrays and meta of :func:`~.files.write_arrays`, from ``file`` where it is open already.

    Raises ``error`` where the file is missing or damaged.
    """
    try:
        with ExitStack() as stack:
            opened = stack.enter_context(open_file(path, error)) if file is None else file
            arrays = read_npz(opened, str(path), error)
    except FileNotFoundError:
        raise error(f"{path} does not exist") from None
    if META not in arrays:
        raise error(f"{path} is damaged: it does not say what it holds")
    return arrays, parse_json(arrays.pop(META).tobytes(), f"{META} of {path}", error)


DAMAGED = (OSError, EOFError, ValueError, KeyError, struct.error, zlib.error, zipfile.BadZipFile, NotImplementedError)


def read_npz(file: IO[bytes], name: str, error: ErrorType = DataError) -> Arrays:
    """The arrays of an ``.npz`` file that we wrote: plain numbers and text, none larger than the file that holds it.

    Raises ``error``, which calls the file ``name``, where it is damaged.
    """
    arrays: Arrays = {}
    try:
        size = file.seek(0, os.SEEK_END)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > size:
                raise ValueError("its arrays claim to be larger than the file")
            for member in members:
                key = member.filename.removesuffix(".npy")
                if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 or key in arrays:
                    raise ValueError(f"{member.filename} is packed in a way that playlistrec does not write")
                with archive.open(member) as stream:
                    arrays[key] = _array(stream, key, member.file_size)
    except (*DAMAGED, RuntimeError) as problem:
        text = str(problem) or type(problem).__name__
        raise error(f"{name} is damaged: {text.splitlines()[0][:200]}") from problem
    return arrays


def _array(stream: IO[bytes], name: str, size: int) -> npt.NDArray[np.generic]:
    import numpy as np
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_header is None:
        raise ValueError(f"{name} has an unknown version of the format")
    shape, by_columns, dtype = read_header(stream)
    count = 1
    for length in shape:
        count *= length
    if dtype.kind not in "biufU" or dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ValueError(f"{name} must hold numbers or text (got {dtype})")
    if stream.tell() + count * dtype.itemsize != size:
        raise ValueError(f"{name} must be as large as its header says: {shape} of {dtype}")
    data = bytearray(stream.read())
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
        if codes.max() > 0x10FFFF or ((codes >= 0xD800) & (codes < 0xE000)).any():
            raise ValueError(f"{name} must hold text in Unicode")
    return array
