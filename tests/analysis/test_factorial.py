"""Factorial studies: the analysis of variance is R's, contrasts are those worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from ablate.analysis import factorial
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


def test_the_analysis_of_variance_is_that_of_r() -> None:
    """R: summary(aov(yield ~ block + N * P * K, npk))."""
    table = factorial.anova(npk()).set_index("effect")
    expected = {"N": 12.259, "P": 0.544, "K": 6.166, "N x P": 1.378, "N x K": 2.146, "P x K": 0.031}
    assert {name: round(f, 3) for name, f in table["f"].items()} == expected
    assert table.loc["N", "p"] == pytest.approx(0.00437, abs=5e-6)
    assert set(table["df"]) == {1}
    assert set(table["df_residual"]) == {12}
    assert (table.loc["N", "n"], table.loc["N", "seeds"]) == (24, 6)
    # Sums of squares 189.28 of N and 185.29 left.
    assert table.loc["N", "partial_eta2"] == pytest.approx(189.28 / (189.28 + 185.29), abs=1e-4)


def test_an_interaction_is_found_and_none_is_seldom_found() -> None:
    rng = np.random.default_rng(0)
    there = factorial.anova(grid(0.01, rng)).set_index("effect")
    assert there.loc["growth x down", "p"] < 0.001
    p = [factorial.anova(grid(0, rng)).set_index("effect")["p"]["growth x down"] for _ in range(60)]
    assert np.mean(np.asarray(p) <= 0.05) <= 0.15


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
    wide = table.pivot(index="seed", columns="cell", values="test_accuracy")
    found = factorial.contrasts(table, ["growth", "down"], "x / p")
    assert list(found) == ["y / q", "z / q"]
    by_hand = wide["z / q"] - wide["x / q"] - wide["z / p"] + wide["x / p"]
    np.testing.assert_allclose(found["z / q"], by_hand)


def test_no_interaction_can_be_shown() -> None:
    quiet = factorial.contrasts(
        grid(0, np.random.default_rng(0), seeds=40), ["growth", "down"], "x / p"
    )
    loud = factorial.contrasts(grid(0.02, np.random.default_rng(0)), ["growth", "down"], "x / p")
    assert factorial.most_different(quiet, 0.01) < 0.05 < factorial.most_different(loud, 0.01)
    assert math.isnan(factorial.most_different({}, 0.01))
