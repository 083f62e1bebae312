"""The statistics: published answers, what R gives, and what they promise, by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ablate.statistics import intervals

# Darwin's maize, crossed less self-fertilised height in eighths of an inch, pair by pair
# (Fisher 1935, The Design of Experiments, section 16).
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
# Student's sleep data, hours, second drug less first (Student 1908; R's `sleep`).
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

accuracies = st.lists(st.integers(-50, 50).map(lambda points: points / 359), min_size=2, max_size=9)


def test_the_sign_flip_test_gives_fishers_answer() -> None:
    assert intervals.sign_flip_p(MAIZE) == 1726 / 2**15


@given(accuracies)
def test_the_sign_flip_test_is_scipys(differences: list[float]) -> None:
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert intervals.sign_flip_p(differences) == pytest.approx(theirs.pvalue)


def test_many_pairs_are_tested_by_random_signs() -> None:
    exact = intervals.sign_flip_p(MAIZE)
    more = [*MAIZE, 0.0]  # an equal pair changes nothing, but that 2^16 signs are too many
    assert intervals.sign_flip_p(more) == pytest.approx(exact, abs=0.01)
    assert intervals.sign_flip_p(more) != exact


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


def test_the_sign_flip_interval_of_six_pairs_is_their_range() -> None:
    interval = intervals.sign_flip_interval([3.0, 1.0, 2.0, 7.0, 5.0, 4.0])
    assert (interval.low, interval.high) == (1.0, 7.0)
    five = intervals.sign_flip_interval([3.0, 1.0, 2.0, 7.0, 5.0])
    assert math.isnan(five.low)
    assert math.isnan(five.high)


@given(
    st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=6, max_size=9),
    st.sampled_from([0.9, 0.95]),
)
def test_the_interval_is_what_the_test_does_not_reject(values: list[float], level: float) -> None:
    array = np.asarray(values) + np.linspace(0, 1e-4, len(values))  # no two subsets alike
    interval = intervals.sign_flip_interval(array, level)
    just = 1e-7
    for limit, outwards in ((interval.low, -just), (interval.high, just)):
        assert intervals.sign_flip_p(array - (limit + outwards)) <= 1 - level + 1e-9
        assert intervals.sign_flip_p(array - (limit - outwards)) > 1 - level


def test_a_few_pairs_have_students_interval() -> None:
    assert intervals.difference_interval(SLEEP[:4]) == intervals.t_interval(SLEEP[:4])
    assert intervals.difference_interval(SLEEP) == intervals.sign_flip_interval(SLEEP)


@pytest.mark.parametrize(("comparisons", "pairs"), [(0, 6), (1, 6), (2, 7), (4, 8), (6, 8), (7, 9)])
def test_the_fewest_pairs_can_reject_and_one_less_cannot(comparisons: int, pairs: int) -> None:
    assert intervals.fewest_pairs(comparisons) == pairs
    family = [1.0] * (comparisons - 1)
    for count, rejects in ((pairs, True), (pairs - 1, False)):
        least = intervals.sign_flip_p(np.arange(1.0, count + 1))
        assert (intervals.holm([least, *family])[0] <= 0.05) == rejects


def test_holm_is_r_s_p_adjust() -> None:
    assert intervals.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = intervals.holm([0.01, math.nan, 0.02])
    assert adjusted[::2] == pytest.approx([0.02, 0.02])
    assert math.isnan(adjusted[1])
    assert intervals.holm([]) == []


@settings(max_examples=20)  # theirs collects garbage each time
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    theirs = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(intervals.holm(p_values), theirs)


def test_equivalence_is_two_one_sided_t_tests() -> None:
    error = np.std(SLEEP, ddof=1) / math.sqrt(len(SLEEP))
    upper = stats.t.cdf((np.mean(SLEEP) - 2) / error, len(SLEEP) - 1)
    lower = stats.t.sf((np.mean(SLEEP) + 2) / error, len(SLEEP) - 1)
    assert intervals.equivalence_p(SLEEP, 2) == pytest.approx(max(upper, lower))
    assert intervals.equivalence_p([0.1] * 6, 0.2) == 0
    assert intervals.equivalence_p([0.3] * 6, 0.2) == 1
    assert math.isnan(intervals.equivalence_p([0.3], 0.2))


def test_hedges_g_by_hand() -> None:
    # mean 2, deviation 1; J = 1 - 3 / (4 * 2 - 1)
    assert intervals.hedges_g([1.0, 2.0, 3.0]) == pytest.approx(2 * (1 - 3 / 7))
    assert math.isnan(intervals.hedges_g([1.0]))
    assert math.isnan(intervals.hedges_g([1.0, 1.0]))


def test_power_is_that_of_r() -> None:
    """R: power.t.test(delta = 0.5, sd = 1, power = 0.8, type = "paired") gives n = 33.36713."""
    deviation_one = np.tile([-1.0, 1.0], 17) * math.sqrt(33 / 34)
    assert intervals.pairs_to_detect(deviation_one, 0.5) == 34
    noncentral = intervals.detectable(deviation_one) * math.sqrt(34)
    critical = stats.t.ppf(0.975, 33)
    power = stats.nct.sf(critical, 33, noncentral) + stats.nct.cdf(-critical, 33, noncentral)
    assert power == pytest.approx(0.8, abs=1e-5)
    assert intervals.pairs_to_detect(deviation_one, 100.0) == intervals.MIN_PAIRS
    assert intervals.pairs_to_detect([0.1], 0.5) is None
    assert math.isnan(intervals.detectable([0.1]))
    assert intervals.detectable([0.1, 0.1]) == 0


@given(accuracies, st.randoms(use_true_random=False))
def test_the_order_of_seeds_changes_nothing(values: list[float], random) -> None:
    shuffled = random.sample(values, len(values))
    for function in (
        intervals.mean_interval,
        intervals.sign_flip_interval,
        intervals.sign_flip_p,
        lambda array: intervals.equivalence_p(array, 0.01),
    ):
        np.testing.assert_equal(function(shuffled), function(values))


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
        covered += limits.low <= 0 <= limits.high
    assert covered / runs < rate_bounds(0.95, runs)[0]


@pytest.mark.parametrize("n", [6, 8, 12])
def test_false_positives_are_as_rare_as_is_said(n: int) -> None:
    rng = np.random.default_rng(n)
    runs = 2000
    rejected = np.mean([intervals.sign_flip_p(rng.normal(size=n)) <= 0.05 for _ in range(runs)])
    size = math.floor(0.05 * 2 ** (n - 1)) / 2 ** (n - 1)  # what 2^n signs allow
    low, high = rate_bounds(size, runs)
    assert low <= rejected <= high


def test_a_difference_as_large_as_the_margin_is_seldom_called_equivalent() -> None:
    rng = np.random.default_rng(0)
    runs = 2000
    called = np.mean(
        [intervals.equivalence_p(0.5 + rng.normal(size=10), 0.5) <= 0.05 for _ in range(runs)]
    )
    assert called <= rate_bounds(0.05, runs)[1]
