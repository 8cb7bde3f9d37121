"""Exporting a run to a folder that other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import ConfigError, DataError, nearest
from ..events import Event, OnEvent, ignore
from ..experiment.data import Data
from ..experiment.runs import Run
from ..storage import FolderKind, check_replaceable, checksums, new_folder, write_file, write_json

__all__ = ["KINDS", "export", "export_graph"]

FORMAT_VERSION = 1
EXPORT = FolderKind("an export", "manifest.json", "playlistrec export")

KINDS = {
    "parquet": "parquet",
    "npz": "npz",
    "voyager": "voyager",
    "faiss": "faiss",
    "safetensors": "safetensors",
    "onnx": "onnx",
    "dgl": "dgl",
}
"""Name -> module of this package, with ``write(source, folder)`` and, for the README, ``LOAD``."""

LOW = 0.95
"""Recall of an index below which a warning says so."""


def export(
    run: Run | str | Path,
    out: str | Path,
    to: Sequence[str] = ("parquet",),
    *,
    data: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    on_event: OnEvent = ignore,
) -> dict[str, Any]:
    """Write the vectors by which a run ranks the test part, and the forms in ``to``, to ``out``.

    The Parquet files are always there, since rows of an index or a graph mean nothing without them. The folder
    appears whole or not at all.

    Args:
        run: a run, or its folder.
        to: names out of :data:`KINDS`.
        data: the data folder, where it has moved.
        force: replace ``out`` where it is an export.

    Returns:
        what ``manifest.json`` says.

    Raises:
        ConfigError: an unknown kind, a package that is missing, or a model that cannot be exported so. DataError:
        ``out`` exists or cannot be written. RunError: the run cannot be read.
    """
    out = Path(out)
    for kind in to:
        if kind not in KINDS:
            raise ConfigError(f"unknown kind of export {kind!r}{nearest(kind, KINDS)}; known: {', '.join(KINDS)}")
    replacing: Any = {"force": force, "sources": _paths(run)}
    check_replaceable(out, EXPORT, **replacing)
    run = run if isinstance(run, Run) else Run.load(run, data=data)
    on_event(Event("message", f"computing the vectors of {run.model_type.name}"))
    source = run.embeddings(device=device)
    kinds = list(dict.fromkeys(["parquet", *to]))
    kinds_written: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] = {
        "type": EXPORT.marker,
        "export": FORMAT_VERSION,
        "playlistrec": __version__,
        "model": run.model_type.name,
        "options": run.options.as_dict(),
        "run": str(run.path) if run.path else None,
        "data": run.data.name,
        "split": run.data.split.kind,
        "vocabulary": run.data.corpus.vocabulary_hash,
        "counts": {
            "playlists": len(source.playlists),
            "tracks": len(source.tracks),
            "artists": run.data.corpus.n_artists,
        },
        "dim": source.dim,
        "similarity": "inner product",
        "artist_vectors": source.artists is not None,
        "kinds": kinds_written,
    }

    with new_folder(out, EXPORT, **replacing) as folder:
        for kind in kinds:
            on_event(Event("message", f"writing {kind}"))
            kinds_written[kind] = _module(kind).write(source, folder)
            for name, value in kinds_written[kind].items():
                if name.startswith("recall@") and value is not None and value < LOW:
                    on_event(Event("warning", f"the {kind} index finds only {value:.3f} of the best tracks ({name})"))
        write_file(folder / "README.md", _readme(manifest), DataError)
        manifest["files"] = checksums(folder, EXPORT.manifest)
        write_json(folder / EXPORT.manifest, manifest, DataError)
    return manifest


def export_graph(
    data: Data | str | Path, out: str | Path, *, force: bool = False, on_event: OnEvent = ignore
) -> dict[str, Any]:
    """Write the graph of the training entries of a data folder to ``out``, for DGL.

    Returns:
        what ``manifest.json`` says.

    Raises:
        DataError: ``out`` exists or cannot be written, or the data folder cannot be read.
    """
    from ..graph.build import build_graph, save_graph

    out = Path(out)
    replacing: Any = {"force": force, "sources": _paths(data)}
    check_replaceable(out, EXPORT, **replacing)
    data = data if isinstance(data, Data) else Data.load(data)
    on_event(Event("message", "building the graph"))
    graph = build_graph(data.split.training(data.corpus))
    manifest: dict[str, Any] = {
        "type": EXPORT.marker,
        "export": FORMAT_VERSION,
        "playlistrec": __version__,
        "data": data.name,
        "split": data.split.kind,
        "vocabulary": data.corpus.vocabulary_hash,
        "kinds": {"dgl": {"files": ["graph.bin"], "edges": {e: graph.num_edges(e) for e in graph.etypes}}},
    }
    load = '`dgl.load_graphs("graph.bin")[0][0]` is the heterograph of the training entries, nodes as in their tables'

    with new_folder(out, EXPORT, **replacing) as folder:
        save_graph(graph, folder / "graph.bin")
        write_file(folder / "README.md", f"# The graph of {data.name}\n\n- dgl: {load}.\n", DataError)
        manifest["files"] = checksums(folder, EXPORT.manifest)
        write_json(folder / EXPORT.manifest, manifest, DataError)
    return manifest


def _paths(source: Run | Data | str | Path) -> list[Path]:
    """The folder that an export is made of; none of what is in memory."""
    path = source.path if isinstance(source, Run | Data) else source
    return [] if path is None else [Path(path)]


def _module(kind: str) -> Any:
    return import_module(f".{KINDS[kind]}", __package__)


def _readme(manifest: dict[str, Any]) -> str:
    """The text of the export's README: its content, and how each file is read."""
    counts = manifest["counts"]
    what = (
        f"Vectors of {counts['playlists']:,} playlists and {counts['tracks']:,} tracks, {manifest['dim']} numbers "
        f"each, made by playlistrec {manifest['playlistrec']} with the model {manifest['model']}. The score of a track "
        "for a playlist is the inner product of their vectors, higher is better; the seeds of a playlist, the tracks "
        "that it is known to hold, are to be left out of what is recommended to it. `manifest.json` says how all this "
        "was made and, of an approximate index, the share of the best tracks by exact ranking that it finds (recall)."
    )
    how = "".join(f"- {kind}: {_module(kind).LOAD}.\n" for kind in manifest["kinds"])
    return f"# {manifest['model']}, exported\n\n{what}\n\nHow to read each file in Python:\n{how}"
