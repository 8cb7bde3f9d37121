"""The submission file: ``team_info,team,email``, then a line a playlist, ``pid,uri,…``; gzipped."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..config import require
from ..errors import DataError
from ..storage import make_folder, open_file, write_file

__all__ = ["EMAIL", "Damaged", "check_team", "submission_lines", "write_submission"]

GZIP = b"\x1f\x8b"

TRACKS = ("main", "creative")
"""Of the challenge of 2018: which data a team used."""
VARIANTS = ("2018", "2020")
"""Of the first line: with one of ``TRACKS`` before the address, and without."""
MOST_LINE = 1 << 20
RULE = "ids must not be empty, hold commas or control characters, or begin with #"
"""Of ids between the commas of a submission."""
EMAIL = r"[^@,\s]+@[^@,\s]+"


class Damaged(Exception):
    """The file cannot be read on after ``line`` whole lines."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def check_team(team: str, email: str) -> None:
    """Raise ConfigError for a team or an address that cannot stand in the first line."""
    require(bool(team.strip()) and not set(team) & set(",\r\n"), "team", "text without commas", team)
    require(bool(re.fullmatch(EMAIL, email)), "email", "an address such as name@example.org", email)


def write_submission(
    out: str | Path,
    answers: Mapping[str, Sequence[str]],
    team: str,
    email: str,
    *,
    variant: str = "2020",
    track: str = "main",
) -> None:
    """Write the answers, gzipped where ``out`` ends in ``.gz``; the file appears whole or not at all.

    Args:
        variant: whose first line, ``"2020"`` or ``"2018"``, which names the ``track``, ``"main"`` or ``"creative"``.

    Raises ConfigError for a team or an address that cannot stand in the first line, DataError where ``out`` cannot be
    written.
    """
    check_team(team, email)
    out = Path(out)
    for pid, uris in answers.items():
        for kind, text in (("pid", pid), *(("uri", uri) for uri in uris)):
            if re.search(r"[,\r\n\x00-\x1f\x7f]|^\s|^#|\s$|^$", text):
                raise DataError(f"the {kind} {text[:60]!r} cannot stand in a submission: {RULE}")
    require(variant in VARIANTS, "variant", f"one of {', '.join(VARIANTS)}", variant)
    require(track in TRACKS, "track", f"one of {', '.join(TRACKS)}", track)
    lines = [",".join(("team_info", team.strip(), *([track] if variant == "2018" else []), email.strip()))]
    lines += [",".join((pid, *uris)) for pid, uris in answers.items()]
    content = "\n".join(lines).encode() + b"\n"
    make_folder(out.parent, DataError)
    write_file(out, gzip.compress(content, mtime=0) if out.suffix == ".gz" else content, DataError)


def submission_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a submission that say something, numbered from 1, without blanks around them.

    Raises DataError where there is no such file; :class:`Damaged` where its content ends too early or is not what its
    name says.
    """
    path, number = Path(path), 0
    try:
        with open_file(path) as file:
            gzipped = file.read(2) == GZIP
        if gzipped != (path.suffix == ".gz"):
            raise Damaged(0, f"it is {'' if gzipped else 'not '}gzipped, and its name says otherwise")
        with gzip.open(path) if gzipped else open_file(path) as lines:
            for number, line in enumerate(iter(lambda: lines.readline(MOST_LINE), b""), 1):
                if len(line) == MOST_LINE:
                    raise Damaged(number - 1, f"it is longer than {MOST_LINE:,} bytes")
                if (text := line.strip()) and not text.startswith(b"#"):
                    yield number, text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        cut_off = isinstance(error, EOFError)
        raise Damaged(number, "the gzip data is cut off" if cut_off else "the gzip data is damaged") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
