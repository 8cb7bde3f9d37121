"""The files of a run folder: ``run.json``, ``config.toml``, ``MODEL.md``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import Hint, RunError
from ..storage import (
    check_replaceable,
    locked,
    new_folder,
    remove_ours,
    toml_text,
    write_file,
    write_json,
)
from ..text import markdown_cell, shown
from .data import Data
from .run_reading import CARRIED, FITTED, FORMAT_VERSION, RUN, read_info

__all__ = [
    "CARRIED",
    "FITTED",
    "FORMAT_VERSION",
    "RUN",
    "begun_folder",
    "check_resumable",
    "check_same_data",
    "model_card",
    "read_info",
    "recipe",
    "resumed_folder",
    "write_info",
]


def write_info(folder: Path, info: dict[str, Any]) -> None:
    """Write ``run.json``."""
    write_json(folder / "run.json", info)


def check_same_data(folder: Path, info: dict[str, Any], data: Data) -> None:
    if info["vocabulary"] != data.corpus.vocabulary_hash:
        raise RunError(f"{folder} was fitted on other data than {data.name}: their playlists or tracks differ")
    if info["split"] != data.split.fingerprint:
        raise RunError(f"{folder} was fitted on another split than that of {data.name}: it may have seen its test part")


def recipe(info: Mapping[str, Any], *, refit: bool) -> str:
    """The ``config.toml`` of a run, from which ``fit`` makes it again: model, seed, refit and all options."""
    options = {**info["options"], **(info["training"] or {})}
    written = toml_text({name: "none" if value is None else value for name, value in options.items()})
    head = toml_text({"model": info["model"], "seed": info["seed"], "refit": refit})
    return f"{head}\n[options]\n{written}"


@contextmanager
def begun_folder(
    folder: Path, info: dict[str, Any], *, force: bool, sources: Sequence[Path], refit: bool
) -> Iterator[Path]:
    """Begin a run in ``folder``; yields where its files go until the block ends.

    That is the folder itself where there was none: it can be resumed if the fit is interrupted. A run that is replaced
    with ``force`` stays as it is until the new one is finished, beside it.

    Raises RunError where there is a run already and ``force`` is not given, or where the folder holds anything else.
    """
    begun = {**info, "type": RUN.marker}

    def begin(new: Path) -> None:
        write_info(new, begun)
        write_file(new / "config.toml", recipe(info, refit=refit))

    try:
        check_replaceable(folder, RUN, force=False, sources=sources)
    except RunError as error:
        if not force:
            if error.hint is not None:
                error.hint = Hint(
                    "choose another folder, continue it with {resume}, or replace it with {force}",
                    {"resume": True, "force": True},
                )
            raise
        with new_folder(folder, RUN, force=True, sources=sources) as new:
            begin(new)
            try:
                yield new
            except RunError as error:
                error.message = error.message.partition(f"; {new} ")[0]  # nothing is left there to resume
                raise
        return
    with new_folder(folder, RUN, sources=sources) as new:
        begin(new)
    with locked(folder, RunError):
        try:
            yield folder
        except BaseException:
            if not (folder / "checkpoint.npz").exists():
                remove_ours(folder, RUN)  # nothing to resume from
            raise


@contextmanager
def resumed_folder(folder: Path) -> Iterator[Path]:
    """The folder of a run that goes on, which no other process writes within the block."""
    with locked(folder, RunError):
        write_info(folder, {key: value for key, value in read_info(folder).items() if key != "files"})
        yield folder


def check_resumable(folder: Path, before: dict[str, Any], info: dict[str, Any]) -> None:
    """Raise RunError where the run in ``folder`` was begun with something else than ``info`` says."""
    for key in ("model", "options", "training", "seed"):
        old, new = _comparable(before[key]), _comparable(info[key])
        if old != new:
            raise RunError(f"{folder} was begun with {_difference(key, old, new)}: resume with the same")


def _comparable(value: Any) -> Any:
    """Lists for tuples, as JSON gives them back; the number of epochs may grow, and lr fall after it was too high."""
    value = json.loads(json.dumps(value))
    return {k: v for k, v in value.items() if k not in ("epochs", "lr")} if isinstance(value, dict) else value


def _difference(key: str, old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        name = next(k for k in old | new if old.get(k) != new.get(k))
        return f"{name}={old.get(name)!r}, not {new.get(name)!r}"
    return f"{key} {old!r}, not {new!r}"


def model_card(folder: Path, info: dict[str, Any], summary: str, data: Data) -> str:
    """A short page about the run: what was fitted to what, how, and how well."""
    lines = [
        f"# {markdown_cell(info['model'])} on {markdown_cell(data.name)}",
        "",
        f"{summary[0].upper()}{summary[1:]}.",
        "",
        f"- data: {data.corpus.n_playlists:,} playlists, {data.corpus.n_tracks:,} tracks, split {data.split.kind}",
        f"- options: {_inline(info['options'])}",
    ]
    if info["training"]:
        lines.append(f"- training: {_inline(info['training'])}; seed {info['seed']}")
        lines.append(
            f"- best epoch {info['best_epoch']}, stopped by {info['stopped']}, {info['seconds']} s on {info['device']}"
        )
    if info["valid"]:
        figures = ", ".join(f"{k} {v:.4f}" for k, v in info["valid"].items() if "@" in k)
        lines.append(f"- validation: {figures}")
    if weights := info.get("learned_layer_weights"):
        lines.append(f"- learned weights of the layers, the embeddings first: {', '.join(map(str, weights))}")
    if info["refit"]:
        lines.append("- refitted on training and validation part for the test part and for recommendations")
    lines += [
        f"- {_inline(info['versions'])}",
        "",
        f"    playlistrec evaluate {shown(shlex.quote(str(folder)))} --split test -k 20",
        "",
    ]
    return "\n".join(lines)


def _inline(options: Mapping[str, Any]) -> str:
    return ", ".join(markdown_cell(f"{name} {value}") for name, value in options.items() if value is not None) or "none"
