"""Which arms no other beats in cost and accuracy, and where networks spend."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.analysis import costs

NAN = math.nan

points = st.lists(
    st.tuples(*[st.one_of(st.integers(0, 4).map(float), st.just(NAN))] * 2), max_size=12
)


@given(points, st.booleans())
def test_pareto_agrees_with_the_definition(rows: list[tuple[float, float]], more: bool) -> None:
    frame = pd.DataFrame(rows, columns=["cost", "outcome"], dtype=float)
    sign = -1 if more else 1

    def dominates(one: tuple[float, float], two: tuple[float, float]) -> bool:
        as_good = sign * one[0] <= sign * two[0] and one[1] >= two[1]
        return as_good and one != two

    expected = [
        not any(map(math.isnan, row)) and not any(dominates(other, row) for other in rows)
        for row in rows
    ]
    assert costs.pareto(frame, "cost", "outcome", maximise_cost=more).tolist() == expected


def test_pareto_keeps_ties_and_the_index() -> None:
    frame = pd.DataFrame({"cost": [1, 1, 2], "outcome": [0.5, 0.5, 0.4]}, index=[7, 8, 9])
    front = costs.pareto(frame, "cost", "outcome")
    assert front.to_dict() == {7: True, 8: True, 9: False}


def test_shares_of_stages_add_up() -> None:
    stages = pd.DataFrame(
        {
            "cell": ["a", "a", "b"],
            "stage": ["stem", "stage 1", "stem"],
            "macs": [1, 3, 7],
            "params": [2, 2, 7],
            "activations": [9, 1, 7],
        }
    )
    shares = costs.stage_shares(stages)
    assert shares["macs"].tolist() == pytest.approx([0.25, 0.75, 1])
    assert shares.groupby("cell")[list(costs.COUNTS)].sum().to_numpy().ravel().tolist() == (
        pytest.approx([1] * 6)
    )
