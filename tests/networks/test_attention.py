"""Squeeze and excite, and ECA: what they compute, and timm's networks to the bit."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ablate.networks import cost
from ablate.networks.attention import ChannelAttention, SqueezeExcite
from ablate.networks.model import build
from ablate.networks.presets import preset
from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec
from support.nets import randomise, share

pytestmark = pytest.mark.usefixtures("one_thread")


def kinds(network: nn.Module, kind: type[nn.Module]) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, kind)]


def test_channels_between_the_convolutions() -> None:
    network = build(NetSpec(block="bottleneck", attention="se", se_ratio=0.1))
    squeezed = [se.squeeze.out_channels for se in kinds(network, SqueezeExcite)]
    assert squeezed == [6, 6, 13, 13, 26, 26]  # of 64, 128 and 256
    few = build(NetSpec(widths=(1, 2, 3), attention="se"))
    assert {se.squeeze.out_channels for se in kinds(few, SqueezeExcite)} == {1}


@pytest.mark.parametrize(
    ("width", "kernel"), [(1, 1), (4, 1), (8, 3), (64, 3), (128, 5), (256, 5), (1024, 5), (2048, 7)]
)
def test_the_kernel_of_eca_follows_from_the_width(width: int, kernel: int) -> None:
    """|log2(C) / 2 + 1 / 2|, to the nearest odd number: Wang et al. 2019, eq. 12."""
    network = build(NetSpec(widths=(width,), depths=(1,), strides=(1,), attention="eca"))
    (found,) = kinds(network, ChannelAttention)
    assert found.conv.kernel_size == (kernel,)


def test_squeeze_and_excite_by_hand() -> None:
    module = SqueezeExcite(2, 1, nn.ReLU())
    with torch.no_grad():
        module.squeeze.weight.copy_(torch.tensor([1.0, -2.0]).reshape(1, 2, 1, 1))
        module.squeeze.bias.fill_(0.5)
        module.excite.weight.copy_(torch.tensor([3.0, -1.0]).reshape(2, 1, 1, 1))
        module.excite.bias.zero_()
    x = torch.tensor([[4.0, 0.0], [0.5, 0.5]]).reshape(1, 2, 1, 2)
    hidden = 2.0 - 1.0 + 0.5  # of averages 2 and 0.5
    weights = torch.sigmoid(torch.tensor([3 * hidden, -hidden])).reshape(1, 2, 1, 1)
    torch.testing.assert_close(module(x), x * weights)


def test_channel_attention_by_hand() -> None:
    module = ChannelAttention(3)
    with torch.no_grad():
        module.conv.weight.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
    x = torch.randn(2, 4, 3, 5)
    average = F.pad(x.mean((2, 3)), (1, 1))
    weights = torch.sigmoid(average[:, :-2] + 10 * average[:, 1:-1] + 100 * average[:, 2:])
    torch.testing.assert_close(module(x), x * weights[..., None, None])


@pytest.mark.parametrize("preact", [False, True])
@pytest.mark.parametrize("attention", CHOICES["attention"][1:])
def test_it_ends_the_branch_of_every_block(attention: Any, preact: bool) -> None:
    network = build(NetSpec(attention=attention, preact=preact))
    branches = [network.get_submodule(f"stages.{s}.{b}.branch") for s in range(3) for b in (0, 1)]
    assert [list(dict(branch.named_children()))[-1] for branch in branches] == ["attention"] * 6


def test_what_it_costs_by_hand() -> None:
    plain, se, eca = (cost.count(NetSpec(attention=kind)) for kind in ("none", "se", "eca"))
    pairs = 2 * sum(width * squeezed for width, squeezed in ((16, 1), (32, 2), (64, 4)))
    assert se.macs - plain.macs == 2 * pairs
    assert se.params - plain.params == 2 * (pairs + 16 + 32 + 64 + 1 + 2 + 4)
    assert eca.params - plain.params == 2 * (3 + 3 + 3)
    assert eca.macs - plain.macs == 2 * 3 * (16 + 32 + 64)


@pytest.mark.parametrize("name", ["seresnet50", "resnetrs50"])
def test_timm_has_the_same_network(name: str) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed")
    theirs = randomise(timm.create_model(name)).eval()
    with torch.device("meta"):
        ours = build(preset(name)).eval()
    share(theirs, ours)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))
