"""A file of JSON as typed objects."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from ....errors import DataError
from ..decoding import Source
from ..json_errors import in_words

__all__ = ["decoded"]

T = TypeVar("T")


def decoded(path: Path, kind: type[T]) -> T:
    """A file of JSON as objects of one kind. Raises DataError with what is wrong in it."""
    with Source.of(path).open() as file:
        content = file.read().removeprefix(b"\xef\xbb\xbf")
    try:
        with _no_collection():
            return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{path.name}: {in_words(str(error), 'the file')}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "it is cut off" if "truncated" in str(error) else str(error).rpartition(": ")[2]
        raise DataError(f"{path.name} is not JSON: {why}") from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for garbage meanwhile: none is made, and each search would look at all that was decoded so far."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
