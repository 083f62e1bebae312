"""The front, its hypervolume, the choice of finalists, and samplers set against each other."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablate.search import front
from ablate.search.file import ComparisonTable

REFERENCE = {"val_accuracy": 0.5, "macs": 100.0}


def rows(points: list[tuple[float, float]], **more: Any) -> pd.DataFrame:
    """One complete training a point (accuracy, MACs), each of a network of its own."""
    table = pd.DataFrame(points, columns=["val_accuracy", "macs"])
    fixed = {"sampler": "tpe", "repeat": 0, "state": "complete", "repeated": False, "n": 1}
    fixed |= {"network": "{}", "widths": "[4]", "depths": "[1]"}
    fixed |= {"params": 5, "activations": 7, "latency": math.nan, "train_macs": 10.0}
    names = [f"n{place}" for place in range(len(table))]
    return table.assign(number=range(len(table)), net=names, keys=names, **(fixed | more))


def volumes(**ends: list[float]) -> pd.DataFrame:
    """Chains of one network each, a hypervolume a repeat."""
    table = [
        (sampler, repeat, 1, 10.0, volume)
        for sampler, of_sampler in ends.items()
        for repeat, volume in enumerate(of_sampler)
    ]
    columns = ["sampler", "repeat", "networks", "train_macs", "hypervolume"]
    return pd.DataFrame(table, columns=columns)


def test_the_hypervolume_is_the_share_of_the_box_that_is_dominated() -> None:
    points = front.losses(rows([(1.0, 50.0), (0.75, 25.0)]), REFERENCE)
    np.testing.assert_allclose(points, [[0, 0.5], [0.5, 0.25]])
    assert front.hypervolume(points) == pytest.approx(0.5 + 0.5 * 0.25)
    assert front.hypervolume(points[:, :1]) == 1.0
    beyond = front.losses(rows([(0.4, 10.0), (0.9, 100.0), (math.nan, 1.0)]), REFERENCE)
    assert front.hypervolume(beyond) == 0.0


def test_the_hypervolume_agrees_with_chance() -> None:
    rng = np.random.default_rng(0)
    points, darts = rng.uniform(0, 1.2, (12, 3)), rng.uniform(0, 1, (100_000, 3))
    hit = np.zeros(len(darts), dtype=bool)
    for point in points:
        hit |= (darts >= point).all(axis=1)
    assert front.hypervolume(points) == pytest.approx(hit.mean(), abs=0.01)


def test_networks_are_means_of_their_trainings_with_their_rank() -> None:
    table = rows([(0.9, 50.0), (0.7, 50.0), (0.6, 20.0), (0.6, 60.0), (0.99, 1.0)])
    table.loc[1, "net"] = "n0"
    table.loc[4, "state"] = "pruned"
    found = front.networks(table, REFERENCE)
    assert list(found["net"]) == ["n0", "n2", "n3"]
    assert list(found["val_accuracy"]) == pytest.approx([0.8, 0.6, 0.6])
    assert list(found["n"]) == [2, 1, 1]
    assert list(found["rank"]) == [1, 1, 2]


def test_a_training_that_two_samplers_asked_for_counts_once() -> None:
    table = pd.concat([rows([(0.9, 50.0)]), rows([(0.9, 50.0)], sampler="random")])
    assert list(front.networks(table, REFERENCE)["n"]) == [1]


def test_one_objective_ranks_by_accuracy() -> None:
    found = front.networks(rows([(0.7, 50.0), (0.9, 60.0), (0.7, 70.0)]), {"val_accuracy": 0.5})
    assert list(found["net"]) == ["n1", "n0", "n2"]
    assert list(found["rank"]) == [1, 2, 2]


def test_nothing_trained_is_an_empty_front() -> None:
    none = rows([(0.7, 50.0)], state="infeasible")
    found = front.networks(none, REFERENCE)
    assert found.empty
    assert front.choose(found, REFERENCE, 3, "n0").empty
    assert front.hypervolumes(none, REFERENCE).empty


def test_finalists_are_the_most_accurate_and_those_that_add_most_hypervolume() -> None:
    points = [(0.9, 80.0), (0.89, 40.0), (0.88, 39.0), (0.6, 5.0), (0.85, 70.0)]
    found = front.networks(rows(points), REFERENCE)
    three = front.choose(found, REFERENCE, 3, "none")
    assert dict(zip(three["finalist"], three["net"], strict=True)) == {
        "finalist 1": "n0",
        "finalist 2": "n1",
        "finalist 3": "n3",
    }
    assert list(front.choose(found, REFERENCE, 1, "none")["net"]) == ["n0"]
    assert list(front.choose(found, REFERENCE, 5, "none")["net"]) == ["n0", "n1", "n2", "n4", "n3"]
    assert list(front.choose(found, REFERENCE, 2, "n0")["net"]) == ["n1", "n3"]


def test_hypervolumes_grow_with_what_was_paid_for() -> None:
    table = rows([(0.75, 50.0), (0.6, 90.0), (0.9, 1.0), (1.0, 50.0), (1.0, 25.0)])
    table.loc[2, "state"] = "infeasible"
    table.loc[3, "repeated"] = True
    found = front.hypervolumes(table, REFERENCE)
    assert list(found["networks"]) == [1, 2, 3]
    assert list(found["train_macs"]) == [10.0, 20.0, 30.0]
    assert list(found["hypervolume"]) == pytest.approx([0.25, 0.25, 0.75])


def test_a_failed_network_was_paid_for_and_found_nothing() -> None:
    table = rows([(0.75, 50.0), (math.nan, 10.0)])
    table.loc[1, "state"] = "diverged"
    assert list(front.hypervolumes(table, REFERENCE)["hypervolume"]) == [0.25, 0.25]


def test_progress_is_the_mean_over_repeats() -> None:
    table = pd.concat(
        [
            rows([(0.75, 50.0), (1.0, 50.0)], repeat=0),
            rows([(0.55, 50.0), (0.75, 50.0)], repeat=1, train_macs=20.0),
        ]
    )
    found = front.progress(front.hypervolumes(table, REFERENCE), "networks")
    assert list(found["at"]) == [1, 2]
    assert list(found["mean"]) == pytest.approx([0.15, 0.375])
    assert set(found["n"]) == {2}
    by_macs = front.progress(front.hypervolumes(table, REFERENCE), "train_macs")
    assert by_macs["at"].max() == 20.0  # where the first repeat has spent all
    assert by_macs["mean"].iloc[-1] == pytest.approx((0.5 + 0.05) / 2)


@pytest.mark.parametrize(
    ("difference", "repeats", "verdict"),
    [
        (0.1, 6, "supported"),
        (-0.1, 6, "refuted"),
        (0.1, 4, "supported"),
        (0.1, 3, "inconclusive"),
        (0.0, 8, "inconclusive"),
    ],
)
def test_samplers_are_compared_in_pairs(difference: float, repeats: int, verdict: str) -> None:
    base = np.linspace(0.2, 0.5, repeats)
    wiggle = 0.01 * np.cos(np.arange(repeats))
    table = volumes(nsga2=list(base + difference + wiggle), random=list(base))
    one = ComparisonTable(says="Better.", higher=["nsga2", "random"])
    found = front.compare(table, {"one": one}).iloc[0]
    assert tuple(found.index) == front.COMPARED
    assert found["verdict"] == verdict
    assert found["n"] == repeats
    assert found["estimate"] == pytest.approx(difference + wiggle.mean())
    students = stats.ttest_1samp(difference + wiggle, 0)
    assert found["p"] == pytest.approx(students.pvalue, abs=0.015)  # of so many draws
    interval = students.confidence_interval()
    limits = (interval.low, interval.high)
    assert (found["low"], found["high"]) == pytest.approx(
        limits, abs=0.05 * (limits[1] - limits[0])
    )
    assert f"n = {repeats} repeats" in found["sentence"]


def test_samplers_are_compared_at_equal_compute() -> None:
    chains = []
    for repeat in range(2):
        spender = rows([(0.75, 50.0), (1.0, 1.0)], sampler="gp", train_macs=20.0, repeat=repeat)
        saver = rows([(0.75, 50.0), (0.8, 50.0)], sampler="tpe", train_macs=10.0, repeat=repeat)
        chains += [spender, saver]
    table = front.hypervolumes(pd.concat(chains), REFERENCE)
    one = ComparisonTable(says="Better.", higher=["gp", "tpe"])
    # The first network of one costs as much as both of the other.
    found = front.compare(table, {"one": one}).iloc[0]
    assert found["estimate"] == pytest.approx(0.25 - 0.3)
    alone = front.compare(table[table["repeat"] == 0], {"one": one}).iloc[0]
    assert (alone["n"], alone["verdict"]) == (1, "inconclusive")
    assert math.isnan(alone["p"])


def test_several_comparisons_hold_together() -> None:
    wiggle = np.array([-0.02, 0.01, 0.02, -0.01, 0.0, 0.0])
    table = volumes(nsga2=list(0.3 + wiggle), random=[0.2] * 6, tpe=list(0.25 + wiggle[::-1]))
    one = ComparisonTable(says="Better.", higher=["nsga2", "random"])
    other = ComparisonTable(says="Better.", higher=["tpe", "random"])
    alone, both = front.compare(table, {"a": one}), front.compare(table, {"a": one, "b": other})
    assert list(alone["verdict"]) == ["supported"]
    assert list(both["verdict"]) == ["supported"] * 2
    assert both["high"][0] - both["low"][0] > 1.1 * (alone["high"][0] - alone["low"][0])
    assert "(95% interval " in both["sentence"][0]
