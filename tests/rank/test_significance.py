"""Paired tests against loops, against scipy, and under a null that is true."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from playlistrec.rank import significance
from playlistrec.rank.significance import bootstrap_interval, bootstrap_test, holm, permutation_test


def differences(n: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Such as NDCGs of two models have: many zeros, heavy tails, ties."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.5, 0.0, rng.choice([-0.5, -0.25, 0.25, 0.5, 1 / 3], n)) + shift


def test_few_questions_are_tried_in_every_way() -> None:
    for seed in range(5):
        d = differences(9, 0.1, seed)
        sums = [abs(sum(s * x for s, x in zip(signs, d))) for signs in product([1, -1], repeat=9)]
        assert permutation_test(d) == np.mean([s >= abs(d.sum()) - 1e-12 for s in sums])
        twin = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        assert permutation_test(d) == pytest.approx(twin.pvalue)


def test_many_questions_come_close_to_the_exact_test() -> None:
    d = differences(16, 0.05, seed=4)
    sums = np.array(list(product([1, -1], repeat=16))) @ d
    exact = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-9)
    assert 0.02 < exact < 0.5
    assert permutation_test(d, seed=3) == pytest.approx(exact, abs=4 * np.sqrt(exact / 10_000))


@pytest.mark.parametrize("test", [permutation_test, bootstrap_test])
def test_large_samples_agree_with_the_t_test(test) -> None:
    d = np.random.default_rng(1).normal(0.06, 1, 2000)
    assert test(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.005)


@pytest.mark.parametrize("test", [permutation_test, bootstrap_test])
def test_one_in_twenty_is_found_where_nothing_is(test) -> None:
    rng = np.random.default_rng(2)
    nulls = rng.choice([-1, 1], (600, 40)) * rng.exponential(1, (600, 40))
    share = (test(nulls, resamples=400) < 0.05).mean()
    assert 0.02 < share < 0.085  # 600 tries at .05 stay within .025 to .08 but once in ten thousand times
    assert test(nulls[0]) == test(nulls[0] * -1), "two-sided"


def test_bootstrap_test_equals_a_loop() -> None:
    d = differences(30, 0.05)
    rng = np.random.default_rng(7)
    means = [np.mean([d[i] for i in rng.integers(0, 30, 30, dtype=np.int32)]) for _ in range(500)]
    beyond = sum(abs(m - d.mean()) >= abs(d.mean()) for m in means)
    assert bootstrap_test(d, resamples=500, seed=7) == (1 + beyond) / 501
    low, high = bootstrap_interval(d, resamples=500, seed=7, level=0.9)
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.05, 0.95])))


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    bounds = bootstrap_interval(rng.normal(0.3, 1, (500, 60)), resamples=400)
    covered = ((bounds[:, 0] <= 0.3) & (bounds[:, 1] >= 0.3)).mean()
    assert 0.90 < covered < 0.98
    assert (bounds[:, 0] < bounds[:, 1]).all()


@pytest.mark.parametrize("function", [permutation_test, bootstrap_test, bootstrap_interval])
def test_slices_and_company_change_nothing(function, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.stack([differences(64, shift) for shift in (0.0, 0.05, 0.2)])
    together = function(rows, seed=5)
    for row, result in zip(rows, together):
        np.testing.assert_allclose(function(row, seed=5), result)
    monkeypatch.setattr(significance, "SLICE", 64 * 999)  # whole resamples of 64 queries: the same draws
    np.testing.assert_allclose(function(rows, seed=5), together)


def test_equal_models_do_not_differ() -> None:
    for test in (permutation_test, bootstrap_test):
        assert test(np.zeros(50)) == 1
        assert test([0.0]) == 1
    assert bootstrap_interval(np.zeros(50)).tolist() == [0, 0]


def test_what_is_refused() -> None:
    for function in (permutation_test, bootstrap_test, bootstrap_interval):
        with pytest.raises(ValueError, match="at least one query"):
            function([])
        with pytest.raises(ValueError, match="must be finite"):
            function([1.0, np.nan])
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        bootstrap_interval([1.0], level=1)


def test_holm_by_hand_and_by_its_definition() -> None:
    assert holm([]).tolist() == []
    assert holm([0.2]).tolist() == [0.2]
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.choice([rng.random(6), np.round(rng.random(6), 1)]) ** 2
        corrected = holm(p)
        for level in (0.01, 0.05, 0.1, 0.3):  # step down: the smallest first, until one is not below level / (m − i)
            rejected = np.zeros(6, dtype=bool)
            for i, index in enumerate(np.argsort(p, kind="stable")):
                if p[index] * (6 - i) > level:
                    break
                rejected[index] = True
            np.testing.assert_array_equal(corrected <= level, rejected)
