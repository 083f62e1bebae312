"""Multiple comparisons with the best: the best arm is seldom ruled out, a worse one often."""

import numpy as np
import pytest

from ablate.statistics.best import Best, compare_with_best
from ablate.statistics.family import describe


def compared(values: np.ndarray, level: float = 0.95) -> Best:
    return compare_with_best(describe(values, [0] * values.shape[1]), level)


def table(means: list[float], seeds: int = 8, spread: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(means) + spread * rng.standard_normal((seeds, len(means)))


def test_a_clear_best_stands_alone_and_the_others_are_behind() -> None:
    found = compared(table([0.0, 10.0, 4.0]))
    assert list(found.may_be) == [False, True, False]
    assert found.behind[1] == 0
    assert found.behind[0] > found.behind[2] > 0
    assert found.behind[0] < 10  # a lower limit
    assert (found.p[found.may_be] > 0.05).all()
    assert (found.p[~found.may_be] <= 0.05).all()


def test_arms_that_tie_may_all_be_best() -> None:
    assert compared(table([0.0, 0.0, 0.0])).may_be.all()
    same = compared(np.ones((5, 3)))
    assert same.may_be.all()
    assert list(same.p) == [1, 1, 1]


def test_the_highest_mean_is_never_ruled_out() -> None:
    for seed in range(20):
        values = table([0.0, 0.3, 0.2, 0.1], seeds=4, seed=seed)
        assert compared(values).may_be[values.mean(axis=0).argmax()]


def test_arms_without_spread_are_told_apart() -> None:
    found = compared(np.tile([1.0, 2.0, 2.0], (5, 1)))
    assert list(found.may_be) == [False, True, True]
    assert found.behind[0] == pytest.approx(1)


def test_a_lower_level_rules_out_more() -> None:
    values = table([0.0, 1.0, 1.2], seed=3)
    sure, unsure = compared(values, 0.999), compared(values, 0.5)
    assert sure.may_be.sum() > unsure.may_be.sum()
    assert list(sure.p) == list(unsure.p)


def test_what_seeds_share_does_not_hide_a_difference() -> None:
    rng = np.random.default_rng(1)
    shared = 5 * rng.standard_normal((12, 1))
    values = np.array([0.0, 3.0, 6.0]) + shared + rng.standard_normal((12, 3))
    assert list(compared(values).may_be) == [False, False, True]


@pytest.mark.parametrize(("seeds", "spreads"), [(4, [1, 1, 1, 1, 1]), (8, [5, 1, 1, 1, 1])])
def test_the_best_is_in_the_set(seeds: int, spreads: list[float]) -> None:
    """Each arm of five that are equal is in the set in 95% of tables; of 100, 88 may be."""
    rng = np.random.default_rng(2)
    kept = np.zeros(5)
    for _ in range(100):
        values = rng.standard_normal((seeds, 5)) * np.array(spreads)
        kept += compared(values).may_be
    assert kept.min() >= 88
    assert kept.mean() < 100  # the test does rule out
