"""The addresses that answer with tracks, artists and playlists."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ...config import require
from ...errors import ConfigError, DataError
from ..recommender import RecommendOptions
from ..similar import KINDS, Kind
from .batcher import Batcher, Lane
from .board import Tally
from .engine import Engine, ResolvedRequest
from .problems import Problem
from .requests import Named, RecommendRequest, check_text, decoded, real_number, whole_number
from .settings import LIMITS

__all__ = ["Answers", "as_json"]

DROPPED = 16
"""How many times as much as a body may have is read and dropped of one that has more."""

SHOWN = 10
"""Tracks, artists and titles that a search lists where it is not said how many."""


class Answers:
    """Answers requests with an engine: scored together where they can be, the rest one after another.

    What needs no search, tracks by uri, is found at once; names and files are looked up in a thread of their own.
    """

    def __init__(self, engine: Engine, tally: Tally) -> None:
        self.engine, self.tally = engine, tally
        together = max(1, min(LIMITS.together, LIMITS.scores // (4 * engine.history.n_tracks)))
        self.batcher: Batcher[ResolvedRequest, bytes] = Batcher(
            self._encoded, together=together, waiting=LIMITS.waiting
        )
        self.lane = Lane(LIMITS.waiting)
        self._encode = msgspec.json.Encoder().encode

    def _encoded(self, asked: Sequence[ResolvedRequest]) -> list[bytes]:
        self.tally.counted(1, len(asked))
        return [self._encode(answer) for answer in self.engine.answers(asked)]

    async def recommend(self, request: Request) -> Response:
        """``POST /recommend``"""
        wanted = decoded(await body_of(request, "application/json"), RecommendRequest)
        wanted.check()
        if self.engine.at_once(wanted):
            asked = self.engine.asked(wanted)
        else:
            asked = await self.lane.run(lambda: self.engine.asked(wanted))
        self.tally.gauge("waiting", 1)
        try:
            return raw_json(await self.batcher.ask(asked))
        finally:
            self.tally.gauge("waiting", -1)

    async def recommend_batch(self, request: Request) -> Response:
        """``POST /recommend/batch``: a query a line, as in a batch at the command line."""
        params = request.query_params
        lines = (await body_of(request, "application/x-ndjson")).splitlines()
        require(len(lines) <= LIMITS.lines, "lines", f"at most {LIMITS.lines:,}", len(lines))
        k = whole_number(params, "k", 10)
        require(1 <= k <= LIMITS.k, "k", f"between 1 and {LIMITS.k}", k)
        options = RecommendOptions(
            k=k,
            max_per_artist=whole_number(params, "max_per_artist", 0) or None,
            diversity=real_number(params, "diversity", 0.0),
            popularity=real_number(params, "popularity", 0.0),
        )
        batch = copy.copy(self.engine.batch)
        batch.options = options
        found = await self.lane.run(lambda: b"".join(batch.results(lines)))
        return Response(found, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})

    async def similar(self, request: Request) -> Response:
        """``GET /similar``"""
        params = request.query_params
        given = {kind: params[kind] for kind in KINDS if kind in params}
        if len(given) != 1:
            raise ConfigError(f"give one of {', '.join(KINDS)}")
        kind = next(iter(given))
        k = whole_number(params, "k", 10)
        require(k <= LIMITS.k, "k", f"at most {LIMITS.k}", k)
        check_text(kind, given[kind])
        to = params.get("to")
        require(to is None or to in KINDS, "to", f"one of {', '.join(KINDS)}", (to or "")[:40])
        target = cast("Kind | None", to)
        return as_json(await self.lane.run(lambda: self.engine.catalogue.similar(kind, given[kind], target, k)))

    async def search(self, request: Request) -> Response:
        """``GET /search``"""
        text, k = request.query_params.get("q", ""), whole_number(request.query_params, "k", SHOWN)
        require(1 <= k <= LIMITS.k, "k", f"between 1 and {LIMITS.k}", k)
        check_text("q", text)
        return as_json({"q": text, **await self.lane.run(lambda: self.engine.suggestions.search(text, k))})

    async def playlist(self, request: Request) -> Response:
        """``GET /playlists/{pid}``"""
        pid = request.path_params["pid"]
        check_text("pid", pid)
        return as_json(self.engine.catalogue.playlist(pid))

    async def read(self, request: Request) -> Response:
        """``POST /playlists/read``: a file as people export it. Its name is read for its ending, and nothing else."""
        name = PurePosixPath(request.query_params.get("name", "list.csv")).name[-LIMITS.text :]
        title = request.query_params.get("title")
        check_text("title", title or "")
        content = await body_of(request, None)
        try:
            return as_json(await self.lane.run(lambda: self.engine.catalogue.read(name, content, title)))
        except DataError as error:  # it is the request that is wrong
            raise Problem(422, error.on_command_line()) from None

    async def tracks(self, request: Request) -> Response:
        """``POST /tracks``: what is known of some tracks."""
        named = decoded(await body_of(request, "application/json"), Named)
        named.check()
        return as_json(self.engine.catalogue.tracks(named.tracks))


async def body_of(request: Request, kind: str | None) -> bytes:
    """The body of a request. Raises Problem: 413 where it is too long, 415 where it is of another kind."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind is not None and given != kind:
        raise Problem(415, f"the Content-Type must be {kind} (got {given[:80]!r})")
    content, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LIMITS.body:
            content += chunk
        elif size > DROPPED * LIMITS.body:
            break
    if size > LIMITS.body:  # said once it was sent: who is still sending does not listen
        raise Problem(413, f"the body must be at most {LIMITS.body:,} bytes", {"Connection": "close"})
    return bytes(content)


def as_json(value: Any) -> Response:
    """A response that is kept nowhere."""
    return raw_json(msgspec.json.encode(value))


def raw_json(content: bytes) -> Response:
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})
