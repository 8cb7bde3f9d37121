"""``playlistrec stats``"""

from __future__ import annotations

from pathlib import Path

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("stats")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, data: Path, as_json: bool) -> None:
    """Describe the data folder DATA: counts, lengths, popularity, repeats, the split."""
    from ..apps.data import Data, statistics

    told = statistics(Data.load(data))
    if as_json:
        screen.json(told)
        return
    rows = []
    for name, value in told.items():
        if isinstance(value, dict):
            rows += [(f"{name}: {key.replace('_', ' ')}", _text(inner)) for key, inner in value.items()]
        else:
            rows.append((name, _text(value)))
    screen.table(rows, ["what", "value"])


def _text(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
