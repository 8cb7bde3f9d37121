"""The metrics of the RecSys Challenge, in its two official variants: pure functions of one playlist's answer.

All take ``ranked``, the recommended tracks, best first and none twice, and ``truth``, the withheld ones (G), which
must not be empty (ValueError). ``2018`` is the challenge as it was held (Zamani, Schedl, Lamere & Chen 2018, "An
analysis of approaches taken in the ACM RecSys Challenge 2018", section 3); ``2020`` is what the challenge says since
it was opened again. Their figures do not compare. The mean over playlists is taken by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from math import log2
from typing import Literal, TypeVar

__all__ = ["NO_HIT", "clicks", "ndcg_2018", "ndcg_2020", "r_precision"]

ARTIST_CREDIT = 0.25
PAGE = 10
NO_HIT = 51
"""Clicks when none of the tracks is a hit: one more than 500 tracks can take."""

Track = TypeVar("Track", bound=Hashable)
Artist = TypeVar("Artist", bound=Hashable)


def r_precision(
    ranked: Sequence[Track],
    truth: Collection[Track],
    artist_of: Mapping[Track, Artist] | None = None,
    *,
    credit: Literal["missed", "any"] = "missed",
) -> float:
    """2018: ``(|S_T ∩ G_T| + 0.25 · |S_A ∩ G_A|) / |G_T|``; 2020, without ``artist_of``: ``|S_T ∩ G_T| / |G_T|``.

    S is the first ``|G|`` recommendations. The artist credit is for what was missed: S_A are the artists of the tracks
    in S that are no hits, G_A those of the withheld tracks that S does not hold. Each artist counts once. A track that
    ``artist_of`` lacks has none.

    Args:
        credit: ``"missed"``, or ``"any"``: G_A are the artists of all withheld tracks, those that were hit too, as in
            the published code of two of the best teams; figures are higher.

    >>> r_precision(["a", "x", "b"], {"a", "b"})
    0.5
    >>> artist_of = {"a": "X", "b": "X", "c": "Y", "d": "Z", "e": "Y"}
    >>> round(r_precision(["a", "e", "d", "c"], {"a", "b", "c"}, artist_of), 4)  # (1 + 0.25 for Y) / 3
    0.4167
    """
    truth = _checked(truth)
    first = set(ranked[: len(truth)])
    value = float(len(first & truth))
    if artist_of is not None:
        credited = truth if credit == "any" else truth - first
        missed = {artist_of[track] for track in credited if track in artist_of}
        value += ARTIST_CREDIT * len(missed & {artist_of[track] for track in first - truth if track in artist_of})
    return value / len(truth)


def ndcg_2018(ranked: Sequence[Track], truth: Collection[Track]) -> float:
    """``DCG / IDCG``, ``DCG = Σ_i rel_i / log2(i + 1)``; IDCG is that of all of G first, as far as ``ranked`` goes.

    >>> round(ndcg_2018(["x", "a"], {"a"}), 4)  # 1 / log2(3)
    0.6309
    """
    truth = _checked(truth)
    ideal = sum(1 / log2(i + 1) for i in range(1, min(len(truth), len(ranked)) + 1))
    return sum(1 / log2(i + 1) for i, track in enumerate(ranked, 1) if track in truth) / ideal if ranked else 0.0


def ndcg_2020(ranked: Sequence[Track], truth: Collection[Track]) -> float:
    """``DCG / IDCG``, ``DCG = rel_1 + Σ_{i≥2} rel_i / log2(i)``, ``IDCG = 1 + Σ_{i=2}^{|G ∩ R|} 1 / log2(i)``.

    The ideal is that of the hits alone, so that it says how early they come, not how many they are. 0 without a hit.

    >>> round(ndcg_2020(["x", "a", "b"], {"a", "b", "c"}), 4)  # (1 / log2(2) + 1 / log2(3)) / (1 + 1 / log2(2))
    0.8155
    """
    truth = _checked(truth)
    hits = [i for i, track in enumerate(ranked, 1) if track in truth]
    return sum(map(_gain_2020, hits)) / sum(map(_gain_2020, range(1, len(hits) + 1))) if hits else 0.0


def clicks(ranked: Sequence[Track], truth: Collection[Track]) -> int:
    """``⌊(rank of the first hit − 1) / 10⌋``: how often the listener refreshes the ten shown; 51 without a hit.

    >>> clicks(["x"] * 10 + ["a"], {"a"}), clicks(["x"], {"a"})
    (1, 51)
    """
    truth = _checked(truth)
    return next((i // PAGE for i, track in enumerate(ranked) if track in truth), NO_HIT)


def _gain_2020(rank: int) -> float:
    return 1 / log2(rank) if rank > 1 else 1.0


def _checked(truth: Collection[Track]) -> set[Track]:
    if not truth:
        raise ValueError("truth must not be empty: nothing was withheld, so there is nothing to score")
    return set(truth)
