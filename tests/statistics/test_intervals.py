"""Intervals of means: what R gives, and what they promise, by simulation."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablate.statistics import intervals

# Student's sleep data, hours, second drug less first (Student 1908; R's `sleep`).
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

accuracies = st.lists(st.integers(-50, 50).map(lambda points: points / 359), min_size=2, max_size=9)


def test_students_interval_is_that_of_r() -> None:
    interval = intervals.t_interval(SLEEP)
    assert (interval.mean, interval.low, interval.high) == pytest.approx(
        (1.58, 0.7001142, 2.4598858), abs=1e-7
    )


def test_t_interval_of_none_one_and_equal_values() -> None:
    nothing, one, equal = (intervals.t_interval(values) for values in ([], [0.5], [0.5] * 4))
    assert all(map(math.isnan, (nothing.mean, nothing.low, nothing.high, one.low, one.high)))
    assert one.mean == 0.5
    assert equal == intervals.Interval(0.5, 0.5, 0.5)


def test_hedges_g_by_hand() -> None:
    # means 2 and 5, squares 2 and 8 over 2 and 3 degrees of freedom; J = 1 - 3 / (4 * 5 - 1)
    first, second = [1.0, 2.0, 3.0], [3.0, 5.0, 7.0, 5.0]
    expected = -3 / math.sqrt((2 + 8) / 5) * (1 - 3 / 19)
    assert intervals.hedges_g(first, second) == pytest.approx(expected)
    assert intervals.hedges_g(second, first) == pytest.approx(-expected)
    assert math.isfinite(intervals.hedges_g([1.0, 1.0], [2.0, 3.0]))
    assert math.isnan(intervals.hedges_g([1.0], [1.0, 2.0]))
    assert math.isnan(intervals.hedges_g([1.0, 1.0], [2.0, 2.0]))


def test_hedges_g_has_no_bias_for_few_values() -> None:
    rng = np.random.default_rng(0)
    found = [intervals.hedges_g(1 + rng.normal(size=4), rng.normal(size=4)) for _ in range(4_000)]
    assert np.mean(found) == pytest.approx(1, abs=0.06)  # four deviations; 1.15 without correction


@given(accuracies, st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_nothing(values: list[float], random: Random) -> None:
    shuffled = random.sample(values, len(values))
    np.testing.assert_equal(intervals.mean_interval(shuffled), intervals.mean_interval(values))


def rate_bounds(probability: float, trials: int) -> tuple[float, float]:
    """Where a rate lies in all but one of 10,000 simulations."""
    low, high = stats.binom.interval(0.9999, trials, probability)
    return low / trials, high / trials


@pytest.mark.parametrize("n", [6, 10, 20])
@pytest.mark.parametrize("shape", ["normal", "uniform"])
def test_the_interval_of_a_mean_covers_it(n: int, shape: str) -> None:
    rng = np.random.default_rng(n)
    runs, covered = 400, 0
    for _ in range(runs):
        values = rng.normal(size=n) if shape == "normal" else rng.uniform(-1, 1, size=n)
        interval = intervals.mean_interval(values)
        covered += interval.low <= 0 <= interval.high
    low, high = rate_bounds(0.95, runs)
    assert low <= covered / runs <= high


def test_a_bootstrap_without_the_correction_would_cover_less() -> None:
    rng = np.random.default_rng(0)
    runs, covered = 400, 0
    for _ in range(runs):
        values = rng.normal(size=8)
        limits = stats.bootstrap((values,), np.mean, n_resamples=999, rng=rng).confidence_interval
        covered += bool(limits.low <= 0 <= limits.high)
    assert covered / runs < rate_bounds(0.95, runs)[0]
