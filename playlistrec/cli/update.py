"""``playlistrec update``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("update")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", metavar="DATA2", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), metavar="RUN2", help="Where to.")
@click.option("--epochs", type=int, default=0, show_default=True, metavar="N", help="Epochs of training from there.")
@click.option("--data", "before", type=click.Path(path_type=Path), help="The data folder of RUN, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--slim", is_flag=True, help="Leave the data out of RUN2 where its rows are those of DATA2.")
@click.option("--force", is_flag=True, help="Replace RUN2 if it is a run folder.")
def command(screen: Screen, run: Path, data: Path, out: Path, before: Path | None, **options: Any) -> None:
    """Bring RUN up to date with DATA2, a later state of its playlists, without a fit.

    Playlists, tracks and artists keep their rows, and new ones come after them.

    \b
    playlistrec update run data2 -o run2
    """
    from ..experiment.runs import Run
    from ..experiment.updating import update

    old = Run.load(run, data=before)
    with screen.events() as on_event:
        new = update(old, data, out, on_event=on_event, **options)
    added = {
        "playlists": new.data.corpus.n_playlists - old.data.corpus.n_playlists,
        "tracks": new.data.corpus.n_tracks - old.data.corpus.n_tracks,
        "artists": new.data.corpus.n_artists - old.data.corpus.n_artists,
    }
    counts = ", ".join(f"{n:,} new {name}" for name, n in added.items())
    screen.line(f"{new.model_type.name} in {out}: {counts}, {new.info['seconds']:.1f} s")
