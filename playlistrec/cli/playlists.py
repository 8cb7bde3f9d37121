"""``playlistrec playlists``"""

from __future__ import annotations

from pathlib import Path

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]

SHOWN = 100
"""Playlists that a table lists."""


@verb("playlists")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--search", metavar="TEXT", help="Those with this in their name.")
@click.option("-n", "most", type=click.IntRange(min=1), default=SHOWN, show_default=True, help="How many to list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, of all of them unless -n is given.")
@click.pass_context
def command(ctx: click.Context, screen: Screen, data: Path, search: str | None, most: int, as_json: bool) -> None:
    """List the playlists of the data folder DATA: number, name, tracks.

    \b
    playlistrec playlists data --search road
    """
    import numpy as np
    import pyarrow as pa

    from ..experiment.data import Data
    from ..serving.lookup.playlists import PlaylistIndex

    corpus = Data.load(data).corpus
    rows = np.arange(corpus.n_playlists)
    if search is not None:
        rows = np.array(PlaylistIndex(corpus).containing(search), dtype=np.int64)
    given = ctx.get_parameter_source("most") == click.core.ParameterSource.COMMANDLINE
    listed = rows if as_json and not given else rows[:most]
    pids = corpus.playlists["pid"].take(pa.array(listed, pa.int64())).to_pylist()
    names = corpus.titles(listed) or ("",) * len(listed)
    lengths = corpus.lengths[listed].tolist()
    if as_json:
        items = [{"pid": pid, "name": name or None, "n_tracks": n} for pid, name, n in zip(pids, names, lengths)]
        screen.json({"n_playlists": len(rows), "playlists": items})
        return
    screen.table(list(zip(pids, names, lengths)), ["number", "name", "tracks"])
    if len(listed) < len(rows):
        screen.message(f"{len(listed):,} of {len(rows):,} playlists: -n shows more, --search TEXT fewer")
