"""The command ``playlistrec``: a group whose verbs are imported when they are called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from .. import __version__

__all__ = ["main"]

VERBS = {
    "synth": "Make synthetic playlists in the format of the Million Playlist Dataset.",
    "preprocess": "Read playlists, filter and split them, and write a data folder.",
    "stats": "Describe a data folder.",
    "playlists": "List the playlists of a data folder.",
    "show": "Show the tracks of a playlist.",
    "models": "List the models, or describe one.",
    "metrics": "Define the metrics.",
    "fit": "Fit a model to a data folder and keep it in a run folder.",
    "update": "Bring a run up to date with later playlists, without a fit.",
    "evaluate": "Evaluate a run: rank all tracks for every playlist.",
    "compare": "Compare models on one split: a table, and a paired test against the best.",
    "tune": "Search the options of a model on the validation part.",
    "recommend": "Recommend tracks for a playlist, or for a few tracks.",
    "score": "Score given tracks for a playlist, with the probability that each comes next.",
    "similar": "Find the tracks, artists or playlists most like one, by their vectors.",
    "serve": "Serve a run over HTTP, with a page on which to build playlists.",
    "export": "Write the vectors of a run, and indices or a graph of them, for other programs.",
    "challenge": "Make, answer, verify and score a challenge like that of RecSys 2018.",
    "plot": "Draw one figure of a data folder or of runs.",
    "report": "Write a report on runs: one HTML file of tables, figures and maps.",
    "doctor": "Show what is installed, and what to do where something is missing.",
}


class Verbs(click.Group):
    """A group that knows its verbs by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run, with click's own errors in the words of ours: one line that begins ``error:``."""
        run: Any = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        try:
            code = run(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            text = error.format_message()
            if isinstance(error, click.UsageError) and error.ctx is not None and not text.startswith("Usage"):
                text = f"{text[:1].lower()}{text[1:].rstrip('.')}{_hint(text, error.ctx)}"
            click.echo(f"error: {text}" if error.exit_code and not text.startswith("Usage") else text, err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("error: interrupted", err=True)
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def _hint(text: str, context: click.Context) -> str:
    """The action that mends a misuse."""
    if "unexpected extra argument" in text and any(param.name == "sets" for param in context.command.params):
        return ": an option is --set KEY=VALUE, without blanks"
    return f"{' ' if text.endswith('?') else ': '}{context.command_path} --help shows how"


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="playlistrec")
def main() -> None:
    """Playlists in, the tracks that belong next out.

    \b
    playlistrec synth slices --playlists 2000
    playlistrec preprocess slices -o data
    playlistrec fit data -m lightgcn -o run
    playlistrec evaluate run --split test -k 20
    playlistrec recommend run --track "a track's name"
    """
