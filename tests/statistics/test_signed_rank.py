"""A test that is repeated after each pair: its p-value for all looks."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ablate.statistics.signed_rank import _least_p, fewest_pairs, threshold


def test_the_least_p_value_is_that_of_scipys_tests() -> None:
    differences = np.random.default_rng(3).standard_normal((20, 9))
    found = _least_p(differences)
    for row, least in zip(differences, found, strict=True):
        looks = [stats.wilcoxon(row[:n], alternative="less").pvalue for n in range(2, 10)]
        assert least == pytest.approx(min(looks))


@pytest.mark.parametrize("looks", [4, 5, 6, 7])
def test_the_chance_at_any_look_is_that_of_all_orders_and_signs(looks: int) -> None:
    """Exactly: every order of the sizes and every choice of signs is as likely."""
    signs = np.array(list(itertools.product((-1, 1), repeat=looks)))
    orders = np.array(list(itertools.permutations(range(1, looks + 1))))
    every = (orders[:, None, :] * signs[None, :, :]).reshape(-1, looks).astype(float)
    least = _least_p(every)
    p = threshold(0.1, looks)
    assert np.mean(least < p) <= 0.1
    next_p = least[least >= p].min()
    assert np.mean(least <= next_p) > 0.1


def test_more_looks_and_lower_levels_need_a_lower_p() -> None:
    found = [threshold(0.1, looks) for looks in (5, 9, 19, 29)]
    assert found == sorted(found, reverse=True)
    assert 0.1 / 29 < found[-1] < 0.05  # less strict than Bonferroni's correction
    assert threshold(0.05, 9) < threshold(0.1, 9)


@pytest.mark.parametrize(("level", "pairs"), [(0.1, 4), (0.0625, 4), (0.05, 5), (0.01, 7)])
def test_what_few_pairs_cannot_reach(level: float, pairs: int) -> None:
    assert fewest_pairs(level) == pairs
    assert threshold(level, pairs) > 0
    assert threshold(level, pairs - 1) == 0
