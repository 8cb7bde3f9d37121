"""``playlistrec synth``"""

from __future__ import annotations

from pathlib import Path

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("synth")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--playlists", type=int, required=True, metavar="N", help="How many playlists to make.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same playlists.")
def command(screen: Screen, out: Path, playlists: int, seed: int) -> None:
    """Make N playlists in the folder OUT, in the format of the Million Playlist Dataset.

    They have its shape (lengths, popularity, repeats, titles) around hidden tastes; all names are invented.

    \b
    playlistrec synth slices --playlists 2000
    """
    from ..corpus.synth.synthesize import synthesize

    with screen.events() as on_event:
        synthesize(out, playlists, seed=seed, on_event=on_event)
    screen.line(f"{playlists:,} playlists in {out}")
