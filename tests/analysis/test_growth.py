"""The fit of accuracy over growth: it finds an optimum that is there, and says how surely."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import growth
from ablate.analysis.growth import GrowthFit
from ablate.statistics.intervals import Interval
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
    (fit,) = growth.fit_growth(trials(np.random.default_rng(1), best, seeds=20, noise=0.001))
    assert fit.best.low <= best <= fit.best.high
    assert fit.best.high / fit.best.low < 1.6
    assert not fit.edge
    assert fit.excluded == (best != 2.0)
    assert (fit.match, fit.seeds, fit.level) == ("macs", 20, 0.95)
    assert fit.misfit_p > 0.05
    truth = 0.01 * math.log2(2 / best) ** 2
    assert fit.lost.low <= truth <= fit.lost.high


def test_arms_are_in_order_with_what_is_known_of_each() -> None:
    (fit,) = growth.fit_growth(trials(np.random.default_rng(0), noise=0.001, seeds=20))
    assert list(fit.points["growth"]) == sorted(fit.points["growth"])
    kept = fit.points.loc[fit.points["p_best"] > 0.05, "cell"]
    assert fit.best_arms == tuple(kept)
    assert fit.tested == ("r = 2",)
    assert "r = 2" in fit.best_arms
    assert "r = 0.5" not in fit.best_arms


def test_an_optimum_beyond_the_tested_range_is_at_its_edge() -> None:
    (fit,) = growth.fit_growth(trials(np.random.default_rng(0), best=16.0, noise=0.002))
    assert fit.edge
    assert fit.best.mean == pytest.approx(fit.points["growth"].max())
    assert fit.excluded


def test_the_question_may_be_about_another_growth() -> None:
    table = trials(np.random.default_rng(0), best=1.4, seeds=20, noise=0.001)
    (at_two,), (at_best,) = (growth.fit_growth(table, at=at) for at in (2.0, 1.4))
    assert at_two.best == at_best.best
    assert at_two.excluded
    assert not at_best.excluded
    assert at_best.lost.mean < at_two.lost.mean
    (between,) = growth.fit_growth(table, at=1.7)
    assert between.tested == ()
    assert at_best.lost.mean <= between.lost.mean <= at_two.lost.mean
    (beyond,) = growth.fit_growth(table, at=6.0)
    assert growth.verdict(beyond, 0.005) == "refuted"
    assert "; growth 6 is beyond what was tested (" in growth.sentence(beyond, 0.005)


def test_networks_that_differ_otherwise_are_fitted_apart() -> None:
    rng = np.random.default_rng(0)
    both = pd.concat([trials(rng, 1.4, shortcut="A"), trials(rng, 2.8, shortcut="none")])
    first, second = growth.fit_growth(both)
    assert first.group == "{'shortcut': 'A'}"
    assert first.best.mean < 2 < second.best.mean


def test_three_growths_or_three_seeds_are_too_few() -> None:
    table = trials(np.random.default_rng(0))
    three = table[table["axis_growth"].isin(["r = 1", "r = 2", "r = 3"])]
    assert growth.fit_growth(three) == []
    assert growth.fit_growth(table[table["seed"] < 3]) == []
    assert len(growth.fit_growth(table[table["seed"] < 4])) == 1


def test_arms_that_tie_leave_the_optimum_open() -> None:
    """And one that does not: a parabola would have a top all the same."""
    table = trials(np.random.default_rng(0), noise=0.004)
    worst = table["axis_growth"] == "r = 0.5"
    noise = table["test_accuracy"] - table.groupby("cell")["test_accuracy"].transform("mean")
    table["test_accuracy"] = 0.85 + noise - 0.05 * worst
    (fit,) = growth.fit_growth(table)
    assert fit.best.low < 1.5
    assert fit.best.high > 3.5
    assert len(fit.best_arms) == 6
    text = growth.sentence(fit)
    assert "up to an end of what was tested; any arm but r = 0.5 may be the best; growth 2" in text


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
    assert (here.best, here.lost, here.best_arms) == (there.best, there.lost, there.best_arms)
    pd.testing.assert_frame_equal(here.curve, there.curve)
    pd.testing.assert_frame_equal(here.points, there.points)


def fit(**changes: object) -> GrowthFit:
    """A fit of which the given fields are known."""
    (one,) = growth.fit_growth(trials(np.random.default_rng(0), seeds=10, noise=0.002))
    return replace(one, **changes)  # type: ignore[arg-type]


REFUTED = {"best_arms": ("r = 2.5", "r = 3"), "excluded": True}


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        (REFUTED, "refuted"),
        ({"best_arms": ("r = 2", "r = 3"), "excluded": True}, "refuted"),  # by the interval
        ({"best_arms": ("r = 2",), "excluded": False}, "supported"),
        ({"best_arms": ("r = 2", "r = 3"), "excluded": False}, "equivalent"),
        ({"best_arms": ("r = 3",), "excluded": False, "tested": ()}, "equivalent"),
        ({"best_arms": ("r = 2",), "lost": Interval(0.0, 0.0, 0.01)}, "supported"),
        ({"best_arms": ("r = 2", "r = 3"), "lost": Interval(0.0, 0.0, 0.01)}, "inconclusive"),
    ],
)
def test_each_verdict_is_reached(changes: dict[str, object], verdict: str) -> None:
    one = fit(**({"excluded": False, "lost": Interval(0.001, 0.0, 0.004)} | changes))
    assert growth.verdict(one, 0.005) == verdict
    if verdict == "equivalent":
        assert growth.verdict(one, math.nan) == "inconclusive"


def test_what_is_said_follows_from_the_numbers() -> None:
    shown = {
        "best": Interval(2.84, 2.57, 3.09),
        "lost": Interval(0.0142, 0.0084, 0.0205),
        "edge": False,
    }
    assert growth.sentence(fit(**shown, **REFUTED), 0.005) == (
        "Accuracy is highest at growth 2.84 [2.57, 3.09]; best arms: r = 2.5 or r = 3; r = 2 is "
        "ruled out: it gives away 1.42 points [0.84, 2.05] (10 seeds, 95% intervals)."
    )
    by_curve = fit(**shown | {"best_arms": ("r = 2",), "excluded": True})
    assert "; best arm: r = 2; growth 2 is outside the interval and gives away 1.42 points" in (
        growth.sentence(by_curve)
    )
    little = replace(by_curve, lost=Interval(0.001, 0.0, 0.003))
    assert "[0.00, 0.30]; that may be next to nothing (" in growth.sentence(little, 0.005)
    near = replace(little, excluded=False, best_arms=("r = 2", "r = 3"))
    assert "growth 2 gives away 0.10 points [0.00, 0.30], less than 0.5 points (" in (
        growth.sentence(near, 0.005)
    )
    assert "less than" not in growth.sentence(near, 0.003)
    assert "points" not in growth.sentence(near, percent=False)


def test_a_misfit_and_an_end_are_said() -> None:
    one = fit(misfit_p=0.004)
    assert "; the curve misses the arms' means (p = 0.004) (10 seeds" in growth.sentence(one)
    assert "misses" not in growth.sentence(replace(one, misfit_p=0.2))
    last = float(one.curve["growth"].max())
    end = replace(one, edge=True, best=Interval(last, 2.0, last))
    assert f"{last:.2f}], an end of what was tested; " in growth.sentence(end)


def test_names_with_commas_are_joined_without() -> None:
    (one,) = growth.fit_growth(trials(np.random.default_rng(0)))
    cells = [f"{cell}, narrow" for cell in one.points["cell"]]
    named = replace(one, points=one.points.assign(cell=cells), best_arms=tuple(cells[3:6]))
    assert "best arms: r = 2, narrow or r = 2.5, narrow or r = 3, narrow; " in growth.sentence(
        named
    )


def test_two_peaks_beside_two_do_not_support_it() -> None:
    """1.41 and 2.5 are better than 2 by half a point: it is supported in less than 5%."""
    rng = np.random.default_rng(3)
    lower = {"r = 0.5": 2, "r = 1": 0.5, "r = 1.41": -0.5, "r = 2.5": -0.5, "r = 3": 0.2}
    verdicts = []
    for _ in range(20):
        table = trials(rng, seeds=8, noise=0.004)
        noise = table["test_accuracy"] - table.groupby("cell")["test_accuracy"].transform("mean")
        table["test_accuracy"] = 0.98 + noise - table["axis_growth"].map(lower).fillna(0) / 100
        (one,) = growth.fit_growth(table)
        verdicts.append(growth.verdict(one, 0.005))
    assert "supported" not in verdicts
