"""``playlistrec metrics``"""

from __future__ import annotations

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("metrics")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, as_json: bool) -> None:
    """Define the metrics of `evaluate` and `compare`.

    \b
    playlistrec metrics
    """
    from ..rank.glossary import METRICS

    if as_json:
        screen.json(METRICS)
        return
    screen.table(list(METRICS.items()), ["metric", "what it is"])
    screen.text("\nFigures are means over the playlists of which the split hides something.")
