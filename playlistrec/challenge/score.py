"""Score a submission: the three metrics of the challenge, by scenario and overall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..config import require
from ..corpus.corpus import Corpus
from ..errors import DataError
from ..events import Event, OnEvent, ignore
from ..experiment.runs import Run
from ..rank.challenge_metrics import clicks, ndcg_2018, ndcg_2020, r_precision
from .answer import answer
from .files import (
    DATA,
    SCENARIOS,
    TRUTH,
    ChallengeSet,
    Entry,
    challenge_file,
    read_challenge,
    read_truth,
)
from .verify import verify

__all__ = ["OTHER", "Scores", "score", "score_run", "score_submission"]

OTHER = "other"
"""The scenario of playlists that are none of the ten."""

NDCG = {"2018": ndcg_2018, "2020": ndcg_2020}
"""By variant. Clicks are the same in both; R-precision credits artists in 2018 alone."""

Metrics = dict[str, float]


CREDITS = ("missed", "any", "none")
"""Which artists R-precision credits: those of withheld tracks that were missed, as the challenge's paper and page say
(the default of 2018); those of any withheld track, as the code of two of the best teams; none, as RecsysChallengeTools
and the variant 2020."""


@dataclass(frozen=True)
class Scores:
    """The result of :func:`score`.

    Attributes:
        variant: ``"2018"`` or ``"2020"``; figures of the two do not compare.
        overall: means over all playlists: ``"r_precision"``, ``"ndcg"``, ``"clicks"``.
        scenarios: the same for the playlists of each scenario that there is, by its name, in the official order.
        n_playlists: playlists of each scenario.
    """

    variant: str
    overall: Metrics
    scenarios: dict[str, Metrics]
    n_playlists: dict[str, int]


def score_submission(
    submission: str | Path,
    where: str | Path,
    truth: str | Path | None = None,
    *,
    variant: str = "2018",
    credit: str | None = None,
    data: str | Path | None = None,
    on_event: OnEvent = ignore,
) -> Scores:
    """Score a submission file, which must keep all rules; see :func:`score`.

    Raises DataError where it does not, or where a file is missing.
    """
    verdict = verify(submission, where)
    if verdict.faults:
        n = len(verdict.faults)
        raise DataError(
            f"{submission} breaks the rules ({n:,} fault{'s' * (n > 1)}; {verdict.faults[0]}): "
            f"see `playlistrec challenge verify {submission} {where}`"
        )
    return score(verdict.answers, where, truth, variant=variant, credit=credit, data=data, on_event=on_event)


def score_run(
    run: Run, where: str | Path, *, variant: str = "2018", device: str = "auto", on_event: OnEvent = ignore
) -> Scores:
    """Answer the challenge in a folder that `challenge make` wrote, and score the answer."""
    answers = answer(run, where, device=device, on_event=on_event)
    return score(answers, where, variant=variant, on_event=on_event)


def score(
    answers: Mapping[str, Sequence[str]],
    where: str | Path,
    truth: str | Path | None = None,
    *,
    variant: str = "2018",
    credit: str | None = None,
    data: str | Path | None = None,
    on_event: OnEvent = ignore,
) -> Scores:
    """Score the tracks answered for each playlist, by pid, against those withheld.

    Seeds in the truth do not count. The scenario of a playlist is what the truth says, else what the challenge set
    shows of it. Artists, which the variant 2018 credits, are those that the data, the challenge set and the truth
    name; recommended tracks whose artist none of them knows are counted in a warning.

    Args:
        where: the challenge set, its folder or file.
        truth: None: ``truth.json`` beside the challenge set.
        data: a data folder that knows the artists; None: the one beside the challenge set, if it is there.
        credit: one of :data:`CREDITS`; None: that of the variant.

    Raises:
        ConfigError: there is no such variant.
        DataError: a file is missing, a playlist has no answer, or nothing was withheld of one.
    """
    require(variant in NDCG, "variant", f"one of {', '.join(NDCG)}", variant)
    challenge, folder = read_challenge(where), challenge_file(where).parent
    path = Path(truth) if truth is not None else folder / TRUTH
    if truth is None and not path.is_file():
        raise DataError(f"{path} does not exist: name the file with the withheld tracks")
    held = {str(playlist.pid): playlist for playlist in read_truth(path).playlists}
    artist_of = _artists(challenge, [track for playlist in held.values() for track in playlist.tracks])
    if data is not None or (folder / DATA).is_dir():
        artist_of |= _artists_of(Corpus.load(Path(data) if data is not None else folder / DATA))
    credit = credit or ("missed" if variant == "2018" else "none")
    require(credit in CREDITS, "credit", f"one of {', '.join(CREDITS)}", credit)
    credited, ndcg = None if credit == "none" else artist_of, NDCG[variant]
    how: Any = "any" if credit == "any" else "missed"
    values: dict[str, list[tuple[float, float, float]]] = {}
    for playlist in challenge.playlists:
        pid = str(playlist.pid)
        if pid not in held:
            raise DataError(f"{path} says nothing of playlist {pid}")
        if pid not in answers:
            raise DataError(f"there is no answer for playlist {pid}")
        seeds = {track.track_uri for track in playlist.tracks}
        withheld = {track.track_uri for track in held[pid].tracks} - seeds
        if not withheld:
            raise DataError(f"{path} has no track of playlist {pid} besides its seeds")
        ranked = answers[pid]
        scenario = held[pid].scenario or (playlist.scenario.name if playlist.scenario else OTHER)
        values.setdefault(scenario, []).append(
            (r_precision(ranked, withheld, credited, credit=how), ndcg(ranked, withheld), clicks(ranked, withheld))
        )
    if credited is not None:
        _warn_of_artists(answers, artist_of, on_event)
    known = [scenario.name for scenario in SCENARIOS]
    names = sorted(values, key=lambda name: known.index(name) if name in known else len(known))
    return Scores(
        variant=variant,
        overall=_means([row for rows in values.values() for row in rows]),
        scenarios={name: _means(values[name]) for name in names},
        n_playlists={name: len(values[name]) for name in names},
    )


def _means(rows: list[tuple[float, float, float]]) -> Metrics:
    return dict(zip(("r_precision", "ndcg", "clicks"), np.mean(rows, axis=0).tolist()))


def _artists(challenge: ChallengeSet, withheld: list[Entry]) -> dict[str, str]:
    """The artist of each track that the challenge set and the truth name: its uri, or where it has none its name."""
    entries = [track for playlist in challenge.playlists for track in playlist.tracks] + withheld
    known = ((track.track_uri, track.artist_uri or track.artist_name) for track in entries)
    return {uri: artist for uri, artist in known if artist}


def _artists_of(corpus: Corpus) -> dict[str, str]:
    artists = corpus.artists["uri"].take(corpus.track_table["artist"]).to_pylist()
    return {uri: artist for uri, artist in zip(corpus.track_table["uri"].to_pylist(), artists) if artist}


def _warn_of_artists(answers: Mapping[str, Sequence[str]], artist_of: Mapping[str, str], on_event: OnEvent) -> None:
    recommended = {uri for uris in answers.values() for uri in uris}
    if n := sum(uri not in artist_of for uri in recommended):
        on_event(
            Event(
                "warning",
                f"the artist of {n:,} of the {len(recommended):,} recommended tracks is not known: they get no credit "
                "for it (give a data folder that knows them)",
                {"unknown": n},
            )
        )
