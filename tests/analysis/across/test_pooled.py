"""Effects that runs share, pooled over data sets, on published runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ablate.analysis.across.pooled import Pools, heterogeneity, pool_runs
from ablate.analysis.findings import Findings, find
from ablate.statistics import family
from ablate.statistics.pooling import Pooled, pool
from support import PUBLISHED

ARMS = ["r = 0.5", "r = 1", "r = 1.41", "r = 2.5", "r = 3", "r = 4"]


@pytest.fixture(scope="module")
def runs() -> dict[str, Findings]:
    """One study on three data sets."""
    names = ("digits", "fashion_mnist", "folder-cifar10-jpeg")
    return {name: find(PUBLISHED / "width_iso_macs" / name) for name in names}


@pytest.fixture(scope="module")
def pools(runs: dict[str, Findings]) -> Pools:
    return pool_runs(runs)


def without(found: Findings, *cells: str) -> Findings:
    return replace(found, compared=found.compared[~found.compared["cell"].isin(cells)])


def test_each_shared_difference_is_pooled(pools: Pools, runs: dict[str, Findings]) -> None:
    assert list(pools.table["cell"]) == ARMS
    assert pools.refusals == ()
    row = pools.table.set_index("cell").loc["r = 3"]
    assert row["baseline"] == "r = 2"
    assert row["datasets"] == "digits; fashion_mnist; folder:cifar10-jpeg"
    assert row["n"] == "30; 8; 8"
    own = pools.effects[pools.effects["cell"] == "r = 3"]
    found = pool(own["estimate"], own["standard_error"], own["degrees"])
    assert isinstance(found, Pooled)
    assert (row["estimate"], row["low"], row["new_high"]) == (found.mean, found.low, found.new_high)
    means = [each.summary.table.set_index("cell")["mean"] for each in runs.values()]
    expected = np.mean([mean["r = 3"] - mean["r = 2"] for mean in means])
    assert row["estimate"] == pytest.approx(expected)


def test_an_effects_error_and_interval_are_those_of_its_run(
    pools: Pools, runs: dict[str, Findings]
) -> None:
    """One comparison has one interval, here and on the page of its run."""
    values = runs["fashion_mnist"].compared.pivot(index="seed", columns="cell")["test_accuracy"]
    values = values[["r = 2", *ARMS]]
    coefficients = np.hstack([-np.ones((6, 1)), np.eye(6)])
    compared = family.compare(values, coefficients).comparisons
    own = pools.effects[pools.effects["run"] == "fashion_mnist"]
    assert list(own["standard_error"]) == pytest.approx([one.error for one in compared])
    table = runs["fashion_mnist"].summary.table.set_index("cell").loc[list(own["cell"])]
    for name, theirs in (("estimate", "diff"), ("low", "diff_low"), ("high", "diff_high")):
        assert list(own[name]) == list(table[theirs])
    assert own["degrees"].between(7, 2 * (7 + family.BORROWED)).all()


def test_a_second_schedule_is_no_second_data_set(runs: dict[str, Findings]) -> None:
    more = runs | {"longer": find(PUBLISHED / "width_iso_macs" / "digits-40-epochs")}
    found = pool_runs(more)
    assert found.table.empty
    (why,) = found.refusals
    assert why == (
        f"Not pooled: {', '.join(ARMS)} against r = 2: digits has 2 runs (digits, longer), and "
        "another schedule is not another data set; compare one run of each."
    )
    del more["fashion_mnist"]
    (why,) = pool_runs(more).refusals
    assert why == (
        "Effects are not pooled: no difference from a baseline is in more than 2 data sets, and "
        "pooling needs 3, so 1 more."
    )


def test_an_arm_that_is_in_two_data_sets_is_left_out(runs: dict[str, Findings]) -> None:
    found = pool_runs(runs | {"digits": without(runs["digits"], "r = 4", "r = 3")})
    assert list(found.table["cell"]) == ARMS[:4]
    assert found.refusals == (
        "Not pooled: r = 3, r = 4 against r = 2: in 2 data sets, of 3 needed.",
    )


def test_another_baseline_is_another_difference(runs: dict[str, Findings]) -> None:
    other = replace(
        runs["digits"], file=runs["digits"].file.model_copy(update={"baseline": "r = 1"})
    )
    assert pool_runs(runs | {"digits": other}).table.empty


def test_a_run_without_its_baseline_counts_for_nothing(runs: dict[str, Findings]) -> None:
    lost = runs["digits"].compared.assign(state="failed")
    found = pool_runs(runs | {"digits": replace(runs["digits"], compared=lost)})
    assert set(found.effects["run"]) == {"fashion_mnist", "folder-cifar10-jpeg"}
    assert found.table.empty


def test_what_differs_between_the_designs_is_named(pools: Pools, runs: dict[str, Findings]) -> None:
    assert set(pools.table["differs"]) == {"batch_size, crop_padding, depths, epochs, flip, widths"}
    renamed = {
        name: replace(runs["digits"], trials=runs["digits"].trials.assign(dataset=name))
        for name in ("one", "two", "three")
    }
    assert set(pool_runs(renamed).table["differs"]) == {""}
    renamed["three"].trials["match"] = "params"
    assert set(pool_runs(renamed).table["differs"]) == {"held equal"}


def test_heterogeneity_is_said_either_way(pools: Pools) -> None:
    row = pools.table.set_index("cell", drop=False).loc["r = 1"]
    assert heterogeneity(row, pools.effects) == (
        "r = 1 against r = 2: the effect differs between data sets: -4.4 on folder:cifar10-jpeg, "
        "-0.1 on digits (tau = 2.1 points, I2 = 99.1%, p < 0.001); in one more data set like these "
        "it would lie between -12.9 and +8.3 points."
    )
    alike = pd.concat([row, pd.Series({"q_p": 0.4})]).groupby(level=0, sort=False).last()
    said = heterogeneity(alike, pools.effects)
    assert "no difference of the effect between data sets is shown (tau = " in said
    assert "which 3 of them seldom show" in said
