"""What a number of seeds can show is what simulated seeds do show."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablate.statistics import family, power

CONTRAST = power.coefficients_of([[1, -1, 0, 0], [1, 0, -1, 0], [1, -1, -1, 1]])


def test_each_of_some_arms_against_one() -> None:
    assert power.against_first(2) == ((-1.0, 1.0, 0.0), (-1.0, 0.0, 1.0))
    assert power.coefficients_of([1, -1]) == ((1.0, -1.0),)
    assert power.coefficients_of(np.array([[1, -1]])) == ((1.0, -1.0),)


def test_many_seeds_show_what_the_normal_says() -> None:
    """R: power.t.test(n = 100, sd = 1, power = 0.8) gives delta = 0.398.

    That is, (1.96 + 0.84) * sqrt(2 / 100), and a little more for 198 degrees of freedom.
    """
    assert power.detectable(1.0, 100, power.against_first(1)) == pytest.approx(0.398, rel=0.03)
    assert power.seeds_needed(1.0, 0.398, power.against_first(1)) == pytest.approx(100, abs=5)
    alone = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * math.sqrt(4 / 400)
    last = power.detectable(1.0, 400, CONTRAST[2:])
    assert last == pytest.approx(alone, rel=0.03)
    assert power.detectable(1.0, 400, CONTRAST, 2) > 1.03 * last  # with two more comparisons


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 60), st.integers(1, 4), st.sampled_from([0.0003, 1.0, 7.0]), st.data())
def test_the_two_undo_each_other(
    seeds: int, comparisons: int, spread: float, data: st.DataObject
) -> None:
    coefficients = power.against_first(comparisons)
    which = data.draw(st.integers(0, comparisons - 1))
    shows = partial(power.detectable, coefficients=coefficients, which=which)
    assert power.seeds_needed(spread, shows(spread, seeds), coefficients, which) == seeds
    least = shows(spread, seeds) * 0.999
    needed = power.seeds_needed(spread, least, coefficients, which)
    assert needed is not None
    assert shows(spread, needed) <= least < shows(spread, needed - 1)
    assert shows(2 * spread, seeds) == pytest.approx(2 * shows(spread, seeds))


def test_more_is_asked_of_more_comparisons_of_more_power_and_of_a_higher_level() -> None:
    one, three = power.against_first(1), power.against_first(3)
    shown = power.detectable(1.0, 8, one)
    assert power.detectable(1.0, 8, three) > shown
    assert power.detectable(1.0, 8, one, power=0.9) > shown
    assert power.detectable(1.0, 8, one, level=0.99) > shown
    assert power.detectable(1.0, 9, one) < shown


def test_a_large_difference_needs_the_fewest_seeds_and_a_tiny_one_more_than_any() -> None:
    one = power.against_first(1)
    assert power.seeds_needed(1.0, 100.0, one) == family.MIN_SEEDS
    assert power.seeds_needed(0.0, 0.005, one) == family.MIN_SEEDS
    assert power.seeds_needed(1.0, 0.01, one) is None
    assert math.isnan(power.detectable(1.0, 1, one))
    assert power.detectable(0.0, 5, one) == 0


@pytest.mark.parametrize(
    ("seeds", "coefficients", "which"),
    [
        (4, power.against_first(1), 0),
        (5, power.against_first(3), 2),
        (8, power.against_first(6), 0),
        (20, power.against_first(2), 1),
        (6, CONTRAST, 2),
    ],
)
def test_the_difference_is_shown_as_often_as_is_said(
    seeds: int, coefficients: power.Coefficients, which: int
) -> None:
    """Four times of five; with 4 or 5 seeds a little oftener, as arms lend each other theirs.

    The estimate is normal and independent of its error, so that each table's chance of showing the
    difference is known, and 150 tables come within two points of what endlessly many would.
    """
    rng = np.random.default_rng(seeds)
    rows = np.array(coefficients)
    spread = 0.3
    shown = power.detectable(spread, seeds, coefficients, which)
    error = spread * math.sqrt((rows[which] ** 2).sum() / seeds)
    chances = []
    for _ in range(150):
        values = spread * rng.normal(size=(seeds, rows.shape[1]))
        judged = family.compare(values, rows, draws=1_999)
        reach = judged.critical * judged.comparisons[which].error
        chances.append(stats.norm.sf((reach - shown) / error))
    assert 0.76 <= np.mean(chances) <= 0.92
    fewer = power.detectable(spread, 2 * seeds, coefficients, which)
    assert np.mean(stats.norm.sf((stats.norm.isf(chances) * error + shown - fewer) / error)) < 0.7
