"""HTTP on a connection: uvicorn's, with bounds on the time and size of a request's head, and on connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import MEDIA_TYPE, Problem, busy
from .settings import LIMITS

__all__ = ["BoundedProtocol"]

LINGER = 2
"""Seconds that a connection whose request was refused is still read from."""

TOO_LONG = Problem(431, f"the head of a request must be at most {LIMITS.head:,} bytes")


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is too long in coming, or too long; and one connection too many."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0
    _in_head = True
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A response is written in two pieces, its head and its body. The second must not wait for the first's
        # acknowledgement, which the other side may put off for 40 ms. asyncio sees to that only where a socket's
        # protocol is named, and that of a listening socket is not.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > LIMITS.connections:
            self._refuse(busy(f"{LIMITS.connections:,} connections are open: ask again in a second"))
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > LIMITS.head:
            self._refuse(TOO_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._arrived()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > LIMITS.head:
            self._refuse(TOO_LONG)
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Problem(400, "this is not a request in HTTP"))

    def _expect_head(self) -> None:
        if self._timer is None:
            self._in_head, self._head = True, 0
            self._timer = self.loop.call_later(LIMITS.head_seconds, self._late)

    def _arrived(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        self._refuse(Problem(408, f"the head of a request must come within {LIMITS.head_seconds:g} seconds"))

    def _refuse(self, problem: Problem) -> None:
        """Answer without the application, and close."""
        self._arrived()
        if self._refused or self.transport.is_closing():
            return
        body = problem.body()
        headers: dict[str, Any] = {**problem.headers, "Content-Length": len(body), "Connection": "close"}
        lines = [f"HTTP/1.1 {int(problem.status)} {problem.status.phrase}", f"Content-Type: {MEDIA_TYPE.decode()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        # What still comes is read and dropped: closing at once would reset the connection, and the answer with it.
        self._refused = True
        with contextlib.suppress(OSError):  # the other side has gone
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
