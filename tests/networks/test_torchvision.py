"""The stages of torchvision's residual networks are those that were published."""

import pytest
from torchvision.models import resnet

from ablate.networks.weights.torchvision import residual_networks, stage_table

# He et al. 2015 (arXiv 1512.03385), table 1: blocks and channels of the four stages.
TABLE_1 = {
    "resnet18": ("basic", [2, 2, 2, 2], [64, 128, 256, 512]),
    "resnet34": ("basic", [3, 4, 6, 3], [64, 128, 256, 512]),
    "resnet50": ("bottleneck", [3, 4, 6, 3], [256, 512, 1024, 2048]),
    "resnet152": ("bottleneck", [3, 8, 36, 3], [256, 512, 1024, 2048]),
}


@pytest.mark.parametrize("name", TABLE_1)
def test_stages_are_those_of_the_publication(name: str) -> None:
    block, blocks, out_widths = TABLE_1[name]
    assert stage_table([name]).to_dict("list") == {
        "network": [name] * 4,
        "stage": [1, 2, 3, 4],
        "block": [block] * 4,
        "planes": [64, 128, 256, 512],
        "inner_width": [64, 128, 256, 512],
        "out_width": out_widths,
        "blocks": blocks,
        "in_side": [56, 56, 28, 14],
        "out_side": [56, 28, 14, 7],
        "halved": [False, True, True, True],
    }


def test_a_wide_network_has_wider_insides_and_the_same_planes() -> None:
    stages = stage_table(["wide_resnet50_2"])
    assert list(stages["inner_width"]) == [128, 256, 512, 1024]
    assert list(stages["planes"]) == [64, 128, 256, 512]


def test_every_residual_network_of_torchvision_is_known_and_can_be_read() -> None:
    names = residual_networks()
    assert set(names) == {name for name in resnet.__all__ if name.islower()}
    assert list(stage_table(names)["network"]) == [name for name in names for _ in range(4)]
