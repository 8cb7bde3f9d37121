"""``playlistrec compare``"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError, RunError
from ..storage import read_toml
from ..trust import trusting
from .comparison_tables import (
    caption,
    cells_of,
    columns_of,
    csv_of,
    latex_of,
    markdown_of,
    object_of,
    pairs_of,
)
from .console import Screen
from .verb import verb

if TYPE_CHECKING:
    from ..experiment.comparison import Comparison
    from ..experiment.fit_each import FitRequest

__all__ = ["command"]

OF_SHIPPED = ("split",)
"""Options that an experiment of the package takes, and a file of one's own decides."""

FORMATS = ("table", "markdown", "latex", "csv", "json")


@verb("compare", reads_runs=True, kept=("*/run.json", "the same command goes on with its runs"))
@click.argument(
    "paths", nargs=-1, required=True, metavar="DATA | FILE.toml | RUN RUN …", type=click.Path(path_type=Path)
)
@click.option(
    "-m", "--model", "models", multiple=True, metavar='"MODEL [OPTIONS]"', help="As `fit` takes it; may repeat."
)
@click.option(
    "--experiment",
    metavar="NAME",
    help="One that comes with the package: gnnie, ncf, ngcf-layers, nnrecommend, nnrecommend-skip.",
)
@click.option("--epochs", type=click.IntRange(1), help="Of each fit of the experiment.  [default: the experiment's]")
@click.option("--time-limit", metavar="10m", help="Of each fit of the experiment.")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where the runs go.")
@click.option(
    "--split", type=click.Choice(["valid", "test"]), default="valid", show_default=True, help="Which part to rank."
)
@click.option("-k", "k", type=int, multiple=True, default=(10, 20), show_default=True, help="Cut-off; may repeat.")
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
@click.option("--pairwise", is_flag=True, help="Test every two models too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the fits and of the resamples.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Fit each N times.",
)
@click.option("--data", type=click.Path(path_type=Path), help="The data folder of RUN …, where it has moved.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    screen: Screen,
    paths: tuple[Path, ...],
    models: tuple[str, ...],
    experiment: str | None,
    epochs: int | None,
    time_limit: str | None,
    out: Path | None,
    seed: int,
    seeds: int,
    data: Path | None,
    device: str,
    form: str,
    as_json: bool,
    **report: Any,
) -> None:
    """Compare models on one split. Fit the models of -m that FOLDER does not hold yet, or take finished RUNs.

    Each is tested against the best, playlist by playlist. Compare on valid, and read test once, at the end.

    \b
    playlistrec compare data -m lightgcn -m itemknn -o runs
    playlistrec compare experiment.toml -o runs --format latex
    playlistrec compare slices --experiment gnnie -o runs
    """
    recipe = paths[0] if len(paths) == 1 and paths[0].suffix == ".toml" and experiment is None else None
    _check_usage(paths, models, recipe, experiment, out, seeds)
    from ..experiment.comparison import compare
    from ..experiment.experiment_file import Experiment, Fitted, fit_seeds
    from .fit import seconds_of

    if not (recipe or experiment) and (epochs or time_limit):
        raise ConfigError("--epochs and --time-limit are for an experiment; with -m they stand beside the model")
    with screen.events() as on_event:
        requests: Sequence[FitRequest] = []
        if recipe is not None or experiment is not None:
            _refuse_beside_file(also=() if experiment else OF_SHIPPED)
            chosen = Experiment.read(paths[0]) if experiment is None else Experiment.shipped(experiment, paths[0])
            shorter: dict[str, Any] = {"epochs": epochs, "time_limit": seconds_of(time_limit)}
            if experiment:
                shorter |= {"split": report["split"], "seeds": seeds if seeds > 1 else None, "device": device}
            chosen = chosen.changed(**shorter)
            report, requests = dict(chosen.evaluate), chosen.requests
            assert out is not None, "checked above"
            data, fitted = chosen.fit(out, on_event)
        elif models:
            assert out is not None, "checked above"
            requests = [fit_request(text) for text in dict.fromkeys(models)]
            data = paths[0]
            fitted = fit_seeds(data, requests, range(seed, seed + seeds), out, on_event=on_event)
        else:
            fitted = Fitted({}, {})
        if fitted.failed and not fitted.runs:
            raise RunError(_in_words(fitted.failed))
        metrics, part = report.pop("metrics"), report.pop("split")
        runs: Any = fitted.runs or paths
        with trusting(request.model for request in requests):
            found = compare(runs, part=part, seed=seed, data=data, device=device, on_event=on_event, **report)
    failed = fitted.failed | found.failed
    _show(screen, found, failed, columns_of(found, metrics, report["k"]), "json" if as_json else form)
    if failed:
        raise RunError(_in_words(failed))


def _check_usage(
    paths: tuple[Path, ...],
    models: tuple[str, ...],
    recipe: Path | None,
    experiment: str | None,
    out: Path | None,
    seeds: int,
) -> None:
    """Raise ConfigError for options that do not go together."""
    if models and experiment:
        raise ConfigError("-m and --experiment do not go together: an experiment names its models")
    if (models or recipe or experiment) and (len(paths) != 1 or out is None):
        one = "compare with -m, --experiment or a file takes -o FOLDER for the runs"
        raise ConfigError(f"{one}, and with -m or --experiment one data folder")
    if not (models or recipe or experiment) and out is not None:
        raise ConfigError("-o is for the runs of -m: name models too, as in -m lightgcn")
    if seeds > 1 and not (models or experiment):
        raise ConfigError("--seeds is for the fits of -m; a file has its own seeds")


def _refuse_beside_file(also: Sequence[str]) -> None:
    """Raise ConfigError for an option that the file decides."""
    context = click.get_current_context()
    for name in ("models", "k", "metrics", "protocol", "by", "test", "resamples", "seed", "data", "pairwise", *also):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise ConfigError(f"the file says what is compared and how: write {name} there")


def _show(screen: Screen, found: Comparison, failed: dict[str, str], names: list[str], form: str) -> None:
    columns, cells, bold = cells_of(found, names)
    if form == "json":
        screen.json(object_of(found, failed, names))
    elif form == "csv":
        screen.line(csv_of(found, names))
    elif form == "markdown":
        screen.line(markdown_of(columns, cells, bold))
    elif form == "latex":
        screen.line(latex_of(found, columns, cells, bold))
    else:
        screen.text(caption(found))
        screen.line("")
        screen.table(cells, columns, bold=bold)
        if found.pairs:
            heads, rows = pairs_of(found)
            screen.text("\nall pairs; p corrected for all of them; d is the mean difference over its deviation")
            screen.table(rows, heads)


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


def _in_words(failed: dict[str, str]) -> str:
    return "; ".join(f"{name}: {error}" for name, error in failed.items())
