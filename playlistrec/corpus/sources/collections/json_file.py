"""A file of JSON as typed objects."""

from __future__ import annotations

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
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{path.name}: {in_words(str(error), 'the file')}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "it is cut off" if "truncated" in str(error) else str(error).rpartition(": ")[2]
        raise DataError(f"{path.name} is not JSON: {why}") from None
