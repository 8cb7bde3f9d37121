"""Lists that do not say the same thing twice: at most so many tracks of an artist, and maximal marginal relevance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..corpus.corpus import Corpus, Ints
from ..models.base import Recommender

__all__ = ["Similarity", "first_of_each", "leaning", "mmr"]

Floats = npt.NDArray[np.float32]


def first_of_each(artists: Ints, n: int) -> npt.NDArray[np.bool_]:
    """True for items among the first ``n`` of their artist; -1, an unknown artist, is always kept.

    >>> first_of_each(np.array([7, 7, -1, 7, 3, -1]), 2).tolist()
    [True, True, True, False, True, True]
    """
    order = np.argsort(artists, kind="stable")
    grouped = artists[order]
    place = np.arange(len(artists)) - np.searchsorted(grouped, grouped)
    kept = np.empty(len(artists), dtype=bool)
    kept[order] = (place < n) | (grouped < 0)
    return kept


def leaning(relevance: Floats, popularity: Ints, weight: float, disliked: Floats | None = None) -> Floats:
    """Relevance scaled to 0 … 1, leaning to popular or to rare tracks, and away from disliked ones.

    ``(1 - |w|) r + w ln(1 + n) - max_{j disliked} s_ij``, with ``r`` the relevance and ``ln(1 + n)`` the playlists of
    a track, both scaled to 0 … 1 over the candidates, and similarities below 0 taken for 0.

    Args:
        relevance: (n,) finite.
        popularity: (n,) playlists that hold each candidate.
        weight: -1, the rarest first, over 0, the relevance, to 1, the most popular first.
        disliked: (n, m) similarity to each disliked track.

    >>> leaning(np.array([2, 1], np.float32), np.array([3, 40]), 0.75).round(2).tolist()
    [0.25, 0.75]
    """
    scaled = (1 - abs(weight)) * _scaled(relevance) + weight * _scaled(np.log1p(popularity))
    if disliked is not None and disliked.shape[1]:
        scaled = scaled - np.maximum(disliked.max(axis=1), 0)
    return np.asarray(scaled, dtype=np.float32)


def _scaled(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    scaled: npt.NDArray[np.floating] = (values - low) / (high - low if high > low else 1)
    return scaled


def mmr(relevance: Floats, similarity: Floats, k: int, diversity: float) -> npt.NDArray[np.intp]:
    """The ``k`` candidates of maximal marginal relevance, in the order of their choice.

    Each next one is ``argmax_i λ r_i - (1 - λ) max_{j chosen} s_ij``, with ``λ = 1 - diversity`` and ``r`` the
    relevance scaled to 0 (the least relevant candidate) … 1 (the most); the first is the most relevant. Ties go to the
    earlier candidate. Carbonell & Goldstein 1998, section 2.

    Args:
        relevance: (n,) finite, best first.
        similarity: (n, n), at most 1.

    >>> alike = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], np.float32)
    >>> mmr(np.array([3, 2.8, 2], np.float32), alike, 3, diversity=0.6).tolist()
    [0, 2, 1]
    """
    low, high = relevance[-1:], relevance[:1]
    scaled = (relevance - low) / np.where(high > low, high - low, 1)
    worth, nearest = (1 - diversity) * scaled, np.full(len(relevance), -np.inf, np.float32)
    chosen = np.zeros(min(k, len(relevance)), dtype=np.intp)
    for place in range(len(chosen)):
        if place:
            worth[chosen[place - 1]] = -np.inf
            nearest = np.maximum(nearest, similarity[chosen[place - 1]])
        chosen[place] = np.argmax(worth - diversity * nearest if place else scaled)
    return chosen


class Similarity:
    """The similarity of tracks: 1 by the same artist, else the cosine.

    That is the model's vector of the track where it has any, else its column of the matrix of playlists and tracks.
    """

    def __init__(self, model: Recommender, history: Corpus) -> None:
        self.model, self.history = model, history

    def among(self, tracks: Ints) -> Floats:
        """(n, n) similarities of some tracks; that of a track without a vector is 0."""
        artists = self.history.track_artist[tracks]
        same = (artists[:, None] == artists) & (artists >= 0)
        return np.where(same, np.float32(1), self._cosines(tracks))

    def _cosines(self, tracks: Ints) -> Floats:
        if self.model.has_vectors:
            vectors = self.model.score_vectors().tracks
            chosen = vectors[tracks].detach().float().cpu().numpy()
            lengths = np.linalg.norm(chosen, axis=1)
            shared = chosen @ chosen.T
        else:
            columns = self.history.columns[:, tracks]
            shared = (columns.T @ columns).toarray()
            lengths = np.sqrt(shared.diagonal())
        return np.asarray(shared / np.maximum(np.outer(lengths, lengths), np.float32(1e-12)), dtype=np.float32)
