"""``playlistrec evaluate``"""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Literal

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]


@verb("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice(["valid", "test"]),
    default="valid",
    show_default=True,
    help="Which part to rank.",
)
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True, help="Cut-off; may repeat.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    screen: Screen,
    run: Path,
    split: Literal["valid", "test"],
    ks: tuple[int, ...],
    data: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Judge RUN by full ranking: every track is scored for every playlist of which the split hides some.

    Compare and choose on valid; read test once, at the end.
    """
    from ..apps.runs import Run

    loaded = Run.load(run, data=data)
    with screen.events() as on_event:
        result = loaded.evaluate(split, ks, device=device, on_event=on_event)
    if as_json:
        screen.json(
            {
                "model": loaded.info["model"],
                "data": loaded.data.name,
                "split": split,
                "n_queries": result.n_queries,
                "metrics": {name: None if isnan(value) else value for name, value in result.metrics.items()},
                "seconds": round(result.seconds, 3),
            }
        )
        return
    names = list(dict.fromkeys(name.partition("@")[0] for name in result.metrics))
    cut = [name for name in names if f"{name}@{ks[0]}" in result.metrics]
    rows = [[name, *(result.metrics[f"{name}@{k}"] for k in ks)] for name in cut]
    screen.line(
        f"{loaded.info['model']} on {loaded.data.name}, {split}: {result.n_queries:,} playlists ranked in full "
        f"in {result.seconds:.1f} s ({result.n_left_out:,} without {split} tracks left out)"
    )
    screen.table(rows, ["", *(f"@{k}" for k in ks)])
    screen.line("  ".join(f"{name} {result.metrics[name]:.4f}" for name in names if name not in cut))
