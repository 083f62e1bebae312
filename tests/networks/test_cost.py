"""Counted from the spec alone, a network costs what the built one costs."""

import dataclasses
from typing import Any

import pytest
import torch
from fvcore.nn import ActivationCountAnalysis
from hypothesis import given
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from ablate.networks import cost, fvcore_cost
from ablate.networks.model import build
from ablate.networks.parts import Blur
from ablate.networks.presets import PRESETS
from ablate.networks.widths import stage_widths
from ablate.spec.network import NetSpec
from support.nets import EXAMPLES, images, net_specs

pytestmark = pytest.mark.usefixtures("one_thread")


def flops(spec: NetSpec) -> int:
    """torch's own count for two images (it may refuse one), without weights or arithmetic."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        build(spec).eval()(torch.empty(2, spec.in_channels, spec.image_size, spec.image_size))
    return counter.get_total_flops()


def bytes_kept(network: nn.Module, batch: Tensor) -> int:
    """Bytes that autograd holds between the passes, parameters and buffers aside."""
    own = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *network.buffers())}
    held = {}

    def hold(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        logits = network(batch)
    assert logits.requires_grad
    return sum(storage.nbytes() for storage in held.values())


def elements_moved(network: nn.Module, batch: Tensor) -> int:
    """Elements that convolutions and linear layers read and write."""
    moved = []

    def record(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        read = inputs[0]
        if isinstance(module, Blur):
            read = F.pad(read, (1, 1, 1, 1))
        elif isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            step = getattr(module, "step", module.stride[0])  # of one that subsamples first
            read = read[:, :, ::step, ::step]
        moved.append(read.numel() + output.numel())

    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear | Blur):
            module.register_forward_hook(record)
    network(batch)
    return sum(moved)


@EXAMPLES
@given(net_specs())
def test_counts_of_any_network(spec: NetSpec) -> None:
    total = cost.count(spec)
    network = build(spec).eval()
    assert total.params == sum(parameter.numel() for parameter in network.parameters())
    assert 2 * 2 * total.macs == flops(spec)
    counted = fvcore_cost.measure(spec)
    assert (total.params, total.macs) == (counted.params, counted.macs)
    activations = ActivationCountAnalysis(network, images(spec, batch=2))
    assert 2 * total.activations == activations.unsupported_ops_warnings(False).total()


@EXAMPLES
@given(net_specs())
def test_stages_add_up_to_the_network(spec: NetSpec) -> None:
    stages = cost.count_stages(spec)
    numbers = range(1, len(spec.depths) + 1)
    assert list(stages) == ["stem", *(f"stage {number}" for number in numbers), "head"]
    costs = [dataclasses.astuple(fvcore_cost) for _, fvcore_cost in stages.values()]
    assert dataclasses.astuple(cost.count(spec)) == tuple(map(sum, zip(*costs, strict=True)))


@EXAMPLES
@given(net_specs())
def test_parameters_of_each_stage(spec: NetSpec) -> None:
    network = build(spec)
    parts = [network.get_submodule("stem"), *network.get_submodule("stages").children()]
    parts.append(network.get_submodule("head"))
    found = [sum(parameter.numel() for parameter in part.parameters()) for part in parts]
    assert [stage.params for _, stage in cost.count_stages(spec).values()] == found


@EXAMPLES
@given(net_specs())
def test_elements_kept_for_the_backward_pass(spec: NetSpec) -> None:
    network = build(spec)
    # What grows with the batch: a batch norm keeps its statistics but once.
    grown = bytes_kept(network, images(spec, batch=4)) - bytes_kept(network, images(spec, batch=2))
    statistics = sum(2 * m.num_groups for m in network.modules() if isinstance(m, nn.GroupNorm))
    assert grown == 2 * 4 * (cost.count(spec).kept + statistics)


@EXAMPLES
@given(net_specs())
def test_elements_read_and_written(spec: NetSpec) -> None:
    found = elements_moved(build(spec).eval(), images(spec))
    assert found == 2 * cost.count(spec).moved


@pytest.mark.parametrize("stem", ["cifar", "imagenet", "deep"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stride_block": "last", "shortcut": "D"},
        {"downsample": "avg", "preact": True},
        {"downsample": "max", "shortcut": "none"},
        {"downsample": "max", "antialias": True},
        {"antialias": True, "shortcut": "A"},
        {"block": "bottleneck", "stride_conv": "3x3"},
        {"block": "bottleneck", "stride_conv": "1x1", "antialias": True},
    ],
    ids=str,
)
def test_receptive_fields(stem: Any, changes: dict[str, Any]) -> None:
    spec = NetSpec(widths=(2, 2), depths=(2, 2), strides=(1, 2), norm="none", stem=stem, **changes)
    network = build(spec).eval()
    for parameter in network.parameters():
        nn.init.ones_(parameter)  # every path adds up, none cancels
    average_for_maximum(network)
    fields = cost.receptive_fields(spec)
    image = torch.ones(1, 3, 1, 2 * max(fields.values()), requires_grad=True)
    features = image
    parts = [network.get_submodule("stem"), *network.get_submodule("stages").children()]
    for (name, field), part in zip(fields.items(), parts, strict=True):
        features = part(features)
        middle = features[..., features.shape[-1] // 2].sum()
        (gradient,) = torch.autograd.grad(middle, image, retain_graph=True)
        seen = gradient.abs().sum(dim=(0, 1, 2)).nonzero()
        assert int(seen.max() - seen.min()) + 1 == field, name


def average_for_maximum(network: nn.Module) -> None:
    """Swap max pools for average pools, which see the same window and show all of it."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(
                    child.kernel_size, child.stride, child.padding, ceil_mode=child.ceil_mode
                )
                setattr(module, name, pool)


def test_memory_and_intensity_by_hand() -> None:
    found = cost.Cost(params=10, macs=300, activations=0, moved=20, kept=7)
    # Weights, gradients and momentum; what is kept of each image; 4 bytes each.
    assert found.train_bytes(batch=5) == 4 * (3 * 10 + 5 * 7)
    assert found.intensity(batch=5) == 5 * 300 / (4 * (10 + 5 * 20))


def test_the_default_network() -> None:
    assert cost.count(NetSpec()).params == 175_258
    sizes = {name: size for name, (size, _) in cost.count_stages(NetSpec()).items()}
    assert sizes == {"stem": 32, "stage 1": 32, "stage 2": 16, "stage 3": 8, "head": 1}


@pytest.mark.parametrize("name", ["cifar_resnet20", "cifar_resnet56_projection", "wrn_16_4"])
def test_counts_of_presets(name: str) -> None:
    total, counted = cost.count(PRESETS[name]), fvcore_cost.measure(PRESETS[name])
    assert (total.params, total.macs) == (counted.params, counted.macs)


@pytest.mark.parametrize("growth", [1, 2, 4])
def test_what_growth_conserves(growth: int) -> None:
    # Where resolution halves, a 3x3 layer's cost changes by r^2 in parameters, r^2/4 in MACs and
    # r/4 in activations: r = 1, 2 and 4 conserve one each.
    spec = NetSpec(widths=stage_widths(4, growth, 3), norm="group")
    last = {layer.stage: layer for layer in cost.layers(spec) if layer.macs}
    before, after = last["stage 2"], last["stage 3"]
    assert after.params == before.params * growth**2
    assert after.macs * 4 == before.macs * growth**2
    assert after.activations * 4 == before.activations * growth


@pytest.mark.parametrize(
    "changes", [{"activation": "gelu"}, {"zero_init": True}, {"norm": "group"}], ids=str
)
def test_what_costs_nothing_that_is_counted(changes: dict[str, Any]) -> None:
    found, default = cost.count(NetSpec(**changes)), cost.count(NetSpec())
    assert dataclasses.replace(found, kept=0) == dataclasses.replace(default, kept=0)


def test_option_a_costs_as_much_as_no_shortcut() -> None:
    plain, padded, projected = (
        cost.count(NetSpec(shortcut=shortcut)) for shortcut in ("none", "A", "B")
    )
    assert dataclasses.replace(padded, kept=0) == dataclasses.replace(plain, kept=0)
    # Two projections, their norms and their outputs.
    assert projected.params - plain.params == 16 * 32 + 32 * 64 + 2 * (32 + 64)
    assert projected.activations - plain.activations == 32 * 16**2 + 64 * 8**2
