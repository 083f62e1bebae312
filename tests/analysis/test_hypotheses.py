"""Predictions and their verdicts: each of them can be supported, and each can fail."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import comparisons, growth, hypotheses
from ablate.statistics import intervals
from ablate.study.file import HypothesisTable
from support.frames import by_place, grid, trials_frame
from support.growth import trials as growth_trials

RNG_SEED = 4


def judged(trials: pd.DataFrame, baseline: str, mechanism: Any = None, **kind: Any) -> Any:
    """The row of one hypothesis of the given kind."""
    table = HypothesisTable(says="It is so.", **kind)
    compared = comparisons.compare(trials, baseline, {"one": table}, mechanism)
    return hypotheses.judge({"one": table}, trials, compared, baseline, 0.005).iloc[0]


def two_arms(difference: float, spread: float, seeds: int = 10) -> pd.DataFrame:
    rng = np.random.default_rng(RNG_SEED)
    base = rng.normal(0.9, 0.01, seeds)
    other = base + difference + spread * np.linspace(-1, 1, seeds)
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
    differences = wide["other"] - wide["base"]
    interval = intervals.difference_interval(differences)
    assert (row["estimate"], row["low"], row["high"]) == (
        interval.mean,
        interval.low,
        interval.high,
    )
    assert row["p"] == intervals.sign_flip_p(differences)
    assert row["p_equal"] == pytest.approx(intervals.equivalence_p(differences, 0.005))
    assert (row["n"], row["margin"]) == (10, 0.005)
    assert row["rows"] == "trials.csv: other, base; seeds 0 to 9"
    assert row["sentence"].startswith("other minus base: 2.00 points (95% interval ")
    assert row["sentence"].endswith("; n = 10 seeds).")


def test_few_seeds_decide_nothing() -> None:
    row = judged(two_arms(0.02, 0.0, seeds=5), "base", higher=["other", "base"])
    assert row["verdict"] == "inconclusive"
    assert "6 seeds are needed" in row["sentence"]
    one = judged(two_arms(0.0, 0.0, seeds=5), "base", equal=["other", "base"])
    assert one["verdict"] == "inconclusive"


def test_several_hypotheses_hold_together() -> None:
    trials = two_arms(0.02, 0.018, seeds=6)
    table = HypothesisTable(says="It is so.", higher=["other", "base"])
    alone = hypotheses.judge({"one": table}, trials, None, "base", 0.005)
    twice = hypotheses.judge({"one": table, "two": table}, trials, None, "base", 0.005)
    assert list(alone["verdict"]) == ["supported"]
    assert list(twice["verdict"]) == ["inconclusive"] * 2  # 2 x 2/64 is above 5%
    assert twice["p"][0] == 2 * alone["p"][0]


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
    assert row["sentence"] == growth.sentence(fit, 0.005, subject="test_accuracy")
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
    assert "of growth x down (F(2, " in row["sentence"]
    assert row["rows"] == f"trials.csv: all {6 * seeds} complete; seeds 0 to {seeds - 1}"


def test_the_interval_of_an_interaction_is_joint_and_needs_its_cells() -> None:
    trials = grid(0.02, np.random.default_rng(RNG_SEED), 10)
    table = HypothesisTable(says="It is so.", interaction=["down", "growth"])
    alone = hypotheses.judge({"one": table}, trials, None, "x / p", 0.005).iloc[0]
    several = dict.fromkeys(("one", "two", "three", "four"), table)
    together = hypotheses.judge(several, trials, None, "x / p", 0.005).iloc[0]
    assert together["low"] < alone["low"] < alone["high"] < together["high"]
    absent = trials[trials["cell"].isin(["x / p", "y / q", "z / q"])]
    row = judged(absent, "x / p", interaction=["down", "growth"])
    assert row["verdict"] == "inconclusive"
    assert row["sentence"].startswith("nothing can be said: ")


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
    table = hypotheses.judge({}, two_arms(0, 0), None, "base", 0.005)
    assert table.empty
    assert tuple(table.columns) == hypotheses.COLUMNS
