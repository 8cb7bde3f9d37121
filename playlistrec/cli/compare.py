"""``playlistrec compare``"""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..errors import ConfigError, RunError
from ..storage import read_toml
from ..text import csv_cell, markdown_cell
from ..trust import trusting
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..experiment.comparison import Comparison, Row
    from ..experiment.fit_each import FitRequest

__all__ = ["command"]

LOWER_IS_BETTER = ("gini", "fit, s", "fit, MB", "rank, s")
NEITHER_IS_BETTER = ("popularity",)


@verb("compare", reads_runs=True)
@click.argument("paths", nargs=-1, required=True, metavar="DATA | RUN RUN …", type=click.Path(path_type=Path))
@click.option(
    "-m", "--model", "models", multiple=True, metavar='"MODEL [OPTIONS]"', help="As `fit` takes it; may repeat."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the runs of -m go.")
@click.option(
    "--split", type=click.Choice(["valid", "test"]), default="valid", show_default=True, help="Which part to rank."
)
@click.option("-k", "ks", type=int, multiple=True, default=(10, 20), show_default=True, help="Cut-off; may repeat.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    default=("recall", "ndcg", "map"),
    show_default=True,
    help="A column, at every cut-off; may repeat.",
)
@click.option("--protocol", default="full", show_default=True, metavar="full|sampled:N[xD]", help="As of `evaluate`.")
@click.option("--by", default="ndcg@20", show_default=True, help="The metric that is tested.")
@click.option("--test", type=click.Choice(["permutation", "bootstrap"]), default="permutation", show_default=True)
@click.option("--resamples", type=int, default=10_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the fits and of the resamples.")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder of RUN …, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    screen: Screen,
    paths: tuple[Path, ...],
    models: tuple[str, ...],
    out: Path | None,
    split: Literal["valid", "test"],
    ks: tuple[int, ...],
    metrics: tuple[str, ...],
    seed: int,
    data: Path | None,
    form: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare models on one split: fit those of -m that FOLDER does not hold yet, or take finished RUNs.

    Each is tested against the best, playlist by playlist. Compare on valid; read test once, at the end.
    """
    if models and (len(paths) != 1 or out is None):
        raise ConfigError("compare with -m takes one data folder, and -o FOLDER for the runs")
    if not models and out is not None:
        raise ConfigError("-o is for the runs of -m: there is none")
    from ..experiment.comparison import compare
    from ..experiment.fit_each import fit_each

    with screen.events() as on_event:
        failed: dict[str, str] = {}
        runs: Any = paths
        if models:
            assert out is not None, "checked above"
            requests = [fit_request(text) for text in dict.fromkeys(models)]
            runs, errors = fit_each(paths[0], requests, out, seed=seed, on_event=on_event)
            failed = {name: error.on_command_line() for name, error in errors.items()}
            data = paths[0]
            if not runs:
                raise RunError(_in_words(failed))
        with trusting(text.split()[0] for text in models):
            found = compare(runs, part=split, k=ks, seed=seed, data=data, on_event=on_event, **options)
    failed |= found.failed
    names = _columns(found, metrics, ks)
    if as_json or form == "json":
        screen.json(_object(found, failed, names))
    elif form == "csv":
        screen.line(_csv(found, names))
    else:
        columns, cells, bold = _cells(found, names)
        title = (
            f"{found.data}, {found.part}, {found.protocol}: {found.n_queries:,} playlists; {found.by} against the best "
            f"by a {found.test} test, {found.resamples:,} resamples, Holm's correction; ≈ marks what may be as good"
        )
        if form == "markdown":
            screen.line(_markdown(columns, cells, bold))
        else:
            screen.line(title)
            screen.table(cells, columns, bold=bold)
    if failed:
        raise RunError(_in_words(failed))


def fit_request(text: str) -> FitRequest:
    """The fit that ``"MODEL [OPTIONS of fit]"`` describes. Raises ConfigError for options that fit does not take."""
    from ..experiment.fit_each import FitRequest
    from .fit import command as fit
    from .fit import from_sets, seconds_of

    words = shlex.split(text)
    if not words:
        raise ConfigError(f"models must be a name and options of fit (got {text!r})")
    try:
        given = fit.make_context("fit", ["DATA", "-m", words[0], "-o", "RUN", *words[1:]]).params
    except click.ClickException as error:
        raise ConfigError(f"{text}: {error.format_message()}") from None
    return FitRequest(
        model=given["model"],
        options={**(read_toml(given["config"], "config file") if given["config"] else {}), **from_sets(given["sets"])},
        preset=given["preset"],
        epochs=given["epochs"],
        time_limit=seconds_of(given["time_limit"]),
        device=given["device"],
        seed=given["seed"],
        refit=given["refit"],
        label=text,
    )


def _columns(found: Comparison, metrics: Sequence[str], ks: Sequence[int]) -> list[str]:
    """The metrics to show, those without a cut-off once."""
    known = found.rows[0].metrics
    names = [name for metric in metrics for name in ([metric] if metric in known else [f"{metric}@{k}" for k in ks])]
    for name in names:
        if name not in known:
            bare = ", ".join(dict.fromkeys(key.partition("@")[0] for key in known))
            raise ConfigError(f"--metric must be one of {bare} (got {name.partition('@')[0]!r})")
    return list(dict.fromkeys(names))


def _cells(found: Comparison, names: list[str]) -> tuple[list[str], list[list[str]], set[tuple[int, int]]]:
    """Headings, cells, and where the best of each column stands."""
    figures = {name: ([row.metrics[name] for row in found.rows], ".4f") for name in names}
    figures |= {
        "fit, s": ([row.fit_seconds for row in found.rows], ".1f"),
        "fit, MB": ([float(row.fit_mb) for row in found.rows], ",.0f"),
        "rank, s": ([row.rank_seconds for row in found.rows], ".1f"),
    }
    columns = ["model", *figures, f"Δ {found.by}", "95 %", "p"]
    bold = set()
    for index, (name, (values, _)) in enumerate(figures.items(), 1):
        if name.partition("@")[0] not in NEITHER_IS_BETTER and not all(map(isnan, values)):
            pick = min if name.partition("@")[0] in LOWER_IS_BETTER else max
            best = pick(value for value in values if not isnan(value))
            bold |= {(row, index) for row, value in enumerate(values) if value == best}
    cells = [
        [row.name, *(format(values[i], form) for values, form in figures.values()), *_tested(row)]
        for i, row in enumerate(found.rows)
    ]
    return columns, cells, bold


def _tested(row: Row) -> tuple[str, str, str]:
    if row.interval is None or row.p is None:
        return "best", "", ""
    low, high = row.interval
    p = "<.0001" if row.p < 0.0001 else f"{row.p:.4f}"
    return f"{row.difference:+.4f}", f"{low:+.4f} to {high:+.4f}", f"{p} ≈" if row.as_good else p


def _markdown(columns: list[str], cells: list[list[str]], bold: set[tuple[int, int]]) -> str:
    cells = [[markdown_cell(cell) for cell in row] for row in cells]
    marked = [[f"**{cell}**" if (i, j) in bold else cell for j, cell in enumerate(row)] for i, row in enumerate(cells)]
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, rule, *marked])


def _csv(found: Comparison, names: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", *names, "fit_seconds", "fit_mb", "rank_seconds", "difference", "low", "high", "p"])
    for row in found.rows:
        values = [row.metrics[name] for name in names]
        bounds = row.interval or ("", "")
        p = "" if row.p is None else row.p
        writer.writerow(
            [
                csv_cell(row.name),
                *values,
                row.fit_seconds,
                row.fit_mb,
                round(row.rank_seconds, 3),
                row.difference,
                *bounds,
                p,
            ]
        )
    return out.getvalue().rstrip("\n")


def _object(found: Comparison, failed: dict[str, str], names: list[str]) -> dict[str, Any]:
    return {
        "data": found.data,
        "split": found.part,
        "protocol": found.protocol,
        "n_queries": found.n_queries,
        "by": found.by,
        "test": found.test,
        "resamples": found.resamples,
        "models": [
            {
                "model": row.name,
                "run": str(row.run),
                "metrics": {n: None if isnan(row.metrics[n]) else row.metrics[n] for n in names},
                "fit_seconds": row.fit_seconds,
                "fit_mb": row.fit_mb,
                "rank_seconds": round(row.rank_seconds, 3),
                "difference": row.difference,
                "interval": row.interval,
                "p": row.p,
            }
            for row in found.rows
        ],
        "failed": failed,
    }


def _in_words(failed: dict[str, str]) -> str:
    return "; ".join(f"{name}: {error}" for name, error in failed.items())
