"""Distributions and ranks, against SciPy's own tests and answers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablate.analysis import distributions
from support.frames import by_place, trials_frame

ORDER = [0.95, 0.9, 0.8]


def table_of(*seeds: list[float]) -> pd.DataFrame:
    """Ranks from the accuracies of cells a, b, ... in each seed."""
    cells = {
        chr(ord("a") + place): by_place(values)
        for place, values in enumerate(zip(*seeds, strict=True))
    }
    return distributions.ranks(trials_frame(cells))


def test_the_distribution_counts_errors_at_most_so_large() -> None:
    trials = trials_frame({"a": by_place([0.9, 0.7, 0.8, "failed"]), "b": by_place([0.5, 0.95])})
    table = distributions.error_distributions(trials)
    a = table[table["arm"] == "a"]
    assert list(a["error"]) == pytest.approx([0.05, 0.1, 0.2, 0.3, 0.5])
    assert list(a["share"]) == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert set(a["n"]) == {3}
    b = table[table["arm"] == "b"]
    assert list(b["error"]) == pytest.approx([0.05, 0.05, 0.5, 0.5])
    assert list(b["share"]) == [0, 0.5, 1, 1]


def test_the_band_is_that_of_massart_and_stays_within_the_possible() -> None:
    errors = np.linspace(0.1, 0.5, 50)
    table = distributions.error_distributions(trials_frame({"a": by_place(list(1 - errors))}))
    half = math.sqrt(math.log(2 / 0.05) / 100)
    middle = table[(table["share"] > half) & (table["share"] < 1 - half)]
    assert len(middle) > 20
    assert list(middle["share"] - middle["low"]) == pytest.approx([half] * len(middle))
    assert list(middle["high"] - middle["share"]) == pytest.approx([half] * len(middle))
    assert table["low"].min() == 0
    assert table["high"].max() == 1


def test_the_band_covers_the_true_distribution_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    missed = 0
    for _ in range(300):
        errors = rng.uniform(0, 1, 20)
        table = distributions.error_distributions(trials_frame_of(errors))
        inside = (table["low"] <= table["error"]) & (table["error"] <= table["high"])
        missed += not inside.all()
    assert missed / 300 < 0.07


def trials_frame_of(errors: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "axis_arm": "a",
            "seed": range(len(errors)),
            "state": "complete",
            "test_accuracy": 1 - errors,
        }
    )


def test_trials_of_one_seed_do_not_narrow_the_band() -> None:
    once = trials_frame_of(np.linspace(0.1, 0.5, 20))
    twice = pd.concat([once, once.assign(test_accuracy=once["test_accuracy"] - 0.001)])
    half = math.sqrt(math.log(2 / 0.05) / 40)
    table = distributions.error_distributions(twice)
    assert set(table["n"]) == {40}
    middle = table[(table["share"] > half) & (table["share"] < 1 - half)]
    assert list(middle["high"] - middle["share"]) == pytest.approx([half] * len(middle))


def test_the_arm_with_fewest_complete_trials_counts() -> None:
    trials = trials_frame({"a": by_place([0.9, 0.8]), "b": by_place([0.9, "failed"])})
    assert distributions.fewest(trials) == 1
    none = trials_frame({"a": by_place([0.9, 0.8]), "b": by_place(["failed", "diverged"])})
    assert distributions.fewest(none) == 0


def test_ranks_are_within_a_seed_and_ties_share_their_mean() -> None:
    ranks = table_of(ORDER, [0.9, 0.9, 0.95])
    assert ranks.to_numpy().tolist() == [[1, 2, 3], [2.5, 2.5, 1]]


def test_a_seed_that_lacks_a_cell_has_no_ranks() -> None:
    trials = trials_frame({"a": by_place([0.9, 0.8]), "b": by_place([0.8, "failed"])})
    assert list(distributions.ranks(trials).index) == [0]


def test_counts_of_ranks_are_shares_of_seeds() -> None:
    shares = distributions.rank_counts(table_of(ORDER, ORDER, [0.9, 0.9, 0.95], ORDER))
    assert list(shares.loc["a"]) == pytest.approx([0.75, 0.125, 0.125])
    assert list(shares.loc["b"]) == pytest.approx([0, 0.875, 0.125])
    assert list(shares.loc["c"]) == pytest.approx([0.25, 0, 0.75])


@settings(max_examples=30)
@given(
    st.integers(3, 5).flatmap(
        lambda cells: st.lists(
            st.lists(st.integers(0, 4), min_size=cells, max_size=cells), min_size=2, max_size=11
        )
    )
)
def test_counts_of_ranks_add_up_and_agreement_is_friedmans(values: list[list[int]]) -> None:
    table = pd.DataFrame(values).rank(axis=1, ascending=False)
    shares = distributions.rank_counts(table)
    assert shares.sum(axis=0).to_numpy() == pytest.approx(1)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1)
    w = distributions.agreement(table)
    assert 0 <= w.mean <= 1 + 1e-12
    tied = all(len(set(seed)) == 1 for seed in values)
    if not tied:
        chi2 = stats.friedmanchisquare(*table.to_numpy().T).statistic
        assert w.mean == pytest.approx(chi2 / (len(values) * (table.shape[1] - 1)))
    if len(values) < (10 if len(values[0]) == 3 else 6) or tied:
        assert math.isnan(w.low)
    else:
        assert 0 <= w.low <= w.high <= 1


def test_full_agreement_is_one_and_none_at_all_is_zero() -> None:
    assert distributions.agreement(table_of(*[ORDER] * 6)).mean == pytest.approx(1)
    cycle = [ORDER, ORDER[1:] + ORDER[:1], ORDER[2:] + ORDER[:2]]
    assert distributions.agreement(table_of(*cycle)).mean == pytest.approx(0)
    assert distributions.agreement(table_of(*[[0.9] * 3] * 6)).mean == 0


def test_the_interval_of_agreement_covers_what_seeds_give_on_average() -> None:
    """A bootstrap that lets a seed agree with its own copies covers some 80% here."""
    rng = np.random.default_rng(3)

    def draw() -> pd.DataFrame:
        accuracies = pd.DataFrame(np.linspace(0, 2, 5) + rng.normal(size=(6, 5)))
        return accuracies.rank(axis=1, ascending=False)

    truth = np.mean(
        [stats.friedmanchisquare(*draw().to_numpy().T).statistic / 24 for _ in range(1000)]
    )
    found = [distributions.agreement(draw()) for _ in range(60)]
    assert np.mean([w.low <= truth <= w.high for w in found]) > 0.9


def accuracies(seeds: int, *means: float, noise: float = 0.001) -> pd.DataFrame:
    rng = np.random.default_rng(len(means))
    return pd.DataFrame(np.array(means) + rng.normal(0, noise, (seeds, len(means))))


def test_runs_that_order_the_cells_alike_correlate_and_those_that_do_not_do_not() -> None:
    rising, falling = accuracies(8, 0.5, 0.6, 0.7, 0.8), accuracies(10, 0.9, 0.8, 0.7, 0.6)
    for other, rho in ((rising, 1), (falling, -1)):
        found = distributions.rank_correlation(rising, other)
        assert (found.mean, found.low, found.high) == pytest.approx((rho, rho, rho))


def test_the_correlation_is_scipys_and_its_interval_holds_it() -> None:
    one = accuracies(8, 0.5, 0.6, 0.7, 0.8, 0.75, noise=0.05)
    other = accuracies(12, 0.5, 0.65, 0.6, 0.8, 0.55, noise=0.05)
    rho = distributions.rank_correlation(one, other)
    assert rho.mean == pytest.approx(stats.spearmanr(one.mean(), other.mean()).statistic)
    assert rho.low <= rho.mean <= rho.high
    assert rho.low < rho.high


def test_a_rank_correlation_of_few_seeds_has_no_interval_and_of_ties_no_value() -> None:
    few = accuracies(5, 0.5, 0.6, 0.7)
    assert math.isnan(distributions.rank_correlation(few, few).low)
    tied = pd.DataFrame([[0.5, 0.5, 0.5]] * 8)
    assert math.isnan(distributions.rank_correlation(accuracies(8, 0.5, 0.6, 0.7), tied).mean)
