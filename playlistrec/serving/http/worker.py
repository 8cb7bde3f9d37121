"""One process that answers: it takes connections from a socket it shares, and ends without dropping one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from .guard import Guard
from .protocol import BoundedProtocol

__all__ = ["Worker"]

KEEP_ALIVE = 30
"""Seconds that a connection may be idle."""

LINGER = 1.0
"""Seconds that an ending worker still answers on connections it has, saying each time that it closes them."""

GRACE = 25
"""Seconds after which an ending worker gives up on requests."""


class Worker(uvicorn.Server):
    """Serves until SIGTERM.

    Then it takes what already stands in the socket's queue, stops taking connections, and answers on those it has, each
    a last time; an idle one it closes only after a while, for a request may be under way on it.

    Args:
        began: called once connections are taken.
        held: the end of a pipe that closes with the process that forked this one, which is then to end as well.
    """

    def __init__(self, app: Guard, began: Callable[[], None], held: int) -> None:
        config = uvicorn.Config(
            app,
            loop="asyncio",  # whose listening sockets close at once
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        super().__init__(config)
        self._guard, self._began, self._held = app, began, held

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._held, self._orphaned)
        self._began()

    def _orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(self._held)
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._guard.draining = True
        for listening in sockets or ():
            await self._take_waiting(listening)
        for server in self.servers:
            server.close()
        end = asyncio.get_running_loop().time() + LINGER
        while self.server_state.connections and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def _take_waiting(self, listening: socket.socket) -> None:
        """Take the connections that the kernel has made already: closing the socket would reset them."""
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            return BoundedProtocol(self.config, self.server_state, {}, loop)

        while True:
            try:
                taken, _ = listening.accept()
            except (BlockingIOError, OSError):
                return
            taken.setblocking(False)
            await loop.connect_accepted_socket(protocol, taken)
