"""The guard of every request: who may ask, how long it may take, counters, and the words of errors."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
import traceback
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import PlaylistrecError
from .board import ROUTES, Tally
from .problems import MEDIA_TYPE, Problem, busy, problem_of
from .settings import LIMITS, ServeOptions

__all__ = ["Guard"]

OPEN = {"/", "/health", "/ready", "/openapi.json", "/docs"}
"""Paths that need no token; so do the page's own files."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
]


class Guard:
    """Stands before the application, in every worker.

    A request must call the server by a name it has, which a page elsewhere cannot make a browser do with a name of its
    own (DNS rebinding); must not come from another origin; and must present the token where one is asked for. Nothing
    is kept of who asked for what.
    """

    def __init__(self, app: ASGIApp, options: ServeOptions, tally: Tally) -> None:
        self.app, self.options, self.tally = app, options, tally
        self.here = 0
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, status, started = time.perf_counter(), 500, False
        scope["app"] = self.app  # the router then raises where nothing is there

        async def sent(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [*message.get("headers", []), *SECURITY]
                if self.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        self.here += 1
        self.tally.gauge("in_flight", 1)
        try:
            try:
                self._admit(scope)
                await asyncio.wait_for(self.app(scope, receive, sent), LIMITS.seconds)
            except Exception as error:
                if started:  # the response has begun: all that can be done is to end it
                    raise
                await _refuse(_problem(error), sent)
        finally:
            self.here -= 1
            self.tally.gauge("in_flight", -1)
            self.tally.answered(_route(scope["path"]), status, time.perf_counter() - began)

    def _admit(self, scope: Scope) -> None:
        """Raise Problem unless this request may be answered."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if _name(host) not in self.options.names:
            raise Problem(421, f"the Host header must be a name of this server (got {host[:80]!r})")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and origin.partition("://")[2] != host:
            raise Problem(403, "another origin asks: only pages of this server may")
        if self.here > 2 * LIMITS.waiting and scope["path"] not in ("/health", "/ready"):
            raise busy(f"{2 * LIMITS.waiting} requests are being answered: ask again in a second")
        if self.options.token is not None and scope["path"] not in OPEN and not scope["path"].startswith("/page/"):
            given = headers.get(b"authorization", b"").decode("latin-1")
            if not secrets.compare_digest(given.encode(), f"Bearer {self.options.token}".encode()):
                raise Problem(
                    401, "the request needs the header 'Authorization: Bearer TOKEN'", {"WWW-Authenticate": "Bearer"}
                )


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, PlaylistrecError):
        return problem_of(error)
    if isinstance(error, HTTPException):
        words = {
            404: "there is nothing at this address: see /docs",
            405: "this address does not take this method: see /docs",
        }
        return Problem(error.status_code, words.get(error.status_code, str(error.detail)), error.headers)
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return busy(f"the request took longer than {LIMITS.seconds:g} seconds")
    where = traceback.extract_tb(error.__traceback__)[-1]
    # The place, and nothing of the request.
    print(f"error: unexpected {type(error).__name__} at {where.filename}:{where.lineno}", file=sys.stderr, flush=True)  # noqa: T201
    return Problem(500, "the server met an error of its own; its log says where")


async def _refuse(problem: Problem, send: Any) -> None:
    body = problem.body()
    headers = [
        (b"content-type", MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
    ]
    await send({"type": "http.response.start", "status": int(problem.status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _name(host: str) -> str:
    """The name in a Host header, without the port.

    >>> _name("Localhost:8000"), _name("[::1]:8000")
    ('localhost', '::1')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _route(path: str) -> str:
    if path in ROUTES:
        return path
    return next((route for route in ("/playlists", "/map") if path.startswith(f"{route}/")), "other")
