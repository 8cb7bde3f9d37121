"""``playlistrec recommend``"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError
from .batch_lines import Wished, recommend_lines
from .console import Screen
from .ray_options import ray_option, workers_option
from .verb import verb

if TYPE_CHECKING:
    from ..experiment.runs import Run

__all__ = ["command"]

WIDE = 120
"""Columns of a terminal on which a table has the uris too."""

FEW = 1000
"""Playlists up to which a message says that only their tracks can be recommended."""


@verb("recommend", reads_runs=True)
@click.argument("run", metavar="RUN|DATA", type=click.Path(path_type=Path))
@click.option("--playlist", metavar="NAME", help="A playlist of the data: its number, its name or a part of that.")
@click.option(
    "--base", metavar="RUN", type=click.Path(path_type=Path), help="Recommend from this run for a --playlist of DATA."
)
@click.option("--title", help="What a new playlist is called.")
@click.option("--track", "tracks", multiple=True, metavar="URI_OR_NAME", help="A seed track; may repeat.")
@click.option("--file", type=click.Path(path_type=Path), help="Seed tracks: a playlist as m3u, CSV, JSON, …")
@click.option("--batch", metavar="FILE.jsonl", help="A query a line; - is stdin.")
@click.option("-o", "--out", metavar="FILE.jsonl", help="Where the answers of --batch go; if not given, stdout.")
@ray_option
@workers_option("Processes of --ray that answer --batch.")
@click.option("-k", type=int, default=10, show_default=True, help="How many to recommend.")
@click.option("--exclude-artist", "excluded", multiple=True, metavar="NAME", help="None of their tracks; may repeat.")
@click.option("--exclude-track", "left_out", multiple=True, metavar="URI_OR_NAME", help="Not this track; may repeat.")
@click.option("--among", type=click.Path(path_type=Path), metavar="FILE", help="Only tracks of this playlist file.")
@click.option("--max-per-artist", type=int, metavar="N", help="At most N tracks of an artist.")
@click.option("--diversity", type=float, default=0.0, show_default=True, help="0: the best; 1: the least alike.")
@click.option("--popularity", type=float, default=0.0, show_default=True, help="-1: rare first; 1: well known first.")
@click.option("--dislike", "disliked", multiple=True, metavar="URI_OR_NAME", help="Less like this; may repeat.")
@click.option("--context", metavar="NAME=VALUE", multiple=True, help="When it is for, as hour=9; may repeat.")
@click.option("--keep-versions", is_flag=True, help="Recommend other versions of a song too.")
@click.option("--explain", is_flag=True, help="Which seeds and playlists speak for each track.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "m3u"]), default="table", show_default=True
)
@click.option("--uris", is_flag=True, help="Show the uris in the table.  [default: on terminals of 120 columns]")
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    screen: Screen,
    run: Path,
    playlist: str | None,
    base: Path | None,
    title: str | None,
    tracks: tuple[str, ...],
    file: Path | None,
    batch: str | None,
    out: str | None,
    ray: str | None,
    workers: int | None,
    k: int,
    excluded: tuple[str, ...],
    left_out: tuple[str, ...],
    among: Path | None,
    max_per_artist: int | None,
    diversity: float,
    popularity: float,
    disliked: tuple[str, ...],
    context: tuple[str, ...],
    keep_versions: bool,
    explain: bool,
    data: Path | None,
    device: str,
    form: str,
    uris: bool,
    as_json: bool,
) -> None:
    """Recommend tracks for a playlist of the data, or for a new one.

    A new playlist is a title, tracks (uri or "Artist - Title"), a file that lists them, or several of these. --batch
    answers many queries at once, and processes of torchrun share them. With a data folder, the first call fits a model
    to all of it, and keeps it there.

    \b
    playlistrec recommend run --playlist 7
    playlistrec recommend run --track "Artist - Title" --track "another" -k 20
    playlistrec recommend run --batch queries.jsonl -o lists.jsonl
    """
    form = "json" if as_json else form
    if sum((playlist is not None, bool(tracks) or title is not None or file is not None, batch is not None)) != 1:
        raise click.UsageError("give either --playlist or --track, --title, --file (one or more of them) or --batch")
    _check_use(batch, playlist, base, ray or workers)
    _check_output(batch, out, explain, form, bool(left_out))
    from ..serving import explain as reasons
    from ..serving import listing
    from ..serving.recommender import RecommendOptions
    from .seeds import in_contexts, named_tracks, query_from_base, query_of_playlist, query_of_tracks

    numbers: dict[str, Any] = {"max_per_artist": max_per_artist, "diversity": diversity, "popularity": popularity}
    wished = Wished(RecommendOptions(k=k, keep_versions=keep_versions, **numbers), excluded, disliked, among)
    if batch is not None:
        load = partial(_run_of, screen, run, data, device, None)
        recommend_lines(screen, load, device, wished, batch, out or "-", (ray, workers))
        return
    loaded = _run_of(screen, run if base is None else base, data, device, playlist if base is None else None)
    options = wished.of(screen, service := loaded.service(device))
    if base is not None and playlist is not None:
        given = query_from_base(screen, loaded, service, run, playlist)
    elif playlist is not None:
        given = query_of_playlist(loaded, playlist)
    else:
        given = query_of_tracks(screen, loaded, service, tracks, file, title)
    taken = [*given.taken, *(row for seed in named_tracks(screen, service, left_out) for row in seed.taken)]
    found = service.recommend_one(in_contexts(loaded, given.query, context), options, taken)
    if found.cold:
        screen.warn(reasons.why_cold(service.model.name, len(given.query.tracks), given.shown.get("title")))
    because = reasons.explain(service.history, given.query.tracks, found.tracks) if explain else None
    records, about = listing.records(service.history, found, because), {"query": given.shown, "cold": found.cold}
    _show(screen, records, form, about, explain, uris)


def _run_of(screen: Screen, path: Path, data: Path | None, device: str, playlist: str | None) -> Run:
    """The run in a folder; for a data folder the one that knows all of it.

    Raises DataError for a ``playlist`` that the data folder does not have, before anything is fitted.
    """
    from ..distributed.process_group import current
    from ..experiment.data import Data
    from ..experiment.own import is_data, own_run
    from ..experiment.runs import Run

    if not is_data(path):
        return Run.load(path, data=data)
    if (several := current().size) > 1:
        raise ConfigError(f"{path} is a data folder: {several} processes share the lines of a fitted run")
    own = Data.load(path)
    if playlist is not None:
        from ..serving.lookup.playlists import PlaylistIndex

        PlaylistIndex(own.corpus).find(playlist)
    with screen.events() as on_event:
        run = own_run(own, path, device=device, on_event=on_event)
    corpus = run.data.corpus
    if corpus.n_playlists < FEW:
        screen.message(
            f"only the {corpus.n_tracks:,} tracks of these {corpus.n_playlists:,} playlists can be recommended: "
            "--base RUN takes a run that was fitted on many"
        )
    return run


def _show(
    screen: Screen, records: list[dict[str, Any]], form: str, about: dict[str, Any], explain: bool, uris: bool
) -> None:
    from ..serving import listing

    if form == "json":
        screen.json({**about, "items": records})
    elif form == "csv":
        screen.line(listing.as_csv(records))
    elif form == "m3u":
        screen.line(listing.as_m3u(records))
    else:
        columns = ["#", "uri", "track", "artist", "score", *(["because of"] if explain else [])]
        rows = [listing.cells(record) for record in records]
        if not (uris or screen.width >= WIDE) and any(record["track_name"] for record in records):
            columns, rows = columns[:1] + columns[2:], [row[:1] + row[2:] for row in rows]
        screen.table(rows, columns, whole=("uri",))


def _check_use(batch: str | None, playlist: str | None, base: Path | None, cluster: str | int | None) -> None:
    if base is not None and playlist is None:
        raise click.UsageError("--base is for a --playlist of DATA")
    if batch is None and cluster is not None:
        raise click.UsageError("--ray and --workers are for --batch")


def _check_output(batch: str | None, out: str | None, explain: bool, form: str, left_out: bool) -> None:
    if batch is not None and left_out:
        raise click.UsageError("--exclude-track is for one query: it does not go with --batch")
    if batch is not None and (explain or form != "table"):
        raise click.UsageError("--batch writes lines of JSON: it takes neither --explain nor --format")
    if batch is None and out is not None:
        raise click.UsageError("-o is for the results of --batch")
    if explain and form == "m3u":
        raise click.UsageError("--explain has no place in m3u: take --format table, json or csv")
