"""The fit of accuracy over growth: it finds an optimum that is there, and says how surely."""

import math

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import growth
from ablate.statistics import intervals
from support.growth import trials


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        ("[16, 32, 64]", 2.0),
        ("[16, 16, 16]", 1.0),
        ("[8, 18, 32]", 2.0),
        ("[[4, 8], [8, 16]]", 2.0),
        ("[64, 32]", 0.5),
    ],
)
def test_growth_is_the_geometric_mean_of_the_ratios(widths: str, expected: float) -> None:
    assert growth.growth_of(widths) == pytest.approx(expected)


def test_one_stage_has_no_growth() -> None:
    assert math.isnan(growth.growth_of("[16]"))


@pytest.mark.parametrize("best", [1.4, 2.0, 2.6])
def test_a_clear_optimum_is_found(best: float) -> None:
    (fit,) = growth.fit_growth(trials(np.random.default_rng(1), best, seeds=20, noise=0.002))
    assert fit.best.low <= best <= fit.best.high
    assert fit.best.high / fit.best.low < 1.3
    assert not fit.edge
    assert (fit.p_at <= 0.05) == (best != 2.0)
    assert (fit.match, fit.degree, fit.seeds) == ("macs", 2, 20)
    truth = 0.01 * math.log2(2 / best) ** 2
    assert fit.lost.low - 1e-6 <= truth <= fit.lost.high + 1e-6


def test_noiseless_means_are_met_exactly() -> None:
    (fit,) = growth.fit_growth(trials(np.random.default_rng(0), noise=0.0))
    assert fit.best.mean == pytest.approx(2, rel=0.02)
    at_two = np.interp(2, fit.curve["growth"], fit.curve["mean"])
    assert at_two == pytest.approx(0.85, abs=1e-5)
    assert list(fit.points["growth"]) == sorted(fit.points["growth"])


def test_an_optimum_beyond_the_tested_range_is_at_its_edge() -> None:
    (fit,) = growth.fit_growth(trials(np.random.default_rng(0), best=16.0, noise=0.002))
    assert fit.edge
    assert fit.best.mean == pytest.approx(fit.points["growth"].max())
    assert fit.p_at <= 0.05


def test_a_lopsided_curve_is_fitted_by_a_cubic() -> None:
    lopsided = trials(np.random.default_rng(0), seeds=20, noise=0.001, cubic=-0.01)
    (fit,) = growth.fit_growth(lopsided)
    assert fit.degree == 3
    assert fit.misfit_p > 0.05


def test_the_question_may_be_about_another_growth() -> None:
    table = trials(np.random.default_rng(0), best=1.4, seeds=20, noise=0.002)
    (at_two,), (at_best,) = (growth.fit_growth(table, at=at) for at in (2.0, 1.4))
    assert at_two.p_at <= 0.05 < at_best.p_at
    assert at_best.lost.mean < at_two.lost.mean


def test_networks_that_differ_otherwise_are_fitted_apart() -> None:
    rng = np.random.default_rng(0)
    both = pd.concat([trials(rng, 1.4, shortcut="A"), trials(rng, 2.8, shortcut="none")])
    first, second = growth.fit_growth(both)
    assert first.group == "{'shortcut': 'A'}"
    assert first.best.mean < 2 < second.best.mean


def test_three_growths_or_five_seeds_are_too_few() -> None:
    table = trials(np.random.default_rng(0))
    three = table[table["axis_growth"].isin(["r = 1", "r = 2", "r = 3"])]
    assert growth.fit_growth(three) == []
    assert growth.fit_growth(table[table["seed"] < 5]) == []
    assert len(growth.fit_growth(table[table["seed"] < 6])) == 1


def test_the_optimum_hangs_on_no_single_arm() -> None:
    """Arms that tie, and one that does not: a parabola has a top all the same."""
    table = trials(np.random.default_rng(0), noise=0.004)
    worst = table["axis_growth"] == "r = 0.5"
    noise = table["test_accuracy"] - table.groupby("cell")["test_accuracy"].transform("mean")
    table["test_accuracy"] = 0.85 + noise - 0.05 * worst
    (fit,) = growth.fit_growth(table)
    assert fit.best.low < 1.5
    assert fit.best.high > 2.5
    assert fit.sides_p > 0.05


@pytest.mark.parametrize(("best", "worse"), [(2.0, False), (4.0, True)])
def test_the_neighbours_on_both_sides_are_compared(best: float, worse: bool) -> None:
    table = trials(np.random.default_rng(0), best, seeds=10, noise=0.001)
    (fit,) = growth.fit_growth(table)
    wide = table.pivot(index="seed", columns="axis_growth", values="test_accuracy")
    gains = [wide["r = 2"] - wide[side] for side in ("r = 1", "r = 3")]
    assert (gains[1].mean() < 0) == worse
    expected = 1.0 if worse else max(intervals.sign_flip_p(gain) for gain in gains)
    assert fit.sides_p == expected
    (edge,) = growth.fit_growth(table, at=4.0)
    assert math.isnan(edge.sides_p)


def test_a_seed_that_is_not_complete_everywhere_is_left_out() -> None:
    table = trials(np.random.default_rng(0))
    failed = (table["seed"] == 3) & (table["axis_growth"] == "r = 1")
    table.loc[failed, "state"] = "failed"
    (fit,) = growth.fit_growth(table)
    assert fit.seeds == 7
    assert set(fit.points["n"]) == {7}


def test_the_order_of_rows_changes_nothing() -> None:
    table = trials(np.random.default_rng(0))
    (here,), (there,) = (
        growth.fit_growth(rows) for rows in (table, table.sample(frac=1, random_state=1))
    )
    assert (here.best, here.p_at, here.lost) == (there.best, there.p_at, there.lost)
    pd.testing.assert_frame_equal(here.curve, there.curve)
    pd.testing.assert_frame_equal(here.points, there.points)


def test_the_interval_covers_and_the_test_seldom_errs() -> None:
    rng = np.random.default_rng(5)
    runs = 40
    fits = [growth.fit_growth(trials(rng))[0] for _ in range(runs)]
    covered = np.mean([fit.best.low <= 2 <= fit.best.high for fit in fits])
    assert covered >= 0.85  # of 0.95; four of 40 more may be missed by chance
    assert np.mean([fit.p_at <= 0.05 for fit in fits]) <= 0.15
