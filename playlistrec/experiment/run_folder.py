"""The files of a run folder: ``run.json``, ``config.toml``, ``MODEL.md``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Hint, RunError
from ..storage import make_folder, remove_folder, toml_text, write_file, write_json
from .data import Data

__all__ = [
    "FORMAT_VERSION",
    "begin_folder",
    "check_resumable",
    "check_same_data",
    "model_card",
    "read_info",
    "write_info",
]

FORMAT_VERSION = 1


def read_info(folder: Path) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads((folder / "run.json").read_text())
    except (FileNotFoundError, NotADirectoryError):
        what = "is not a run folder: run.json is missing" if folder.exists() else "does not exist"
        raise RunError(f"{folder} {what}") from None
    except ValueError as error:
        raise RunError(f"{folder}/run.json is damaged: {error}") from error
    if info.get("format") != FORMAT_VERSION:
        raise RunError(f"{folder} has format {info.get('format')!r}, this version reads {FORMAT_VERSION}")
    return info


def write_info(folder: Path, info: dict[str, Any]) -> None:
    write_json(folder / "run.json", info)


def check_same_data(folder: Path, info: dict[str, Any], data: Data) -> None:
    if info["vocabulary"] != data.corpus.vocabulary_hash:
        raise RunError(f"{folder} was fitted on other data than {data.name}: their playlists or tracks differ")
    if info["split"] != data.split.fingerprint:
        raise RunError(f"{folder} was fitted on another split than that of {data.name}: it may have seen its test part")


def begin_folder(folder: Path, info: dict[str, Any], *, force: bool) -> None:
    """Begin a run folder. Raises RunError where there is one already, unless ``force`` says to replace it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not force:
            raise RunError(
                f"{folder} exists",
                Hint(
                    "choose another folder, continue it with {resume}, or replace it with {force}",
                    {"resume": True, "force": True},
                ),
            )
        if not (folder / "run.json").exists():
            raise RunError(f"{folder} is not a run folder: it will not be replaced")
        remove_folder(folder)
    make_folder(folder)
    write_info(folder, info)
    write_file(folder / "config.toml", toml_text({**info["options"], **(info["training"] or {})}))


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
        f"# {info['model']} on {data.name}",
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
    if info["refit"]:
        lines.append("- refitted on training and validation part for the test part and for recommendations")
    lines += [
        f"- {_inline(info['versions'])}",
        "",
        f"    playlistrec evaluate {folder} --split test -k 20",
        "",
    ]
    return "\n".join(lines)


def _inline(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items() if value is not None) or "none"
