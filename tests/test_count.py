"""Counted from the spec alone, a network costs what the built one costs."""

import dataclasses
from typing import Any

import pytest
import torch
from fvcore.nn import ActivationCountAnalysis
from hypothesis import assume, given
from test_model import EXAMPLES, images, net_specs, one_thread
from torch.utils.flop_counter import FlopCounterMode

from ablate import cost, count
from ablate.model import build
from ablate.presets import PRESETS
from ablate.spec import NetSpec, stage_widths

pytestmark = pytest.mark.usefixtures(one_thread.__name__)


def one_value_per_group(spec: NetSpec) -> bool:
    """Whether torch refuses the network for a single image: a group norm over single values."""
    return spec.norm == "group" and any(
        layer.params and not layer.macs and layer.out_size == 1 and 32 % (layer.params // 2) == 0
        for layer in count.layers(spec)
    )


def flops(spec: NetSpec) -> int:
    """torch's own count for one image, without weights or arithmetic."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        build(spec).eval()(torch.empty(1, spec.in_channels, spec.image_size, spec.image_size))
    return counter.get_total_flops()


@EXAMPLES
@given(net_specs())
def test_counts_of_any_network(spec: NetSpec) -> None:
    assume(not one_value_per_group(spec))
    total = count.total(spec)
    network = build(spec).eval()
    assert total.params == sum(parameter.numel() for parameter in network.parameters())
    assert 2 * total.macs == flops(spec)
    counted = cost.count(spec)
    assert (total.params, total.macs) == (counted.params, counted.macs)
    activations = ActivationCountAnalysis(network, images(spec, batch=1))
    assert total.activations == activations.unsupported_ops_warnings(False).total()


@EXAMPLES
@given(net_specs())
def test_stages_add_up_to_the_network(spec: NetSpec) -> None:
    stages = count.stages(spec)
    numbers = range(1, len(spec.depths) + 1)
    assert list(stages) == ["stem", *(f"stage {number}" for number in numbers), "head"]
    costs = [dataclasses.astuple(cost) for _, cost in stages.values()]
    assert dataclasses.astuple(count.total(spec)) == tuple(map(sum, zip(*costs, strict=True)))


@EXAMPLES
@given(net_specs())
def test_parameters_of_each_stage(spec: NetSpec) -> None:
    network = build(spec)
    parts = [network.get_submodule("stem"), *network.get_submodule("stages").children()]
    parts.append(network.get_submodule("head"))
    found = [sum(parameter.numel() for parameter in part.parameters()) for part in parts]
    assert [stage.params for _, stage in count.stages(spec).values()] == found


def test_the_default_network() -> None:
    assert count.total(NetSpec()).params == 175_258
    sizes = {name: size for name, (size, _) in count.stages(NetSpec()).items()}
    assert sizes == {"stem": 32, "stage 1": 32, "stage 2": 16, "stage 3": 8, "head": 1}


@pytest.mark.parametrize("name", ["cifar_resnet20", "cifar_resnet56_projection", "wrn_16_4"])
def test_counts_of_presets(name: str) -> None:
    total, counted = count.total(PRESETS[name]), cost.count(PRESETS[name])
    assert (total.params, total.macs) == (counted.params, counted.macs)


@pytest.mark.parametrize("growth", [1, 2, 4])
def test_what_growth_conserves(growth: int) -> None:
    # Where resolution halves, a 3x3 layer's cost changes by r^2 in parameters, r^2/4 in MACs and
    # r/4 in activations: r = 1, 2 and 4 conserve one each.
    spec = NetSpec(widths=stage_widths(4, growth, 3), norm="group")
    last = {layer.stage: layer for layer in count.layers(spec) if layer.macs}
    before, after = last["stage 2"], last["stage 3"]
    assert after.params == before.params * growth**2
    assert after.macs * 4 == before.macs * growth**2
    assert after.activations * 4 == before.activations * growth


@pytest.mark.parametrize(
    "changes", [{"activation": "gelu"}, {"zero_init": True}, {"norm": "group"}], ids=str
)
def test_what_costs_nothing_that_is_counted(changes: dict[str, Any]) -> None:
    found, default = count.total(NetSpec(**changes)), count.total(NetSpec())
    assert dataclasses.replace(found, kept=0) == dataclasses.replace(default, kept=0)


def test_option_a_costs_as_much_as_no_shortcut() -> None:
    plain, padded, projected = (
        count.total(NetSpec(shortcut=shortcut)) for shortcut in ("none", "A", "B")
    )
    assert dataclasses.replace(padded, kept=0) == dataclasses.replace(plain, kept=0)
    # Two projections, their norms and their outputs.
    assert projected.params - plain.params == 16 * 32 + 32 * 64 + 2 * (32 + 64)
    assert projected.activations - plain.activations == 32 * 16**2 + 64 * 8**2
