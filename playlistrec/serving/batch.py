"""Recommendations in a batch: lines of JSON in, lines of JSON out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Annotated

import msgspec
import numpy as np

from ..events import Event, OnEvent, ignore
from ..models.base import Query
from ..processes import ALONE, Group
from ..rank.evaluation import BATCH_BYTES
from .recommender import RecommendationService, RecommendOptions

__all__ = ["Answered", "Batch", "Chunk"]

Chunk = Sequence[tuple[int, bytes]]
"""Lines with their numbers."""

Answered = tuple[list[bytes], list[tuple[int, str]]]
"""The result of each line of a chunk, and number and error of those that could not be read."""

DECIMALS = 6
"""Of the scores that are written."""

WARNINGS = 20
"""Wrong lines that are warned of; the results have an error for all of them."""


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line that is read."""

    id: msgspec.Raw = msgspec.Raw(b"null")
    tracks: list[str] | None = None
    title: str | None = None
    k: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] | None = None
    exclude_artists: list[str] = []


class Identified(msgspec.Struct):
    """The id of a line that cannot be read."""

    id: msgspec.Raw = msgspec.Raw(b"null")


class Result(msgspec.Struct, omit_defaults=True):
    """The result of one line."""

    id: msgspec.Raw
    tracks: list[str]
    scores: list[float]
    unknown: list[str] = []
    cold: bool = False


class Refused(msgspec.Struct):
    """The text in place of a URI that was not found."""

    id: msgspec.Raw
    line: int
    error: str


class Batch:
    """Recommends for lines with one model, some 32 MB of scores at a time.

    Args:
        options: of every line; a line may have a ``k`` of its own, and further artists to leave out.
        most_k: the highest ``k`` of a line; None: any.
        group: the processes that share the lines, each of which has the same ones; the first gets all results.

    Attributes:
        n_lines, n_failed: lines seen so far, and how many of them could not be read.
    """

    def __init__(
        self,
        service: RecommendationService,
        options: RecommendOptions,
        *,
        most_k: int | None = None,
        group: Group = ALONE,
    ) -> None:
        self.service, self.options, self.most_k, self.group = service, options, most_k, group
        self.n_lines = self.n_failed = 0
        self._decode, self._encode = msgspec.json.Decoder(Line).decode, msgspec.json.Encoder().encode

    def results(
        self,
        lines: Iterable[bytes],
        on_event: OnEvent = ignore,
        answered: Callable[[Iterator[Chunk]], Iterator[Answered]] | None = None,
    ) -> Iterator[bytes]:
        """A result for each line, in order, on the first process; empty lines are passed over.

        The result for a line that cannot be read is an error, and a warning has its number. ``answered`` is
        :meth:`answer` for each chunk, in order, where others do it.
        """
        numbered = ((number, text) for number, text in enumerate(lines, 1) if text.strip())
        size = max(1, BATCH_BYTES // (4 * self.service.model.n_tracks))
        for results, refused in (answered or self._in_turn)(iter(lambda: list(islice(numbered, size)), [])):
            yield from results
            for number, error in refused:
                self.n_failed += 1
                if self.n_failed <= WARNINGS:
                    on_event(Event("warning", f"line {number}: {error}"))
            self.n_lines += len(results)
            on_event(Event("progress", f"recommending with {self.service.model.name}", {"done": self.n_lines}))

    def _in_turn(self, chunks: Iterator[Chunk]) -> Iterator[Answered]:
        """The chunks answered by the processes in turn."""
        while turn := list(islice(chunks, self.group.size)):
            mine = turn[self.group.rank] if self.group.rank < len(turn) else []
            yield from self.group.gather(self.answer(mine))

    def answer(self, chunk: Chunk) -> Answered:
        """The results of some numbered lines, and number and error of those that cannot be read."""
        read = [self._read(number, text) for number, text in chunk]
        results = self._results([line for line in read if isinstance(line, Line)])
        found = [self._encode(line if isinstance(line, Refused) else next(results)) + b"\n" for line in read]
        return found, [(line.line, line.error) for line in read if isinstance(line, Refused)]

    def _read(self, number: int, text: bytes) -> Line | Refused:
        try:
            decoded = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            return Refused(msgspec.Raw(b"null"), number, "it is not UTF-8")
        try:
            line = self._decode(decoded)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refused(_id(decoded), number, str(error))
        if line.tracks is None and line.title is None:
            return Refused(line.id, number, "it has neither tracks nor a title")
        if self.most_k is not None and (line.k or 0) > self.most_k:
            return Refused(line.id, number, f"k must be at most {self.most_k} (got {line.k})")
        return line

    def _results(self, lines: Sequence[Line]) -> Iterator[Result]:
        if not lines:
            return
        uris = [uri for line in lines for uri in line.tracks or ()]
        row = np.repeat(np.arange(len(lines)), [len(line.tracks or ()) for line in lines])
        seeds = self.service.known.seeds(uris)
        found = seeds.rows >= 0
        unknown: list[list[str]] = [[] for _ in lines]
        for entry in np.flatnonzero(~found).tolist():
            unknown[row[entry]].append(uris[entry])
        ends = np.cumsum(np.bincount(row[found], minlength=len(lines)))
        query = Query(
            offsets=np.concatenate([[0], ends]).astype(np.int64),
            tracks=seeds.rows[found],
            playlists=np.full(len(lines), -1, dtype=np.int64),
            titles=tuple(line.title or "" for line in lines),
        )
        places, tracks = seeds.taken()
        options = [self._options(line, missing) for line, missing in zip(lines, unknown)]
        lists = self.service.recommend(query, options, (row[places], tracks))
        for line, best, missing in zip(lines, lists, unknown):
            scores = np.round(best.scores.astype(np.float64), DECIMALS).tolist()
            yield Result(line.id, self.service.known.uris[best.tracks].tolist(), scores, missing, best.cold)

    def _options(self, line: Line, unknown: list[str]) -> RecommendOptions:
        """The options of this line; artists that the data does not have are added to ``unknown``."""
        if line.k is None and not line.exclude_artists:
            return self.options
        exclude_artists = list(self.options.exclude_artists)
        for name in line.exclude_artists:
            rows = self.service.artists.rows(name)
            exclude_artists += rows
            unknown += [] if rows else [name]
        return replace(self.options, k=line.k or self.options.k, exclude_artists=tuple(exclude_artists))


def _id(text: str) -> msgspec.Raw:
    """The id of a line that is wrong otherwise, ``null`` where there is none to be read."""
    try:
        return msgspec.json.decode(text, type=Identified).id
    except (msgspec.DecodeError, RecursionError):
        return msgspec.Raw(b"null")
