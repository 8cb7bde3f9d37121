"""``playlistrec show``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]

WIDE = 120
"""Columns of a terminal on which the table has the uris too."""


@verb("show")
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("playlist", metavar="NAME")
@click.option("--uris", is_flag=True, help="Show the uris in the table.  [default: on terminals of 120 columns]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(screen: Screen, data: Path, playlist: str, uris: bool, as_json: bool) -> None:
    """Show the tracks of a playlist of the data folder DATA: by its number, its name or a part of that.

    \b
    playlistrec show data 7
    playlistrec show data "road trip"
    """
    import numpy as np

    from ..experiment.data import Data
    from ..serving.lookup.playlists import PlaylistIndex

    corpus = Data.load(data).corpus
    row = PlaylistIndex(corpus).find(playlist)
    pid, name = corpus.playlists["pid"][row].as_py(), (corpus.titles(np.array([row])) or ("",))[0]
    tracks: list[dict[str, Any]] = corpus.describe(corpus.playlist(row).astype(np.int64))
    if as_json:
        screen.json({"pid": pid, "name": name or None, "tracks": tracks})
        return
    with_uris = uris or screen.width >= WIDE or not any(track["track_name"] for track in tracks)
    columns = ["#", *(["uri"] if with_uris else []), "track", "artist"]
    keys = [*(["track_uri"] if with_uris else []), "track_name", "artist_name"]
    table = [[place, *(track[key] for key in keys)] for place, track in enumerate(tracks, 1)]
    heading = f"{name or 'playlist'} ({pid}), {len(tracks):,} tracks"
    screen.table(table, columns, title=heading, whole=("uri",))
