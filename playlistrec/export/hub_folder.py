"""A folder for a model hub: weights as safetensors, the vocabulary, a model card; ``Run.load`` reads it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import __version__
from ..events import Event, OnEvent, ignore
from ..experiment.loading import carry
from ..experiment.run_folder import CARRIED, RUN, write_info
from ..experiment.run_reading import TENSORS
from ..experiment.runs import Run
from ..storage import checksums, make_folder, new_folder, write_file
from .safetensors import as_safetensors

__all__ = ["export_hub_folder"]

LEFT_OUT = ("files", "updates", "device", "seconds", "peak_memory_mb")
"""Entries of ``run.json`` that say something of the machine, or of files that are not there."""


def export_hub_folder(
    run: Run | str | Path,
    out: str | Path,
    *,
    data: str | Path | None = None,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> dict[str, Any]:
    """Write a run to ``out`` so that it can be uploaded to a hub as it is, and read by ``Run.load`` from there.

    It has all that recommending needs, and neither the entries that the test hides nor a path of this machine.

    Returns:
        what its ``run.json`` says.

    Raises:
        ConfigError: safetensors is missing. RunError: ``out`` exists, or the run cannot be read.
    """
    out = Path(out)
    run = run if isinstance(run, Run) else Run.load(run, data=data)
    sources = [path for path in (run.path, run.data.path) if path is not None]
    info = {key: value for key, value in run.info.items() if key not in LEFT_OUT} | {"data": CARRIED}
    with new_folder(out, RUN, force=force, sources=sources) as folder:
        on_event(Event("message", f"writing {out}"))
        write_file(folder / TENSORS, as_safetensors(run.arrays))
        if run.refit_arrays is not None:
            make_folder(folder / "refit")
            write_file(folder / "refit" / TENSORS, as_safetensors(run.refit_arrays))
        carry(folder, run.data)
        write_file(folder / "README.md", _card(run, info))
        info |= {"type": RUN.marker, "files": checksums(folder, RUN.manifest)}
        write_info(folder, info)
    return info


def _card(run: Run, info: dict[str, Any]) -> str:
    """The model card: metadata for the hub, and how the model is used."""
    name, corpus = run.model_type.name, run.data.corpus
    data = Path(run.data.name).name
    figures = {k: v for k, v in (info.get("valid") or {}).items() if "@" in k}
    results = "".join(f"    - type: {key}\n      value: {value:.4f}\n" for key, value in figures.items())
    index = (
        f"model-index:\n- name: {name}\n  results:\n  - task:\n      type: recommendation\n    dataset:\n"
        f"      name: {data}\n      type: playlists\n    metrics:\n{results}"
    )
    options = ", ".join(f"{key} {value}" for key, value in info["options"].items() if value is not None)
    training = ", ".join(f"{key} {value}" for key, value in (info["training"] or {}).items() if value is not None)
    shown = ", ".join(f"{key} {value:.4f}" for key, value in figures.items())
    return (
        f"---\nlibrary_name: playlistrec\ntags:\n- recommender-system\n- playlists\n- {name}\n"
        f"{index if figures else ''}---\n\n"
        f"# {name} for playlists\n\n{run.model_type.summary[0].upper()}{run.model_type.summary[1:]}.\n\n"
        f"- {corpus.n_playlists:,} playlists, {corpus.n_tracks:,} tracks, {corpus.n_artists:,} artists ({data})\n"
        f"- options: {options or 'none'}\n"
        + (f"- training: {training}\n" if training else "")
        + (f"- validation: {shown}\n" if shown else "")
        + f"- made by playlistrec {__version__}\n\n"
        "`run.json` says how the model was made, `model.safetensors` has what it learned, and `data` the names of "
        "playlists, tracks and artists and the entries that it may know.\n\n"
        "```python\nimport playlistrec as pr\n\n"
        'run = pr.Run.load("FOLDER")  # where this was downloaded to\n'
        'run.recommend(tracks=["Artist - Title"], k=20)\n```\n'
    )
