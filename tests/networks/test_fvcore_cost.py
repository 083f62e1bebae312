"""What a built network costs: fvcore's counts, torch's, and that counting leaves no trace."""

import copy
import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model

from ablate.networks import cost, fvcore_cost
from ablate.networks.model import build
from ablate.spec.network import NetSpec

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGENET = (3, 224, 224)
TINY = NetSpec(widths=(2, 3), depths=(1, 1), strides=(1, 2), image_size=8)


# fvcore 0.1.5.post20221221 in eval mode: parameters, MACs of conv and linear, MACs of all.
@pytest.mark.parametrize(
    ("name", "params", "macs", "macs_total"),
    [
        ("resnet18", 11_689_512, 1_814_073_344, 1_819_065_856),
        ("resnet50", 25_557_032, 4_089_184_256, 4_111_512_576),
    ],
)
def test_counts_of_torchvision_networks(name: str, params: int, macs: int, macs_total: int) -> None:
    found = fvcore_cost.measure_module(get_model(name), IMAGENET)
    assert (found.params, found.macs, found.macs_total) == (params, macs, macs_total)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_torch_counts_two_flops_a_mac(name: str) -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        get_model(name).eval()(torch.empty(1, *IMAGENET))
    macs = {"resnet18": 1_814_073_344, "resnet50": 4_089_184_256}[name]
    assert counter.get_total_flops() == 2 * macs


def test_counts_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    network.append(nn.Linear(4, 5))
    found = fvcore_cost.measure_module(network, (3, 6, 8))
    assert found.params == 3 * 4 * 9 + 4 * 5 + 5
    assert found.macs == 3 * 4 * 9 * 6 * 8 + 4 * 5
    # fvcore's adaptive pooling counts its inputs.
    assert found.macs_total == found.macs + 4 * 6 * 8
    assert found.unsupported_ops == {}


def test_frozen_parameters_are_not_counted() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(2 * 4, 3))
    network[0].requires_grad_(False)
    assert fvcore_cost.measure_module(network, (1, 2, 2)).params == 2 * 4 * 3 + 3


def test_operators_that_are_not_counted_are_named() -> None:
    found = fvcore_cost.measure(NetSpec(downsample="max", activation="gelu"))
    assert found.unsupported_ops == {"aten::add_": 6, "aten::max_pool2d": 2, "aten::gelu": 13}
    assert json.loads(found.unsupported_json) == found.unsupported_ops
    assert found.unsupported_json.index("add") < found.unsupported_json.index("gelu")


def test_norms_and_pooling_are_in_the_total_alone() -> None:
    found = fvcore_cost.measure(TINY)
    normed = 2 * (3 * 2 * 8**2 + 3 * 3 * 4**2)
    assert found.macs == cost.count(TINY).macs
    # Two operations an element of a batch norm in eval mode; one an element that is averaged.
    assert found.macs_total == found.macs + normed + 3 * 4**2


def test_a_spec_counts_as_its_network() -> None:
    assert fvcore_cost.measure(TINY) == fvcore_cost.measure_module(build(TINY), (3, 8, 8))


@pytest.mark.parametrize("training", [False, True])
def test_counting_leaves_the_network_as_it_was(training: bool) -> None:
    network = build(TINY).train(training)
    before = copy.deepcopy(network.state_dict())
    fvcore_cost.measure_module(network, (3, 8, 8))
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert {module.training for module in network.modules()} == {training}


def test_counting_is_the_same_in_train_mode() -> None:
    network = build(TINY)
    assert fvcore_cost.measure_module(network.train(), (3, 8, 8)) == fvcore_cost.measure_module(
        network.eval(), (3, 8, 8)
    )


@pytest.mark.parametrize(
    "counted",
    [fvcore_cost.measure.__wrapped__, cost.count],
    ids=["built", "from the spec"],
)
def test_counting_leaves_the_generator_as_it_was(counted: Any) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    counted(TINY)
    assert torch.equal(torch.get_rng_state(), before)
