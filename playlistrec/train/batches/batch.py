"""Batches of a training step: positive pairs, the vectors that score them, and their negatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...models.embedding.model import Vectors
from ..losses.l2 import l2_penalty
from .pairs import TrackColumns

__all__ = ["Batch", "InBatchBatch", "PairBatch", "PlaylistBatch", "SharedBatch"]

Pairs = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """Positive pairs, as rows of the vectors that score them.

    Attributes:
        vectors: final vectors of playlists and of tracks, with gradients.
        tables: the layer-0 embeddings that the same rows index.
        playlist, track: (n,) rows of the pairs.
        prior: what popularity adds to the score of each row of tracks; None where it adds nothing.
        first_layer: the vectors after the first layer; None unless the contrastive term asks for them.
        reduced: type in which products are multiplied, such as bfloat16; None for that of the vectors.
        playlist_ids, track_ids: playlists and tracks of the corpus that the rows are; None where they are the ids
            themselves.
        threshold, temperature: of each playlist (or pair, where pairs compete), when last looked at; None if not
            wanted. See :class:`~playlistrec.train.batches.look.Looked`.
    """

    vectors: Vectors
    tables: Vectors
    playlist: Tensor
    track: Tensor
    prior: Tensor | None = None
    first_layer: Vectors | None = None
    reduced: torch.dtype | None = None
    playlist_ids: Tensor | None = None
    track_ids: Tensor | None = None
    threshold: Tensor | None = None
    temperature: Tensor | None = None

    @property
    def queries(self) -> Tensor:
        """(n, d) the vector of each pair's playlist."""
        # index_select: its backward is several times faster on CPU than that of indexing or F.embedding.
        return self.vectors[0].index_select(0, self.playlist)

    @property
    def share(self) -> float:
        """The share of a whole batch that this is: by it the loss is weighed."""
        return 1.0

    def l2(self) -> Tensor:
        """The L2 penalty on the layer-0 embeddings of the batch."""
        playlists, tracks = self.tables
        touched = [playlists.index_select(0, self.playlist), tracks.index_select(0, self.track)]
        return l2_penalty([*touched, *self._further(tracks)], len(self.playlist))

    def _further(self, tracks: Tensor) -> list[Tensor]:
        """Layer-0 embeddings of tracks beside those of the pairs."""
        return []


@dataclass(frozen=True, eq=False, kw_only=True)
class PairBatch(Batch):
    """Pairs, each with negatives of its own.

    Attributes:
        negatives: (n, k) rows of tracks.
        log_q: the log-probability with which rows of tracks are drawn as negatives; None where all are alike.
    """

    negatives: Tensor
    log_q: Callable[[Tensor], Tensor] | None = None

    def scores(self) -> tuple[Tensor, Tensor]:
        """(n,) scores of the positives, and (n, k) of their negatives."""
        tracks, queries = self.vectors[1], self.queries
        positive = (queries * tracks.index_select(0, self.track)).sum(-1)
        drawn = tracks.index_select(0, self.negatives.reshape(-1)).view(*self.negatives.shape, -1)
        negative = (queries.unsqueeze(1) * drawn).sum(-1)
        if self.prior is not None:
            positive, negative = positive + self.prior[self.track], negative + self.prior[self.negatives]
        return positive, negative

    def keeping(self, negatives: Tensor) -> PairBatch:
        """The batch with other negatives."""
        return replace(self, negatives=negatives)

    def _further(self, tracks: Tensor) -> list[Tensor]:
        return [tracks.index_select(0, self.negatives.reshape(-1))]


@dataclass(frozen=True, eq=False, kw_only=True)
class InBatchBatch(Batch):
    """Pairs, each of which competes with the tracks of all others that its playlist does not hold.

    Attributes:
        candidates: (m,) the distinct tracks of the batch.
        counts: (m,) how often each occurs.
        target: (n,) the candidate that is the pair's own.
        masked: rows of pairs and columns of candidates that the playlist holds.
        log_popularity: (m,) logarithm of each candidate's share of all training pairs.
    """

    candidates: Tensor
    counts: Tensor
    target: Tensor
    masked: Pairs
    log_popularity: Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaylistBatch(Batch):
    """Playlists with all their positives; the other tracks compete with these.

    The rows of ``vectors[0]`` are those of the batch alone, and the pairs are grouped by playlist.

    Attributes:
        playlist_ids: (n_playlists,) playlists of the corpus that the rows are.
        own: rows (ascending) and tracks that a playlist holds beside the pairs of the batch; None where there are none.
        columns: finds tracks among candidates.
        lengths: (n_playlists,) tracks of each playlist; None where the pairs and ``own`` are all of them.
    """

    playlist_ids: Tensor
    own: Pairs | None
    columns: TrackColumns
    lengths: Tensor | None = None

    def held(self) -> Pairs:
        """Rows and tracks of all that the playlists hold."""
        if self.own is None:
            return self.playlist, self.track
        return torch.cat([self.playlist, self.own[0]]), torch.cat([self.track, self.own[1]])

    def weights(self, exponent: float) -> Tensor | None:
        """(n,) of the pairs, adding up to 1: length of the playlist to minus ``exponent``; None where all are alike."""
        if not exponent:
            return None
        weights = self.raw_weights(exponent)
        return weights / weights.sum()

    def raw_weights(self, exponent: float) -> Tensor:
        """(n,) of the pairs: length of the playlist to minus ``exponent``."""
        lengths = self.lengths
        if lengths is None:
            lengths = torch.bincount(self.held()[0], minlength=len(self.vectors[0]))
        return lengths.to(self.vectors[0].dtype)[self.playlist] ** -exponent

    def l2(self) -> Tensor:
        playlists, tracks = self.tables
        return l2_penalty([playlists], len(playlists)) + l2_penalty([tracks], len(tracks))


@dataclass(frozen=True, eq=False, kw_only=True)
class SharedBatch(PlaylistBatch):
    """Playlists with all their positives, and tracks drawn once for all of them as negatives.

    Attributes:
        candidates: (m,) the distinct tracks drawn.
        counts: (m,) how often each was drawn.
        log_expected: (m,) logarithm of how often that was to be expected.
        masked: rows of playlists and columns of candidates that the playlist holds.
    """

    candidates: Tensor
    counts: Tensor
    log_expected: Tensor
    masked: Pairs

    def bias(self, correction: float) -> Tensor:
        """(m,) what the draw adds to a candidate's logit: ``ln counts - correction · ln expected``."""
        return self.counts.log() - correction * self.log_expected
