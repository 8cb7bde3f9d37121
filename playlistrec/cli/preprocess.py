"""``playlistrec preprocess``"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ..corpus.sources.registry import FORMATS
from ..events import Event
from .console import Screen
from .ray_options import cluster_of, ray_option
from .verb import verb

__all__ = ["command"]


@verb("preprocess")
@click.argument("source", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DATA",
    help="The data folder to write.",
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    metavar="NAME",
    help=f"How SOURCE is written: {', '.join(FORMATS)}.",
)
@click.option("--min-rating", type=float, metavar="R", help="Of ratings, or counts: keep those of at least R.")
@click.option("--weights", is_flag=True, help="Keep ratings or play counts, for --set edge_weights.")
@click.option("--context", metavar="NAMES", default="", help="Keep skip, hour or day of each entry, as hour,skip.")
@click.option(
    "--k-core",
    type=int,
    default=0,
    metavar="K",
    help="Keep playlists and tracks with at least K of each other.",
)
@click.option("--merge-versions", is_flag=True, help="Make the tracks of one song one track.")
@click.option("--largest-component", is_flag=True, help="Keep the largest connected component.")
@click.option("--around", metavar="PLAYLIST", help="Keep what lies around this playlist …")
@click.option("--hops", type=int, metavar="H", help="… within H edges.")
@click.option("--limit", type=int, metavar="N", help="Read the first N playlists only.")
@click.option(
    "--split",
    type=click.Choice(["edges", "continuation", "given", "leave-one-out"]),
    help="Hide a share of each playlist's tracks, whole playlists, the test file of SOURCE, or the last track of each "
    "playlist (test) and the one before it (valid).  "
    "[default: given where SOURCE has train.* and test.*, else edges]",
)
@click.option(
    "--valid", type=float, default=0.1, show_default=True, help="Share for validation (not with leave-one-out)."
)
@click.option(
    "--test", type=float, default=0.1, show_default=True, help="Share for the test (not with given or leave-one-out)."
)
@click.option(
    "--hide",
    type=click.Choice(["random", "contiguous", "last"]),
    default="random",
    show_default=True,
    help="Which tracks of a playlist are hidden: random ones, a run of neighbours, or the last (edges and given).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same split.")
@click.option(
    "--workers", type=int, metavar="W", help="Processes that read slices, with --ray Parquet too.  [default: the cores]"
)
@ray_option
@click.option("--renumber", is_flag=True, help="Number playlists anew, where pids repeat between files.")
@click.option("--force", is_flag=True, help="Replace DATA if it is a data folder.")
def command(screen: Screen, source: tuple[Path, ...], out: Path, ray: str | None, **options: Any) -> None:
    """Read the playlists of SOURCE, filter and split them, and write the data folder DATA.

    SOURCE is a file, a folder, a pattern ("exports/*.csv") or several of them: your own exports (CSV of Exportify,
    TuneMyMusic and others, JSON of Spotify, m3u, pls, xspf, libraries of iTunes and Rekordbox, a folder or .zip of
    these), MPD slices (a folder, a file, .json.gz, .zip), a CSV or Parquet with playlist_id and track_id (tables
    tracks.csv and playlists.csv beside it are taken in), adjacency text (playlist track track …), ratings (movielens:
    .inter, u.data, ratings.dat, ratings.csv; lastfm: user_artists.dat; triples: user item weight), or a folder with
    train.* and test.*, and valid.* where it came too.

    \b
    playlistrec preprocess slices -o data --k-core 5
    playlistrec preprocess exports/ -o data
    """
    from ..experiment.data import preprocess

    summaries: list[str] = []
    with ExitStack() as stack:
        draw = stack.enter_context(screen.events())
        if ray is not None:
            options["each"] = stack.enter_context(cluster_of(ray, options["workers"])).each

        def on_event(event: Event) -> None:
            if event.data.get("summary"):
                summaries.append(event.text)
            else:
                draw(event)

        data = preprocess(source, out, on_event=on_event, **options)
    for summary in summaries:
        screen.line(summary)
    counts, parts = data.manifest["counts"], data.split.counts()
    screen.line(
        f"{counts['playlists']:,} playlists, {counts['tracks']:,} tracks, {counts['artists']:,} artists, "
        f"{counts['entries']:,} entries in {out}"
    )
    screen.line(
        f"split {data.split.kind}: " + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in parts.items() if n)
    )
