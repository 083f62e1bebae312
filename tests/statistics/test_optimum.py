"""The curve through the arms: its highest place is found where it is, and not more surely."""

from collections.abc import Callable

import numpy as np
import pytest

from ablate.statistics.optimum import Optimum, optimum

GROWTHS = np.array([0.5, 1, 1.41, 2, 2.5, 3, 4])
X = np.log2(GROWTHS)
Curve = Callable[[np.ndarray], np.ndarray]


def table(truth: np.ndarray, seeds: int = 8, noise: float = 0.005, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return truth + noise * rng.standard_normal((seeds, len(truth)))


def parabola(best: float) -> np.ndarray:
    return 0.85 - 0.01 * (X - np.log2(best)) ** 2


@pytest.mark.parametrize("best", [1.4, 2.0, 2.6])
def test_a_clear_peak_is_found(best: float) -> None:
    found = optimum(GROWTHS, table(parabola(best), seeds=20, noise=0.001), 2.0)
    assert found.best.low <= best <= found.best.high
    assert found.best.high / found.best.low < 1.5
    assert not found.edge
    assert found.excluded == (best != 2.0)
    lost = 0.01 * np.log2(2 / best) ** 2
    assert found.lost.low <= lost <= found.lost.high
    assert (found.lost.low > 0) == found.excluded


def test_the_means_of_arms_without_noise_are_met() -> None:
    found = optimum(GROWTHS, table(parabola(2), noise=0), 2.0)
    assert found.best.mean == pytest.approx(2, rel=0.03)
    assert np.interp(GROWTHS, found.growths, found.mean) == pytest.approx(parabola(2), abs=1e-4)
    assert (found.low <= found.mean).all()
    assert (found.mean <= found.high).all()


def test_between_arms_less_is_known_than_at_them() -> None:
    found = optimum(GROWTHS, table(parabola(2), seeds=20, noise=0.001), 2.0)
    width = np.interp([1.0, 0.7], found.growths, found.high - found.low)
    assert width[1] > 1.5 * width[0]


def test_a_curve_that_rises_ends_at_the_edge() -> None:
    found = optimum(GROWTHS, table(0.01 * X, noise=0.002), 2.0)
    assert found.edge
    assert found.best.mean == found.best.high == GROWTHS[-1]
    assert found.excluded
    beyond = optimum(GROWTHS, table(0.01 * X, noise=0.002), 5.0)
    assert not beyond.excluded  # what lies beyond was not tested
    assert beyond.tested == ()
    assert np.isnan(beyond.lost.mean)
    assert beyond.best == found.best
    assert optimum(GROWTHS, table(0.01 * X, noise=0.002), 4.2).lost.mean == 0
    falls = optimum(GROWTHS, table(-0.01 * X, noise=0.002), 5.0)
    assert falls.excluded


def test_a_flat_curve_may_be_highest_anywhere() -> None:
    found = optimum(GROWTHS, table(np.zeros(7)), 2.0)
    assert (found.best.low, found.best.high) == (0.5, 4)
    assert found.lost.low == 0
    assert not found.excluded


def test_an_end_that_may_be_best_is_within_the_interval() -> None:
    """Level from 2 on, so that r = 4 may be the best, however a curve bends."""
    for seed in range(10):
        found = optimum(GROWTHS, table(-0.02 * np.maximum(1 - X, 0), seed=seed), 2.0)
        assert found.arms.may_be[-1] <= (found.best.high == 4)


def test_an_arm_that_is_ruled_out_gives_something_away() -> None:
    """A dip at 2 between two peaks: the interval holds 2, its arm is not the best."""
    truth = np.array([-2, -0.5, 1, -0.5, 1, -0.5, -2]) / 100
    found = optimum(GROWTHS, table(truth, seeds=20, noise=0.003), 2.0)
    assert found.best.low < 2 < found.best.high
    assert found.tested == (3,)
    assert not found.arms.may_be[3]
    assert found.excluded
    assert 0 < found.lost.low <= 0.015 <= found.lost.high


def test_two_arms_of_one_growth() -> None:
    growths = np.array([0.5, 1, 2, 2, 4])
    x = np.log2(growths)
    found = optimum(growths, table(-0.01 * (x - 1) ** 2, seeds=10, noise=0.001), 2.0)
    assert found.tested == (2, 3)
    assert found.best.low <= 2 <= found.best.high
    assert not found.excluded
    assert found.misfit_p > 0.05


def test_a_misfit_is_found() -> None:
    """Two arms of one growth that differ: no curve passes through both."""
    growths = np.array([0.5, 1, 2, 2, 4])
    truth = np.array([-0.04, -0.01, 0.01, -0.01, -0.01])
    assert optimum(growths, table(truth, seeds=20, noise=0.002), 2.0).misfit_p < 0.01


@pytest.mark.parametrize(("at", "tested"), [(2.1, (3,)), (2.24, ()), (0.2, ())])
def test_an_arm_near_the_growth_is_a_test_of_it(at: float, tested: tuple[int, ...]) -> None:
    assert optimum(GROWTHS, table(parabola(2)), at).tested == tested


def test_the_same_numbers_come_twice_in_any_unit() -> None:
    values = table(parabola(2))
    first, again = optimum(GROWTHS, values, 2.0), optimum(GROWTHS, values, 2.0)
    assert np.array_equal(first.mean, again.mean)
    percent = optimum(GROWTHS, 100 * values, 2.0)
    assert percent.best == pytest.approx(first.best)
    assert percent.lost.high == pytest.approx(100 * first.lost.high)


def test_the_order_of_arms_changes_little_and_of_seeds_nothing() -> None:
    values = table(parabola(2))
    here, there = optimum(GROWTHS, values, 2.0), optimum(GROWTHS, values[::-1], 2.0)
    assert there.best.low == pytest.approx(here.best.low)


def test_fewer_seeds_are_less_sure() -> None:
    values = table(parabola(2), seeds=40, noise=0.002)
    few, many = (optimum(GROWTHS, values[:seeds], 2.0) for seeds in (4, 40))
    assert few.best.low < many.best.low <= 2 <= many.best.high < few.best.high


SHAPES: dict[str, tuple[Curve, float]] = {
    "kink": (lambda x: -0.01 * np.abs(x - 1), 1.0),
    "asymmetric": (lambda x: -0.01 * np.where(x < 1, 0.4, 2.5) * (x - 1) ** 2, 1.0),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_covers(shape: str) -> None:
    """In 95% of tables; 34 of 40 may be by chance."""
    curve, best = SHAPES[shape]
    found: list[Optimum] = [
        optimum(GROWTHS, table(curve(X), seeds=8, noise=0.0055, seed=seed), 2.0)
        for seed in range(40)
    ]
    inside = [one.best.low <= 2**best + 1e-9 and 2**best - 1e-9 <= one.best.high for one in found]
    assert sum(inside) >= 34
    assert sum(one.lost.low <= 0 <= one.lost.high for one in found) >= 34
    assert np.mean([np.log2(one.best.high / one.best.low) for one in found]) < 2
