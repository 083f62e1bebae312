"""What a training step keeps in memory, against autograd's own account; receptive fields."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate import count
from ablate.model import build
from ablate.presets import preset
from ablate.spec import NetSpec

BATCH = 3


def kept_by_autograd(spec: NetSpec) -> float:
    """Floats that autograd saves for the backward pass, an image; each storage once.

    Weights and buffers are not counted, nor are a norm's mean and deviation, one value a channel
    and batch.
    """
    network = build(spec)
    own = {t.untyped_storage().data_ptr() for t in [*network.parameters(), *network.buffers()]}
    saved: dict[int, tuple[int, torch.Tensor]] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and tensor.dim() > 1:
            saved[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    images = torch.randn(BATCH, spec.in_channels, spec.image_size, spec.image_size)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images)
    return sum(size for size, _ in saved.values()) / 4 / BATCH


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.fixed_dictionaries(
        {
            "block": st.sampled_from(["basic", "bottleneck"]),
            "preact": st.booleans(),
            "shortcut": st.sampled_from(["none", "A", "B", "C", "D"]),
            "downsample": st.sampled_from(["conv", "max", "avg"]),
            "antialias": st.booleans(),
            "stride_block": st.sampled_from(["first", "last"]),
            "stem": st.sampled_from(["cifar", "imagenet", "deep"]),
            "head_width": st.sampled_from([None, 7]),
            "activation": st.sampled_from(["relu", "silu", "gelu"]),
            "norm": st.sampled_from(["batch", "none"]),
            "image_size": st.integers(13, 18),
        }
    )
)
def test_what_is_kept_is_what_autograd_saves(axes: dict) -> None:
    if axes["downsample"] == "avg":
        axes["antialias"] = False
    spec = NetSpec(widths=(6, (9, 8), 5), **axes)
    assert count.total(spec).kept == kept_by_autograd(spec)


def test_a_training_step_needs_weights_gradients_momentum_and_what_is_kept() -> None:
    cost = count.total(NetSpec())
    assert cost.train_bytes(0) == 3 * 4 * 175_258
    assert cost.train_bytes(10) - cost.train_bytes(0) == 10 * 4 * cost.kept


def test_a_linear_layer_alone_has_the_intensity_of_a_matrix_product() -> None:
    head = count.stages(NetSpec(num_classes=64))["head"][1]
    flops, elements = 8 * 64 * 64, 64 * 64 + 64 + 8 * (64 + 64)
    assert head.intensity(8) == pytest.approx(flops / (4 * elements))


@pytest.mark.parametrize(
    ("name", "field"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)]
)
def test_receptive_fields_that_araujo_et_al_list(name: str, field: int) -> None:
    """Araujo et al. 2019 (doi 10.23915/distill.00021), table 1: networks that stride last."""
    spec = replace(preset(name), strides=(2, 2, 2, 1), stride_block="last")
    assert count.receptive_fields(spec)["stage 4"] == field


def test_one_output_sees_just_its_receptive_field() -> None:
    """The gradient of one output pixel reaches as far into the image as the count says."""
    spec = NetSpec(widths=(4, 4), depths=(1, 2), strides=(1, 2), norm="none", image_size=64)
    network = build(spec).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    image = torch.ones(1, 3, 64, 64, dtype=torch.float64, requires_grad=True)
    network.stages(network.stem(image))[0, 0, 16, 16].backward()
    assert image.grad is not None
    reached = image.grad.abs().sum((0, 1)).nonzero()
    side = reached.max(0).values - reached.min(0).values + 1
    assert side.tolist() == [count.receptive_fields(spec)["stage 2"]] * 2
