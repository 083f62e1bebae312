"""Receptive fields and arithmetic intensity against what is published or known by hand."""

from dataclasses import replace

import pytest

from ablate.networks import cost
from ablate.networks.presets import preset
from ablate.spec.network import NetSpec


def test_a_linear_layer_alone_has_the_intensity_of_a_matrix_product() -> None:
    head = cost.count_stages(NetSpec(num_classes=64))["head"][1]
    flops, elements = 8 * 64 * 64, 64 * 64 + 64 + 8 * (64 + 64)
    assert head.intensity(8) == pytest.approx(flops / (4 * elements))


@pytest.mark.parametrize(
    ("name", "field"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)]
)
def test_receptive_fields_that_araujo_et_al_list(name: str, field: int) -> None:
    """Araujo et al. 2019 (doi 10.23915/distill.00021), table 1: networks that stride last."""
    spec = replace(preset(name), strides=(2, 2, 2, 1), stride_block="last")
    assert cost.receptive_fields(spec)["stage 4"] == field
