"""Reading a run folder that may be another's: what its ``run.json`` must say, and what its arrays must be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..config import Config
from ..corpus.corpus import Corpus
from ..errors import ConfigError, Hint, RunError
from ..models.base import Recommender
from ..models.registry import model_of_run
from ..storage import Arrays, FolderKind, OpenFolder, read_arrays, read_folder, read_json
from .data_folder import DATA, KNOWN

__all__ = ["CARRIED", "FITTED", "FORMAT_VERSION", "RUN", "TENSORS", "damaged", "info_of", "learned_of", "read_info"]

FORMAT_VERSION = 1
CARRIED, FITTED, TENSORS = "data", "fitted.npz", "model.safetensors"
"""The folder with the data that a run carries; the file that says what an update was fitted to; that which has the
place of ``weights.npz`` in a folder for a hub."""

RUN = FolderKind(
    "a run folder",
    "run.json",
    "playlistrec run",
    names=(
        *(
            f"(refit/)?{name}"
            for name in (
                *(r"config\.toml", r"MODEL\.md", r"weights\.npz", r"weights-before\.npz", r"checkpoint\.npz"),
                *(r"history\.jsonl", r"timing\.jsonl", r"snapshots/\d+\.npz"),
            )
        ),
        re.escape(FITTED),
        *(f"{CARRIED}/{re.escape(name)}" for name in (*KNOWN, DATA.manifest)),
    ),
    error=RunError,
)
KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "text"),
    "options": ((dict,), "an object"),
    "training": ((dict, type(None)), "an object or null"),
    "seed": ((int,), "a whole number"),
    "data": ((str, type(None)), "text or null"),
    "vocabulary": ((str,), "text"),
    "split": ((str,), "text"),
    "refit": ((bool,), "true or false"),
}
"""The fields that ``run.json`` always has."""
LATER: dict[str, tuple[tuple[type, ...], str]] = {
    "files": ((dict,), "an object"),
    "preset": ((str, type(None)), "text or null"),
    "seconds": ((int, float), "a number"),
    "peak_memory_mb": ((int, float), "a number"),
    "valid": ((dict, type(None)), "an object or null"),
    "best_epoch": ((int, type(None)), "a whole number or null"),
    "versions": ((dict,), "an object"),
    "learned_layer_weights": ((list,), "a list"),
}
"""Its fields when the fit has ended."""


def read_info(folder: Path) -> dict[str, Any]:
    """The content of ``run.json`` of a run folder. Raises RunError where it is missing or damaged."""
    if not folder.is_dir():
        raise RunError(f"{folder} {'is not a run folder: it is a file' if folder.exists() else 'does not exist'}")
    return read_folder(folder, RUN.manifest, info_of, RunError)


def info_of(folder: OpenFolder) -> dict[str, Any]:
    """The content of ``run.json`` of an open run folder."""
    if not folder.has(RUN.manifest):
        if folder.has(DATA.manifest):
            fit = f"fit a model with `playlistrec fit {folder.path} -m MODEL -o RUN`"
            raise RunError(f"{folder.path} is a data folder and not a run: {fit}")
        raise RunError(f"{folder.path} is not a run folder: run.json is missing")
    name = f"{folder.path}/{RUN.manifest}"
    info = read_json(folder.open(RUN.manifest), name, RunError)
    if info.get("format") != FORMAT_VERSION:
        raise RunError(f"{folder.path} has format {info.get('format')!r}, this version reads {FORMAT_VERSION}")
    for key, (kinds, words) in (KINDS | {k: v for k, v in LATER.items() if k in info}).items():
        if key not in info or not isinstance(info[key], kinds) or (isinstance(info[key], bool) and bool not in kinds):
            raise RunError(f"{name} is damaged: {key} must be {words} (got {info.get(key)!r:.60})")
    if not all(isinstance(value, int | float) for value in (info.get("valid") or {}).values()):
        raise RunError(f"{name} is damaged: valid must hold numbers")
    if not all(isinstance(value, int | float) for value in info.get("learned_layer_weights", ())):
        raise RunError(f"{name} is damaged: learned_layer_weights must hold numbers")
    return info


def learned_of(
    folder: OpenFolder, info: Mapping[str, Any], corpus: Corpus
) -> tuple[type[Recommender], Config, Arrays, Arrays | None]:
    """The model of a run, its options, and the arrays as they were fitted first, and as refitted.

    Raises RunError where options or arrays cannot be those of a model of this corpus.
    """
    with damaged(folder.path):
        model_type = model_of_run(info["model"], RUN.manifest)
        arrays, refit_arrays = _read_learned(folder, info)
        try:
            options = model_type.config_class.from_options(info["options"])
        except (ConfigError, TypeError) as error:
            raise RunError(f"{RUN.manifest} is damaged: {error}") from None
        for name, state in (("weights.npz", arrays), ("refit/weights.npz", refit_arrays)):
            if state is not None:
                with damaged(folder.path / name):
                    model_type.check_state(corpus, options, state)
    return model_type, options, arrays, refit_arrays


def _read_learned(folder: OpenFolder, info: Mapping[str, Any]) -> tuple[Arrays, Arrays | None]:
    """The arrays of ``weights.npz``, and those of ``refit/weights.npz`` where the run was refitted."""
    if folder.has(TENSORS):
        refit = f"refit/{TENSORS}"
        return _tensors(folder, info, TENSORS), _tensors(folder, info, refit) if folder.has(refit) else None
    if not folder.has("weights.npz"):
        raise RunError(f"{folder.path} has no weights yet", Hint("continue the fit with {resume}", {"resume": True}))
    digests = info.get("files", {})
    names = ["weights.npz", *(["refit/weights.npz"] if info["refit"] and folder.has("refit/weights.npz") else [])]
    found = [read_arrays(folder.path / name, file=folder.open(name, digests.get(name)))[0] for name in names]
    return found[0], found[1] if len(found) > 1 else None


def _tensors(folder: OpenFolder, info: Mapping[str, Any], name: str) -> Arrays:
    """The arrays of a file of safetensors."""
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ImportError:
        words = f"{folder.path} needs the package safetensors: pip install 'playlistrec[safetensors]'"
        raise RunError(words) from None
    try:
        return dict(load(folder.open(name, info.get("files", {}).get(name)).read()))
    except SafetensorError as error:
        raise RunError(f"{folder.path}/{name} is damaged: {error}") from None


@contextmanager
def damaged(path: Path | None) -> Iterator[None]:
    """Within this block a RunError names the file or folder ``path`` that was read."""
    try:
        yield
    except RunError as error:
        if path is None or str(path) in error.message:
            raise
        what = f"{path} is damaged: {error.message}" if error.hint is None else f"{path}: {error.message}"
        raise RunError(what, error.hint) from None
