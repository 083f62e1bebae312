"""The budget solver at the ends: the smallest network that can be built, and the largest."""

import itertools
from dataclasses import replace

import pytest

from ablate.errors import InputError
from ablate.networks.budget import TOLERANCE, cost_of, match_depths, match_widths
from ablate.networks.widths import growth_shape
from ablate.spec.choices import MOST, MOST_BLOCKS
from ablate.spec.network import NetSpec

RESNEXT = NetSpec(block="bottleneck", groups=4, width_per_group=16)  # from width 4 on
DEEP = NetSpec(stem="deep", image_size=64)  # from width 2 on
NARROW = NetSpec(widths=(64, 64, 64), block="bottleneck", width_per_group=1)  # from width 64 on
MACS = cost_of("macs")


@pytest.mark.parametrize("net", [RESNEXT, DEEP, replace(NARROW, widths=(90, 100, 110))])
@pytest.mark.parametrize("growth", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("exact", [True, False])
def test_a_network_whose_width_has_a_least_is_solved(
    net: NetSpec, growth: float, exact: bool
) -> None:
    match = match_widths(net, growth_shape(growth, 3), MACS, 30 * MACS(net), exact=exact)
    assert abs(match.residual) <= (TOLERANCE if exact else 0.15)


@pytest.mark.parametrize("scale", [0.9, 1.0, 1.15, 1.3])
def test_next_to_the_least_width_the_best_of_all_is_found(scale: float) -> None:
    budget = scale * MACS(replace(RESNEXT, widths=(4, 4, 4)))
    match = match_widths(RESNEXT, growth_shape(1, 3), MACS, budget)
    every = [
        abs(MACS(replace(RESNEXT, widths=widths)) / budget - 1)
        for widths in itertools.product(range(4, 7), repeat=3)
        if max(widths) - min(widths) <= 1
    ]
    assert abs(match.residual) <= max(TOLERANCE, min(every))


@pytest.mark.parametrize("net", [RESNEXT, DEEP, NARROW])
def test_a_budget_below_the_least_width_is_refused(net: NetSpec) -> None:
    with pytest.raises(InputError, match=r"the smallest network .* expected a larger budget"):
        match_widths(net, growth_shape(1, 3), MACS, MACS(net) / 10_000)


def test_a_network_that_no_width_makes_possible_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match="one for each stage"):
        match_widths(RESNEXT, growth_shape(1, 2), MACS, 1e8)


@pytest.mark.parametrize("blocks", [289, 333])
def test_depths_are_found_up_to_the_most_blocks(blocks: int) -> None:
    net = NetSpec(depths=(blocks,) * 3)
    assert match_depths(net, MACS, MACS(net)).net == net
    assert match_depths(NetSpec(depths=(1, 1, 1)), MACS, MACS(net)).net == net


def test_a_budget_above_the_largest_network_is_refused() -> None:
    with pytest.raises(InputError, match=r"the largest network .* 1e\+25; expected a smaller"):
        match_widths(NetSpec(), growth_shape(2, 3), MACS, 1e25)
    with pytest.raises(InputError, match=r"the largest network .* expected a smaller"):
        match_depths(NetSpec(), MACS, 1e12)


def test_just_beyond_the_largest_network_the_largest_is_taken() -> None:
    most = NetSpec(depths=(333, 333, 334))
    match = match_depths(NetSpec(), MACS, 1.02 * MACS(most))
    assert sum(match.net.depths) == MOST_BLOCKS
    assert -0.02 - TOLERANCE < match.residual < 0
    widest = replace(NetSpec(), widths=(MOST,) * 3)
    assert match_widths(NetSpec(), (1, 1, 1), MACS, 1.02 * MACS(widest)).residual < 0
