"""A generation: it reads a run once, draws its map, and forks the workers, which share all of that."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...errors import PlaylistrecError
from .board import Board
from .settings import ServeOptions

__all__ = ["generate"]

PAUSE = 0.5
"""Seconds before a worker that died is replaced."""

Report = Callable[[dict[str, Any]], None]


def generate(
    load: Callable[[], Any],
    options: ServeOptions,
    supervisor: int,
    listening: socket.socket,
    board: Board,
    slot: int,
    report: Report,
    watched: int,
) -> None:
    """Load a run and answer with it until SIGTERM, or until the supervisor is gone.

    Args:
        load: gives the run, as :class:`~.engine.ServedRun`.
        slot: of the first worker on the board.
        watched: the end of a pipe that closes with the supervisor.
    """
    # Threads do not survive a fork: each process computes with one, and there are as many processes as are wanted.
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        import torch

        from .engine import Engine
        from .track_map import TrackMap, draw

        torch.set_num_threads(1)
        engine = Engine(load())
        engine.warm()
    except PlaylistrecError as error:
        report({"error": " ".join(error.on_command_line().split())})
        return
    except Exception as error:
        report({"error": f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"})
        return
    track_map = TrackMap(engine.history.n_tracks)
    gc.collect()
    gc.freeze()  # the collector would write to the pages that are shared
    nursery = Nursery(watched, listening)

    def answer(number: int, ready: Callable[[], None]) -> None:
        from .app import application
        from .worker import Worker

        app = application(engine, options, board, board.tally(slot + number), track_map, supervisor)
        Worker(app, ready, nursery.held).run([listening])

    def draw_map() -> None:
        listening.close()
        os.nice(10)
        draw(engine, track_map)

    nursery.begin(-1, draw_map)
    for number in range(options.workers):
        nursery.begin(number, partial(answer, number, lambda: report({"ready": 1})))
    nursery.watch(lambda number: partial(answer, number, lambda: None))


class Nursery:
    """The children of a generation: workers by number, and at -1 the one that draws the map.

    Args:
        watched: the end of a pipe that closes when all shall end.
        listening: kept open for workers to come. It is closed before the workers close theirs: the last to close it
            takes what stands in its queue.

    Attributes:
        held: the end of a pipe that closes with this process, and the workers with it.
    """

    def __init__(self, watched: int, listening: socket.socket) -> None:
        self._watched, self._listening = watched, listening
        self._children, self._ending = dict[int, int](), False
        self.held, self._holding = os.pipe()
        self._wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def begin(self, number: int, work: Callable[[], None]) -> None:
        """Fork a child that does ``work``."""
        self._children[number] = os.fork()
        if self._children[number]:
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(self._holding)
            work()
            code = 0
        finally:
            os._exit(code)

    def watch(self, again: Callable[[int], Callable[[], None]]) -> None:
        """Replace workers that die; when it is time, have all end, and return when they have."""
        while any(number >= 0 for number in self._children):
            found, _, _ = select.select([self._wake, *([] if self._ending else [self._watched])], [], [], 1.0)
            if self._wake in found:
                os.read(self._wake, 512)
            if self._watched in found:
                self._end()
            for number, pid in list(self._children.items()):
                if not os.waitpid(pid, os.WNOHANG)[0]:
                    continue
                del self._children[number]
                if number >= 0 and not self._ending:
                    time.sleep(PAUSE)
                    self.begin(number, again(number))

    def _end(self, *_: object) -> None:
        self._ending = True
        self._listening.close()
        for pid in self._children.values():
            os.kill(pid, signal.SIGTERM)
