"""Data folders: what ``preprocess`` writes and everything else reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..config import require
from ..corpus.corpus import Corpus, Mask
from ..corpus.filters import k_core as core_of
from ..corpus.filters import largest_component as component_of
from ..corpus.filters import neighbourhood
from ..corpus.sources.read import read
from ..corpus.split import Split
from ..corpus.splitting import (
    Hide,
    split_continuation,
    split_edges,
    split_given,
    split_leave_one_out,
)
from ..errors import ConfigError, DataError
from ..events import Event, OnEvent, ignore
from ..storage import check_replaceable, write_json, write_whole

__all__ = ["Data", "preprocess", "statistics", "write_data"]

FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Data:
    """A corpus, its split, and how they were made.

    Attributes:
        path: the folder, or none for data that was never saved.
    """

    corpus: Corpus
    split: Split
    manifest: dict[str, Any]
    path: Path | None = None

    @classmethod
    def load(cls, path: str | Path) -> Data:
        """Read a folder written by :func:`preprocess`. Raises DataError when it is missing or damaged."""
        folder = Path(path)
        if not folder.is_dir():
            raise DataError(
                f"there is no data folder {folder}: make one with `playlistrec preprocess SOURCE -o {folder}`"
            )
        try:
            manifest = json.loads((folder / "manifest.json").read_text())
        except FileNotFoundError:
            raise DataError(f"{folder} is not a data folder: manifest.json is missing") from None
        except ValueError as error:
            raise DataError(f"{folder}/manifest.json is damaged: {error}") from error
        if manifest.get("format") != FORMAT_VERSION:
            raise DataError(
                f"{folder} has format {manifest.get('format')!r}, this version reads {FORMAT_VERSION}: "
                "preprocess the source again"
            )
        for name, checksum in manifest["files"].items():
            if not (folder / name).exists():
                raise DataError(f"{folder} is not whole: {name} is missing")
            if name != "graph.bin" and _checksum(folder / name) != checksum:
                raise DataError(f"{folder}/{name} is damaged: its checksum is not the manifest's")
        return cls(Corpus.load(folder), Split.load(folder), manifest, folder)

    @classmethod
    def of(cls, corpus: Corpus, split: Split) -> Data:
        """Data in memory, for use as a library without a folder."""
        return cls(corpus, split, {})

    @cached_property
    def name(self) -> str:
        """What to call this data in a result."""
        return str(self.path) if self.path else "in memory"


def preprocess(
    source: str | Path,
    out: str | Path,
    *,
    format: Literal["auto", "mpd", "csv", "adjacency", "movielens", "lastfm"] = "auto",
    min_rating: float | None = None,
    k_core: int = 0,
    largest_component: bool = False,
    around: str | None = None,
    hops: int | None = None,
    limit: int | None = None,
    split: Literal["edges", "continuation", "given", "leave-one-out"] | None = None,
    valid: float = 0.1,
    test: float = 0.1,
    hide: Hide = "random",
    seed: int = 0,
    workers: int | None = None,
    renumber: bool = False,
    force: bool = False,
    on_event: OnEvent = ignore,
) -> Data:
    """Read playlists, filter them, split them and write the data folder ``out``.

    Filters apply in this order: ``limit``, ``around`` with ``hops``, ``k_core``, ``largest_component``. Where the
    test part came with the data (``split="given"``, the default for a folder with ``train.*`` and ``test.*``) they
    count training entries only. ``hide`` says which tracks of a playlist are hidden where a share of them is: see
    :func:`~playlistrec.corpus.splitting.split_edges`. The folder appears whole or not at all.

    Raises:
        DataError: the source cannot be read, nothing is left, or ``out`` exists and ``force`` is not given.
        ConfigError: an option has a value it cannot have.
    """
    out = Path(out)
    require(limit is None or limit >= 1, "limit", "at least 1", limit)
    require(workers is None or workers >= 1, "workers", "at least 1", workers)
    if (around is None) != (hops is None):
        raise ConfigError("around and hops go together: the playlist, and how many edges from it")
    if out.exists() and not force:
        raise DataError(f"{out} exists: choose another folder, or replace it with --force")
    check_replaceable(out)
    corpus, given = read(
        Path(source),
        format=format,
        limit=limit,
        min_rating=min_rating,
        workers=workers,
        renumber=renumber,
        on_event=on_event,
    )
    if split == "given" and given is None:
        raise DataError(f"{source} has no given split: it needs a train.* and a test.* file (csv or txt)")
    kind = split or ("edges" if given is None else "given")
    if hide != "random" and kind not in ("edges", "given"):
        raise ConfigError(f"hide is for split=edges and split=given: leave it out (got hide={hide}, split={kind})")
    counted = ~given if given is not None and kind == "given" else None
    read_counts = _counts(corpus)

    def narrow(masks: tuple[Mask, Mask]) -> None:
        nonlocal corpus, given, counted
        corpus, kept = corpus.subset(*masks)
        given = None if given is None else given[kept]
        counted = None if counted is None else counted[kept]

    if around is not None and hops is not None:
        narrow(neighbourhood(corpus, corpus.playlist_index(around), hops, counted))
    if k_core:
        narrow(core_of(corpus, k_core, counted))
    if largest_component:
        narrow(component_of(corpus, counted))
    if kind == "given" and given is not None:
        parts = split_given(corpus, given, valid=valid, seed=seed, hide=hide)
    elif kind == "leave-one-out":
        parts = split_leave_one_out(corpus)
    elif kind == "continuation":
        parts = split_continuation(corpus, valid=valid, test=test, seed=seed)
    else:
        parts = split_edges(corpus, valid=valid, test=test, seed=seed, hide=hide)
    if not parts.counts()["train"]:
        raise DataError(f"{source} leaves nothing to train on: {corpus.n_playlists} playlists, 0 training entries")
    origin = {
        "source": str(source),
        "options": {
            "format": format,
            "min_rating": min_rating,
            "limit": limit,
            "around": around,
            "hops": hops,
            "k_core": k_core,
            "largest_component": largest_component,
            "split": kind,
            "valid": None if kind == "leave-one-out" else valid,
            "test": None if kind in ("given", "leave-one-out") else test,
            "hide": hide if kind in ("edges", "given") else None,
            "seed": seed,
        },
        "read": read_counts,
    }
    on_event(Event("message", f"writing {out}"))
    manifest: dict[str, Any] = {}
    write_whole(out, lambda folder: manifest.update(write_data(folder, corpus, parts, origin)))
    return Data(corpus, parts, manifest, out)


def write_data(folder: Path, corpus: Corpus, split: Split, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Write the files of a data folder; returns its manifest, which says ``origin`` and what the files hold."""
    from ..graph.build import build_graph, save_graph

    corpus.save(folder)
    split.save(folder)
    save_graph(build_graph(split.training(corpus)), folder / "graph.bin")
    manifest = {
        "format": FORMAT_VERSION,
        **origin,
        "counts": {**_counts(corpus), "parts": split.counts()},
        "vocabulary": corpus.vocabulary_hash,
        "files": {file.name: _checksum(file) for file in sorted(folder.iterdir())},
    }
    write_json(folder / "manifest.json", manifest, DataError)
    return manifest


def _counts(corpus: Corpus) -> dict[str, int]:
    return {
        "playlists": corpus.n_playlists,
        "tracks": corpus.n_tracks,
        "artists": corpus.n_artists,
        "entries": corpus.n_entries,
        "pairs": len(corpus.pairs[0]),
    }


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def statistics(data: Data) -> dict[str, Any]:
    """What ``stats`` tells: counts, lengths, popularity skew, duplicates, parts of the split."""
    corpus = data.corpus
    lengths = corpus.lengths[corpus.lengths > 0]
    popularity = np.sort(corpus.popularity)[::-1]
    entries = np.sort(np.bincount(corpus.tracks, minlength=corpus.n_tracks))[::-1]
    quantile = {f"p{q}": float(np.percentile(lengths, q)) for q in (10, 25, 50, 75, 90, 99)} if len(lengths) else {}
    repeats = corpus.n_entries - len(corpus.pairs[0])
    share = {
        f"top {percent}%": round(float(entries[: max(1, int(len(entries) * percent / 100))].sum() / entries.sum()), 4)
        for percent in (0.1, 1, 10)
        if entries.sum()
    }
    return {
        "counts": _counts(corpus),
        "density": len(corpus.pairs[0]) / max(1, corpus.n_playlists * corpus.n_tracks),
        "tracks per playlist": {"mean": round(float(lengths.mean()), 2) if len(lengths) else 0.0, **quantile},
        "share of entries": share,
        "tracks in one playlist only": round(float((popularity == 1).sum() / max(1, (popularity > 0).sum())), 4),
        "entries that repeat a track": round(repeats / max(1, corpus.n_entries), 4),
        "split": {"kind": data.split.kind, **data.split.counts()},
    }
