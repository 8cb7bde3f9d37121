"""Data folders: what ``preprocess`` writes and everything else reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..config import check_seed, require
from ..corpus.corpus import Corpus, Mask
from ..corpus.facts import facts
from ..corpus.files import load_corpus
from ..corpus.filters import k_core as core_of
from ..corpus.filters import largest_component as component_of
from ..corpus.filters import neighbourhood
from ..corpus.songs import Songs
from ..corpus.songs import merge_versions as merged
from ..corpus.sources.formats import Each, Given
from ..corpus.sources.read import read
from ..corpus.split import TEST, TRAIN, VALID, Split
from ..corpus.splitting import (
    Hide,
    split_continuation,
    split_edges,
    split_given,
    split_leave_one_out,
)
from ..errors import ConfigError, DataError
from ..events import Event, OnEvent
from ..notebook import own_progress
from ..storage import OpenFolder, check_replaceable, checksums, new_folder, read_folder, write_json
from .data_folder import DATA, FORMAT_VERSION, read_manifest

__all__ = ["Data", "preprocess", "write_data"]


@dataclass(frozen=True, eq=False, repr=False)
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
        if folder.is_file():
            raise DataError(f"{folder} is a file: make a data folder with `playlistrec preprocess {folder} -o DATA`")
        if not folder.is_dir():
            raise DataError(
                f"there is no data folder {folder}: make one with `playlistrec preprocess SOURCE -o {folder}`"
            )
        return read_folder(folder, DATA.manifest, cls._read, DataError)

    @classmethod
    def _read(cls, folder: OpenFolder) -> Data:
        manifest = read_manifest(folder)
        digests = manifest["files"]
        data = cls(load_corpus(folder, digests), Split.read(folder, digests["split.npz"]), manifest, folder.path)
        if len(data.split.part) != data.corpus.n_entries:
            raise DataError(f"{folder.path} is damaged: split.npz must have a code for each entry of entries.npz")
        return data

    @classmethod
    def of(cls, corpus: Corpus, split: Split) -> Data:
        """Data in memory, for use as a library without a folder."""
        return cls(corpus, split, {})

    def whole(self) -> Data:
        """These data with nothing hidden."""
        return replace(self, split=Split("edges", np.zeros(self.corpus.n_entries, dtype=np.uint8)))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {n:,}" for name, n in self.split.counts().items() if n)
        return f"Data: {self.name}\n  {facts(self.corpus)}\n  split {self.split.kind}: {parts}"

    @cached_property
    def songs(self) -> Songs:
        """Which tracks are one song, and the keys by which names are found."""
        if self.path is None:
            return Songs.of(self.corpus)
        return Songs.load(self.path, self.corpus, self.manifest.get("files", {}))

    @cached_property
    def name(self) -> str:
        """The name of this data in a result."""
        return str(self.path) if self.path else "in memory"


def preprocess(
    source: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    format: str = "auto",
    min_rating: float | None = None,
    weights: bool = False,
    context: str | Sequence[str] = (),
    k_core: int = 0,
    largest_component: bool = False,
    around: str | None = None,
    hops: int | None = None,
    limit: int | None = None,
    merge_versions: bool = False,
    split: Literal["edges", "continuation", "given", "leave-one-out"] | None = None,
    valid: float = 0.1,
    test: float = 0.1,
    hide: Hide = "random",
    seed: int = 0,
    workers: int | None = None,
    renumber: bool = False,
    each: Each | None = None,
    force: bool = False,
    on_event: OnEvent | None = None,
) -> Data:
    """Read playlists, filter them, split them and write the data folder ``out``.

    Filters apply in this order: ``limit``, ``around`` with ``hops``, ``k_core``, ``largest_component``, after
    ``merge_versions``, which makes the tracks of one song one (:class:`~playlistrec.corpus.songs.Songs`). Where the
    test part came with the data (``split="given"``, the default for a folder with ``train.*`` and ``test.*``) they
    count training entries only. ``context`` names what is kept of each entry, as ``"hour,skip"``
    (:mod:`~playlistrec.corpus.contexts`). ``hide`` says which tracks of a playlist are hidden where a share of them
    is: see :func:`~playlistrec.corpus.splitting.split_edges`. The folder appears whole or not at all. ``each`` has the
    files read elsewhere: that of a :class:`~playlistrec.distributed.ray_cluster.Cluster` by its machines. Where
    ``on_event`` is not given, a notebook shows a line of progress.

    Raises:
        DataError: the source cannot be read, nothing is left, or ``out`` exists and ``force`` is not given.
        ConfigError: an option has a value it cannot have.
    """
    out, on_event = Path(out), on_event or own_progress()
    _check_numbers(limit, workers, seed, around, hops)
    sources = [Path(one) for one in ([source] if isinstance(source, str | Path) else source)]
    check_replaceable(out, DATA, force=force, sources=sources)  # before anything takes long
    reading: dict[str, Any] = {"format": format, "limit": limit, "min_rating": min_rating, "weights": weights}
    corpus, given = read(
        sources, workers=workers, renumber=renumber, each=each, contexts=_names(context), on_event=on_event, **reading
    )
    name = ", ".join(map(str, sources))
    if split == "given" and given is None:
        raise DataError(f"{name} has no given split: it needs a train.* and a test.* file")
    kind = split or ("edges" if given is None else "given")
    _check_hide(hide, kind)
    counted = given == TRAIN if given is not None and kind == "given" else None
    read_counts, corpus = counts_of(corpus), merged(corpus) if merge_versions else corpus
    for masks in _filters(around, hops, k_core, largest_component):
        corpus, kept = corpus.subset(*masks(corpus, counted))
        given = None if given is None else given[kept]
        counted = None if counted is None else counted[kept]
    parts = _divided(corpus, given, kind, valid=valid, test=test, seed=seed, hide=hide)
    if not parts.counts()["train"]:
        raise DataError(f"{name} leaves nothing to train on: {corpus.n_playlists} playlists, 0 training entries")
    how = {
        **{"format": format, "min_rating": min_rating, "weights": weights, "limit": limit},
        **{"context": list(_names(context)), "merge_versions": merge_versions, "around": around, "hops": hops},
        **{"k_core": k_core, "largest_component": largest_component, "split": kind},
        "valid": None if kind == "leave-one-out" else valid,
        "test": None if kind in ("given", "leave-one-out") else test,
        **{"hide": hide if kind in ("edges", "given") else None, "seed": seed},
    }
    origin = {"source": name, "options": how, "read": read_counts}
    on_event(Event("message", f"writing {out}"))
    with new_folder(out, DATA, force=force, sources=sources) as folder:
        manifest = write_data(folder, corpus, parts, origin)
    return Data(corpus, parts, manifest, out)


def _check_numbers(limit: int | None, workers: int | None, seed: int, around: str | None, hops: int | None) -> None:
    for name, value in {"limit": limit, "workers": workers}.items():
        require(value is None or value >= 1, name, "at least 1", value)
    check_seed(seed)
    if (around is None) != (hops is None):
        raise ConfigError("around and hops go together: the playlist, and how many edges from it")


def _names(context: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in context.split(",") if name) if isinstance(context, str) else tuple(context)


def _filters(
    around: str | None, hops: int | None, k_core: int, largest_component: bool
) -> Iterator[Callable[[Corpus, Mask | None], tuple[Mask, Mask]]]:
    """The filters in their order; each gets the corpus that those before it left, and which entries count."""
    if around is not None and hops is not None:
        yield lambda left, counted: neighbourhood(left, left.playlist_index(around), hops, counted)
    if k_core:
        yield lambda left, counted: core_of(left, k_core, counted)
    if largest_component:
        yield component_of


def _check_hide(hide: Hide, kind: str) -> None:
    if hide != "random" and kind not in ("edges", "given"):
        raise ConfigError(f"hide is for split=edges and split=given: leave it out (got hide={hide}, split={kind})")


def _divided(
    corpus: Corpus, given: Given | None, kind: str, *, valid: float, test: float, seed: int, hide: Hide
) -> Split:
    """The split of one kind; ``given`` is the part of each entry that came with the data."""
    if kind == "given" and given is not None:
        came = given == VALID if (given == VALID).any() else None
        return split_given(corpus, given == TEST, valid=valid, seed=seed, hide=hide, validation=came)
    if kind == "leave-one-out":
        return split_leave_one_out(corpus)
    if kind == "continuation":
        return split_continuation(corpus, valid=valid, test=test, seed=seed)
    return split_edges(corpus, valid=valid, test=test, seed=seed, hide=hide)


def write_data(folder: Path, corpus: Corpus, split: Split, origin: Mapping[str, Any]) -> dict[str, Any]:
    """Write the files of a data folder; returns its manifest, which says ``origin`` and what the files hold."""
    corpus.save(folder)
    split.save(folder)
    Songs.of(corpus).save(folder)
    manifest = {
        "type": DATA.marker,
        "format": FORMAT_VERSION,
        **origin,
        "counts": {**counts_of(corpus), "parts": split.counts()},
        "vocabulary": corpus.vocabulary_hash,
        "files": checksums(folder, DATA.manifest),
    }
    write_json(folder / DATA.manifest, manifest, DataError)
    return manifest


def counts_of(corpus: Corpus) -> dict[str, int]:
    """The numbers of playlists, tracks, artists, entries and distinct pairs."""
    return {
        "playlists": corpus.n_playlists,
        "tracks": corpus.n_tracks,
        "artists": corpus.n_artists,
        "entries": corpus.n_entries,
        "pairs": len(corpus.pairs[0]),
    }
