"""A slice of the Million Playlist Dataset as a file: plain, gzipped, or a member of an archive."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from ...errors import DataError

__all__ = ["SliceFile"]


@dataclass(frozen=True)
class SliceFile:
    """The path of a slice: a file, gzipped or not, or a member of a ``.zip``."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """The slice's name in messages."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    def head(self, size: int) -> bytes:
        """The first bytes of the text, none where they cannot be read: reading all of it tells why."""
        try:
            with self._opened() as file:
                return file.read(size)
        except (EOFError, OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            return b""

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with ExitStack() as stack:
            file: IO[bytes]
            if self.member is None:
                file = stack.enter_context(self.path.open("rb"))
            else:
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(self.path)).open(self.member))
            gzipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield cast(IO[bytes], stack.enter_context(gzip.open(file))) if gzipped else file

    def read(self) -> bytes:
        """The JSON text. Raises DataError when the file is empty, damaged or cannot be read."""
        try:
            with self._opened() as file:
                data = file.read()
        except EOFError:
            raise DataError(f"{self.name} is cut off: the compressed data ends too early") from None
        except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.name} is damaged: {_first_line(error)}") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{self.name} cannot be read: {_first_line(error)}") from None
        data = data.removeprefix(b"\xef\xbb\xbf")
        if not data.strip():
            raise DataError(f"{self.name} is empty")
        return data


def _first_line(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:120]
