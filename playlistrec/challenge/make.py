"""Making a challenge set of a corpus: playlists to continue, their withheld tracks, and the rest to train on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..config import require
from ..corpus.corpus import Corpus, Mask
from ..errors import DataError
from ..events import Event, OnEvent, ignore
from ..experiment.data import Data, write_data
from ..storage import FolderKind, check_replaceable, make_folder, new_folder, write_file
from .draw import TRAINING, draw, known_tracks
from .files import (
    CHALLENGE,
    DATA,
    SCENARIOS,
    TRUTH,
    ChallengeSet,
    Truth,
)
from .holdout import as_files, as_split, held_out_playlists
from .submission import RULE

__all__ = ["Made", "make_challenge"]

CHALLENGE_FOLDER = FolderKind("a challenge", CHALLENGE, "playlistrec challenge", replaceable=False)
SHARE, MOST = 200, 1000
"""Playlists of a scenario when the caller does not say: one in so many, at most as many as in 2018."""

AT_LEAST_LEFT = 2
"""One in so many of the playlists may be drawn at most."""


@dataclass(frozen=True)
class Made:
    """The paths that :func:`make_challenge` wrote: the challenge, the truth, and the data without them."""

    challenge: ChallengeSet
    truth: Truth
    data: Data

    def counts(self) -> dict[str, int]:
        """Playlists of each scenario."""
        found = Counter(playlist.scenario for playlist in self.truth.playlists)
        return {scenario.name: found[scenario.name] for scenario in SCENARIOS if found[scenario.name]}


def make_challenge(
    data: Data | str | Path,
    out: str | Path,
    *,
    per_scenario: int | None = None,
    seed: int = 0,
    on_event: OnEvent = ignore,
) -> Made:
    """Draw playlists for the ten scenarios and write ``challenge_set.json``, ``truth.json`` and ``data`` into ``out``.

    As many again, drawn in the same way, are the validation part of ``data``, whose split is a continuation without a
    test part. What the split of the data that is given hides does not matter: all its entries are used. In all
    playlists drawn, tracks count that some training playlist holds, each once, where it first stands.

    Args:
        per_scenario: playlists of each scenario; None: one in 200 of all, at most 1,000.

    Raises:
        ConfigError: ``per_scenario`` is not possible. DataError: ``out`` exists or cannot be written, an id cannot
            stand in a submission, or no playlist can be drawn.
    """
    data, out = data if isinstance(data, Data) else Data.load(data), Path(out)
    corpus = data.corpus
    most = corpus.n_playlists // (2 * len(SCENARIOS) * AT_LEAST_LEFT)
    if not most:
        needed = 2 * len(SCENARIOS) * AT_LEAST_LEFT
        raise DataError(f"a challenge needs at least {needed} playlists ({data.name} has {corpus.n_playlists})")
    n_each = max(1, min(corpus.n_playlists // SHARE, MOST, most)) if per_scenario is None else per_scenario
    require(1 <= n_each <= most, "per_scenario", f"from 1 to {most}: a fortieth of the playlists", n_each)
    require(seed >= 0, "seed", "at least 0", seed)
    check_replaceable(out, CHALLENGE_FOLDER, force=False)
    for column in (corpus.playlists["pid"], corpus.track_table["uri"]):
        check_ids(column)
    random = np.random.Generator(np.random.PCG64(seed))
    named = _named(corpus)
    on_event(Event("message", f"drawing {n_each:,} playlists for each scenario"))
    assigned = draw(corpus, named, 2 * n_each, random)
    if (assigned == TRAINING).all():
        raise DataError(f"{data.name} has no playlist that shares two tracks with others: there is nothing to ask")
    in_challenge = _alternate(assigned)
    _warn(assigned[in_challenge], named, n_each, on_event)
    history, _ = corpus.subset(np.ones(corpus.n_playlists, dtype=bool), known_tracks(corpus, assigned))
    drawn = list(held_out_playlists(history, assigned, random))
    challenge, truth = as_files(history, [q for q in drawn if in_challenge[q.row]], named is not None)
    rest, split = as_split(history, [q for q in drawn if not in_challenge[q.row]], in_challenge, named is not None)
    origin = {
        "source": data.name,
        "options": {"split": "continuation", "challenge": {"per_scenario": n_each, "seed": seed}},
        "read": data.manifest.get("counts", {}),
    }
    on_event(Event("message", f"writing {out}"))
    with new_folder(out, CHALLENGE_FOLDER) as folder:
        write_file(folder / CHALLENGE, msgspec.json.encode(challenge), DataError)
        write_file(folder / TRUTH, msgspec.json.encode(truth), DataError)
        make_folder(folder / DATA, DataError)
        manifest = write_data(folder / DATA, rest, split, origin)
    return Made(challenge, truth, Data(rest, split, manifest, out / DATA))


def check_ids(column: pa.ChunkedArray) -> None:
    """Raise DataError where an id cannot stand between the commas of a submission."""
    bad = pc.index(pc.match_substring_regex(column, r"[,\x00-\x1f\x7f]|^\s|^#|\s$|^$"), pa.scalar(True)).as_py()
    if bad >= 0:
        raise DataError(f"the id {column[bad].as_py()[:60]!r} cannot stand in a submission: {RULE}")


def _named(corpus: Corpus) -> Mask | None:
    """(n_playlists,) those that have a title, none where no playlist has one."""
    titles = corpus.titles(np.arange(corpus.n_playlists))
    named = np.array([bool(title.strip()) for title in titles]) if titles is not None else np.zeros(1, dtype=bool)
    return named if named.any() else None


def _alternate(assigned: npt.NDArray[np.int64]) -> Mask:
    """(n_playlists,) every other playlist of each scenario: those of the challenge; the others are for validation."""
    chosen = np.zeros(len(assigned), dtype=bool)
    for index in range(len(SCENARIOS)):
        chosen[np.flatnonzero(assigned == index)[::2]] = True
    return chosen


def _warn(scenarios: npt.NDArray[np.int64], named: Mask | None, n_each: int, on_event: OnEvent) -> None:
    if named is None:
        on_event(Event("warning", "no playlist has a title: there is no 'title only', and the others show none"))
    found = np.bincount(scenarios, minlength=len(SCENARIOS))
    few = [
        f"{n} for {scenario.name!r}"
        for n, scenario in zip(found.tolist(), SCENARIOS)
        if n < n_each and (named is not None or scenario.n_seeds)
    ]
    if few:
        on_event(Event("warning", f"too few playlists are long enough: of {n_each} each, {', '.join(few)}"))
