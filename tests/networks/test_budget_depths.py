"""Depths that meet a budget, or that balance the stages, against every depth there may be."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.networks.budget import QUANTITIES, TOLERANCE, cost_of, equalise_depths, match_depths
from ablate.networks.cost import count_stages
from ablate.spec.choices import CHOICES, MOST_BLOCKS
from ablate.spec.network import NetSpec

MANY = settings(max_examples=150, deadline=None, derandomize=True)
DEEPEST = 30


@st.composite
def stages_of(draw: st.DrawFn, widest: int = 20) -> NetSpec:
    """Three stages of one width each, with every way to place the stride and to go around it."""
    choices: dict[str, Any] = {
        name: draw(st.sampled_from(CHOICES[name]))
        for name in ("block", "shortcut", "stride_block", "downsample", "norm")
    }
    return NetSpec(
        widths=tuple(draw(st.integers(6, widest)) for _ in range(3)),
        depths=tuple(draw(st.integers(1, 4)) for _ in range(3)),
        strides=tuple(draw(st.integers(1, 3)) for _ in range(3)),
        preact=draw(st.booleans()),
        antialias=choices["downsample"] != "avg" and draw(st.booleans()),
        image_size=draw(st.sampled_from([8, 32])),
        **choices,
    )


def stage_costs(net: NetSpec, quantity: str) -> list[int]:
    stages = count_stages(net).items()
    return [getattr(cost, quantity) for name, (_, cost) in stages if name.startswith("stage")]


@MANY
@given(stages_of(), st.sampled_from(QUANTITIES))
def test_each_stage_is_as_near_to_the_first_as_any_depth_brings_it(
    net: NetSpec, quantity: str
) -> None:
    costs = [stage_costs(replace(net, depths=(net.depths[0], n, n)), quantity) for n in range(1, 4)]
    target = costs[0][0]
    if max(target // (costs[2][stage] - costs[1][stage]) for stage in (1, 2)) > DEEPEST - 4:
        return
    found = stage_costs(equalise_depths(net, quantity), quantity)
    every = [
        stage_costs(replace(net, depths=(net.depths[0], depth, depth)), quantity)
        for depth in range(1, DEEPEST)
    ]
    for stage in (1, 2):
        assert abs(found[stage] - target) == min(abs(costs[stage] - target) for costs in every)


def test_a_stride_in_the_last_block_makes_the_second_block_dear() -> None:
    net = NetSpec(widths=(16, 24, 36), depths=(6, 1, 1), stride_block="last")
    balanced = equalise_depths(net, "activations")
    assert balanced.depths == (6, 4, 11)
    costs = stage_costs(balanced, "activations")
    assert max(costs) / min(costs) < 1.06


def test_of_two_depths_that_are_equally_near_the_odd_one_is_taken() -> None:
    depths = [
        equalise_depths(NetSpec(widths=(16, 32, 64), depths=(n, 1, 1)), "activations").depths
        for n in (2, 3)
    ]
    assert depths == [(2, 3, 7), (3, 5, 11)]


def test_what_the_depths_were_does_not_matter_but_for_the_first() -> None:
    net = NetSpec(depths=(90, 1, 1))
    assert equalise_depths(replace(net, depths=(90, 700, 200))) == equalise_depths(net)


@MANY
@given(stages_of(), st.sampled_from(QUANTITIES), st.data())
def test_no_depths_near_the_shape_meet_the_budget_better(
    net: NetSpec, quantity: str, data: st.DataObject
) -> None:
    cost = cost_of(quantity)
    goal = tuple(data.draw(st.integers(1, 6)) for _ in range(3))
    budget = cost(replace(net, depths=goal)) * data.draw(st.floats(0.8, 1.2))
    every = [
        abs(cost(replace(net, depths=depths)) / budget - 1)
        for depths in itertools.product(range(1, 13), repeat=3)
        if max((depth - 1) / own for depth, own in zip(depths, net.depths, strict=True))
        < min((depth + 1) / own for depth, own in zip(depths, net.depths, strict=True))
    ]
    if min(every) > 1:
        return
    match = match_depths(net, cost, budget)
    assert abs(match.residual) <= max(TOLERANCE, min(every) + 1e-12)


def test_a_step_that_costs_much_does_not_hide_depths_farther_away() -> None:
    net = NetSpec(
        widths=(6, 21, 16),
        depths=(5, 1, 4),
        strides=(1, 3, 3),
        shortcut="C",
        stride_block="last",
    )
    cost = cost_of("macs")
    for depths in ((10, 1, 8), (8, 2, 7)):
        budget = 0.995 * cost(replace(net, depths=depths))
        assert abs(match_depths(net, cost, budget).residual) <= TOLERANCE


@pytest.mark.parametrize("depths", [(1, 1, 300), (300, 1, 1), (333, 333, 333)])
def test_few_of_very_many_depths_are_counted(depths: tuple[int, ...]) -> None:
    asked = []

    def macs(net: NetSpec) -> float:
        asked.append(net)
        return float(sum(net.depths)) * 1e6 + 7e8 * (net.depths[0] > 1)

    match = match_depths(NetSpec(depths=depths), macs, 9.1e8)
    assert sum(match.net.depths) <= MOST_BLOCKS
    assert len(asked) < 3_000
