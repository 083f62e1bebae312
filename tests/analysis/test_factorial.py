"""Factorial studies: shares of variance are R's, contrasts those worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.analysis import comparisons, factorial
from ablate.study.file import HypothesisTable
from support.frames import grid

# Yields of peas, pounds a plot; R's `npk` (Venables and Ripley 2002, section 6.7): block by block.
YIELD = """49.5 62.8 46.8 57.0 59.8 58.5 55.5 56.0 62.8 55.8 69.5 55.0 62.0 48.8 45.5 44.2 52.0 51.5
49.8 48.8 57.2 59.0 53.2 56.0"""
N = "0 1 0 1 1 1 0 0 0 1 1 0 1 1 0 0 1 0 1 0 1 1 0 0"
P = "1 1 0 0 0 1 0 1 1 1 0 0 0 1 0 1 1 0 0 1 0 1 1 0"
K = "1 0 0 1 0 1 1 0 0 1 0 1 0 1 1 0 0 0 1 1 1 0 1 0"


def npk() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "test_accuracy": [float(word) for word in YIELD.split()],
            **{f"axis_{name}": text.split() for name, text in (("N", N), ("P", P), ("K", K))},
        }
    )
    frame["seed"] = np.repeat(range(6), 4)
    frame["cell"] = frame["axis_N"] + " / " + frame["axis_P"] + " / " + frame["axis_K"]
    frame["state"] = "complete"
    return frame


def test_the_shares_of_variance_are_those_of_r() -> None:
    """R: summary(aov(yield ~ block + N * P * K, npk)), its F over 1 and 12 degrees of freedom."""
    table = factorial.anova(npk()).set_index("effect")
    f = {"N": 12.259, "P": 0.544, "K": 6.166, "N x P": 1.378, "N x K": 2.146, "P x K": 0.031}
    expected = {name: round(value / (value + 12), 3) for name, value in f.items()}
    assert {name: round(share, 3) for name, share in table["partial_eta2"].items()} == expected
    assert (table.loc["N", "n"], table.loc["N", "seeds"]) == (24, 6)
    # Sums of squares 189.28 of N and 185.29 left.
    assert table.loc["N", "partial_eta2"] == pytest.approx(189.28 / (189.28 + 185.29), abs=1e-4)
    assert list(table.columns) == ["partial_eta2", "n", "seeds"]


def test_an_interaction_takes_its_share() -> None:
    rng = np.random.default_rng(0)
    there, none = (
        factorial.anova(grid(size, rng)).set_index("effect")["partial_eta2"]["growth x down"]
        for size in (0.01, 0)
    )
    assert there > 0.5 > 0.2 > none


def test_one_axis_or_one_seed_has_no_table() -> None:
    rng = np.random.default_rng(0)
    table = grid(0, rng)
    assert factorial.anova(table[table["axis_down"] == "p"]).empty
    assert factorial.anova(table[table["seed"] == 0]).empty


def test_failed_trials_are_left_out_and_a_lost_cell_ends_it() -> None:
    table = grid(0, np.random.default_rng(0))
    table.loc[3, "state"] = "failed"
    assert set(factorial.anova(table)["n"]) == {len(table) - 1}
    table.loc[table["cell"] == "y / q", "state"] = "diverged"
    assert factorial.anova(table).empty


def test_the_order_of_rows_changes_nothing() -> None:
    table = grid(0.01, np.random.default_rng(0))
    shuffled = table.sample(frac=1, random_state=1)
    here, there = (factorial.anova(rows).set_index("effect") for rows in (table, shuffled))
    pd.testing.assert_frame_equal(there.loc[here.index], here, rtol=1e-9)


def test_contrasts_by_hand() -> None:
    table = grid(0.01, np.random.default_rng(0))
    found = factorial.contrasts(table, ["growth", "down"], "x / p")
    assert found == {
        "y / q": {"y / q": 1, "x / q": -1, "y / p": -1, "x / p": 1},
        "z / q": {"z / q": 1, "x / q": -1, "z / p": -1, "x / p": 1},
    }
    lost = table[table["cell"] != "z / p"]
    assert list(factorial.contrasts(lost, ["growth", "down"], "x / p")) == ["y / q"]


def test_contrasts_are_at_the_baselines_arms_of_further_axes() -> None:
    found = factorial.contrasts(npk(), ["K", "N"], "0 / 1 / 0")
    assert found == {"1 / 1": {"1 / 1 / 1": 1, "1 / 1 / 0": -1, "0 / 1 / 1": -1, "0 / 1 / 0": 1}}


def test_a_contrast_of_unequal_spreads_is_seldom_found_where_there_is_none() -> None:
    """Where the mean square that all cells share would find some in one of ten."""
    rng = np.random.default_rng(0)
    wrong, count = 0, 150
    for _ in range(count):
        table = grid(0.0, rng, seeds=6)
        wide = table["cell"] == "z / q"
        table.loc[wide, "test_accuracy"] += rng.normal(0, 0.05, wide.sum())
        asked = {"one": HypothesisTable(says="So.", interaction=["growth", "down"])}
        compared = comparisons.compare(table, "x / p", asked)
        wrong += any(compared.of(one).p <= 0.05 for one in compared.asked["one"])
    assert wrong <= stats.binom.isf(0.001, count, 0.05)
