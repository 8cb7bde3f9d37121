"""The interface of a reader: its request, its result, and how it recognises a source of its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ...events import Event, OnEvent
from ..corpus import Corpus
from .decoding import Source
from .dialects import Layout, Score, find_layout

__all__ = ["Each", "Format", "Given", "Place", "Request", "part_of", "some", "stem", "suffix", "summarise", "tell"]

Given = npt.NDArray[np.uint8]
"""(n_entries,) the part in which each entry came with the data: 0 train, 1 valid, 2 test."""

Each = Callable[[Callable[[Any], Iterable[Any]], Sequence[Any]], Iterator[tuple[int, Any]]]
"""Yields what a function yields for each of some items, with the item's number, in order; perhaps on other machines."""

PARTS = {"train": "train|training", "valid": "valid|val|validation|dev", "test": "test|testing"}
PART = re.compile("|".join(f"(?P<{part}>(?:.*[._-])?(?:{words}))$" for part, words in PARTS.items()), re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Place:
    """The files at the sources, and the beginnings of those.

    Attributes:
        sources: files and folders.
    """

    sources: tuple[Path, ...]
    _heads: dict[Path, str] = field(default_factory=dict)
    _sources: dict[Path, Source] = field(default_factory=dict)

    @cached_property
    def files(self) -> list[Path]:
        """The files, and those directly in the folders, hidden ones apart."""
        found: list[Path] = []
        for source in self.sources:
            inside = sorted(source.iterdir()) if source.is_dir() else [source]
            found += [path for path in inside if path.is_file() and not path.name.startswith(".")]
        return found

    @property
    def name(self) -> str:
        """The sources in messages."""
        return some([str(source) for source in self.sources])

    def source(self, path: Path) -> Source:
        """A file as text; its encoding, for which all of it is read, is found out once."""
        return self._sources.setdefault(path, Source.of(path))

    def head(self, path: Path) -> str:
        """The beginning of a text, empty for a file that is no text."""
        if path not in self._heads:
            try:
                self._heads[path] = self.source(path).head(2**16).decode()
            except (DataError, UnicodeDecodeError):
                self._heads[path] = ""
        return self._heads[path]

    def layout(self, path: Path, score: Score) -> Layout:
        """How a delimited file is written."""
        return find_layout(self.head(path), score)

    def entry_files(self, format: str, is_one: Callable[[Path], bool]) -> list[tuple[str, Path]]:
        """The files of entries and the part of each: those that were given, or those in a folder for which ``is_one``.

        Raises DataError where a folder holds none, or several that are no parts.
        """
        if all(source.is_file() for source in self.sources):
            return list(self.parts(self.files).items()) or [("train", path) for path in self.files]
        found = [path for path in self.files if is_one(path)]
        if parts := self.parts(found):
            return list(parts.items())
        if len(found) == 1:
            return [("train", found[0])]
        what, inside = "several files" if found else "no file", some([path.name for path in found or self.files])
        raise DataError(f"{self.name} holds {what} of entries ({format}; found {inside}); give one file")

    def parts(self, files: Sequence[Path]) -> dict[str, Path]:
        """The file of each part by its name, ``train.csv`` or ``x.train.inter``; empty where none is called so.

        Raises DataError where a part has two files, or a training or a test file stands alone.
        """
        found: dict[str, Path] = {}
        if all(source.is_file() for source in self.sources) and not {"train", "test"} <= set(map(part_of, files)):
            return {}
        for path in files:
            if part := part_of(path):
                if part in found:
                    raise DataError(f"{self.name} holds both {found[part].name} and {path.name}: keep one of them")
                found[part] = path
        if found and not {"train", "test"} <= set(found):
            other = "test" if "train" in found else "train"
            there = found.get("train") or found.get("test") or found["valid"]
            raise DataError(
                f"{self.name} holds {there.name} but no {other} file of its format; give the file to read it alone"
            )
        return {part: found[part] for part in PARTS if part in found}


@dataclass(frozen=True)
class Request:
    """A place to read, and how: see :func:`~.read.read`."""

    place: Place
    on_event: OnEvent
    limit: int | None = None
    min_rating: float | None = None
    weights: bool = False
    contexts: tuple[str, ...] = ()
    workers: int | None = None
    renumber: bool = False
    each: Each | None = None


@dataclass(frozen=True)
class Format:
    """A format and its reader.

    Attributes:
        recognises: true if the files of a place are of the format, by their names and beginnings.
        read: the corpus, and the part of each entry where the data came in parts.
        options: which of ``min_rating``, ``weights``, ``contexts``, ``each`` the reader takes.
    """

    name: str
    recognises: Callable[[Place], bool]
    read: Callable[[Request], tuple[Corpus, Given | None]]
    options: frozenset[Literal["min_rating", "weights", "contexts", "each"]] = frozenset()


def part_of(path: Path) -> str | None:
    """``train``, ``valid`` or ``test`` by the name of a file."""
    found = PART.match(stem(path))
    return found.lastgroup if found else None


def stem(path: Path) -> str:
    """The name without the ending of its format: ``x.train`` of ``x.train.inter.gz``."""
    return Path(path.name.removesuffix(".gz")).stem


def suffix(path: Path) -> str:
    """The ending that tells the format, lower case, without ``.gz``."""
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def some(names: Sequence[str]) -> str:
    """The first names of a list."""
    return ", ".join(names[:3]) + ", …" * (len(names) > 3) if names else "nothing"


def tell(on_event: OnEvent, remarks: Sequence[str]) -> None:
    """A warning for each remark: it says how a file was understood, which its owner may know better."""
    for remark in remarks:
        on_event(Event("warning", remark))


def summarise(on_event: OnEvent, n: int, files: Sequence[Path], corpus: Corpus, unit: str = "line") -> None:
    """Say how much was read. What was left out has had its warnings."""
    units = unit if n == 1 else f"{unit}{'es' if unit.endswith('x') else 's'}"
    text = f"read {n:,} {units} of {some([path.name for path in files])}"
    text += f": {corpus.n_playlists:,} playlists, {corpus.n_tracks:,} tracks, {corpus.n_entries:,} entries"
    on_event(Event("message", text, {"summary": True, "read": n}))
