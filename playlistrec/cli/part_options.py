"""Options shared by the verbs that draw figures of runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

__all__ = ["part_options"]


def part_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--split``, ``-k``, ``--artist``, ``--data`` and ``--device``."""
    for option in (
        click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
        click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved."),
        click.option(
            "--artist", "artists", multiple=True, metavar="NAME", help="On the maps; may repeat.  [default: popular]"
        ),
        click.option(
            "-k",
            "ks",
            type=click.IntRange(1),
            multiple=True,
            default=(10, 20),
            show_default=True,
            help="Depth of the metrics; may repeat. Figures with one depth take the largest.",
        ),
        click.option(
            "--split",
            "part",
            type=click.Choice(["valid", "test"]),
            default="valid",
            show_default=True,
            help="The part that is ranked.",
        ),
    ):
        function = option(function)
    return function
