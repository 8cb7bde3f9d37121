"""``playlistrec recommend``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("recommend")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--playlist", metavar="PID", help="A playlist of the data.")
@click.option("--track", "tracks", multiple=True, metavar="URI_OR_NAME", help="A seed track; may repeat.")
@click.option("-k", type=int, default=10, show_default=True, help="How many to recommend.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    screen: Screen,
    run: Path,
    playlist: str | None,
    tracks: tuple[str, ...],
    k: int,
    data: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Recommend tracks for a playlist of the data, or for a few tracks given by uri or name ("Artist - Title")."""
    if (playlist is None) == (not tracks):
        raise click.UsageError("give either --playlist or --track (once or more)")
    import numpy as np

    from ..apps.runs import Run
    from ..apps.search import TrackIndex

    loaded = Run.load(run, data=data)
    corpus = loaded.data.corpus
    query: dict[str, Any] = {"playlist": playlist}
    if playlist is not None:
        found, scores = loaded.recommend(playlist=playlist, k=k, device=device)
    else:
        known = loaded.data.split.ranking(corpus, "test")
        index = TrackIndex(corpus, np.bincount(known.pairs[1], minlength=corpus.n_tracks))
        matches = [index.find(text) for text in tracks]
        for text, match in zip(tracks, matches):
            if match.fuzzy:
                screen.warn(f"took {index.describe(match.track)} for {text!r}")
        seeds = [match.track for match in matches]
        query = {"tracks": corpus.track_table["uri"].take(seeds).to_pylist()}
        found, scores = loaded.recommend(tracks=seeds, k=k, device=device)
    items = [
        {"rank": rank, **row, "score": round(float(score), 6)}
        for rank, (row, score) in enumerate(zip(corpus.describe(found), scores), start=1)
    ]
    if as_json:
        screen.json({"query": query, "items": items})
        return
    screen.table([list(item.values()) for item in items], ["#", "uri", "track", "artist", "score"])
