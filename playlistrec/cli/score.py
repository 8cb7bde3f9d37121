"""``playlistrec score``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("score", reads_runs=True)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--track", "tracks", multiple=True, required=True, metavar="URI_OR_NAME", help="To score; may repeat.")
@click.option("--playlist", metavar="PID", help="For this playlist of the data.")
@click.option("--seed", "seeds", multiple=True, metavar="URI_OR_NAME", help="For a new one with it; may repeat.")
@click.option("--title", help="What the new playlist is called.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    screen: Screen,
    run: Path,
    tracks: tuple[str, ...],
    playlist: str | None,
    seeds: tuple[str, ...],
    title: str | None,
    data: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Score given tracks for a playlist.

    Each gets the model's score, its rank among all tracks that the playlist does not hold, and the probability that it
    comes next.

    \b
    playlistrec score run --playlist 7 --track "Artist - Title"
    """
    if (playlist is not None) == bool(seeds or title is not None):
        raise click.UsageError("give either --playlist or --seed, --title (one or more of them)")
    from ..experiment.runs import Run
    from ..experiment.scoring import score_tracks

    whose: dict[str, Any] = {"playlist": playlist, "seeds": list(seeds) or None, "title": title}
    records = score_tracks(Run.load(run, data=data), list(tracks), device=device, **whose)
    if as_json:
        screen.json({"query": {key: value for key, value in whose.items() if value is not None}, "items": records})
        return
    rows = [[*list(record.values())[:3], record["score"], record["rank"], _percent(record)] for record in records]
    screen.table(rows, ["uri", "track", "artist", "score", "rank", "probability"])


def _percent(record: dict[str, Any]) -> str | None:
    value = record["probability"]
    return None if value is None else f"{value:.4%}"
