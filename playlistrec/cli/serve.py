"""``playlistrec serve``"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..events import Event

__all__ = ["command"]

PARTS = ("run.json", "weights.npz", "refit/weights.npz")
"""Files of a run folder whose change makes it another run; the second is the last that a fit writes."""


@verb("serve", reads_runs=True)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=int, default=8000, show_default=True, help="0: any that is free.")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes that answer.")
@click.option("--watch", is_flag=True, help="Take the run folder anew when it changes.")
@click.option("--token-file", type=click.Path(path_type=Path), help="Ask requests for the token in this file.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A further name of it; may repeat.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
def command(
    screen: Screen,
    run: Path,
    host: str,
    port: int,
    workers: int,
    watch: bool,
    token_file: Path | None,
    hosts: tuple[str, ...],
    data: Path | None,
) -> None:
    """Serve RUN over HTTP: a page on which to build playlists, and the JSON of recommend and similar.

    The server ends in order on SIGTERM and Ctrl-C, and reads RUN anew on SIGHUP. No request is lost.

    \b
    playlistrec serve run
    playlistrec serve run --port 9000 --watch
    """
    try:
        import httptools  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"serve needs the package {error.name}: pip install 'playlistrec[serve]'") from None
    from ..experiment.run_folder import read_info
    from ..serving.http.generation import generate
    from ..serving.http.settings import ServeOptions
    from ..serving.http.supervisor import Supervisor

    options = ServeOptions(
        host=host,
        port=port,
        workers=workers,
        watch=watch,
        token=None if token_file is None else _token(token_file),
        allowed_hosts=hosts,
    )
    read_info(run)

    def load() -> Any:
        from ..experiment.runs import Run

        return Run.load(run, data=data)

    def tell(event: Event) -> None:
        if event.kind == "serving":
            screen.line(event.text)
        else:
            draw(event)

    with screen.events() as draw:
        Supervisor(options, partial(generate, load, options, os.getpid()), partial(_state, run), tell).run()


def _state(run: Path) -> tuple[object, ...] | None:
    """A mark by which a run differs from the next under its name; None where the folder is not whole."""
    found: list[tuple[int, int, int] | None] = []
    for part in PARTS:
        try:
            about = (run / part).stat()
        except OSError:
            found.append(None)
            continue
        found.append((about.st_ino, about.st_mtime_ns, about.st_size))
    return tuple(found) if all(found[:2]) else None


def _token(path: Path) -> str:
    """The token in a file. Raises ConfigError where it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the token file {path} cannot be read: {error}") from None
