"""``playlistrec fit``"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from ..storage import read_toml
from .console import Screen
from .ray_options import cluster_of, ray_option, workers_option
from .verb import verb

__all__ = ["command", "from_sets", "seconds_of"]


@verb("fit", reads_runs=True, kept=("checkpoint.npz", "--resume goes on from its last checkpoint"))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-m", "--model", help="Which model; `playlistrec models` lists them; auto tries several.")
@click.option(
    "--from",
    "recipe",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="RUN/config.toml",
    help="Model, options and seed of another run; what else is given wins over it.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="RUN",
    help="The run folder to write.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.toml",
    help="Options from a file.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    help="One option, which wins over --config and the preset; may repeat.",
)
@click.option(
    "--preset", metavar="NAME|FILE.toml", help="Which preset of the model; none: plain defaults.  [default: by size]"
)
@click.option("--epochs", type=int, metavar="N", help="Short for --set epochs=N.")
@click.option("--time-limit", metavar="10m", help="End training after this long, within an epoch too: 90s, 10m, 1h.")
@click.option("--checkpoint-every", metavar="5m", help="Write checkpoints within long epochs (aggregate).")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--seed", type=int, help="Same seed, same model.  [default: 0]")
@click.option("--resume", is_flag=True, help="Continue the fit in RUN.")
@click.option(
    "--refit",
    is_flag=True,
    help="Then fit once more on training and validation part, for the epochs found best.",
)
@click.option("--init", type=click.Path(path_type=Path), metavar="RUN", help="Start from the vectors of another run.")
@click.option("--slim", is_flag=True, help="Leave the data out of RUN, which then needs DATA to recommend.")
@click.option(
    "--track",
    "trackers",
    multiple=True,
    metavar="NAME[:WHERE]",
    help="tensorboard, mlflow, wandb, trackio; may repeat.",
)
@ray_option
@workers_option("Processes of --ray that share every batch.")
@click.option("--force", is_flag=True, help="Replace RUN if it is a run folder.")
def command(
    screen: Screen,
    data: Path,
    model: str | None,
    recipe: Path | None,
    out: Path,
    config: Path | None,
    sets: tuple[str, ...],
    time_limit: str | None,
    checkpoint_every: str | None,
    trackers: tuple[str, ...],
    ray: str | None,
    workers: int | None,
    **options: Any,
) -> None:
    """Fit MODEL to the data folder DATA and keep it in the run folder RUN.

    The training part is learned; the validation part picks the epoch and stops the fit; the test part stays unseen.

    \b
    playlistrec fit data -m lightgcn -o run --time-limit 10m
    playlistrec fit data -m mf -o run --set dim=128 --set lr=0.01
    """
    given = {**(read_toml(config, "config file") if config else {}), **from_sets(sets)}
    if recipe is not None:
        model, given, options = _like(recipe, model, given, options)
    if model is None:
        raise ConfigError("fit needs -m MODEL, or --from RUN/config.toml")
    limits: dict[str, Any] = {
        "time_limit": seconds_of(time_limit),
        "checkpoint_every": seconds_of(checkpoint_every, "--checkpoint-every"),
    }
    from ..distributed.process_group import joined
    from ..experiment.fitting import fit
    from ..sinks.sink import tracked

    if workers is not None and ray is None:
        raise click.UsageError("--workers is for --ray; torchrun --nproc-per-node starts processes here")
    with (
        joined() as ranks,
        (Screen(quiet=True) if ranks.rank else screen).events() as on_event,
        tracked(() if ranks.rank else trackers, out.name, on_event) as tracking,
    ):
        how = {"options": given, "on_event": tracking, **limits, **options}
        if ray is None:
            info = fit(data, model, out, **how).info
        else:
            from ..experiment.on_ray import fit_on

            with cluster_of(ray, workers) as cluster:
                info = fit_on(cluster, data, model, out, **how)
    if ranks.rank:
        return
    if "auto" in info:
        _show_tried(screen, info["auto"])
        model = f"auto, {info['model']}"
    screen.line(f"{model} in {out}: {info['seconds']:.1f} s, peak memory {info['peak_memory_mb']:,} MB")
    if info["best_epoch"] and "epochs_done" in info:
        screen.text(f"best epoch {info['best_epoch']} of {info['epochs_done']}: {_ended(info)}")
    if info["valid"]:
        protocol = (info["training"] or {}).get("protocol", "full")
        figures = " ".join(f"{k} {v:.4f}" for k, v in info["valid"].items() if "@" in k)
        screen.text(f"validation{'' if protocol == 'full' else f' ({protocol})'} {figures}")


def _like(
    recipe: Path, model: str | None, given: dict[str, Any], options: dict[str, Any]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Model, options and the rest of ``fit`` as the run of a ``config.toml`` had them, where they are not given."""
    kept = read_toml(recipe, "run's config.toml")
    if not isinstance(kept.get("model"), str) or not isinstance(kept.get("options"), dict):
        raise ConfigError(f"{recipe} is not the config.toml of a run: it needs model and [options]")
    if model not in (None, kept["model"]):
        raise ConfigError(f"{recipe} is of the model {kept['model']} (got -m {model})")
    seed = options["seed"] if options["seed"] is not None else kept.get("seed")
    preset = "none" if options["preset"] is None else options["preset"]
    refit = options["refit"] or bool(kept.get("refit"))
    return kept["model"], {**kept["options"], **given}, {**options, "seed": seed, "preset": preset, "refit": refit}


def _ended(info: dict[str, Any]) -> str:
    """The reason why training ended, and if more of it might help."""
    if info["stopped"] == "patience":
        return "validation rose no more"
    why = "the time limit ended it" if info["stopped"] == "time" else "all epochs done"
    rising = info["valid"] and info["best_epoch"] > info["epochs_done"] - info["training"]["eval_every"]
    return why + (", validation still rising" if rising else "")


def _show_tried(screen: Screen, auto: dict[str, Any]) -> None:
    """The table of what ``auto`` tried on the validation part, the best first."""
    rows = sorted(auto["tried"], key=lambda row: -(row["ndcg@20"] or 0))
    figures = [["" if row[m] is None else f"{row[m]:.4f}" for m in ("recall@20", "ndcg@20")] for row in rows]
    cells = [[row["model"], *both, f"{row['seconds']:.1f}", row["outcome"]] for row, both in zip(rows, figures)]
    screen.table(cells, ["model", "recall@20", "ndcg@20", "seconds", "what became of it"])
    screen.line(f"\nchosen: {auto['why']}")


def from_sets(sets: tuple[str, ...]) -> dict[str, str]:
    """The options of ``--set KEY=VALUE``."""
    pairs = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set must be KEY=VALUE (got {text!r})")
        pairs[name.strip()] = value.strip()
    return pairs


def seconds_of(text: str | None, option: str = "--time-limit") -> float | None:
    """The seconds of a time such as ``--time-limit``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    if match is None or float(match[1]) == 0:
        raise ConfigError(f"{option} must be a time such as 90s, 10m or 1h (got {text!r})")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
