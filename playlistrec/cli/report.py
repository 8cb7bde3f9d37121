"""``playlistrec report``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from .console import Screen
from .part_options import part_options
from .verb import verb

__all__ = ["command"]


@verb("report", reads_runs=True)
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN …]", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE.html", help="The file to write."
)
@click.option("--playlist", "playlists", multiple=True, metavar="PID", help="To show; may repeat.  [default: some]")
@click.option("--challenge", type=click.Path(path_type=Path), metavar="SET", help="Score it too, by scenario.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the playlists drawn and of the maps.")
@part_options
def command(screen: Screen, runs: tuple[Path, ...], out: Path, **options: Any) -> None:
    """Write a report on RUNs of the same data: one HTML file that needs no network.

    What the data is, how training went, how good the runs are, what they recommend, and maps of their embeddings. Look
    at valid while you choose; read test once, at the end.

    \b
    playlistrec report run run2 -o report.html
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out must end in .html, so that a browser opens it (got '{out}')")
    from ..report.html.report import report

    with screen.events() as on_event:
        written = report(runs, out, on_event=on_event, **options)
    screen.line(f"{written.absolute()}: {written.stat().st_size / 1e6:.1f} MB")
