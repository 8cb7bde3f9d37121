"""The inputs of figures: a data folder and runs on it, each result computed once, on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from ...corpus.corpus import Corpus, Ints
from ...corpus.split import EvaluationSet, Part
from ...errors import DataError, Hint, RunError
from ...events import Event, OnEvent, ignore
from ...experiment.data import Data
from ...experiment.run_folder import check_same_data, read_info
from ...experiment.runs import Run
from ...models.base import Recommender
from ...train.snapshots import read_snapshot, snapshot_epochs, track_vectors
from .embedding_map import Chosen, Floats, choose
from .examples import pick, recommended
from .quality import KS, Quality, judge
from .training import History, read_history

__all__ = ["Method", "ReportInputs", "gather"]

Method = Literal["tsne", "pca"]


@dataclass(eq=False)
class ReportInputs:
    """A data folder, some runs on it by name, and the results computed so far.

    Attributes:
        part: the part that is ranked.
        artists: names of the artists on the maps; none for the most popular.
        playlists: pids of the playlists that are shown; none for some drawn by ``seed``, and one chosen for the graph.
        ks: depths of the metrics; figures with one depth take the largest.
        metrics: what curves of training show beside each run's criterion.
        method: how the maps of epochs are made: ``tsne``, each on its own, or ``pca``, one projection for all epochs.
        k_core: the core that the network highlights; none for the innermost.
        sample: nodes of the network at most.
    """

    data: Data
    folders: dict[str, Path] = field(default_factory=dict)
    part: Part = "valid"
    artists: Sequence[str] = ()
    playlists: Sequence[str] = ()
    ks: Sequence[int] = KS
    metrics: Sequence[str] = ()
    method: Method = "tsne"
    k_core: int | None = None
    sample: int = 7000
    seed: int = 0
    device: str = "auto"
    on_event: OnEvent = ignore
    _model: tuple[str, Part, Recommender] | None = field(default=None, init=False, repr=False)
    _qualities: dict[str, Quality] = field(default_factory=dict, init=False, repr=False)
    _lists: dict[str, Ints] = field(default_factory=dict, init=False, repr=False)
    _vectors: dict[str, Floats | None] = field(default_factory=dict, init=False, repr=False)

    @property
    def about(self) -> str:
        """The name of the part in a heading."""
        return "validation part" if self.part == "valid" else "test part"

    @cached_property
    def history(self) -> Corpus:
        """The entries that a model may know when it ranks the part."""
        return self.data.split.ranking(self.data.corpus, self.part)

    @cached_property
    def evaluation_set(self) -> EvaluationSet:
        """The evaluation set of the part. Raises DataError if the part is empty."""
        evaluation_set = self.data.split.evaluation_set(self.data.corpus, self.part)
        if not len(evaluation_set):
            raise DataError(f"{self.data.name} has no {self.part} part: nothing was hidden when it was preprocessed")
        return evaluation_set

    @cached_property
    def histories(self) -> dict[str, History]:
        """The training history of each run."""
        return {name: read_history(folder) for name, folder in self.folders.items()}

    @cached_property
    def training(self) -> Corpus:
        """The training entries."""
        return self.data.split.training(self.data.corpus)

    @property
    def playlist(self) -> int | None:
        """The row of the playlist that the graph is drawn around, none where it is to be chosen."""
        return self.data.corpus.playlist_index(self.playlists[0]) if self.playlists else None

    @cached_property
    def chosen(self) -> Chosen:
        """The artists and tracks of the maps, the same for all runs and parts."""
        corpus = self.training
        return choose(corpus, corpus.popularity, self.artists)

    @cached_property
    def examples(self) -> Ints:
        """The queries that are shown with their recommendations."""
        return pick(self.evaluation_set, self.data.corpus, self.playlists, seed=self.seed)

    @property
    def qualities(self) -> dict[str, Quality]:
        """The quality of each run on the part's queries."""
        return {name: self.quality(name) for name in self.folders}

    def quality(self, name: str) -> Quality:
        """The quality of one run."""
        if name not in self._qualities:
            self._qualities[name] = judge(
                self.model(name, self.part), self.evaluation_set, self.history, self.on_event, self.ks
            )
        return self._qualities[name]

    def recommended(self, name: str) -> Ints:
        """The recommendations of one run for :attr:`examples`."""
        if name not in self._lists:
            model = self.model(name, self.part)
            self._lists[name] = recommended(model, self.evaluation_set, self.data.corpus, self.examples)
        return self._lists[name]

    def vectors(self, name: str) -> Floats | None:
        """One run's vectors of the chosen tracks as fitted to the training part; none where it has no vectors."""
        if name not in self._vectors:
            model = self.model(name, "valid")
            self._vectors[name] = track_vectors(model)[self.chosen.tracks] if model.trainable else None
        return self._vectors[name]

    @property
    def all_vectors(self) -> dict[str, Floats]:
        """The vectors of all runs that have any. Raises RunError where none has."""
        found = {name: vectors for name in self.folders if (vectors := self.vectors(name)) is not None}
        if not found:
            raise RunError(f"{', '.join(self.folders)}: no model here has vectors to draw a map of")
        return found

    @cached_property
    def kept_snapshots(self) -> dict[str, dict[int, Floats]]:
        """By run and epoch the vectors of the chosen tracks that were kept. Raises RunError where none were."""
        kept = {name: snapshot_epochs(folder) for name, folder in self.folders.items()}
        if not any(kept.values()):
            hint = Hint("fit with {snapshot_epochs}", settings={"snapshot_epochs": "0,5,50"})
            raise RunError(f"{', '.join(self.folders)}: no vectors of epochs were kept", hint)
        return {
            name: {epoch: read_snapshot(self.folders[name], epoch)[self.chosen.tracks] for epoch in epochs}
            for name, epochs in kept.items()
            if epochs
        }

    @property
    def snapshots(self) -> dict[str, dict[int, Floats]]:
        """The vectors of the kept epochs and of the best one."""
        found = {name: dict(epochs) for name, epochs in self.kept_snapshots.items()}
        for name, epochs in found.items():
            best, vectors = self.histories[name].best_epoch, self.vectors(name)
            if best and vectors is not None:
                epochs.setdefault(best, vectors)
        return found

    def model(self, name: str, part: Part) -> Recommender:
        """A run's model, ready to rank the part. Only the last one is kept: models may be large."""
        if self._model is None or self._model[:2] != (name, part):
            self._model = None
            run = Run.load(self.folders[name], data=self.data)
            self._model = name, part, run.recommender(part, device=self.device)
        return self._model[2]


def gather(
    paths: Sequence[str | Path], data: str | Path | None = None, *, on_event: OnEvent = ignore
) -> tuple[Data, dict[str, Path]]:
    """The data that some run folders were fitted on, and the folders by name; or the data of a data folder alone.

    Args:
        data: where the data is, where it has moved.

    Raises:
        RunError: a folder is neither data nor run, or they are not all of one data and split.
    """
    folders = [Path(path) for path in paths]
    if len(folders) == 1 and (folders[0] / "manifest.json").exists():
        return Data.load(folders[0]), {}
    info = read_info(folders[0])
    where = data or info["data"]
    if where is None or not Path(where).is_dir():
        raise RunError(
            f"the data of {folders[0]} is not at {where} any more", Hint("say where with {data}", {"data": None})
        )
    on_event(Event("message", f"reading {where}"))
    loaded = Data.load(where)
    names = [folder.resolve().name for folder in folders]
    named = {str(f) if names.count(name) > 1 else name: f for name, f in zip(names, folders)}
    for folder in named.values():
        check_same_data(folder, read_info(folder), loaded)
    return loaded, named
