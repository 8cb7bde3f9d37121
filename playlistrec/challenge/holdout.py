"""The seeds and withheld tracks of the drawn playlists, as files and as a split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..corpus.corpus import Corpus, Mask
from ..corpus.split import TRAIN, VALID, VALID_SEED, Split
from .draw import TRAINING
from .files import (
    SCENARIOS,
    ChallengeSet,
    Entry,
    Incomplete,
    Scenario,
    Truth,
    Withheld,
)

__all__ = ["HeldOutPlaylist", "as_files", "as_split", "held_out_playlists"]


@dataclass(frozen=True)
class HeldOutPlaylist:
    """A playlist that was drawn: its distinct tracks in order, and the places of those that are shown."""

    row: int
    scenario: Scenario
    tracks: list[int]
    shown: list[int]


def held_out_playlists(
    history: Corpus, assigned: npt.NDArray[np.int64], random: np.random.Generator
) -> Iterator[HeldOutPlaylist]:
    """Split each drawn playlist into seeds and withheld tracks; ``history`` holds no track unknown to training."""
    for row in np.flatnonzero(assigned != TRAINING).tolist():
        scenario = SCENARIOS[assigned[row]]
        tracks = list(dict.fromkeys(history.playlist(row).tolist()))
        shown = list(range(scenario.n_seeds))
        while scenario.at_random and shown == list(range(scenario.n_seeds)):  # that would look like the first ones
            shown = np.sort(np.argsort(random.random(len(tracks)))[: scenario.n_seeds]).tolist()
        yield HeldOutPlaylist(row, scenario, tracks, shown)


def as_files(history: Corpus, held: list[HeldOutPlaylist], titles: bool) -> tuple[ChallengeSet, Truth]:
    """The queries in the official format, and what they withhold; ``titles``: whether there are any to show."""
    rows = np.array([playlist.row for playlist in held], dtype=np.int64)
    pids = history.playlists["pid"].take(pa.array(rows)).to_pylist()
    names = history.titles(rows) if titles else None
    numbers = all(re.fullmatch(r"0|[1-9]\d{0,17}", pid, re.ASCII) for pid in pids)
    challenge, truth = ChallengeSet([]), Truth([])
    for i, playlist in enumerate(held):
        entries = _entries(history, playlist.tracks)
        shown = set(playlist.shown)
        pid = int(pids[i]) if numbers else pids[i]
        challenge.playlists.append(
            Incomplete(
                pid=pid,
                tracks=[entries[place] for place in playlist.shown],
                num_holdouts=len(entries) - len(shown),
                num_samples=len(shown),
                num_tracks=len(entries),
                name=names[i] if names is not None and playlist.scenario.titled else None,
            )
        )
        withheld = [entry for place, entry in enumerate(entries) if place not in shown]
        truth.playlists.append(Withheld(pid, withheld, playlist.scenario.name))
    return challenge, truth


def _entries(corpus: Corpus, tracks: list[int]) -> list[Entry]:
    rows = pa.array(tracks, pa.int64())
    table = corpus.track_table.take(rows)
    columns = {
        "track_uri": table["uri"],
        "track_name": table["name"] if "name" in table.column_names else None,
        "artist_uri": corpus.artists["uri"].take(table["artist"]),
        "artist_name": corpus.artists["name"].take(table["artist"]),
        **{name: table[name] for name in ("album_uri", "album_name", "duration_ms") if name in table.column_names},
    }
    lists = {name: column.to_pylist() for name, column in columns.items() if column is not None}
    return [Entry(pos=pos, **dict(zip(lists, values))) for pos, values in enumerate(zip(*lists.values()))]


def as_split(history: Corpus, held: list[HeldOutPlaylist], challenge: Mask, titles: bool) -> tuple[Corpus, Split]:
    """The corpus less the playlists of the challenge, and a split whose validation part asks the queries ``held``.

    Titles of those whose scenario shows none are taken off.
    """
    part = np.full(history.n_entries, TRAIN, dtype=np.uint8)
    hidden = np.zeros(history.n_playlists, dtype=bool)
    for playlist in held:
        entries = slice(*history.offsets[playlist.row : playlist.row + 2])
        seeds = np.isin(history.tracks[entries], [playlist.tracks[place] for place in playlist.shown])
        part[entries] = np.where(seeds, VALID_SEED, VALID)
        hidden[playlist.row] = titles and not playlist.scenario.titled
    rest, kept = history.subset(~challenge, np.ones(history.n_tracks, dtype=bool))
    if titles:
        at = rest.playlists.schema.get_field_index("name")
        shown = pc.if_else(pa.array(hidden[~challenge]), pa.scalar(None, pa.string()), rest.playlists["name"])
        rest = replace(rest, playlists=rest.playlists.set_column(at, "name", shown))
    return rest, Split("continuation", part[kept])
