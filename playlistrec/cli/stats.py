"""``playlistrec stats``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..corpus.corpus import Corpus

__all__ = ["command"]


@verb("stats")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--message-edge-share", type=float, default=1.0, help="The option of a fit, to count edges by.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, data: Path, message_edge_share: float, as_json: bool) -> None:
    """Describe the data folder DATA: counts, lengths, popularity, repeats, the split, edges.

    \b
    playlistrec stats data
    """
    from ..experiment.data import Data
    from ..experiment.statistics import statistics

    loaded = Data.load(data)
    figures = statistics(loaded, message_edge_share=message_edge_share)
    if as_json:
        screen.json(figures)
        return
    rows = []
    for name, value in figures.items():
        if isinstance(value, dict):
            rows += [(f"{name}: {key.replace('_', ' ')}", _text(inner)) for key, inner in value.items()]
        else:
            rows.append((name, _text(value)))
    screen.table(rows, ["what", "value"])
    screen.distributions(
        [
            ("tracks of a playlist", lambda: _histogram(loaded.corpus, "playlist")),
            ("playlists of a track", lambda: _histogram(loaded.corpus, "track")),
            ("tracks of an artist", lambda: _histogram(loaded.corpus, "artist")),
        ]
    )


def _histogram(corpus: Corpus, kind: str) -> tuple[list[int], list[int]]:
    """Edges and counts of the degrees of one type of nodes."""
    from ..report.analysis.data_facts import degrees, histogram

    edges, counts = histogram(degrees(corpus)[kind])
    return edges.tolist(), counts.tolist()


def _text(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
