"""Verify a submission against the rules of the official verifier, and against those that it does not check."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from ..config import require
from .answer import N_TRACKS
from .files import DATA, ChallengeSet, challenge_file, read_challenge
from .submission import EMAIL, TRACKS, VARIANTS, Damaged, submission_lines

__all__ = ["Fault", "Verdict", "verify"]

LISTED = 5
"""Items that a message names."""

SPOTIFY = "spotify:track:"
OFFICIAL_URI = re.compile(r"spotify:track:[^:]{22}")
"""Three parts, the last of 22 characters: what both official verifiers ask of a track."""


@dataclass(frozen=True)
class Fault:
    """A rule that is broken, and the line of the file where it is seen."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, eq=False)
class Verdict:
    """The result of :func:`verify`.

    Attributes:
        faults: in the order of the file; faults of the whole have its last line.
        warnings: what the rules allow and is likely to be a mistake.
        answers: the tracks by pid, as far as they could be read.
    """

    faults: list[Fault]
    warnings: list[str]
    answers: dict[str, list[str]]


def verify(submission: str | Path, where: str | Path, variant: str | None = None) -> Verdict:
    """Hold a submission, ``.csv`` or ``.csv.gz``, to the rules of a challenge set (its folder or file).

    The first line that is neither blank nor a comment is ``team_info,team,email`` as in 2020, or
    ``team_info,team,main,email`` as in 2018, with ``main`` or ``creative``; ``variant`` says which, without it both
    are taken. Then every playlist of the set has one line, with exactly 500 tracks, none twice
    and none of its seeds. Track uris must be of the official form, ``spotify:track:`` and 22 characters, where those of
    the challenge set are; blanks around fields do not matter. Tracks that the
    data beside the challenge set does not know are counted in a warning.

    Raises DataError where the submission or the challenge set does not exist or cannot be read.
    """
    require(variant in (None, *VARIANTS), "variant", f"one of {', '.join(VARIANTS)}", variant)
    challenge = read_challenge(where)
    reader = _Reader(challenge, variant)
    last = 0
    try:
        for last, line in submission_lines(submission):
            reader.line(last, line)
    except Damaged as error:
        reader.fault(error.line + 1, str(error))
    else:
        reader.end(max(1, last))
    return Verdict(reader.faults, _unknown(reader.answers, challenge_file(where).parent / DATA), reader.answers)


@dataclass(eq=False)
class _Reader:
    challenge: ChallengeSet
    variant: str | None = None
    faults: list[Fault] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.playlists = self.challenge.by_pid()
        self.first_line: dict[str, int] = {}
        self.started = False
        # One object a uri, however often it is recommended.
        self.uris: dict[str, str] = {}
        seeds = [track.track_uri for playlist in self.challenge.playlists for track in playlist.tracks]
        self.spotify = bool(seeds) and all(uri.startswith(SPOTIFY) for uri in seeds)
        self.official = self.spotify and all(OFFICIAL_URI.fullmatch(uri) for uri in seeds)

    def fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))

    def line(self, number: int, line: bytes) -> None:
        try:
            fields = [part.strip() for part in line.decode().split(",")]
        except UnicodeDecodeError as error:
            self.started = True
            self.fault(number, f"it is not UTF-8 text (byte {error.start + 1} is {line[error.start]:#04x})")
            return
        head = fields[0] == "team_info"
        if not self.started:
            self.started = True
            if not head:
                self.fault(number, f"the first line must begin with team_info (got {_short(fields[0])})")
        elif head:
            self.fault(number, "team_info stands in the first line alone")
        if head:
            self.team(number, fields)
        elif "team_info" not in fields[0]:
            self.playlist(number, fields[0], fields[1:])

    def team(self, number: int, fields: list[str]) -> None:
        if self.variant != "2020" and len(fields) == 4 and (fields[2] in TRACKS or fields[1] in TRACKS):
            at = 2 if fields[2] in TRACKS else 1
            fields = [*fields[:at], *fields[at + 1 :]]
        elif self.variant == "2018":
            got = _short(",".join(fields))
            self.fault(number, f"the first line must be team_info,team,main,email, or with creative (got {got})")
            return
        if len(fields) != 3:
            self.fault(number, f"the first line must be team_info,team,email (got {len(fields)} fields)")
        elif not fields[1] or not re.fullmatch(EMAIL, fields[2]):
            what = "an email address" if fields[1] else "a team"
            self.fault(number, f"the first line must name {what} (got {_short(fields[2] if fields[1] else '')})")

    def playlist(self, number: int, pid: str, uris: list[str]) -> None:
        if pid not in self.playlists:
            pid = re.sub(r"^\+?0*(?=\d)", "", pid)  # 007 is playlist 7, as the official verifier reads it
        if pid not in self.playlists:
            self.fault(number, f"the challenge set has no playlist {_short(pid)}")
        elif pid in self.first_line:
            self.fault(number, f"playlist {pid} was answered already, on line {self.first_line[pid]}")
        else:
            self.first_line[pid] = number
            self.answers[pid] = uris = [self.uris.setdefault(uri, uri) for uri in uris]
        self.tracks(number, pid, uris)

    def tracks(self, number: int, pid: str, uris: list[str]) -> None:
        if len(uris) != N_TRACKS:
            self.fault(number, f"playlist {_short(pid)} has {len(uris)} tracks, not {N_TRACKS}")
        if blank := [place for place, uri in enumerate(uris, 1) if not uri]:
            self.fault(number, f"{_some('track', [str(place) for place in blank])} of playlist {_short(pid)}: empty")
        given = [uri for uri in uris if uri]
        if self.official and (odd := [uri for uri in given if not OFFICIAL_URI.fullmatch(uri)]):
            self.fault(number, f"not of the form {SPOTIFY}… with 22 characters: {_some('track', odd)}")
        elif self.spotify and (odd := [uri for uri in given if not uri.startswith(SPOTIFY)]):
            self.fault(number, f"not of the form {SPOTIFY}…: {_some('track', odd)}")
        distinct = Counter(given)
        if twice := [uri for uri, times in distinct.items() if times > 1]:
            self.fault(number, f"more than once: {_some('track', twice)}")
        if pid in self.playlists:
            seeds = {track.track_uri for track in self.playlists[pid].tracks}
            if again := [uri for uri in distinct if uri in seeds]:
                self.fault(number, f"seeds of playlist {pid}: {_some('track', again)}")

    def end(self, last: int) -> None:
        if not self.started:
            self.fault(last, "the file says nothing")
            return
        missing = [pid for pid in self.playlists if pid not in self.first_line]
        if missing:
            self.fault(last, f"not answered by the end of the file: {_some('playlist', missing)}")


def _unknown(answers: dict[str, list[str]], data: Path) -> list[str]:
    """Counts the tracks that the data folder does not know, if there is one."""
    if not (table := data / "tracks.parquet").is_file():
        return []
    known = set(pq.read_table(table, columns=["uri"])["uri"].to_pylist())
    strange = dict.fromkeys(uri for uris in answers.values() for uri in uris if uri and uri not in known)
    return [f"{data} does not know {_some('track', list(strange))}"] if strange else []


def _some(what: str, items: Sequence[str]) -> str:
    """``2 tracks, a, b``"""
    several = "" if len(items) == 1 else f"{len(items):,} {what}s, "
    more = ", …" if len(items) > LISTED else ""
    return f"{several or what + ' '}{', '.join(map(_short, items[:LISTED]))}{more}"


def _short(text: str) -> str:
    """As it stands where it is plain, else quoted, with what a terminal cannot show as its code."""
    shown = text if text.isprintable() and text else ascii(text)
    return shown if len(shown) <= 60 else shown[:59] + "…"
