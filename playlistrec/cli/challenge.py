"""``playlistrec challenge``: make, submit, verify, score"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import DataError
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..challenge.score import Scores

__all__ = ["command"]

FAULTS_SHOWN = 100
FOLDER = click.Path(path_type=Path)


@verb("make")
@click.argument("data", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, required=True, metavar="SET", help="The folder to write.")
@click.option(
    "--per-scenario",
    type=int,
    metavar="N",
    help="Playlists of each scenario.  [default: one in 200 of all, at most 1,000]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same challenge.")
def make(screen: Screen, data: Path, out: Path, per_scenario: int | None, seed: int) -> None:
    """Draw playlists of DATA for the ten scenarios of the challenge, and write the folder SET.

    It holds challenge_set.json in the official format, the withheld tracks in truth.json, and the other playlists as
    the data folder SET/data, to fit models to.

    \b
    playlistrec challenge make data -o set
    """
    from ..challenge.make import make_challenge

    with screen.events() as on_event:
        made = make_challenge(data, out, per_scenario=per_scenario, seed=seed, on_event=on_event)
    withheld = sum(len(playlist.tracks) for playlist in made.truth.playlists)
    screen.line(f"{len(made.challenge.playlists):,} playlists to continue, {withheld:,} tracks withheld, in {out}")
    screen.table(list(made.counts().items()), ["scenario", "playlists"])
    counts = made.data.manifest["counts"]
    screen.line(f"to train on: {counts['playlists']:,} playlists, {counts['tracks']:,} tracks in {out / 'data'}")


@verb("submit", reads_runs=True)
@click.argument("run", type=FOLDER)
@click.argument("challenge", type=FOLDER, metavar="SET")
@click.option("-o", "--out", type=FOLDER, required=True, metavar="FILE", help="submission.csv.gz, or .csv.")
@click.option("--team", required=True, metavar="NAME", help="Stands in the first line.")
@click.option("--email", required=True, metavar="ADDRESS", help="Stands in the first line.")
@click.option(
    "--variant", type=click.Choice(["2018", "2020"]), default="2020", show_default=True, help="Its first line."
)
@click.option("--track", type=click.Choice(["main", "creative"]), default="main", show_default=True, help="Of 2018.")
@click.option("--data", type=FOLDER, help="The data folder of RUN, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
def submit(
    screen: Screen,
    run: Path,
    challenge: Path,
    out: Path,
    team: str,
    email: str,
    variant: str,
    track: str,
    data: Path | None,
    device: str,
) -> None:
    """Rank 500 tracks by RUN for every playlist of SET, and write the submission.

    SET is a folder that `challenge make` wrote, or the path of a challenge_set.json, such as the official one.

    \b
    playlistrec challenge submit run set -o sub.csv.gz --team A --email a@b.org
    """
    from ..challenge.answer import answer
    from ..challenge.submission import check_team, write_submission
    from ..experiment.runs import Run
    from ..storage import locked_file, make_folder

    check_team(team, email)
    loaded = Run.load(run, data=data)
    make_folder(out.absolute().parent, DataError)
    with screen.events() as on_event, locked_file(out):
        answers = answer(loaded, challenge, device=device, on_event=on_event)
        write_submission(out, answers, team, email, variant=variant, track=track)
    screen.line(f"{loaded.info['model']} continued {len(answers):,} playlists: {out}")


@verb("verify")
@click.argument("submission", type=FOLDER)
@click.argument("challenge", type=FOLDER, metavar="SET")
@click.option("--variant", type=click.Choice(["2018", "2020"]), help="Whose first line.  [default: either]")
def verify(screen: Screen, submission: Path, challenge: Path, variant: str | None) -> None:
    """Check SUBMISSION by the rules. Print each fault with its line, and exit with code 1 if there is one.

    \b
    playlistrec challenge verify submission.csv.gz set
    """
    from ..challenge.verify import verify as hold

    verdict = hold(submission, challenge, variant)
    for text in verdict.warnings:
        screen.warn(text)
    for fault in verdict.faults[:FAULTS_SHOWN]:
        screen.line(str(fault))
    if n := len(verdict.faults):
        more = f", of which the first {FAULTS_SHOWN} are listed" if n > FAULTS_SHOWN else ""
        raise DataError(f"{submission} breaks the rules: {n:,} fault{'s' * (n > 1)}{more}")
    screen.line(f"{submission} keeps the rules: {len(verdict.answers):,} playlists")


@verb("score")
@click.argument("submission", type=FOLDER)
@click.argument("challenge", type=FOLDER, metavar="SET")
@click.argument("truth", type=FOLDER, required=False)
@click.option("--variant", type=click.Choice(["2018", "2020"]), default="2018", show_default=True)
@click.option(
    "--credit",
    type=click.Choice(["missed", "any", "none"]),
    help="Artists that R-precision credits.  [default: missed in 2018, none in 2020]",
)
@click.option("--data", type=FOLDER, help="A data folder that knows the artists of the tracks.  [default: SET/data]")
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True)
def score(
    screen: Screen,
    submission: Path,
    challenge: Path,
    truth: Path | None,
    variant: str,
    credit: str | None,
    data: Path | None,
    form: str,
) -> None:
    """Score SUBMISSION: R-precision, NDCG and clicks, by scenario and overall.

    TRUTH holds the withheld tracks; SET/truth.json where it is not given. Figures of the two variants do not compare.

    \b
    playlistrec challenge score submission.csv.gz set
    """
    from ..challenge.score import score_submission

    with screen.events() as on_event:
        found = score_submission(
            submission, challenge, truth, variant=variant, credit=credit, data=data, on_event=on_event
        )
    if form == "json":
        screen.json(_object(found))
    elif form == "markdown":
        rows = [[f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row] for row in _rows(found)]
        rule = ["---", *["---:"] * 4]
        screen.line("\n".join(f"| {' | '.join(row)} |" for row in [COLUMNS, rule, *rows]))
    else:
        screen.line(f"{submission}, variant {variant}")
        screen.table(_rows(found), COLUMNS)


COLUMNS = ["scenario", "playlists", "R-precision", "NDCG", "clicks"]


def _rows(found: Scores) -> list[list[object]]:
    rows = [[name, found.n_playlists[name], *metrics.values()] for name, metrics in found.scenarios.items()]
    return [*rows, ["all", sum(found.n_playlists.values()), *found.overall.values()]]


def _object(found: Scores) -> dict[str, object]:
    scenarios = [
        {"scenario": name, "n_playlists": found.n_playlists[name], **metrics}
        for name, metrics in found.scenarios.items()
    ]
    n_playlists = sum(found.n_playlists.values())
    return {"variant": found.variant, "n_playlists": n_playlists, **found.overall, "scenarios": scenarios}


command = click.Group(
    "challenge",
    commands=[make, submit, verify, score],
    help="The task of the RecSys Challenge 2018: continue playlists with 500 tracks, in ten scenarios.",
)
