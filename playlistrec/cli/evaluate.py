"""``playlistrec evaluate``"""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Literal

import click

from .console import Screen
from .verb import verb

__all__ = ["command"]

NOT_COMPARABLE = (
    "sampled figures are not comparable with full ranking, nor with another number of negatives, and may order models "
    "differently (Krichene & Rendle 2020)"
)


@verb("evaluate", reads_runs=True)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice(["valid", "test"]),
    default="valid",
    show_default=True,
    help="Which part to rank.",
)
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True, help="Cut-off; may repeat.")
@click.option(
    "--protocol",
    default="full",
    show_default=True,
    metavar="full|sampled:N[xD]",
    help="Rank all tracks, or each hidden track among N that its playlist never touched (xD: D draws).",
)
@click.option("--data", type=click.Path(path_type=Path), help="The data folder, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    screen: Screen,
    run: Path,
    split: Literal["valid", "test"],
    ks: tuple[int, ...],
    protocol: str,
    data: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Evaluate RUN by full ranking: rank all tracks for every playlist with hidden tracks.

    Compare and choose on valid; read test once, at the end. Figures of --protocol sampled:N compare with those of the
    same N only, never with full ranking. Processes of torchrun share the playlists.

    \b
    playlistrec evaluate run
    playlistrec evaluate run --split test -k 20
    """
    from ..distributed.process_group import joined
    from ..experiment.runs import Run
    from ..rank.beyond_accuracy import BEYOND

    with (
        joined("evaluation", "begin it again") as ranks,
        (Screen(quiet=True) if ranks.rank else screen).events() as on_event,
    ):
        loaded = Run.load(run, data=data)
        result = loaded.evaluate(split, ks, protocol=protocol, device=device, on_event=on_event)
    if ranks.rank:
        return
    sampled = result.protocol != "full"
    if as_json:
        screen.json(
            {
                "model": loaded.info["model"],
                "data": loaded.data.name,
                "split": split,
                "protocol": result.protocol,
                "n_queries": result.n_queries,
                "metrics": {name: None if isnan(value) else value for name, value in result.metrics.items()},
                "seconds": round(result.seconds, 3),
                **({"note": NOT_COMPARABLE} if sampled else {}),
            }
        )
        return
    how = f"by {result.protocol}, each hidden track among so many never touched," if sampled else "ranked in full"
    screen.text(
        f"{loaded.info['model']} on {loaded.data.name}, {split}: {result.n_queries:,} playlists {how} "
        f"in {result.seconds:.1f} s ({result.n_left_out:,} without {split} tracks left out)"
    )
    names = list(dict.fromkeys(name.partition("@")[0] for name in result.metrics))
    whole = [name for name in names if name in result.metrics]
    beyond = [name for name in names if name in ("coverage", *BEYOND)]

    def table(title: str, shown: list[str]) -> None:
        rows = [[name, *(result.metrics[f"{name}@{k}"] for k in ks)] for name in shown]
        screen.table(rows, [title, *(f"@{k}" for k in ks)])

    table("", [name for name in names if name not in (*whole, *beyond)])
    if whole:
        screen.line("  ".join(f"{name} {result.metrics[name]:.4f}" for name in whole))
    screen.line("")
    table("beyond accuracy", beyond)
    if sampled:
        screen.text(f"\n{NOT_COMPARABLE}")
