"""Times made from known laws: their powers and terms are found, and the growths that follow."""

import numpy as np
import pytest
from scipy.optimize import nnls

from ablate.statistics import power_law


def costs(n: int = 60, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    macs = np.exp(rng.normal(1, 1, n))
    return np.column_stack([macs, macs**0.7 * np.exp(rng.normal(1, 0.4, n))])


def test_powers_are_found() -> None:
    x = costs()
    found = power_law.exponents(x, 3 * x[:, 0] ** 0.4 * x[:, 1] ** 0.5)
    assert found == pytest.approx(np.array([[0.4, 0.5]]))


def test_counts_are_repeated_rows() -> None:
    x = costs()
    times = x[:, 0] ** 0.4 * np.exp(np.random.default_rng(1).normal(0, 0.3, len(x)))
    often = np.random.default_rng(2).integers(0, 3, (4, len(x)))
    found = power_law.exponents(x, times, often.astype(float))
    sums = power_law.terms(x, times, often.astype(float))
    for draw, powers, terms in zip(often, found, sums, strict=True):
        rows = np.repeat(np.arange(len(x)), draw)
        ones = np.ones(len(rows))
        line = np.column_stack([ones, np.log(x[rows])])
        assert powers == pytest.approx(np.linalg.lstsq(line, np.log(times[rows]))[0][1:])
        relative = np.column_stack([ones, x[rows]]) / times[rows][:, None]
        assert terms == pytest.approx(nnls(relative, ones)[0], rel=1e-5, abs=1e-8)


def test_levels_take_out_what_groups_differ_in() -> None:
    x = costs()
    groups = np.arange(len(x)) % 3
    slower = np.where(groups == 0, 5.0, 1.0)
    x[groups == 0] *= 4  # costly ones are slow for another reason
    times = slower * x[:, 0] ** 0.4 * x[:, 1] ** 0.5
    assert power_law.exponents(x, times).sum() > 1
    assert power_law.exponents(x, times, levels=groups) == pytest.approx(np.array([[0.4, 0.5]]))
    half = (groups != 1).astype(float)[None]  # a group that no draw has
    assert power_law.exponents(x, times, half, groups) == pytest.approx(np.array([[0.4, 0.5]]))


def test_terms_are_found_and_none_is_negative() -> None:
    x = costs()
    assert power_law.terms(x, 2 + x @ [3, 4]) == pytest.approx(np.array([[2, 3, 4]]), rel=1e-4)
    found = power_law.terms(x, 2 + 3 * x[:, 0] - 0.02 * x[:, 1])
    assert found[0, 2] == 0
    assert (found >= 0).all()


@pytest.mark.parametrize(
    ("macs", "activations", "growth"),
    [(1, 0, 2), (0, 1, 4), (0.5, 0.5, 2 ** (4 / 3)), (0.31, 0.66, 2 ** (1.94 / 1.28))],
)
def test_the_growth_keeps_the_time_of_a_layer(
    macs: float, activations: float, growth: float
) -> None:
    found = power_law.equal_growth(np.array([[macs, activations]]))
    assert found == pytest.approx([growth])
    assert (found**2 / 4) ** macs * (found / 4) ** activations == pytest.approx([1])


def test_a_time_that_does_not_rise_has_no_growth() -> None:
    assert np.isnan(power_law.equal_growth(np.array([[-0.5, 0.5]]))).all()


def test_the_growth_of_a_share_keeps_the_sum() -> None:
    share = np.linspace(0, 1, 11)
    found = power_law.equal_growth_of_share(share)
    assert share * found**2 / 4 + (1 - share) * found / 4 == pytest.approx(np.ones(11))
    assert found[[0, -1]] == pytest.approx([4, 2])


def test_whole_groups_are_left_out() -> None:
    """A level that differs between groups is no help for a group that was not seen."""
    x = costs(80)
    groups = np.arange(80) % 8
    times = x[:, 0] * np.exp(np.random.default_rng(1).normal(0, 1, 8))[groups]
    seen: list[int] = []

    def fit(known: np.ndarray, values: np.ndarray):  # type: ignore[no-untyped-def]
        seen.append(len(known))
        return power_law.power_law(known, values)

    told = power_law.cross_validated(fit, x, times, groups)
    assert seen == [70] * 8
    assert told.error > 0.7
    exact = power_law.cross_validated(power_law.power_law, x, x @ [1, 0], groups)
    assert exact.error == pytest.approx(0, abs=1e-9)
    assert exact.r2 == pytest.approx(1)
