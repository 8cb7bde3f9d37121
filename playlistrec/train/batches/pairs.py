"""The training pairs on a device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

if TYPE_CHECKING:
    from ...corpus.corpus import Corpus

__all__ = ["Pairs", "TrackColumns"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct (playlist, track) pairs, by playlist and then by track.

    Attributes:
        src, dst: (n,) int64 playlists and tracks.
        n_playlists, n_tracks: how many there are.
    """

    src: Tensor
    dst: Tensor
    n_playlists: int
    n_tracks: int

    @classmethod
    def of(cls, corpus: Corpus, device: torch.device) -> Self:
        """The pairs of a corpus."""
        src, dst = (torch.from_numpy(ids.astype(np.int64)).to(device) for ids in corpus.pairs)
        return cls(src, dst, corpus.n_playlists, corpus.n_tracks)

    def __len__(self) -> int:
        return len(self.src)

    def where(self, mask: Tensor) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.src[mask], self.dst[mask], self.n_playlists, self.n_tracks)

    @cached_property
    def degree(self) -> Tensor:
        """(n_playlists,) pairs of each playlist."""
        return torch.bincount(self.src, minlength=self.n_playlists)

    @cached_property
    def first(self) -> Tensor:
        """(n_playlists,) where each playlist's pairs begin."""
        return self.degree.cumsum(0) - self.degree

    @cached_property
    def log_popularity(self) -> Tensor:
        """(n_tracks,) logarithm of each track's share of the pairs, -inf where it has none."""
        return (torch.bincount(self.dst, minlength=self.n_tracks).float() / max(1, len(self))).log()

    def of_playlists(self, playlists: Tensor, size: int | None = None) -> tuple[Tensor, Tensor]:
        """All pairs of some playlists: (size,) positions in ``playlists``, ascending, and tracks.

        Args:
            playlists: (n,), may repeat.
            size: how many pairs come out, when that is known without asking the device.
        """
        degree = self.degree[playlists]
        row = torch.repeat_interleave(torch.arange(len(playlists), device=playlists.device), degree, output_size=size)
        place = torch.arange(len(row), device=row.device) - (degree.cumsum(0) - degree)[row]
        return row, self.dst[self.first[playlists][row] + place]


class TrackColumns:
    """Finds tracks among candidates: a table of all tracks that is filled and emptied again, without a search."""

    def __init__(self, n_tracks: int) -> None:
        self.n_tracks = n_tracks
        self._column: Tensor | None = None

    def __call__(self, tracks: Tensor, candidates: Tensor) -> Tensor:
        """(n,) where ``tracks`` (n,) stand among distinct ``candidates``, -1 where they do not."""
        if self._column is None:
            self._column = torch.full((self.n_tracks,), -1, device=candidates.device)
        self._column[candidates] = torch.arange(len(candidates), device=candidates.device)
        column = self._column[tracks]
        self._column[candidates] = -1
        return column
