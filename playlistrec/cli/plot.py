"""``playlistrec plot``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .looking import looking
from .verb import verb

__all__ = ["command"]


@verb("plot")
@click.argument("kind")
@click.argument("paths", nargs=-1, required=True, metavar="DATA | RUN [RUN …]", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Ends in .png, .svg or .pdf."
)
@click.option("--playlist", metavar="PID", help="Around which the graph is drawn.  [default: one easy to read]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the graph's and the maps' layout.")
@looking
def command(
    screen: Screen, kind: str, paths: tuple[Path, ...], out: Path, playlist: str | None, **options: Any
) -> None:
    """Draw one picture of a data folder or of runs on the same data.

    KIND is one of: lengths, degrees, popularity, k-core, graph (of data); training, metrics, recall-over-k, by-length,
    by-popularity, map, separation, epochs (of runs).
    """
    from ..report.plots.registry import plot

    with screen.events() as on_event:
        drawn = plot(kind, paths, out, playlists=[playlist] if playlist else [], on_event=on_event, **options)
    screen.line(f"{out}: {drawn.title}")
