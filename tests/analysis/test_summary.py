"""The statistics, against answers worked out by hand or by SciPy's own tests."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.analysis import means, wording
from ablate.analysis import summary as analysis_summary
from ablate.errors import InputError
from ablate.statistics import family, intervals, power
from ablate.study.file import HypothesisTable
from support.frames import CONSTANT, DOUBLING, NAN, TRIPLING, by_place, three_arms, trials_frame


def row_of(summary: analysis_summary.Summary, cell: str) -> Any:
    return summary.table.set_index("cell").loc[cell]


def test_summary_has_its_columns_and_the_order_of_the_trials() -> None:
    summary = analysis_summary.summarise(three_arms(), "constant")
    assert list(summary.table["cell"]) == ["constant", "doubling", "tripling"]
    assert " ".join(summary.table.columns) == (
        "cell n diverged failed mean low high params macs activations "
        + "".join(
            f"{timed}_{name} "
            for timed in ("train", "infer", "epoch")
            for name in ("images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high")
        )
        + "throughput_control_off diff diff_low diff_high equal_low equal_high seeds effect p "
        "p_equal detectable seeds_needed finding wide_low wide_high wide_p wide_finding"
    )
    told = (summary.outcome, summary.level, summary.margin, summary.unit)
    assert told == ("test_accuracy", 0.95, 0.005, "seed")
    names = (summary.outcome_name, summary.level_name, summary.equal_level_name)
    assert names == ("test accuracy", "95%", "90%")
    assert summary.together == 2
    assert summary.cells == ["constant", "doubling", "tripling"]
    assert list(summary.table["params"]) == [175_258] * 3
    assert list(summary.table["infer_images_per_s_iqr"]) == [400.0] * 3


def test_a_summary_holds_what_the_statistics_say() -> None:
    summary = analysis_summary.summarise(three_arms(), "constant", level=0.9, margin=0.02)
    two = power.against_first(2)
    judged = family.compare(np.transpose([CONSTANT, DOUBLING, TRIPLING]), two, 0.9)
    for which, (cell, values) in enumerate((("doubling", DOUBLING), ("tripling", TRIPLING))):
        row, one = row_of(summary, cell), judged.comparisons[which]
        mean = intervals.mean_interval(values, 0.9)
        assert (row["mean"], row["low"], row["high"]) == (mean.mean, mean.low, mean.high)
        assert row["diff"] == pytest.approx(np.mean(values) - np.mean(CONSTANT))
        told = row[["diff", "diff_low", "diff_high", "equal_low", "equal_high", "p"]]
        expected = (one.estimate, one.low, one.high, one.equal_low, one.equal_high, one.p)
        assert tuple(told) == pytest.approx(expected)
        assert row["p_equal"] == judged.p_equal(one, 0.02)
        assert row["effect"] == pytest.approx(intervals.hedges_g(values, CONSTANT))
        spread = math.sqrt((np.var(values, ddof=1) + np.var(CONSTANT, ddof=1)) / 2)
        assert row["detectable"] == pytest.approx(power.detectable(spread, 7, two, which, 0.9))
        assert row["seeds_needed"] == power.seeds_needed(spread, 0.02, two, which, 0.9)
        assert (row["seeds"], row["finding"]) == (7, "higher")


def test_predictions_are_of_the_same_family() -> None:
    alone = analysis_summary.summarise(three_arms(), "constant")
    same = {"again": HypothesisTable(says="So.", higher=["constant", "doubling"])}
    again = analysis_summary.summarise(three_arms(), "constant", predictions=same)
    pd.testing.assert_frame_equal(again.table, alone.table)
    assert again.together == 2
    more = {"one": HypothesisTable(says="So.", higher=["tripling", "doubling"])}
    third = analysis_summary.summarise(three_arms(), "constant", predictions=more)
    assert third.together == 3
    here, there = (row_of(one, "doubling") for one in (alone, third))
    assert there["diff_high"] - there["diff_low"] > here["diff_high"] - here["diff_low"]
    assert there["detectable"] > here["detectable"]


def test_the_baseline_is_not_compared_with_itself() -> None:
    row = row_of(analysis_summary.summarise(three_arms(), "doubling"), "doubling")
    assert row["finding"] == "baseline"
    assert row["seeds"] == 0
    empty = ["diff", "diff_low", "diff_high", "equal_low", "equal_high", "effect", "p", "p_equal"]
    assert row[[*empty, "detectable", "seeds_needed"]].isna().all()


def test_row_order_changes_nothing_but_the_order() -> None:
    frame = trials_frame(
        {
            "constant": by_place([*CONSTANT, "diverged"]),
            "doubling": by_place([*DOUBLING, 0.93]),
        }
    )
    shuffled = frame.sample(frac=1, random_state=3)
    there, here = (
        analysis_summary.summarise(table, "constant").table.set_index("cell")
        for table in (shuffled, frame)
    )
    pd.testing.assert_frame_equal(there.loc[here.index], here, check_exact=True)


def test_cells_may_have_other_seeds() -> None:
    frame = trials_frame(
        {
            "constant": {0: 0.50, 1: 0.60, 2: 0.70, 3: "failed", 9: 0.2},
            "doubling": {2: 0.75, 3: 0.99, 1: 0.63, 0: 0.51},
        }
    )
    row = row_of(analysis_summary.summarise(frame, "constant"), "doubling")
    assert (row["n"], row["seeds"], row["finding"]) == (4, 4, "inconclusive")
    assert row["diff"] == pytest.approx(0.72 - 0.50)  # of all seeds, common or not
    lost = frame[~((frame["cell"] == "doubling") & (frame["seed"] == 3))]
    three = row_of(analysis_summary.summarise(lost, "constant"), "doubling")
    assert (three["n"], three["seeds"], three["finding"]) == (3, 3, "too few seeds")
    assert three["diff_low"] < three["diff"] < three["diff_high"]


def test_trials_that_did_not_complete_are_counted() -> None:
    frame = trials_frame(
        {
            "constant": by_place([0.8, 0.9, "diverged", "failed", "failed"]),
            "doubling": by_place(["failed"] * 5),
        }
    )
    summary = analysis_summary.summarise(frame, "constant")
    assert summary.table[["n", "diverged", "failed"]].to_numpy().tolist() == [[2, 1, 2], [0, 0, 5]]
    lost = row_of(summary, "doubling")
    assert math.isnan(lost["mean"])
    assert lost["seeds"] == 0
    assert lost["finding"] == "too few seeds"
    assert "1 diverged and 7 failed" in wording.details(summary)


def test_a_diverged_trial_with_an_accuracy_still_gives_none() -> None:
    frame = trials_frame({"a": by_place([0.8, 0.9, "diverged"])})
    frame.loc[2, "test_accuracy"] = 0.1
    assert row_of(analysis_summary.summarise(frame, "a"), "a")["mean"] == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("differences", "finding"),
    [
        ([0.01] * 6, "higher"),
        ([-0.01] * 6, "lower"),
        ([0.0] * 6, "equivalent"),
        ([0.004] * 6, "equivalent"),  # sure, and smaller than what counts
        ([0.01, -0.01] * 3, "inconclusive"),
        ([0.01] * 4, "higher"),
        ([0.01] * 3, "too few seeds"),
        ([0.01], "too few seeds"),
    ],
)
def test_findings(differences: list[float], finding: str) -> None:
    frame = trials_frame(
        {
            "base": by_place([0.5] * len(differences)),
            "other": by_place([0.5 + difference for difference in differences]),
        }
    )
    row = row_of(analysis_summary.summarise(frame, "base"), "other")
    assert row["finding"] == finding
    if len(differences) > 1 and len(set(differences)) == 1:
        assert row["diff_low"] == pytest.approx(row["diff_high"])


@pytest.mark.parametrize(("seeds", "finding"), [(3, "too few seeds"), (4, "higher")])
def test_four_seeds_tell_six_arms_apart(seeds: int, finding: str) -> None:
    """Where they differ by far more than they spread."""
    arms = {
        f"arm {number}": by_place([0.6 + number / 100 + seed / 1000 for seed in range(seeds)])
        for number in range(6)
    }
    summary = analysis_summary.summarise(
        trials_frame({"base": by_place([0.5 + seed / 1000 for seed in range(seeds)])} | arms),
        "base",
    )
    assert set(summary.table["finding"]) == {"baseline", finding}


def test_equal_arms_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(0)
    frame = trials_frame({name: by_place([0.9] * 8) for name in "abcd"})
    runs, wrong = 60, 0
    for _ in range(runs):
        frame["test_accuracy"] = rng.normal(0.9, 0.02, len(frame))
        wrong += (
            analysis_summary.summarise(frame, "a").table["finding"].isin(["higher", "lower"]).any()
        )
    assert wrong / runs <= stats.binom.isf(0.0001, runs, 0.05) / runs


def test_unknown_names_are_input_errors() -> None:
    with pytest.raises(InputError, match="expected one of constant, doubling, tripling"):
        analysis_summary.summarise(three_arms(), "quadrupling")
    with pytest.raises(InputError, match="expected test_accuracy or val_accuracy"):
        analysis_summary.summarise(three_arms(), "constant", outcome="train_loss")


def test_throughput_may_be_missing() -> None:
    missing = dict.fromkeys(analysis_summary.THROUGHPUTS)
    frame = trials_frame({"a": by_place([0.8, 0.9])}, {"a": missing})  # type: ignore[dict-item]
    summary = analysis_summary.summarise(frame, "a")
    assert summary.table[list(analysis_summary.THROUGHPUTS)].isna().all(axis=None)
    assert wording.text_table(summary).splitlines()[1].endswith(" -")


def test_epoch_intervals() -> None:
    epochs = pd.DataFrame(
        {
            "cell": ["b", "b", "b", "b", "a", "b"],
            "epoch": [2, 1, 1, 1, 1, 2],
            "seed": [0, 0, 1, 2, 0, 1],
            "train_loss": [0.5, 1.0, 2.0, 3.0, 4.0, math.inf],
        }
    )
    curves = means.epoch_intervals(epochs, "train_loss")
    half = 4.302653 / math.sqrt(3)
    expected = pd.DataFrame(
        [
            ("b", 1, 3, 2.0, 2 - half, 2 + half),
            ("b", 2, 1, 0.5, NAN, NAN),
            ("a", 1, 1, 4.0, NAN, NAN),
        ],
        columns=["cell", "epoch", "n", "mean", "low", "high"],
    )
    pd.testing.assert_frame_equal(curves, expected, rtol=1e-6, check_dtype=False)
