"""Measures beyond accuracy, of the recommendations alone: coverage, evenness, popularity, novelty, diversity.

The lists are ``indices`` (batch, depth) of tracks, best first; -1 is no track, and lists may be shorter than k.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import torch
from torch import Tensor

from ..corpus.corpus import Corpus
from ..processes import Group
from .evaluation import in_turn

__all__ = ["BEYOND", "BeyondAccuracy", "diversity", "gini", "list_mean", "self_information"]

BEYOND = ("gini", "popularity", "novelty", "diversity")
"""The names of the measures, given at every k."""


def gini(counts: Tensor) -> float:
    """The Gini index of exposure: ``sum_i (2i - n - 1) c_i / (n sum_i c_i)``, counts ``c`` rising.

    ``counts`` (n,) is how often each track of the catalogue is recommended. 0: all alike; 1 - 1/n: one track only;
    NaN when nothing is recommended. Fleder & Hosanagar 2009, "Blockbuster culture's next rise or fall".

    >>> gini(torch.tensor([0, 0, 0, 8]))
    0.75
    """
    counts = counts.double().sort().values
    n = len(counts)
    weight = 2 * torch.arange(1, n + 1, dtype=torch.float64, device=counts.device) - n - 1
    return float(weight @ counts / (n * counts.sum()))


def self_information(popularity: Tensor, n_playlists: int) -> Tensor:
    """(n_tracks,) ``-log2`` of the share of playlists that hold each track.

    A track that none holds counts as if one did: the logarithm of nothing would outweigh all others. Its mean over
    a list is the list's novelty (Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma").
    """
    return -torch.log2(popularity.double().clamp(min=1) / n_playlists)


def list_mean(values: Tensor, indices: Tensor, k: int) -> Tensor:
    """(batch,) float64 mean of ``values`` (n_tracks,) over the first ``k``; NaN for an empty list."""
    first = indices[:, :k]
    there = first >= 0
    return (values.double()[first.clamp(min=0)] * there).sum(1) / there.sum(1)


def diversity(artists: Tensor, indices: Tensor, k: int) -> Tensor:
    """(batch,) float64 share of the pairs in the first ``k`` that are by different artists.

    ``artists`` (n_tracks,) is -1 where unknown; such tracks are in no pair. NaN for a list without a pair. It is the
    intra-list distance of Ziegler et al. 2005 with distance 1 between artists.

    >>> diversity(torch.tensor([0, 0, 1, -1]), torch.tensor([[0, 1, 2, 3]]), 4).item()
    0.6666666666666666
    """
    first = indices[:, :k]
    by = torch.where(first >= 0, artists[first.clamp(min=0)], -1).sort(dim=1).values
    # Sorted, a track makes a pair with each of its artist's tracks before it.
    place = torch.arange(by.shape[1], device=by.device).expand_as(by)
    begins = torch.ones_like(by, dtype=torch.bool)
    begins[:, 1:] = by[:, 1:] != by[:, :-1]
    before = place - torch.where(begins, place, 0).cummax(1).values
    same, n = (before * (by >= 0)).sum(1), (by >= 0).sum(1)
    pairs = n * (n - 1) // 2
    return (pairs - same).double() / pairs


class BeyondAccuracy:
    """Adds up lists batch by batch; what it says does not depend on the batches.

    Args:
        history: what the model knows when it ranks: it tells the popularity of tracks, and their artists.
        ks: how much of each list is looked at.
        names: out of :data:`BEYOND`; diversity is left out where no artist is known.
    """

    def __init__(self, history: Corpus, ks: Sequence[int], names: Collection[str] = BEYOND) -> None:
        popularity = torch.from_numpy(history.popularity)
        artists = torch.tensor(history.track_artist)  # a copy: it may be read-only
        measures = {
            "popularity": partial(list_mean, popularity),
            "novelty": partial(list_mean, self_information(popularity, int((history.lengths > 0).sum()))),
        }
        if (artists >= 0).any():
            measures["diversity"] = partial(diversity, artists)
        self.measures = {name: measure for name, measure in measures.items() if name in names}
        self.values: dict[str, list[Tensor]] = {f"{name}@{k}": [] for name in self.measures for k in ks}
        self.counts = {k: torch.zeros(history.n_tracks, dtype=torch.int64) for k in ks if "gini" in names}
        self.ks = ks

    def add(self, indices: Tensor) -> None:
        """Take in some lists, of a depth that reaches every k."""
        indices = indices[:, : max(self.ks)].cpu()
        for k, counts in self.counts.items():
            shown = indices[:, :k]
            counts += torch.bincount(shown[shown >= 0], minlength=len(counts))
        for name, measure in self.measures.items():
            for k in self.ks:
                self.values[f"{name}@{k}"].append(measure(indices, k))

    def gather(self, group: Group) -> None:
        """Take in what the other processes have; the first then has all."""
        if parts := group.gather((self.counts, self.values)):
            self.counts = {k: torch.stack([counts[k] for counts, _ in parts]).sum(0) for k in self.counts}
            self.values = {name: in_turn([values[name] for _, values in parts]) for name in self.values}

    def metrics(self) -> dict[str, float]:
        """Gini, and the means over the lists that have a value."""
        found = {f"gini@{k}": gini(counts) for k, counts in self.counts.items()}
        return found | {name: float(torch.cat(parts).nanmean()) for name, parts in self.values.items()}
