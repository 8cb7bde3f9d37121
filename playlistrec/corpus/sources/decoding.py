"""Files as UTF-8 bytes, whatever encoding they are in: the mark tells it, or the bytes prove it."""

from __future__ import annotations

import codecs
import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from ...errors import DataError
from .records import open_bytes

__all__ = ["BLOCK", "Source", "with_last"]

BLOCK = 4 * 2**20
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SHOWN = {"cp1252": "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-16": "UTF-16", "utf-32": "UTF-32"}


@dataclass(frozen=True)
class Source:
    """A file, or a member of an archive: its name in messages, and how it is opened as bytes.

    >>> source = Source.of_bytes("a.txt", "Café".encode("cp1252"))
    >>> source.encoding, source.text()
    ('cp1252', 'Café')
    """

    name: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    @classmethod
    def of(cls, path: Path) -> Source:
        """A file, gzipped or not."""
        return cls(path.name, lambda: open_bytes(path))

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> Source:
        """Bytes that lie in memory already."""
        return cls(name, lambda: io.BytesIO(content))

    @cached_property
    def encoding(self) -> str:
        """The codec: UTF-8, UTF-16 or UTF-32 by their mark, else UTF-8 or UTF-16 by proof, else Windows-1252.

        The whole file is read for it. Raises DataError, with the line, for bytes that are none of them: damaged
        UTF-8 (more letters of UTF-8 than bytes that are not), and bytes that Windows-1252 does not have.
        """
        with self.open() as file:
            head = file.read(4096)
        marked = next((codec for mark, codec in MARKS.items() if head.startswith(mark)), None)
        if codec := marked or _unmarked_utf16(head):
            self._check(codec)
            return codec
        if self._decodes("utf-8"):
            return "utf-8"
        good, bad = self._letters()
        codec = "utf-8" if good > bad else "cp1252"
        self._check(codec)
        return codec

    @property
    def remark(self) -> str | None:
        """A warning about the encoding; none for UTF-8."""
        shown = SHOWN.get(self.encoding)
        return shown and f"{self.name}: read as {shown}"

    def blocks(self, size: int | None = None) -> Iterator[bytes]:
        r"""The text as UTF-8 without its mark, in blocks; ``\r`` alone as the end of a line becomes ``\n``."""
        codec = self.encoding
        decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)()
        old_mac: bool | None = None
        with self.open() as file:
            while block := file.read(size or BLOCK):
                if decoder is not None:
                    block = decoder.decode(block).encode()
                if old_mac is None:
                    old_mac = b"\r" in block[:-1] and b"\n" not in block
                yield block.replace(b"\r", b"\n") if old_mac else block

    def head(self, size: int = 2**18) -> bytes:
        """The first bytes of the text as UTF-8, to the last whole line, or else character, where there is more."""
        head = next(self.blocks(size), b"")
        if len(head) < size:
            return head
        return head[: head.rfind(b"\n") + 1] or head.decode(errors="ignore").encode()

    def text(self) -> str:
        """The whole text."""
        return b"".join(self.blocks()).decode()

    def _decodes(self, codec: str) -> bool:
        try:
            self._check(codec)
        except DataError:
            return False
        return True

    def _check(self, codec: str) -> None:
        decoder, whole = codecs.getincrementaldecoder(codec)(), True
        with self.open() as file:
            for number in itertools.count():
                block = file.read(BLOCK)
                if codec == "utf-8" and whole and block and block.isascii():
                    continue  # many times as fast as decoding
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    line = 1 + self._lines(codec, number) + error.object.count(b"\n", 0, error.start)
                    shown = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", **SHOWN}[codec]
                    raise DataError(f"{self.name}, line {line}: bytes that are not {shown} text") from None
                if not block:
                    return
                whole = not decoder.getstate()[0]

    def _lines(self, codec: str, n_blocks: int) -> int:
        """The line ends in the first blocks."""
        decoder = codecs.getincrementaldecoder(codec)()
        with self.open() as file:
            return sum(decoder.decode(file.read(BLOCK)).count("\n") for _ in range(n_blocks))

    def _letters(self) -> tuple[int, int]:
        """Letters beyond ASCII that are UTF-8, and bytes that are not."""
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        good = bad = 0
        with self.open() as file:
            while block := file.read(BLOCK):
                text = decoder.decode(block)
                bad += len(block) - len(text.encode())
                good += len(text) - len(text.encode("ascii", "ignore"))
        return good, bad


def with_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether it is the last."""
    block = next(blocks, b"")
    for following in blocks:
        yield block, False
        block = following
    yield block, True


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of the ASCII in it is 0."""
    zeros = [head[side::2].count(0) for side in (0, 1)]
    if max(zeros) * 8 < len(head) or max(zeros) < 4 * min(zeros) or not any(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
