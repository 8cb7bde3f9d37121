"""``playlistrec plot``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .part_options import part_options
from .verb import verb

__all__ = ["command"]


@verb("plot", reads_runs=True)
@click.argument("figure")
@click.argument("paths", nargs=-1, required=True, metavar="DATA | RUN [RUN …]", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Ends in .png, .svg or .pdf; of epochs also .gif.",
)
@click.option("--playlist", metavar="PID", help="Around which the graph is drawn.  [default: one easy to read]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the graph's and the maps' layout.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="For training, beside the criterion; may repeat."
)
@click.option(
    "--method",
    type=click.Choice(["tsne", "pca"]),
    default="tsne",
    show_default=True,
    help="For epochs: each its own, or one.",
)
@click.option("--k-core", type=int, metavar="K", help="For network: the core in front.  [default: the innermost]")
@click.option("--sample", type=int, default=7000, show_default=True, help="For network: nodes at most.")
@part_options
def command(
    screen: Screen, figure: str, paths: tuple[Path, ...], out: Path, playlist: str | None, **options: Any
) -> None:
    """Draw one figure of a data folder or of runs on the same data.

    FIGURE is one of: lengths, degrees, popularity, k-core, graph, network (of data; lengths also of several);
    training, metrics, recall-over-k, by-length, by-popularity, map, separation, epochs (of runs).

    \b
    playlistrec plot popularity data -o popularity.png
    playlistrec plot training run -o training.pdf
    """
    from ..report.plots.registry import plot

    with screen.events() as on_event:
        drawn = plot(figure, paths, out, playlists=[playlist] if playlist else [], on_event=on_event, **options)
    screen.line(f"{out}: {drawn.title}")
