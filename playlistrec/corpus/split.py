"""The Split: which entries a model may learn from, and which are hidden."""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..storage import OpenFolder, read_folder, read_npz, write_npz
from .contexts import query_contexts
from .corpus import Corpus, Mask

__all__ = ["EvaluationSet", "Part", "Split"]

Part = Literal["valid", "test"]
Kind = Literal["edges", "continuation", "given", "leave-one-out"]

TRAIN, VALID, TEST, VALID_SEED, TEST_SEED = range(5)


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """The queries of one part of a split: each playlist's seeds and hidden tracks.

    Attributes:
        playlists: (n,) int64 rows of the corpus' playlists.
        known: true if the playlists stand in the graph and the training data (else they are folded in).
        seed_offsets, seeds: CSR of the seed tracks in playlist order, duplicates kept; these are masked.
        truth_offsets, truth: CSR of the distinct hidden tracks.
        n_left_out: playlists of the corpus of which this part hides nothing.
        titles: the playlists' names, empty where they have no name; none where the corpus has no names.
        contexts: (n,) the codes of those in which is asked: see :func:`~playlistrec.corpus.contexts.query_contexts`.
    """

    playlists: npt.NDArray[np.int64]
    known: bool
    seed_offsets: npt.NDArray[np.int64]
    seeds: npt.NDArray[np.int32]
    truth_offsets: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int32]
    n_left_out: int
    titles: tuple[str, ...] | None = None
    contexts: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.playlists)

    def sample(self, n: int, *, seed: int = 0) -> EvaluationSet:
        """``n`` of the queries at random, in their order; all where there are no more."""
        if len(self) <= n:
            return self
        return self.at(np.sort(np.random.default_rng(seed).choice(len(self), n, replace=False)))

    def at(self, rows: npt.NDArray[np.int64]) -> EvaluationSet:
        """Some of the queries, by their places, one or more of them."""
        csr: dict[str, Any] = {}
        for offsets, values in (("seed_offsets", "seeds"), ("truth_offsets", "truth")):
            starts, ends = getattr(self, offsets)[rows], getattr(self, offsets)[rows + 1]
            parts = [getattr(self, values)[a:b] for a, b in zip(starts.tolist(), ends.tolist())]
            csr |= {offsets: np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)}
            csr |= {values: np.concatenate(parts)}
        titles = None if self.titles is None else tuple(self.titles[row] for row in rows.tolist())
        contexts = {name: codes[rows] for name, codes in self.contexts.items()}
        return replace(self, playlists=self.playlists[rows], titles=titles, contexts=contexts, **csr)


@dataclass(frozen=True, eq=False)
class Split:
    """Train, valid and test as one code per entry of a corpus.

    Two kinds of hiding: ``"edges"`` (``"given"``, the same with a test part that came with the data;
    ``"leave-one-out"``, one track for each part) hides some of every playlist's tracks; ``"continuation"`` hides
    whole playlists and shows their seeds. All copies of a track in one playlist fall in the same part, so a
    duplicate never gives a hidden track away.

    Attributes:
        kind: ``"edges"``, ``"continuation"``, ``"given"`` or ``"leave-one-out"``.
        part: (n_entries,) uint8: 0 train, 1 valid, 2 test, 3 and 4 the seeds shown with 1 and 2.
    """

    kind: Kind
    part: npt.NDArray[np.uint8]

    def mask(self, *parts: int) -> Mask:
        """(n_entries,) true where the entry is in one of ``parts``."""
        return np.isin(self.part, parts)

    def training(self, corpus: Corpus, *, refit: bool = False) -> Corpus:
        """The corpus less all hidden entries; with ``refit`` those of the validation part are learned too."""
        self._check(corpus)
        return corpus.where(self.mask(TRAIN, VALID, VALID_SEED) if refit else self.mask(TRAIN))

    def ranking(self, corpus: Corpus, part: Part) -> Corpus:
        """The entries that are known when ``part`` is ranked: train, and for ``"test"`` valid as well."""
        return self.training(corpus, refit=part == "test")

    def evaluation_set(self, corpus: Corpus, part: Part) -> EvaluationSet:
        """The queries of ``part``; playlists from which nothing was hidden are left out and counted."""
        self._check(corpus)
        hidden = self.mask(VALID if part == "valid" else TEST)
        unseen = self.kind == "continuation"
        if unseen:
            shown = self.mask(VALID_SEED if part == "valid" else TEST_SEED)
        else:
            shown = self.mask(TRAIN) if part == "valid" else self.mask(TRAIN, VALID)
        hidden_entries = corpus.where(hidden)
        rows, tracks = hidden_entries.pairs
        counts = np.bincount(rows, minlength=corpus.n_playlists)
        playlists = np.flatnonzero(counts)
        evaluated = np.zeros(corpus.n_playlists, dtype=bool)
        evaluated[playlists] = True
        seeds = corpus.where(shown & evaluated[corpus.entry_playlist])
        return EvaluationSet(
            playlists=playlists.astype(np.int64),
            known=not unseen,
            seed_offsets=np.concatenate([[0], np.cumsum(seeds.lengths[playlists])]).astype(np.int64),
            seeds=seeds.tracks,
            truth_offsets=np.concatenate([[0], np.cumsum(counts[playlists])]).astype(np.int64),
            truth=tracks,
            n_left_out=corpus.n_playlists - len(playlists),
            titles=corpus.titles(playlists),
            contexts=query_contexts(hidden_entries, playlists),
        )

    def counts(self) -> dict[str, int]:
        """Entries in each part."""
        names = ("train", "valid", "test", "valid_seeds", "test_seeds")
        return {name: int(n) for name, n in zip(names, np.bincount(self.part, minlength=5))}

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest, equal when two splits hide the same entries."""
        return hashlib.sha256(self.kind.encode() + self.part.tobytes()).hexdigest()

    def _check(self, corpus: Corpus) -> None:
        if len(self.part) != corpus.n_entries:
            raise DataError(f"the split is of {len(self.part)} entries, the corpus has {corpus.n_entries}")

    def save(self, folder: Path) -> None:
        """Write ``split.npz`` into an existing folder."""
        write_npz(folder / "split.npz", {"kind": np.array(self.kind), "part": self.part})

    @classmethod
    def load(cls, folder: Path) -> Split:
        """Read what :meth:`save` wrote. Raises DataError when it is missing or damaged."""
        return read_folder(folder, "split.npz", lambda opened: cls.read(opened, None), DataError)

    @classmethod
    def read(cls, folder: OpenFolder, digest: str | None) -> Split:
        """Read ``split.npz``, whose SHA-256 is ``digest``, of an open folder."""
        name = f"{folder.path}/split.npz"
        arrays = read_npz(folder.open("split.npz", digest), name)
        kind, part = arrays.get("kind"), arrays.get("part")
        if kind is None or kind.shape != () or str(kind) not in typing.get_args(Kind):
            raise DataError(f"{name} is damaged: kind must be one of {', '.join(typing.get_args(Kind))}")
        if part is None or part.dtype != np.uint8 or part.ndim != 1 or part.max(initial=0) > TEST_SEED:
            raise DataError(f"{name} is damaged: part must be a list of codes from 0 to {TEST_SEED}")
        return cls(kind=str(kind), part=part)  # type: ignore[arg-type]
