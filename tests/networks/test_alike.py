"""Two specs are alike just where the networks built from them are the same, to the bit."""

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.errors import InputError
from ablate.networks.canonical import alike, canonical
from ablate.networks.model import build
from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec

pytestmark = pytest.mark.usefixtures("one_thread")

AXES: dict[str, list[Any]] = {
    **{name: list(CHOICES[name]) for name in ("shortcut", "stride_block", "stride_conv", "stem")},
    **{name: list(CHOICES[name]) for name in ("downsample", "activation", "norm", "block")},
    "placement": list(CHOICES["placement"]),
    "attention": list(CHOICES["attention"]),
    "stem_pool": [None, *CHOICES["stem_pool"]],
    "stem_stride": [None, 1, 2],
    "residual_scale": [None, 0.5],
    "drop_path": [0.0, 0.5],
    "dropout": [0.0, 0.5],
    "kernel": [3, 5],
    "dilations": [None, (1, 1), (1, 2)],
    "antialias": [False, True],
    "preact": [False, True],
    "zero_init": [False, True],
    "depths": [(1, 1), (2, 1), (1, 2), (2, 2)],
    "strides": [(1, 1), (1, 2), (2, 1), (2, 2)],
    "widths": [(4, 4), (4, 8), (8, 4), (8, 8)],
    "expansion": [None, 1, 2, 4],
    "groups": [1, 2],
    "width_per_group": [60, 64, 65, 72],
    "stem_width": [None, 4, 8],
    "head_width": [None, 8],
}
OFTEN = ("shortcut", "stride_block", "stride_conv", "downsample", "antialias", "width_per_group")


def changed(net: NetSpec, rng: random.Random, number: int) -> NetSpec:
    """The network with other values of a few fields, mostly those that may not matter."""
    while True:
        names = [rng.choice(OFTEN if rng.random() < 0.7 else list(AXES)) for _ in range(number)]
        try:
            return replace(net, **{name: rng.choice(AXES[name]) for name in names})
        except InputError:
            continue


def built(net: NetSpec) -> tuple[list[Tensor], Tensor, Tensor]:
    """First weights, logits in training with other weights, and their gradient by the image."""
    torch.manual_seed(0)
    network = build(net)
    first = [parameter.detach().clone() for parameter in network.parameters()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter) / 4
    torch.manual_seed(1)
    image = torch.randn(3, net.in_channels, 16, 16, requires_grad=True)
    logits = network(image)
    (gradient,) = torch.autograd.grad(logits.square().sum(), image)
    return first, logits.detach(), gradient


def same(one: NetSpec, two: NetSpec) -> bool:
    (weights, *found), (others, *also) = built(one), built(two)
    if [tuple(w.shape) for w in weights] != [tuple(w.shape) for w in others]:
        return False
    return all(map(torch.equal, [*weights, *found], [*others, *also]))


@pytest.mark.parametrize("seed", range(8))
def test_specs_are_alike_just_where_the_networks_are_the_same(seed: int) -> None:
    rng = random.Random(seed)
    start = NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 1), image_size=16)
    found = []
    for _ in range(100):
        one = changed(start, rng, rng.randint(0, 8))
        two = changed(one, rng, rng.randint(1, 3))
        if one == two:
            continue
        found.append(alike(one) == alike(two))
        assert found[-1] == same(one, two), (one, two)
        if canonical(one) == canonical(two):
            assert alike(one) == alike(two)
    assert 10 < sum(found) < len(found) - 10


def test_blocks_in_a_row_are_one_network_however_they_are_counted() -> None:
    one = NetSpec(widths=(8, 8), depths=(1, 2), strides=(1, 1), image_size=16)
    two = NetSpec(widths=(8,), depths=(3,), strides=(1,), image_size=16)
    assert alike(one) == alike(two)
    assert same(one, two)
