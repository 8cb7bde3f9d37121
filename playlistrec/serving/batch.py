"""Many queries, a line of JSON each, and an answer to each, a line of JSON again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from ..errors import DataError
from ..events import Event, OnEvent, ignore
from ..models.base import Query
from ..rank.evaluation import BATCH_BYTES
from .lookup.seeds import UNKNOWN, Seeds
from .recommender import RecommendationService, RecommendOptions

__all__ = ["Batch", "write_lines"]

DECIMALS = 6
"""Of the scores that are written."""

TOLD = 20
"""Wrong lines that are told; of all of them stands in the answers what is wrong."""


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A query."""

    id: msgspec.Raw = msgspec.Raw(b"null")
    tracks: list[str] | None = None
    title: str | None = None
    k: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] | None = None
    exclude_artists: list[str] = []


class Identified(msgspec.Struct):
    """What is read of a line that cannot be answered."""

    id: msgspec.Raw = msgspec.Raw(b"null")


class Answered(msgspec.Struct, omit_defaults=True):
    """An answer."""

    id: msgspec.Raw
    tracks: list[str]
    scores: list[float]
    unknown: list[str] = []
    cold: bool = False


class Refused(msgspec.Struct):
    """What stands in place of an answer."""

    id: msgspec.Raw
    line: int
    error: str


class Batch:
    """Answers lines with one model, some 32 MB of scores at a time.

    Args:
        wishes: what goes for every line; a line may say its own ``k``, and further artists to leave out.

    Attributes:
        n_lines, n_failed: lines seen so far, and how many of them could not be read.
    """

    def __init__(self, service: RecommendationService, wishes: RecommendOptions) -> None:
        self.service, self.wishes = service, wishes
        self.n_lines = self.n_failed = 0
        self._decode, self._encode = msgspec.json.Decoder(Line).decode, msgspec.json.Encoder().encode
        self._uris = np.array(service.known.track_table["uri"].to_pylist(), dtype=object)
        self._rows = {uri: row for row, uri in enumerate(self._uris)}
        placed = service.placed(np.arange(len(self._uris)))
        # The last is what row -1 finds, that of a uri that the data does not have.
        self._seeds, self._by = np.append(placed.rows, -1), np.append(placed.by, UNKNOWN)

    def answers(self, lines: Iterable[bytes], on_event: OnEvent = ignore) -> Iterator[bytes]:
        """An answer to each line, in order; empty lines are passed over.

        In place of an answer to a line that cannot be read stands what is wrong with it; a warning tells its number.
        """
        numbered = ((number, text) for number, text in enumerate(lines, 1) if text.strip())
        size = max(1, BATCH_BYTES // (4 * self.service.model.n_tracks))
        while chunk := list(islice(numbered, size)):
            read = [self._read(number, text) for number, text in chunk]
            answered = self._answered([line for line in read if isinstance(line, Line)])
            for line in read:
                if isinstance(line, Refused):
                    self.n_failed += 1
                    if self.n_failed <= TOLD:
                        on_event(Event("warning", f"line {line.line}: {line.error}"))
                yield self._encode(line if isinstance(line, Refused) else next(answered)) + b"\n"
            self.n_lines += len(chunk)
            on_event(Event("progress", f"asking {self.service.model.name}", {"done": self.n_lines}))

    def _read(self, number: int, text: bytes) -> Line | Refused:
        try:
            said = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            return Refused(msgspec.Raw(b"null"), number, "it is not UTF-8")
        try:
            line = self._decode(said)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refused(_id(said), number, str(error))
        if line.tracks is None and line.title is None:
            return Refused(line.id, number, "it has neither tracks nor a title")
        return line

    def _answered(self, lines: Sequence[Line]) -> Iterator[Answered]:
        if not lines:
            return
        uris = [uri for line in lines for uri in line.tracks or ()]
        question = np.repeat(np.arange(len(lines)), [len(line.tracks or ()) for line in lines])
        own = np.array([self._rows.get(uri, -1) for uri in uris], dtype=np.int64)
        seeds = Seeds(self._seeds[own], self._by[own], own)
        found = seeds.rows >= 0
        unknown: list[list[str]] = [[] for _ in lines]
        for entry in np.flatnonzero(~found).tolist():
            unknown[question[entry]].append(uris[entry])
        ends = np.cumsum(np.bincount(question[found], minlength=len(lines)))
        query = Query(
            offsets=np.concatenate([[0], ends]).astype(np.int64),
            tracks=seeds.rows[found],
            playlists=np.full(len(lines), -1, dtype=np.int64),
            titles=tuple(line.title or "" for line in lines),
        )
        places, tracks = seeds.taken()
        wishes = [self._options(line, missing) for line, missing in zip(lines, unknown)]
        answers = self.service.answer(query, wishes, (question[places], tracks))
        for line, answer, missing in zip(lines, answers, unknown):
            scores = np.round(answer.scores.astype(np.float64), DECIMALS).tolist()
            yield Answered(line.id, self._uris[answer.tracks].tolist(), scores, missing, answer.cold)

    def _options(self, line: Line, unknown: list[str]) -> RecommendOptions:
        """What this line asks for; artists that the data does not have are added to ``unknown``."""
        if line.k is None and not line.exclude_artists:
            return self.wishes
        without = list(self.wishes.without)
        for name in line.exclude_artists:
            rows = self.service.artists.rows(name)
            without += rows
            unknown += [] if rows else [name]
        return replace(self.wishes, k=line.k or self.wishes.k, without=tuple(without))


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file in one step, or not at all. Raises DataError where it cannot."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.writelines(lines)
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _id(text: str) -> msgspec.Raw:
    """The id of a line that is wrong otherwise, ``null`` where there is none to be read."""
    try:
        return msgspec.json.decode(text, type=Identified).id
    except (msgspec.DecodeError, RecursionError):
        return msgspec.Raw(b"null")
