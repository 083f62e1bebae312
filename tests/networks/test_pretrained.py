"""torchvision's weights, loaded into ours, give torchvision's logits."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from ablate.errors import InputError
from ablate.networks.model import build
from ablate.networks.presets import preset
from ablate.networks.weights.pretrained import from_torchvision
from support.published import TORCHVISION

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = dataclasses.replace(preset("resnet18"), num_classes=3)


def torchvision_net(name: str, **settings: Any) -> nn.Module:
    """torchvision's network at random, its batch norms too, so that eval mode uses all of them."""
    torch.manual_seed(0)
    network: nn.Module = get_model(name, **settings)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                nn.init.normal_(tensor, std=0.1)
    return network.eval()


def small_state() -> dict[str, Tensor]:
    return torchvision_net("resnet18", num_classes=3).state_dict()


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_logits(name: str) -> None:
    theirs = torchvision_net(name)
    with torch.device("meta"):
        ours = build(preset(name)).eval()
    # `assign` shares torchvision's tensors: no second copy of 127 million parameters.
    ours.load_state_dict(from_torchvision(theirs.state_dict(), preset(name)), assign=True)
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(images)
        found = ours(images)
    # float32, through up to 152 layers: 1e-5 of the largest logit.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_another_number_of_classes_loads() -> None:
    network = build(SMALL)
    state = small_state()
    network.load_state_dict(from_torchvision(state, SMALL))
    assert torch.equal(network.state_dict()["head.linear.bias"], state["fc.bias"])


def test_tensors_are_shared() -> None:
    state = small_state()
    assert from_torchvision(state, SMALL)["stem.conv1.weight"] is state["conv1.weight"]


def test_missing_keys_are_named() -> None:
    state = small_state()
    del state["layer2.0.downsample.1.running_mean"], state["fc.bias"]
    with pytest.raises(
        InputError, match=r"missing.*: fc\.bias, layer2\.0\.downsample\.1\.running_mean$"
    ):
        from_torchvision(state, SMALL)


def test_unexpected_keys_are_named() -> None:
    state = small_state() | {"layer1.0.se.weight": torch.zeros(1)}
    with pytest.raises(InputError, match=r"not in the network: layer1\.0\.se\.weight$"):
        from_torchvision(state, SMALL)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"fc\.bias \(3,\) instead of \(1000,\), fc\.weight"):
        from_torchvision(small_state(), preset("resnet18"))


def test_many_names_are_cut_short() -> None:
    with pytest.raises(InputError, match=r"missing.*: bn1\.bias, .* and 117 more$") as caught:
        from_torchvision({}, SMALL)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"strides": (1, 2, 2, 1)},
        {"preact": True},
        {"shortcut": "D"},
        {"stride_block": "last"},
        {"downsample": "max"},
        {"antialias": True},
        {"stem": "cifar"},
        {"head_width": 8},
        {"activation": "silu"},
        {"norm": "group"},
        {"block": "bottleneck", "stride_conv": "1x1"},
    ],
    ids=str,
)
def test_a_spec_that_torchvision_has_not_is_refused(changes: dict[str, Any]) -> None:
    spec = dataclasses.replace(SMALL, **changes)
    with pytest.raises(InputError, match="torchvision's weights need") as caught:
        from_torchvision(small_state(), spec)
    assert caught.value.key in changes
