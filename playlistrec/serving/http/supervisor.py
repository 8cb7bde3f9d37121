"""The process that holds the socket: it starts generations of workers, one for each run folder it takes.

A generation is a process that reads the run once and forks the workers, which share what it read. A newer run gets a
generation of its own; when all its workers answer, the one before is asked to end, which it does when it has answered
what it took. The socket stays open all the while, so no connection is lost.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigError, RunError
from ...events import Event, OnEvent, ignore
from .board import Board
from .settings import ServeOptions

__all__ = ["Supervisor"]

POLL = 1.0
"""Seconds between two looks at the run folder."""


@dataclass
class Generation:
    """A process that loads a run and answers with it.

    Attributes:
        reports: the end of a pipe from which its reports are read.
        alive: the end of a pipe that closes when this process ends, and the generation with it.
        ready: workers that answer.
    """

    pid: int
    reports: int
    alive: int
    ready: int = 0
    text: bytes = b""
    error: str | None = None


class Supervisor:
    """Serves a run until SIGTERM or SIGINT; SIGHUP takes the run folder as it is now.

    Args:
        generate: loads the run and answers with it in the process that is forked for it: gets the socket, the board,
            its first slot there, a callable that reports, and the end of a pipe that closes when it shall end.
        state: tells what would be loaded; None where the folder is not whole. A change is a newer run.
    """

    def __init__(
        self,
        options: ServeOptions,
        generate: Callable[[socket.socket, Board, int, Callable[[dict[str, Any]], None], int], None],
        state: Callable[[], Any],
        on_event: OnEvent = ignore,
    ) -> None:
        self.options, self._generate, self._state, self._on_event = options, generate, state, on_event
        self.board = Board(2 * options.workers)
        self.current: Generation | None = None
        self.coming: Generation | None = None
        self.leaving: list[Generation] = []
        self._stopping = self._reload = False
        self._taken = 0

    def run(self) -> None:
        """Serve. Raises RunError where the run cannot be loaded, ConfigError where nothing can listen there."""
        self._listening = listen(self.options.host, self.options.port)
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        before = [(number, signal.signal(number, self._signalled)) for number in SIGNALS]
        try:
            self._seen = self._settled = self._state()
            self.coming = self._start()
            while self._busy():
                self._wait(wake)
        finally:
            for number, handler in before:
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            self._listening.close()

    def _busy(self) -> bool:
        """One turn: what the signals and the folder ask for. False when all is over."""
        if self._stopping:
            self._listening.close()
            for generation in (self.current, self.coming):
                if generation is not None:
                    self._end(generation)
            self.current = self.coming = None
            return bool(self.leaving)
        if self.options.watch and self.current is not None:
            now = self._state()
            if now is not None and now != self._seen and now == self._settled:  # changed, and then still
                self._seen, self._reload = now, True
            self._settled = now
        if self._reload and self.current is not None and self.coming is None and not self.leaving:
            self._reload = False
            self._on_event(Event("message", "reading the run folder anew"))
            self.coming = self._start()
        return True

    def _wait(self, wake: int) -> None:
        """Wait for a signal or a report, and take note of it."""
        generations = [g for g in (self.current, self.coming, *self.leaving) if g is not None]
        found, _, _ = select.select([wake, *(g.reports for g in generations)], [], [], POLL)
        if wake in found:
            os.read(wake, 512)
        for generation in generations:
            if generation.reports in found:
                self._read(generation)

    def _signalled(self, number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        else:
            self._stopping = True

    def _start(self) -> Generation:
        reports, reporting = os.pipe()
        watched, alive = os.pipe()
        slot = (self._taken % 2) * self.options.workers
        self._taken += 1
        pid = os.fork()
        if pid:
            os.close(reporting)
            os.close(watched)
            return Generation(pid, reports, alive)
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            for other in (self.current, *self.leaving):
                if other is not None:
                    os.close(other.alive)
            os.close(alive)
            os.close(reports)

            def report(what: dict[str, Any]) -> None:
                os.write(reporting, json.dumps(what).encode() + b"\n")

            self._generate(self._listening, self.board, slot, report, watched)
            code = 0
        finally:
            os._exit(code)

    def _read(self, generation: Generation) -> None:
        """Read what a generation reports; the end of the pipe is its own end."""
        content = os.read(generation.reports, 65_536)
        generation.text += content
        *lines, generation.text = generation.text.split(b"\n")
        for line in lines:
            report = json.loads(line)
            generation.error = report.get("error", generation.error)
            generation.ready += int(report.get("ready", 0))
            if generation is self.coming and generation.ready == self.options.workers:
                self._take(generation)
        if not content:
            self._ended(generation)

    def _take(self, generation: Generation) -> None:
        """All workers of a coming generation answer: the one before may go."""
        old, self.current, self.coming = self.current, generation, None
        self.board.set("generation", self.board.get("generation") + 1)
        self.board.trouble = ""
        if old is None:
            host, port = self._listening.getsockname()[:2]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            self._on_event(Event("serving", f"serving on http://{address}", {"host": host, "port": port}))
            return
        self.board.set("reloads", self.board.get("reloads") + 1)
        self._on_event(Event("message", "the newer run answers"))
        self._end(old)

    def _end(self, generation: Generation) -> None:
        os.kill(generation.pid, signal.SIGTERM)
        self.leaving.append(generation)

    def _ended(self, generation: Generation) -> None:
        os.close(generation.reports)
        os.close(generation.alive)
        os.waitpid(generation.pid, 0)
        if generation in self.leaving:
            self.leaving.remove(generation)
        elif generation is self.coming:
            self.coming = None
            error = generation.error or "the process that read it ended"
            if self.current is None:
                raise RunError(error)
            self.board.set("reload_failures", self.board.get("reload_failures") + 1)
            self.board.trouble = error
            self._on_event(Event("warning", f"the run folder was not taken, the one before answers on: {error}"))
        else:
            self._on_event(Event("warning", "the process that held the run ended; another starts"))
            self.current = None
            time.sleep(POLL)
            self.coming = self._start()


SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ConfigError where that cannot be."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    made.setblocking(False)
    return made
