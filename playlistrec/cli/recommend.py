"""``playlistrec recommend``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from ..errors import DataError
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..serving.lookup.locating import Located
    from ..serving.recommender import RecommendationService, RecommendOptions

__all__ = ["command"]

REMARKS = 3
"""Warnings about single tracks that are shown in full; the rest are counted."""


@verb("recommend", reads_runs=True)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--playlist", metavar="PID", help="A playlist of the data.")
@click.option("--title", help="What a new playlist is called.")
@click.option("--track", "tracks", multiple=True, metavar="URI_OR_NAME", help="A seed track; may repeat.")
@click.option("--file", type=click.Path(path_type=Path), help="Seed tracks: a playlist as m3u, CSV, JSON, …")
@click.option("--batch", metavar="FILE.jsonl", help="A query a line; - is stdin.")
@click.option("-o", "--out", metavar="FILE.jsonl", help="Where the answers of --batch go; if not given, stdout.")
@click.option("-k", type=int, default=10, show_default=True, help="How many to recommend.")
@click.option("--exclude-artist", "excluded", multiple=True, metavar="NAME", help="None of their tracks; may repeat.")
@click.option("--exclude-track", "left_out", multiple=True, metavar="URI_OR_NAME", help="Not this track; may repeat.")
@click.option("--max-per-artist", type=int, metavar="N", help="At most N tracks of an artist.")
@click.option("--diversity", type=float, default=0.0, show_default=True, help="0: the best; 1: the least alike.")
@click.option("--popularity", type=float, default=0.0, show_default=True, help="-1: rare first; 1: well known first.")
@click.option("--dislike", "disliked", multiple=True, metavar="URI_OR_NAME", help="Less like this; may repeat.")
@click.option("--explain", is_flag=True, help="Which seeds and playlists speak for each track.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "m3u"]), default="table", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    screen: Screen,
    run: Path,
    playlist: str | None,
    title: str | None,
    tracks: tuple[str, ...],
    file: Path | None,
    batch: str | None,
    out: str | None,
    k: int,
    excluded: tuple[str, ...],
    left_out: tuple[str, ...],
    max_per_artist: int | None,
    diversity: float,
    popularity: float,
    disliked: tuple[str, ...],
    explain: bool,
    data: Path | None,
    device: str,
    form: str,
    as_json: bool,
) -> None:
    """Recommend tracks for a playlist of the data, or for a new one: known by its title, by tracks (uri or "Artist -
    Title"), by a file that lists them, or by several of these. --batch answers many queries at once."""
    form = "json" if as_json else form
    new = bool(tracks) or title is not None or file is not None
    if sum((playlist is not None, new, batch is not None)) != 1:
        raise click.UsageError("give either --playlist or --track, --title, --file (one or more of them) or --batch")
    _check_output(batch, out, explain, form)
    if batch is not None and left_out:
        raise click.UsageError("--exclude-track is for one query: it does not go with --batch")
    from ..experiment.runs import Run
    from ..serving import listing
    from ..serving.explain import explain as reasons
    from ..serving.explain import why_cold
    from ..serving.recommender import RecommendOptions

    wished = RecommendOptions(k=k, max_per_artist=max_per_artist, diversity=diversity, popularity=popularity)
    loaded = Run.load(run, data=data)
    service = loaded.service(device)
    dislike = tuple(row for seed in _named(screen, service, disliked) for row in seed.taken)
    options = replace(wished, exclude_artists=service.artists.all_of(excluded), dislike=dislike)
    if batch is not None:
        _recommend_lines(screen, service, options, batch, out or "-")
        return
    shown: dict[str, Any] = {"playlist": playlist}
    if playlist is not None:
        query, taken = loaded.query(playlist=playlist), None
    else:
        located, title = _located(screen, service, tracks, file, title)
        query = loaded.query(tracks=[seed.track for seed in located if seed.track >= 0], title=title)
        taken = [row for seed in located for row in seed.taken]
        uris = service.history.track_table["uri"].take(query.tracks).to_pylist()
        shown = ({} if title is None else {"title": title}) | {"tracks": uris}
    if left_out:
        rows = [row for seed in _named(screen, service, left_out) for row in seed.taken]
        taken = [*(query.tracks.tolist() if taken is None else taken), *rows]
    found = service.recommend_one(query, options, taken)
    if found.cold:
        screen.warn(why_cold(service.model.name, len(query.tracks), title))
    because = reasons(service.history, query.tracks, found.tracks) if explain else None
    _show(screen, listing.records(service.history, found, because), form, {"query": shown, "cold": found.cold}, explain)


def _show(screen: Screen, records: list[dict[str, Any]], form: str, about: dict[str, Any], explain: bool) -> None:
    from ..serving import listing

    if form == "json":
        screen.json({**about, "items": records})
    elif form == "csv":
        screen.line(listing.as_csv(records))
    elif form == "m3u":
        screen.line(listing.as_m3u(records))
    else:
        columns = ["#", "uri", "track", "artist", "score", *(["because of"] if explain else [])]
        screen.table([listing.cells(record) for record in records], columns)


def _check_output(batch: str | None, out: str | None, explain: bool, form: str) -> None:
    if batch is not None and (explain or form != "table"):
        raise click.UsageError("--batch writes lines of JSON: it takes neither --explain nor --format")
    if batch is None and out is not None:
        raise click.UsageError("-o is for the results of --batch")
    if explain and form == "m3u":
        raise click.UsageError("--explain has no place in m3u: take --format table, json or csv")


def _named(screen: Screen, service: RecommendationService, tracks: Sequence[str]) -> list[Located]:
    """The tracks that were named one by one. Raises DataError for one that is not in the data."""
    from ..serving.lookup.locating import locate
    from ..serving.lookup.playlist_file import Entry
    from ..serving.lookup.search import TrackIndex

    if not tracks:
        return []
    named = locate(TrackIndex(service.history, service.history.popularity), [Entry.of(text) for text in tracks])
    for seed in named:
        if seed.track < 0:
            raise DataError(str(seed.remark))
        if seed.remark is not None:
            screen.warn(seed.remark)
    return named


def _located(
    screen: Screen, service: RecommendationService, tracks: Sequence[str], file: Path | None, title: str | None
) -> tuple[list[Located], str | None]:
    """The seeds and the title; a warning has what is not as it was named."""
    from ..serving.lookup.locating import locate
    from ..serving.lookup.playlist_file import read_playlist
    from ..serving.lookup.search import TrackIndex

    named = _named(screen, service, tracks)
    if file is None:
        return named, title
    playlist = read_playlist(file, title)
    title = playlist.title if title is None else title
    for remark in playlist.remarks:
        screen.warn(remark)
    if playlist.left_out:
        reasons = ", ".join(f"{reason} ({n:,})" for reason, n in playlist.left_out.items())
        screen.warn(f"left out of {file.name}: {reasons}")
    found = locate(TrackIndex(service.history, service.history.popularity), playlist.entries)
    missing = [seed.remark for seed in found if seed.track < 0]
    if len(missing) == len(found) and not named and title is None:
        raise DataError(f"none of the {len(found)} tracks of {file.name} is in the data; the first: {missing[0]}")
    remarks = [seed.remark for seed in found if seed.remark is not None]
    for remark in remarks[:REMARKS]:
        screen.warn(remark)
    if len(remarks) > REMARKS:
        screen.warn(f"and so on: {len(remarks)} of the {len(found)} tracks of {file.name} are not as it has them")
    if missing:
        screen.warn(f"{len(missing)} of the {len(found)} tracks of {file.name} are not in the data and were left out")
    return named + found, title


def _opened(source: str) -> IO[bytes]:
    from ..storage import open_file

    try:
        return open_file(Path(source))
    except FileNotFoundError:
        raise DataError(f"{source}: No such file or directory") from None


def _recommend_lines(
    screen: Screen, service: RecommendationService, options: RecommendOptions, source: str, out: str
) -> None:
    from ..serving.batch import Batch
    from ..storage import write_file

    batch = Batch(service, options)
    with screen.events() as on_event, ExitStack() as stack:
        lines = sys.stdin.buffer if source == "-" else stack.enter_context(_opened(source))
        results = batch.results(lines, on_event)
        if out == "-":
            sys.stdout.buffer.writelines(results)
        else:
            write_file(Path(out), results, DataError)
    if batch.n_failed:
        raise DataError(f"{batch.n_failed:,} of {batch.n_lines:,} lines could not be read; the others are answered")
