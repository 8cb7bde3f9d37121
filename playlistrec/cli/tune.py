"""``playlistrec tune``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import Screen
from .fit import from_sets, seconds_of
from .verb import verb

__all__ = ["command"]


@verb("tune", reads_runs=True, kept=("study.db", "the same command goes on with its trials"))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-m", "--model", required=True, help="Which model; `playlistrec models` lists them.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FOLDER", help="Of the search.")
@click.option("--trials", type=int, default=50, show_default=True, help="How many, those of earlier calls included.")
@click.option("--time-limit", metavar="10m", help="End the search after this long: 90s, 10m, 1h.")
@click.option("--sampler", type=click.Choice(["tpe", "random"]), default="tpe", show_default=True)
@click.option("--by", default="ndcg@20", show_default=True, help="The metric to raise, on the validation part.")
@click.option(
    "--space", type=click.Path(path_type=Path), metavar="FILE.toml", help="What to search.  [default: the model's]"
)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="An option that is not searched; may repeat.")
@click.option("--preset", metavar="NAME|FILE.toml", help="Where the others come from.  [default: by size]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the search and of every fit.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    screen: Screen,
    data: Path,
    model: str,
    out: Path,
    time_limit: str | None,
    by: str,
    sets: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Search the options of MODEL on the validation part of DATA. The result is FOLDER/best.toml, a preset for `fit`.

    Run the command again to continue the search.

    \b
    playlistrec tune data -m lightgcn -o search --time-limit 1h
    playlistrec fit data -m lightgcn -o run --preset search/best.toml
    """
    given, seconds = from_sets(sets), seconds_of(time_limit)
    from ..experiment.tuning.search import tune

    with screen.events() as on_event:
        found = tune(data, model, out, by=by, options=given, time_limit=seconds, on_event=on_event, **options)
    if as_json:
        screen.json(
            {
                "model": model,
                "by": by,
                "value": found.value,
                "options": found.options,
                "preset": str(found.preset),
                "trials": found.counts,
            }
        )
        return
    counted = ", ".join(f"{n} {what}" for what, n in found.counts.items())
    screen.line(f"{found.preset}: {by} {found.value:.4f}, the best of {sum(found.counts.values())} trials ({counted})")
    screen.line("  ".join(f"{name}={value}" for name, value in found.options.items()))
