"""``playlistrec similar``"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..text import csv_cell
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..serving.similar import Kind

__all__ = ["command"]

WIDE = 100
"""Columns of a terminal from which uris are shown beside names."""


@verb("similar", reads_runs=True)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--track", metavar="URI_OR_NAME", help="Like this track.")
@click.option("--artist", metavar="URI_OR_NAME", help="Like this artist.")
@click.option("--playlist", metavar="PID", help="Like this playlist of the data.")
@click.option(
    "--to", type=click.Choice(["track", "artist", "playlist"]), help="What to find.  [default: the same kind]"
)
@click.option("-k", type=int, default=10, show_default=True, help="How many to find.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    screen: Screen,
    run: Path,
    to: Kind | None,
    k: int,
    data: Path | None,
    device: str,
    form: str,
    as_json: bool,
    **names: str | None,
) -> None:
    """Find the nearest neighbours of a track, an artist or a playlist among the vectors of a model, by cosine.

    \b
    playlistrec similar run --track "Artist - Title"
    playlistrec similar run --artist Artist
    """
    given = {kind: text for kind, text in names.items() if text is not None}
    if len(given) != 1:
        raise click.UsageError("give one of --track, --artist, --playlist")
    from ..experiment.runs import Run
    from ..serving.similar import KINDS, find, similar

    loaded = Run.load(run, data=data)
    kind = next(kind for kind in KINDS if kind in given)
    history = loaded.data.split.ranking(loaded.data.corpus, "test")
    row, remark = find(history, kind, given[kind])
    if remark is not None:
        screen.warn(remark)
    found = similar(loaded.embeddings(device=device), kind, row, to=to, k=k)
    items: list[dict[str, Any]] = [
        {"rank": rank, **item, "cosine": round(float(cosine), 6)}
        for rank, (item, cosine) in enumerate(zip(found.items, found.cosines), start=1)
    ]
    if as_json or form == "json":
        ids = {"track": "track_table", "artist": "artists", "playlist": "playlists"}
        key = getattr(loaded.data.corpus, ids[kind])["pid" if kind == "playlist" else "uri"][row].as_py()
        screen.json({"query": {kind: key}, "to": found.kind, "note": found.note, "items": items})
        return
    if found.note is not None:
        screen.warn(found.note)
    columns = list(items[0]) if items else ["rank", "cosine"]
    if form == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: csv_cell(value) for name, value in item.items()} for item in items)
        screen.line(out.getvalue().rstrip("\n"))
        return
    if screen.width < WIDE and any(item.get("track_name") for item in items):
        columns.remove("track_uri")  # a name says more in the space there is
    rows = [[item[name] for name in columns] for item in items]
    screen.table(rows, ["#", *(name.replace("_", " ") for name in columns[1:])])
