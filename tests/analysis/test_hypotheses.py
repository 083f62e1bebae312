"""Predictions and their verdicts: each of them can be supported, and each can fail."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import comparisons, growth, hypotheses
from ablate.analysis.summary import summarise
from ablate.statistics import family
from ablate.study.file import HypothesisTable
from support.frames import by_place, grid, trials_frame
from support.growth import trials as growth_trials

RNG_SEED = 4


def judge(
    tables: Mapping[str, HypothesisTable],
    trials: pd.DataFrame,
    baseline: str,
    mechanism: Any = None,
) -> pd.DataFrame:
    compared = comparisons.compare(trials, baseline, tables, mechanism)
    return hypotheses.judge(tables, trials, compared, baseline, 0.005)


def judged(trials: pd.DataFrame, baseline: str, mechanism: Any = None, **kind: Any) -> Any:
    """The row of one hypothesis of the given kind."""
    table = HypothesisTable(says="It is so.", **kind)
    return judge({"one": table}, trials, baseline, mechanism).iloc[0]


def two_arms(difference: float, spread: float, seeds: int = 10) -> pd.DataFrame:
    """Seeds whose two arms spread alike, in other orders, and differ by just so much."""
    base = 0.9 + spread * np.linspace(-1, 1, seeds)
    other = np.random.default_rng(RNG_SEED).permutation(base) + difference
    return trials_frame({"base": by_place(base.tolist()), "other": by_place(other.tolist())})


@pytest.mark.parametrize(
    ("difference", "spread", "higher", "equal"),
    [
        (0.02, 0.01, "supported", "refuted"),
        (-0.02, 0.01, "refuted", "refuted"),
        (0.0, 0.002, "equivalent", "supported"),
        (0.002, 0.001, "equivalent", "supported"),  # sure, and below the margin
        (0.004, 0.02, "inconclusive", "inconclusive"),
    ],
)
def test_two_cells(difference: float, spread: float, higher: str, equal: str) -> None:
    trials = two_arms(difference, spread)
    assert judged(trials, "base", higher=["other", "base"])["verdict"] == higher
    assert judged(trials, "base", equal=["other", "base"])["verdict"] == equal


def test_a_verdict_comes_with_its_numbers_and_rows() -> None:
    trials = two_arms(0.02, 0.01)
    row = judged(trials, "base", higher=["other", "base"])
    wide = trials.pivot(index="seed", columns="cell", values="test_accuracy").astype(float)
    found = family.compare(wide[["base", "other"]].to_numpy(), [[-1.0, 1.0]])
    (one,) = found.comparisons
    told = row[["estimate", "low", "high", "equal_low", "equal_high", "p", "p_equal"]]
    numbers = (one.estimate, one.low, one.high, one.equal_low, one.equal_high, one.p)
    assert tuple(told) == pytest.approx((*numbers, found.p_equal(one, 0.005)))
    assert (row["n"], row["margin"]) == (10, 0.005)
    assert row["rows"] == "trials.csv: other, base; seeds 0 to 9"
    assert row["sentence"].startswith("other minus base: 2.00 points (95% interval ")
    assert "; against a margin of 0.5 points: 90% interval " in row["sentence"]
    assert row["sentence"].endswith("; n = 10 seeds).")


def test_the_numbers_are_those_of_the_summary() -> None:
    """A prediction that asks for what the summary has is the same comparison, either way round."""
    trials = two_arms(0.02, 0.01)
    against = summarise(trials, "base").table.iloc[1]
    row = judged(trials, "base", higher=["other", "base"])
    for theirs, ours in (("diff", "estimate"), ("diff_low", "low"), ("diff_high", "high")):
        assert against[theirs] == row[ours]
    assert (against["p"], against["p_equal"]) == (row["p"], row["p_equal"])
    turned = judged(trials, "base", higher=["base", "other"])
    assert turned["verdict"] == "refuted"
    assert (turned["low"], turned["high"]) == (-row["high"], -row["low"])
    assert turned["p"] == row["p"]


def test_few_seeds_decide_nothing() -> None:
    row = judged(two_arms(0.02, 0.0, seeds=3), "base", higher=["other", "base"])
    assert row["verdict"] == "inconclusive"
    assert "4 seeds are needed" in row["sentence"]
    one = judged(two_arms(0.0, 0.0, seeds=3), "base", equal=["other", "base"])
    assert one["verdict"] == "inconclusive"
    four = judged(two_arms(0.02, 0.0, seeds=4), "base", higher=["other", "base"])
    assert four["verdict"] == "supported"


def test_several_hypotheses_hold_together() -> None:
    """One that asks the same again costs nothing; one that asks something else does."""
    two, others = two_arms(0.02, 0.017, seeds=6), two_arms(0.05, 0.017, seeds=6)
    trials = pd.concat([two, others.assign(cell=others["cell"] + " twice")])
    first = HypothesisTable(says="It is so.", higher=["other", "base"])
    again = HypothesisTable(says="It is so.", higher=["base", "other"])
    else_ = HypothesisTable(says="It is so.", higher=["other twice", "other"])
    alone = judge({"one": first}, trials, "base")
    twice = judge({"one": first, "two": again}, trials, "base")
    three = judge({"one": first, "two": else_}, trials, "base")
    assert list(twice["p"]) == [alone["p"][0]] * 2
    assert three["p"][0] > alone["p"][0]
    assert three["high"][0] - three["low"][0] > alone["high"][0] - alone["low"][0]


def test_another_column_needs_a_margin_of_its_own() -> None:
    trials = two_arms(0.0, 0.001)
    trials["val_loss"] = trials["test_accuracy"]
    without = judged(trials, "base", equal=["other", "base"], column="val_loss")
    assert math.isnan(without["p_equal"])
    assert without["verdict"] == "inconclusive"
    assert "points" not in without["sentence"]
    given = judged(trials, "base", equal=["other", "base"], column="val_loss", margin=0.005)
    assert given["verdict"] == "supported"


@pytest.mark.parametrize(
    ("best", "noise", "verdict"),
    [
        (2.0, 0.0003, "supported"),
        (16.0, 0.002, "refuted"),
        (2.2, 0.001, "equivalent"),
        (2.0, 0.03, "inconclusive"),
    ],
)
def test_an_optimum(best: float, noise: float, verdict: str) -> None:
    trials = growth_trials(np.random.default_rng(RNG_SEED), best, seeds=10, noise=noise)
    row = judged(trials, "r = 2", optimum=2.0)
    assert row["verdict"] == verdict
    (fit,) = growth.fit_growth(trials)  # the numbers of the growth section, not others
    assert (row["estimate"], row["low"], row["high"]) == (
        fit.best.mean,
        fit.best.low,
        fit.best.high,
    )
    assert row["sentence"] == growth.sentence(fit, 0.005, subject="Test accuracy")
    assert row["rows"].endswith("; seeds 0 to 9")
    assert math.isnan(row["p"])


def test_an_optimum_needs_growths() -> None:
    trials = growth_trials(np.random.default_rng(RNG_SEED))
    row = judged(trials[trials["axis_growth"].isin(["r = 1", "r = 2"])], "r = 2", optimum=2.0)
    assert row["verdict"] == "inconclusive"
    assert row["sentence"] == (
        "nothing can be said: 4 growths or more, in 4 seeds each, are needed"
    )


@pytest.mark.parametrize(
    ("size", "seeds", "verdict"),
    [(0.02, 6, "supported"), (0.0, 60, "equivalent"), (0.0, 6, "inconclusive")],
)
def test_an_interaction(size: float, seeds: int, verdict: str) -> None:
    trials = grid(size, np.random.default_rng(RNG_SEED), seeds)
    row = judged(trials, "x / p", interaction=["down", "growth"])
    assert row["verdict"] == verdict
    assert row["sentence"].startswith("clearest contrast, q / ")
    assert ", of down x growth: " in row["sentence"]
    assert row["rows"].startswith("trials.csv: ")
    assert row["rows"].count(" / ") == 4
    assert row["rows"].endswith(f"; seeds 0 to {seeds - 1}")


def test_the_interval_of_an_interaction_is_joint_and_needs_its_cells() -> None:
    trials = grid(0.02, np.random.default_rng(RNG_SEED), 10)
    table = HypothesisTable(says="It is so.", interaction=["down", "growth"])
    compared = comparisons.compare(trials, "x / p", {"one": table})
    assert len(compared.asked["one"]) == 2
    assert len(compared.family.comparisons) == 5 + 2
    row = judged(trials, "x / p", interaction=["down", "growth"])
    wide = trials.pivot(index="seed", columns="cell", values="test_accuracy").mean()
    by_hand = wide["z / q"] - wide["x / q"] - wide["z / p"] + wide["x / p"]
    assert row["estimate"] == pytest.approx(by_hand)
    more = {"one": table, "two": HypothesisTable(says="It is so.", higher=["y / p", "z / q"])}
    together = judge(more, trials, "x / p").iloc[0]
    assert together["low"] < row["low"] < row["high"] < together["high"]
    absent = trials[trials["cell"].isin(["x / p", "y / q", "z / q"])]
    row = judged(absent, "x / p", interaction=["down", "growth"])
    assert row["verdict"] == "inconclusive"
    assert row["sentence"].startswith("nothing can be said: ")


def test_an_interaction_shows_the_contrast_that_decides() -> None:
    """Not a larger one that spreads so much that nothing is known of it."""
    trials = grid(0.0, np.random.default_rng(RNG_SEED), 8)
    rng = np.random.default_rng(1)
    for cell, effect, spread in (("y / q", 0.09, 0.001), ("z / q", 0.1, 0.12)):
        mine = trials["cell"] == cell
        trials.loc[mine, "test_accuracy"] += effect + rng.normal(0, spread, mine.sum())
    row = judged(trials, "x / p", interaction=["down", "growth"])
    assert row["verdict"] == "supported"
    assert row["low"] > 0
    assert "q / y" in row["sentence"]
    # Equal would all have to be: the interval is the one that goes furthest.
    assert row["equal_high"] - row["equal_low"] > row["high"] - row["low"]


@pytest.mark.parametrize(("step", "verdict"), [(0.05, "supported"), (-0.05, "refuted")])
def test_a_rise_over_the_stages(step: float, verdict: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    mechanism = pd.DataFrame(
        [
            {
                "cell": cell,
                "seed": seed,
                "stage": stage,
                "probe_accuracy": 0.5 + step * place + rng.normal(0, 0.01),
            }
            for cell in ("base", "other")
            for seed in range(8)
            for place, stage in enumerate(["stem", "stage 1", "stage 2", "stage 10"])
        ]
    )
    row = judged(
        two_arms(0, 0), "base", mechanism, rises="other", column="probe_accuracy", margin=0.01
    )
    assert row["verdict"] == verdict
    assert row["estimate"] == pytest.approx(2 * step, abs=0.02)
    assert row["rows"] == "mechanism.csv: other, stage 1 and stage 10; seeds 0 to 7"


def test_what_was_not_measured_is_said() -> None:
    row = judged(two_arms(0, 0), "base", rises="other", column="probe_accuracy")
    assert row["verdict"] == "inconclusive"
    assert row["sentence"] == "nothing can be said: not measured; run with --mechanism"
    assert (row["n"], row["rows"]) == (0, "none")


def test_a_cell_without_trials_is_said() -> None:
    row = judged(two_arms(0, 0), "base", higher=["other", "third"])
    assert row["sentence"] == "nothing can be said: no trial of third yet"


def test_the_order_of_rows_changes_nothing() -> None:
    trials = two_arms(0.02, 0.01)
    here, there = (
        judged(rows, "base", higher=["other", "base"])
        for rows in (trials, trials.sample(frac=1, random_state=2))
    )
    pd.testing.assert_series_equal(here, there)


def test_a_study_without_hypotheses_has_an_empty_table() -> None:
    table = judge({}, two_arms(0, 0), "base")
    assert table.empty
    assert tuple(table.columns) == hypotheses.COLUMNS
