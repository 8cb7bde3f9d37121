"""The challenge's metrics against cases worked out by hand, and against matrices of hits."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from playlistrec.rank.challenge_metrics import NO_HIT, clicks, ndcg_2018, ndcg_2020, r_precision

# Artists: A made a1 a2 a3, B made b1 b2, C made c1.
ARTISTS = {"a1": "A", "a2": "A", "a3": "A", "b1": "B", "b2": "B", "c1": "C"}


@pytest.mark.parametrize(
    ("ranked", "truth", "value"),
    [
        (["a1", "b1"], {"a1", "b1"}, 1.0),  # nothing was missed, so that no artist is credited
        (["a2", "x"], {"a1", "b1"}, 0.25 / 2),  # the artist of a track that was missed
        (["a2", "a3"], {"a1", "b1"}, 0.25 / 2),  # … once, however many of its tracks are recommended
        (["b1", "x", "x2"], {"a1", "a2", "a3"}, 0.0),
        (["a3", "x", "y"], {"a1", "a2", "b1"}, 0.25 / 3),  # … and however many of them were missed
        (["a2", "b2"], {"a1", "b1"}, 0.5 / 2),  # two artists
        (["a1", "a2"], {"a1", "b1"}, 1 / 2),  # A's only track is a hit: a2 is by nobody who was missed
        (["a1", "b1", "x"], {"a1", "a2", "c1"}, 1 / 3),  # A's other track was missed, but a1 was paid for already
        (["a1", "a3", "x"], {"a1", "a2", "c1"}, 1.25 / 3),  # a3 is by the artist of the missed a2
        (["x", "y", "a1"], {"a1", "b1"}, 0.0),  # beyond the first |G|
        (["x", "y"], {"z", "w"}, 0.0),  # unknown artists are not one artist
        (["a1"], {"a1", "a2"}, 1 / 2),  # a short list
    ],
)
def test_r_precision_of_2018_by_hand(ranked: list[str], truth: set[str], value: float) -> None:
    assert r_precision(ranked, truth, ARTISTS) == pytest.approx(value)


def test_r_precision_of_2020_has_no_artists() -> None:
    assert r_precision(["a2", "a1", "b2", "b1"], {"a1", "b1", "c1"}) == pytest.approx(1 / 3)


def test_ndcg_by_hand() -> None:
    ranked, truth = ["a", "x", "b", "y", "c"], {"a", "b", "c", "d"}
    ideal = 1 + 1 / log2(3) + 1 / 2 + 1 / log2(5)
    assert ndcg_2018(ranked, truth) == pytest.approx((1 + 1 / 2 + 1 / log2(6)) / ideal)
    # In 2020 the ideal is three hits in the first three places, of which the second is worth as much as the first.
    assert ndcg_2020(ranked, truth) == pytest.approx((1 + 1 / log2(3) + 1 / log2(5)) / (1 + 1 + 1 / log2(3)))
    assert ndcg_2020(["x", "a"], {"a"}) == 1.0
    assert ndcg_2018(["x", "a"], {"a"}) == pytest.approx(1 / log2(3))
    assert ndcg_2018(["x"], {"a"}) == ndcg_2020(["x"], {"a"}) == ndcg_2018([], {"a"}) == 0.0
    assert ndcg_2018(["a"], {"a", "b"}) == 1.0, "no list can hold more than its length"


@pytest.mark.parametrize(("rank", "value"), [(1, 0), (10, 0), (11, 1), (20, 1), (21, 2), (491, 49), (500, 49)])
def test_clicks_by_hand(rank: int, value: int) -> None:
    ranked = [str(i) for i in range(1, 501)]
    assert clicks(ranked, {str(rank), "500"}) == value
    assert clicks(ranked, {"501"}) == NO_HIT == 51


def test_all_against_matrices() -> None:
    rng = np.random.default_rng(5)
    artist = rng.integers(0, 12, size=60)
    for _ in range(200):
        ranked = rng.permutation(60)[:40]
        truth = rng.choice(60, size=rng.integers(1, 30), replace=False)
        n = len(truth)
        hit = (ranked[:, None] == truth).any(1)
        same_artist = (artist[ranked[:n], None] == artist[truth]) & ~hit[:n, None] & ~np.isin(truth, ranked[:n])
        credited = len(set(artist[truth][same_artist.any(0)].tolist()))
        weights = 1 / np.log2(np.arange(2, 42))
        late = np.concatenate([[1.0], weights[:39]])
        arguments = ranked.tolist(), set(truth.tolist())
        by = dict(enumerate(artist.tolist()))
        assert r_precision(*arguments, by) == pytest.approx((hit[:n].sum() + credited / 4) / n)
        assert r_precision(*arguments) == pytest.approx(hit[:n].mean())
        assert ndcg_2018(*arguments) == pytest.approx(weights[hit].sum() / weights[:n].sum())
        ideal = late[: hit.sum()].sum()
        assert ndcg_2020(*arguments) == pytest.approx(late[hit].sum() / ideal if hit.any() else 0)
        assert clicks(*arguments) == (int(hit.argmax()) // 10 if hit.any() else 51)


@pytest.mark.parametrize("metric", [r_precision, ndcg_2018, ndcg_2020, clicks])
def test_nothing_withheld_is_refused(metric) -> None:
    with pytest.raises(ValueError, match="truth must not be empty"):
        metric(["a"], set())
