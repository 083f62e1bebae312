"""The width rules: what each gives, and what it refuses."""

import doctest
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.errors import InputError
from ablate.networks import widths
from ablate.networks.widths import additive_widths, growth_ratio, shift_growth, stage_widths
from ablate.spec.network import NetSpec
from support.specs import nets


@pytest.mark.parametrize(
    ("base", "growth", "multiple", "expected"),
    [
        (16, "constant", 1, (16, 16, 16, 16)),
        (16, "doubling", 1, (16, 32, 64, 128)),
        (16, "tripling", 1, (16, 48, 144, 432)),
        (16, 1.5, 1, (16, 24, 36, 54)),
        (64, 0.5, 1, (64, 32, 16, 8)),
        (5, 1.5, 1, (5, 8, 11, 17)),  # 7.5 goes up to 8; 11.25 and 16.875 to the nearest
        (1, 2.5, 1, (1, 3, 6, 16)),  # 2.5 goes up to 3, where round-half-even gives 2
        (16, 1.25, 8, (16, 24, 24, 32)),  # 20 is half way between multiples of 8, and goes up
        (4, 0.25, 1, (4, 1, 1, 1)),  # never below one channel
        (2, "constant", 8, (8, 8, 8, 8)),  # never below one multiple
    ],
)
def test_stage_widths(base: int, growth: str | float, multiple: int, expected: Any) -> None:
    assert stage_widths(base, growth, 4, multiple) == expected


@given(
    st.integers(1, 256),
    st.floats(0.25, 4).map(lambda ratio: round(ratio, 2)),
    st.integers(1, 5),
    st.integers(1, 16),
)
def test_stage_widths_are_the_nearest_multiples(
    base: int, growth: float, stages: int, multiple: int
) -> None:
    found = stage_widths(base, growth, stages, multiple)
    assert len(found) == stages
    for stage, width in enumerate(found):
        exact = base * Fraction(growth) ** stage
        assert width >= multiple
        assert width % multiple == 0
        assert width == multiple or abs(width - exact) <= Fraction(multiple, 2) + Fraction(1, 10**6)


def test_growth_ratios_by_name_and_by_number() -> None:
    assert [growth_ratio(name) for name in ("constant", "doubling", "tripling")] == [1, 2, 3]
    assert growth_ratio(1.7) == 1.7


@pytest.mark.parametrize("growth", ["double", "", 0.0, -1.0, math.inf, math.nan])
def test_growth_that_is_none_is_refused(growth: str | float) -> None:
    with pytest.raises(InputError, match=r"growth = .*: expected .*a positive number") as caught:
        growth_ratio(growth)
    assert caught.value.key == "growth"


def test_additive_widths_of_pyramidnet() -> None:
    # 48 more channels over 18 blocks: 2.67 a block, rounded down.
    found = additive_widths(16, 48, (6, 6, 6))
    assert found[0] == (18, 21, 24, 26, 29, 32)
    assert found[-1] == (50, 53, 56, 58, 61, 64)


@given(
    st.integers(1, 128),
    st.integers(0, 512),
    st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple),
)
def test_additive_widths_rise_evenly_to_base_plus_widen(
    base: int, widen: int, depths: tuple[int, ...]
) -> None:
    found = additive_widths(base, widen, depths)
    flat = [width for stage in found for width in stage]
    steps = [after - before for before, after in zip([base, *flat], flat, strict=False)]
    assert tuple(map(len, found)) == depths
    assert flat[-1] == base + widen
    assert min(steps) >= 0
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (-2, ((32, 32), (64, 64), (64, 64))),
        (-1, ((16, 32), (32, 64), (64, 64))),
        (0, ((16, 16), (32, 32), (64, 64))),
        (1, ((16, 16), (16, 32), (32, 64))),
        (2, ((16, 16), (16, 16), (32, 32))),
    ],
)
def test_shift_growth(blocks: int, expected: Any) -> None:
    assert shift_growth((16, 32, 64), (2, 2, 2), blocks) == expected


@pytest.mark.parametrize("blocks", [-3, 3])
def test_shift_growth_past_the_shortest_stage_is_refused(blocks: int) -> None:
    shift_growth((16, 32, 64), (3, 3, 3), blocks)
    with pytest.raises(InputError, match=f"growth_shift = {blocks}: expected at most 2") as caught:
        shift_growth((16, 32, 64), (3, 2, 3), blocks)
    assert caught.value.key == "growth_shift"


def test_examples_in_docstrings() -> None:
    found = doctest.testmod(widths)
    assert found.attempted >= 2
    assert found.failed == 0


# Networks


def test_blocks_of_a_bottleneck_network() -> None:
    net = NetSpec(
        widths=(64, 128),
        depths=(2, 1),
        strides=(1, 2),
        block="bottleneck",
        groups=32,
        width_per_group=4,
        stem_width=64,
    )
    found = [
        (block.stage, block.index, block.in_width, block.inner_width, block.out_width, block.stride)
        for block in net.blocks()
    ]
    # ResNeXt 32x4d: the first stage's 3x3 has 32 groups of 4 channels.
    assert found == [(0, 0, 64, 128, 256, 1), (0, 1, 256, 128, 256, 1), (1, 0, 256, 256, 512, 2)]
    assert [block.changes_shape for block in net.blocks()] == [True, False, True]


def test_stride_in_the_last_block() -> None:
    net = NetSpec(stride_block="last", strides=(2, 2, 3))
    assert [block.stride for block in net.blocks()] == [1, 2, 1, 2, 1, 3]


def test_widths_at_both_ends() -> None:
    assert (NetSpec().stem_out, NetSpec().features) == (16, 64)
    net = NetSpec(block="bottleneck", stem_width=8, widths=((4, 5), 6, (7, 9)))
    assert (net.stem_out, net.features) == (8, 36)
    assert replace(net, stem_width=None, head_width=100).stem_out == 4
    assert replace(net, head_width=100).features == 100


@given(nets())
def test_blocks_chain_from_the_stem_to_the_head(net: NetSpec) -> None:
    blocks = list(net.blocks())
    assert [block.in_width for block in blocks] == [
        net.stem_out,
        *(block.out_width for block in blocks[:-1]),
    ]
    assert len(blocks) == sum(net.depths)
    assert math.prod(block.stride for block in blocks) == math.prod(net.strides)
    assert net.features == (net.head_width or blocks[-1].out_width)
