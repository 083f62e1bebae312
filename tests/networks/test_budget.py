"""The budget solver: what it finds is the best there is, by brute force; and matched studies."""

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.errors import InputError
from ablate.networks import cost as networks_cost
from ablate.networks.budget import (
    QUANTITIES,
    SHAPE_TOLERANCE,
    TOLERANCE,
    cost_of,
    equalise_depths,
    match_depths,
    match_widths,
)
from ablate.networks.widths import additive_widths, growth_shape, shift_growth
from ablate.spec.network import NetSpec
from ablate.study.find import find_study
from ablate.study.plan import load_study

RESNET20 = NetSpec(depths=(3, 3, 3), shortcut="A")


def shape_error(widths: tuple[int, ...], shape: tuple[float, ...]) -> float:
    logs = [math.log(width / ideal) for width, ideal in zip(widths, shape, strict=True)]
    return (max(logs) - min(logs)) / 2


@pytest.mark.parametrize(
    ("growth", "widths"),
    [
        (0.5, (26, 12, 6)),
        (1, (23, 25, 25)),
        (2, (16, 32, 64)),
        (3, (10, 30, 88)),
        (4, (6, 25, 101)),
    ],
)
def test_equal_macs_to_resnet20(growth: float, widths: tuple[int, ...]) -> None:
    cost = cost_of("macs")
    match = match_widths(RESNET20, growth_shape(growth, 3), cost, cost(RESNET20))
    assert match.net.widths == widths
    assert match.residual == pytest.approx(cost(match.net) / cost(RESNET20) - 1)
    assert abs(match.residual) < TOLERANCE
    assert match.shape_error == pytest.approx(shape_error(widths, growth_shape(growth, 3)))


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("growth", [0.5, 1.0, 1.41, 2.0, 2.5, 3.0, 4.0])
@pytest.mark.parametrize("base", [4, 8])
def test_no_whole_numbers_of_the_shape_do_better(quantity: str, growth: float, base: int) -> None:
    """Brute force over every width up to 130% of the answer's."""
    reference = NetSpec(widths=(base, 2 * base, 4 * base), depths=(1, 1, 1), image_size=8)
    cost, shape = cost_of(quantity), growth_shape(growth, 3)
    budget = cost(reference)
    match = match_widths(reference, shape, cost, budget)
    found = []
    for widths in itertools.product(*(range(1, int(1.3 * w) + 2) for w in match.net.widths)):
        if shape_error(widths, shape) <= min(match.shape_error - 1e-9, SHAPE_TOLERANCE):
            residual = abs(
                cost(NetSpec(widths=widths, depths=(1, 1, 1), image_size=8)) / budget - 1
            )
            found.append((residual <= TOLERANCE, residual, widths))
    if abs(match.residual) <= TOLERANCE:
        better = [widths for within, _, widths in found if within]
    else:
        better = [widths for _, residual, widths in found if residual < abs(match.residual)]
    assert not better


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.floats(0.5, 4), st.sampled_from(QUANTITIES), st.integers(12, 64),
    st.sampled_from(["basic", "bottleneck"]), st.integers(2, 4),
)  # fmt: skip
def test_any_growth_meets_the_budget_of_a_network_that_is_not_tiny(
    growth: float, quantity: str, base: int, block: str, stages: int
) -> None:
    reference = NetSpec(
        widths=tuple(base * 2**stage for stage in range(stages)), depths=(2,) * stages,
        strides=(1,) + (2,) * (stages - 1), block=block,
    )  # fmt: skip
    cost = cost_of(quantity)
    match = match_widths(reference, growth_shape(growth, stages), cost, cost(reference))
    assert abs(match.residual) < 0.05
    assert match.residual == pytest.approx(cost(match.net) / cost(reference) - 1)


def test_the_reference_solves_to_itself() -> None:
    for quantity in QUANTITIES:
        cost = cost_of(quantity)
        match = match_widths(RESNET20, growth_shape(2, 3), cost, cost(RESNET20))
        assert (match.net, match.residual, match.shape_error) == (RESNET20, 0, 0)


def test_widths_keep_to_a_multiple() -> None:
    cost = cost_of("macs")
    match = match_widths(RESNET20, growth_shape(1.5, 3), cost, 4 * cost(RESNET20), multiple=8)
    assert all(width % 8 == 0 for width in match.net.widths)
    assert abs(match.residual) < 0.1


def test_widths_by_block_keep_their_shape() -> None:
    depths = (3, 3, 3)
    net = NetSpec(widths=additive_widths(16, 48, depths), depths=depths)
    cost = cost_of("params")
    match = match_widths(net, net.widths, cost, 2 * cost(net))
    assert abs(match.residual) < 0.02
    flat = [width for stage in match.net.block_widths for width in stage]
    assert flat == sorted(flat)


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("growth", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize("base", [16, 37])
def test_a_network_widens_just_where_its_shape_does(
    quantity: str, growth: float, shift: int, base: int
) -> None:
    depths = (2, 3, 2)
    shape = shift_growth(growth_shape(growth, 3), depths, shift)
    cost = cost_of(quantity)
    budget = cost(NetSpec(widths=(base, 2 * base, 4 * base), depths=depths))
    match = match_widths(NetSpec(depths=depths), shape, cost, budget)
    ideals = [ideal for stage in shape for ideal in stage]
    widths = [width for stage in match.net.block_widths for width in stage]
    assert len(set(zip(ideals, widths, strict=True))) == len(set(ideals))
    assert abs(match.residual) < (0.05 if growth == 1.0 else TOLERANCE)


def test_an_arm_that_widens_after_the_stride_does_not_widen_at_it() -> None:
    (cell,) = (
        cell
        for cell in load_study(find_study("growth_placement"), "digits").cells
        if cell.name == "block_after"
    )
    assert cell.net.widths == ((9, 9), (9, 20), (20, 38))


def test_a_noisy_cost_is_asked_few_times() -> None:
    asked = []

    def seconds(net: NetSpec) -> float:
        asked.append(net)
        return networks_cost.count(net).macs / 1e9

    match = match_widths(RESNET20, growth_shape(3, 3), seconds, seconds(RESNET20), exact=False)
    assert abs(match.residual) < 0.1
    assert len(asked) < 25


def test_depths_meet_a_budget() -> None:
    cost = cost_of("macs")
    match = match_depths(NetSpec(depths=(2, 2, 2)), cost, 4 * cost(NetSpec()))
    assert min(match.net.depths) >= 7
    assert abs(match.residual) < 0.02
    with pytest.raises(InputError, match="one width a stage"):
        match_depths(NetSpec(widths=((16, 17), 32, 64)), cost, 1e6)


def test_constant_width_needs_four_times_the_blocks_to_balance_macs() -> None:
    balanced = equalise_depths(NetSpec(widths=(16, 16, 16), depths=(2, 1, 1)))
    assert balanced.depths == (2, 8, 32)
    stages = networks_cost.count_stages(balanced)
    macs = [cost.macs for name, (_, cost) in stages.items() if "stage" in name]
    assert max(macs) / min(macs) < 1.02


def test_doubling_balances_macs_as_it_is() -> None:
    assert equalise_depths(NetSpec(depths=(5, 1, 1))).depths == (5, 5, 5)


def test_a_budget_below_the_smallest_network_is_refused() -> None:
    with pytest.raises(InputError, match="expected a larger budget"):
        match_widths(RESNET20, growth_shape(2, 3), cost_of("macs"), 10)


@pytest.mark.parametrize("name", ["width_iso_macs", "compute_balance"])
@pytest.mark.parametrize("dataset", ["digits", "cifar10", "fashion_mnist"])
def test_matched_studies_report_their_residual(name: str, dataset: str) -> None:
    study = load_study(find_study(name), dataset)
    reference = next(cell for cell in study.cells if cell.name == study.baseline)
    budget = networks_cost.count(reference.net).macs
    for cell in study.cells:
        assert cell.matched is not None
        assert cell.matched.quantity == "macs"
        assert cell.matched.residual == pytest.approx(
            networks_cost.count(cell.net).macs / budget - 1
        )
        assert abs(cell.matched.residual) < 0.05


STUDY = """
question = "?"
baseline = "a"
[net]
base_width = 8
[axes.growth]
a = { growth = 2.0 }
b = { growth = 1.0 }
"""


@pytest.mark.parametrize(
    ("match", "says"),
    [
        ("", "match: expected one of macs, params, activations, latency; got none"),
        ('macs = "reference"\nparams = "reference"', "got macs, params"),
        ('macs = "r = 2"', "match.macs = 'r = 2': expected \"reference\""),
        ("macs = -1.0", "match.macs = -1: expected a positive number"),
        ("macs = 10.0", "expected a larger budget"),
        ('latency = "reference"', "match.latency: needs a device to measure on"),
        ('macs = "reference"\nby = "growth"', "match.by"),
        ('mac = "reference"', "match.mac: unknown key (did you mean macs?)"),
    ],
)
def test_a_bad_match_table_is_one_line(tmp_path: Path, match: str, says: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f"{STUDY}[match]\n{match}\n")
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arm", "match", "fault"),
    [
        (
            "growth = 1.5",
            "macs = 30000.0",
            "match.macs: b: widths = [3, 3, 4] are off the arm's shape by 26.2%",
        ),
        (
            "depths = [4, 1, 1], preact = true",
            'macs = 110000.0\nby = "depth"',
            "match.macs: b: depths = [1, 1, 1] are off the arm's shape by 69.3%",
        ),
    ],
)
def test_an_arm_that_cannot_keep_its_shape_is_refused_unless_the_file_allows_it(
    tmp_path: Path, arm: str, match: str, fault: str
) -> None:
    path = tmp_path / "s.toml"
    study = STUDY.replace("b = { growth = 1.0 }", f"b = {{ {arm} }}") + f"[match]\n{match}\n"
    path.write_text(study)
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}: {fault}; expected at most 20.0%: ")
    assert "\n" not in str(caught.value)
    path.write_text(f"{study}shape_tolerance = 0.7\n")
    assert [cell.name for cell in load_study(path).cells] == ["a", "b"]


def test_a_number_is_a_budget_for_every_cell(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f"{STUDY}[match]\nparams = 100000.0\n")
    for cell in load_study(path).cells:
        assert networks_cost.count(cell.net).params == pytest.approx(100_000, rel=0.02)


def test_depth_can_meet_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(f'{STUDY}[match]\nmacs = "reference"\nby = "depth"\n')
    a, b = load_study(path).cells
    assert a.net.depths == (2, 2, 2)
    assert b.net.widths == (8, 8, 8)
    assert sum(b.net.depths) > 6
