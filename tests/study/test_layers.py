"""Settings in layers: a published network to begin with, and what goes over it."""

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.errors import InputError
from ablate.networks.presets import preset
from ablate.study.find import find_study
from ablate.study.layers import read_network
from ablate.study.plan import load_study


def test_a_preset_takes_the_place_of_earlier_layers_and_the_rest_goes_over_it() -> None:
    image = {"num_classes": 10, "in_channels": 3, "image_size": 32}
    layers = [
        ("net", {"widths": [4, 8], "depths": [1, 1], "strides": [1, 2], "norm": "group"}),
        ("axes.net.arm", {"preset": "cifar_resnet20", "shortcut": "C"}),
        ("axes.act.arm", {"activation": "gelu"}),
    ]
    net = read_network("study.toml", layers, image).net
    assert net == replace(preset("cifar_resnet20"), shortcut="C", activation="gelu")


def test_widths_by_a_rule_go_over_those_of_a_preset() -> None:
    image = {"num_classes": 100, "in_channels": 1, "image_size": 8}
    layers = [("net", {"preset": "resnet18", "base_width": 8, "growth": "constant"})]
    net = read_network("study.toml", layers, image).net
    assert net == replace(preset("resnet18"), widths=(8, 8, 8, 8), **image)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet5", "study.toml: net.preset: preset = 'resnet5': no network has that name"),
        (50, "study.toml: net.preset = 50: expected the name of a network, in quotes"),
    ],
)
def test_a_preset_that_is_none_is_one_line(name: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_network("study.toml", [("net", {"preset": name})], {})
    assert says in str(caught.value)


def test_where_a_stage_has_one_block_its_first_and_its_last_are_refused_as_one_arm(
    tmp_path: Path,
) -> None:
    path = tmp_path / "stride_placement.toml"
    shipped = find_study("stride_placement").read_text()
    path.write_text(shipped.replace("depths = [2, 2, 2]", "depths = [1, 1, 1]"))
    with pytest.raises(InputError, match="axes: 'last_block' is the same network as 'standard'"):
        load_study(path)
