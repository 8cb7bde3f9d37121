"""A slice of the Million Playlist Dataset as a file: plain, gzipped, or a member of an archive."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from ...errors import DataError
from ...storage import open_file

__all__ = ["SliceFile"]

SMALL_FILE, GROWTH = 1 << 24, 200
"""Bytes that a packed file may hold in any case, and how many times its size; slices unpack to 5 to 20 times theirs."""


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
        except (
            EOFError,
            OSError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
            lzma.LZMAError,
            DataError,
        ):
            return b""

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with ExitStack() as stack:
            file: IO[bytes]
            if self.member is None:
                file = stack.enter_context(open_file(self.path))
            else:
                file = stack.enter_context(stack.enter_context(zipfile.ZipFile(self.path)).open(self.member))
            gzipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield cast(IO[bytes], stack.enter_context(gzip.open(file))) if gzipped else file

    def read(self) -> bytes:
        """The JSON text. Raises DataError when the file is empty, damaged or cannot be read."""
        try:
            most = SMALL_FILE + GROWTH * self.path.stat().st_size
            with self._opened() as file:
                data = file.read(most + 1)
        except EOFError:
            raise DataError(f"{self.name} is cut off: the compressed data ends too early") from None
        except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
            raise DataError(f"{self.name} is damaged: {_first_line(error)}") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{self.name} cannot be read: {_first_line(error)}") from None
        if len(data) > most:
            raise DataError(f"{self.name} is not taken: it unpacks to more than {GROWTH} times its size")
        data = data.removeprefix(b"\xef\xbb\xbf")
        if not data.strip():
            raise DataError(f"{self.name} is empty")
        return data


def _first_line(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:120]
