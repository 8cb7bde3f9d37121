"""Reading a run folder, and the data that it carries for the day when its data folder is gone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..errors import Hint, RunError
from ..storage import OpenFolder, make_folder, read_arrays, read_folder
from ..trust import trusting
from .data import Data, write_data
from .run_folder import check_same_data
from .run_reading import CARRIED, FITTED, RUN, info_of, learned_of, read_info

__all__ = ["carry", "origin_of", "read_run"]

ORIGIN = ("source", "options", "read")
"""Keys of a data folder's manifest that say where it comes from."""


def read_run(path: Path, data: str | Path | Data | None, trust: Collection[str]) -> dict[str, Any]:
    """The fields of a :class:`~.runs.Run`. Arguments and errors: see :meth:`~.runs.Run.load`."""
    info = read_info(path)
    known = data if isinstance(data, Data) else Data.load(_where(path, info, data))
    with trusting(trust) as trusted:
        fields = read_folder(path, RUN.manifest, lambda opened: _fields(opened, known), RunError)
    return {**fields, "trust": trusted}


def _fields(folder: OpenFolder, data: Data) -> dict[str, Any]:
    info = info_of(folder)
    check_same_data(folder.path, info, data)
    model_type, options, arrays, refit_arrays = learned_of(folder, info, data.corpus)
    fitted, digests = None, info.get("files", {})
    if folder.has(FITTED):
        fitted = read_arrays(folder.path / FITTED, file=folder.open(FITTED, digests.get(FITTED)))[0]
    return {
        "data": data,
        "model_type": model_type,
        "options": options,
        "arrays": arrays,
        "refit_arrays": refit_arrays,
        "info": info,
        "path": folder.path,
        "fitted": fitted,
    }


def _where(folder: Path, info: dict[str, Any], data: str | Path | None) -> Path:
    named = data or (None if info["data"] is None else folder / info["data"])  # an absolute path stays as it is
    if named is not None and Path(named).is_dir():
        return Path(named)
    if data is None and (folder / CARRIED / "manifest.json").exists():
        return folder / CARRIED
    where = f"the data of {folder} is not at {named} any more, and it carries none"
    raise RunError(where, Hint("say where with {data}", {"data": None}))


def carry(folder: Path, data: Data) -> None:
    """Write the data into a run folder, whole: what a playlist holds is never recommended, hidden or not."""
    make_folder(folder / CARRIED)
    write_data(folder / CARRIED, data.corpus, data.split, origin_of(data))


def origin_of(data: Data) -> dict[str, Any]:
    """The entries of a data folder's manifest that say where it comes from."""
    return {"source": None, "options": {}, "read": {}} | {k: data.manifest[k] for k in ORIGIN if k in data.manifest}
