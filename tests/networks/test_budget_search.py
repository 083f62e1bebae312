"""The budget solver where there are too many whole numbers near a shape to try them all."""

import math
import random
from dataclasses import replace

import pytest

from ablate.networks.budget import QUANTITIES, SHAPE_TOLERANCE, TOLERANCE, cost_of, match_widths
from ablate.networks.cost import count
from ablate.networks.widths import additive_widths, growth_shape
from ablate.spec.network import NetSpec


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("growth", [0.5, 1.0, 1.41, 2.0, 3.0])
@pytest.mark.parametrize("stages", [6, 7, 9])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_where_a_rounded_shape_meets_the_budget_one_is_found(
    quantity: str, growth: float, stages: int, block: str
) -> None:
    """The budgets are those of shapes rounded up or down at random, each width by itself."""
    rng = random.Random(f"{quantity} {growth} {stages} {block}")
    shape = growth_shape(growth, stages)
    cost = cost_of(quantity)
    for _ in range(2):
        scale = math.exp(rng.uniform(math.log(1.5), math.log(12))) / min(shape)
        net = NetSpec(
            widths=tuple(max(1, math.floor(scale * ideal + rng.random())) for ideal in shape),
            depths=tuple(rng.randint(1, 3) for _ in shape),
            strides=(1, *(rng.randint(1, 2) for _ in shape[1:])),
            block=block,
            image_size=64,
        )
        match = match_widths(net, shape, cost, cost(net))
        assert abs(match.residual) <= TOLERANCE
        assert match.residual == pytest.approx(cost(match.net) / cost(net) - 1)


@pytest.mark.parametrize("base", [2, 3, 4])
@pytest.mark.parametrize("factor", [0.85, 1.0, 1.1, 1.2])
def test_seven_doublings_of_few_channels_meet_the_budget(base: int, factor: float) -> None:
    net = NetSpec(
        widths=tuple(base * 2**stage for stage in range(7)),
        depths=(1,) * 7,
        strides=(1,) + (2,) * 6,
        image_size=64,
    )
    cost = cost_of("macs")
    match = match_widths(net, growth_shape(2, 7), cost, factor * cost(net))
    assert abs(match.residual) <= TOLERANCE


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("blocks", [3, 9, 18])
@pytest.mark.parametrize("factor", [0.4, 1.0, 2.2])
def test_a_pyramidnet_meets_the_budget_and_keeps_its_shape(
    quantity: str, blocks: int, factor: float
) -> None:
    depths = (blocks,) * 3
    net = NetSpec(widths=additive_widths(16, 48, depths), depths=depths)
    cost = cost_of(quantity)
    match = match_widths(net, net.widths, cost, factor * cost(net))
    assert abs(match.residual) <= TOLERANCE
    assert match.shape_error <= SHAPE_TOLERANCE
    flat = [width for stage in match.net.block_widths for width in stage]
    assert flat == sorted(flat)


def test_the_network_itself_is_found_each_time() -> None:
    net = NetSpec(widths=(5, 10, 20, 40, 80, 160, 320), depths=(1,) * 7, strides=(1,) + (2,) * 6)
    cost = cost_of("params")
    matches = [match_widths(net, growth_shape(2, 7), cost, cost(net)) for _ in range(2)]
    assert matches[0] == matches[1]
    assert matches[0].net == net


def test_few_of_very_many_networks_are_counted() -> None:
    asked = []

    def macs(net: NetSpec) -> float:
        asked.append(net)
        return float(count(net).macs)

    net = NetSpec(depths=(1,) * 24, strides=(1,) * 24, widths=(3,) * 24)
    budget = macs(replace(net, widths=(17,) * 24))
    match = match_widths(net, growth_shape(1.05, 24), macs, budget)
    assert abs(match.residual) <= TOLERANCE
    assert len(asked) < 1_000
