"""The base of all verbs: ``-q``, ``--debug``, and errors in one line with an exit code by kind."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from ..errors import ConfigError, PlaylistrecError
from ..text import brief, shown
from ..trust import trusting
from .console import Screen

__all__ = ["verb"]

DATA_ERROR, USAGE_ERROR, INTERRUPTED, TERMINATED = 1, 2, 130, 143


class Terminated(BaseException):
    """SIGTERM, as an exception, so that what is unfinished is tidied up."""


@contextmanager
def terminable() -> Iterator[None]:
    """Within this block SIGTERM raises :class:`Terminated` in the main thread, unless it has a handler already."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    process = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() != process:  # a process that was forked within the block
            os._exit(TERMINATED)
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if os.getpid() == process:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


ALLOW = click.option(
    "--allow",
    multiple=True,
    metavar="MODULE:CLASS",
    help="A model, not ours, that a run may be of: its code is run. May repeat.",
)


def verb(
    name: str, *, reads_runs: bool = False, kept: tuple[str, str] | None = None
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function of ``(screen, **options)``; with ``reads_runs`` it has the option ``--allow``.

    Args:
        kept: a pattern of files below the option ``out`` from which an interrupted command goes on, and how.

    Exit codes: 0; 1 for errors of data or run; 2 for usage and options that cannot be; 130 when interrupted, 143 when
    terminated.
    """

    def wrap(function: Callable[..., None]) -> click.Command:
        @click.option("-q", "--quiet", is_flag=True, help="No progress, messages or warnings.")
        @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
        @functools.wraps(function)
        def command(quiet: bool, debug: bool, allow: tuple[str, ...] = (), **options: Any) -> None:
            try:
                with trusting(allow), terminable():
                    function(Screen(quiet), **options)
                sys.stdout.flush()
            except (click.ClickException, click.exceptions.Exit):
                raise
            except KeyboardInterrupt:
                _fail("interrupted" + _going_on(kept, options), INTERRUPTED)
            except Terminated:
                _fail("terminated" + _going_on(kept, options), TERMINATED)
            except BrokenPipeError:
                # The reader of stdout has gone; keep the interpreter from complaining when it flushes at exit.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(DATA_ERROR)
            except Exception as error:
                if debug:
                    raise
                _fail(_one_line(error), USAGE_ERROR if isinstance(error, ConfigError) else DATA_ERROR)

        return click.command(name)(ALLOW(command) if reads_runs else command)

    return wrap


def _going_on(kept: tuple[str, str] | None, options: Mapping[str, Any]) -> str:
    """How an interrupted command goes on, where it has kept anything."""
    if kept is None or (out := options.get("out")) is None or next(Path(out).glob(kept[0]), None) is None:
        return ""
    return f"; {kept[1]}"


def _one_line(error: Exception) -> str:
    if isinstance(error, PlaylistrecError):
        return shown(" ".join(error.on_command_line().split()))
    text = shown(" ".join(str(error).split()))
    if isinstance(error, OSError):
        return shown(f"{error.filename}: {error.strerror}") if error.filename and error.strerror else text
    if isinstance(error, ModuleNotFoundError) and error.name == "dgl":
        from .environment import dgl_command

        return f"this model needs DGL, which is not installed: {dgl_command()}"
    if isinstance(error, MemoryError):
        return f"not enough memory: {text}" if text else "not enough memory"
    return f"unexpected {type(error).__name__}: {text} (--debug shows where)"


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"error: {brief(text)}", err=True)
    sys.exit(code)
