"""Networks: random ones, and images for them."""

import math
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ablate.spec import CHOICES, NetSpec

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


widths = st.integers(1, 12)
rates = st.just(0.0) | st.floats(0.1, 0.9)


@st.composite
def net_specs(draw: st.DrawFn, image_sizes: tuple[int, int] = (1, 17)) -> NetSpec:
    """Any valid small network: every axis of `NetSpec`, one to four stages, strides up to 3."""
    depths = tuple(draw(st.lists(st.integers(1, 2), min_size=1, max_size=4)))
    choices: dict[str, Any] = {
        name: draw(st.sampled_from(CHOICES[name]))
        for name in "block shortcut stride_block downsample stem activation norm attention".split()
    }
    residual = choices["shortcut"] != "none"
    preact = draw(st.booleans())
    stage_widths = tuple(
        draw(widths | st.lists(widths, min_size=depth, max_size=depth).map(tuple))
        for depth in depths
    )
    return NetSpec(
        widths=stage_widths,
        depths=depths,
        strides=tuple(draw(st.integers(1, 3)) for _ in depths),
        preact=preact,
        antialias=choices["downsample"] != "avg" and draw(st.booleans()),
        stem_width=draw(st.integers(2, 12) if choices["stem"] == "deep" else st.none() | widths),
        head_width=draw(st.none() | widths),
        zero_init=not preact and choices["norm"] != "none" and draw(st.booleans()),
        se_ratio=draw(st.floats(0.01, 1)) if choices["attention"] == "se" else 0.0625,
        drop_path=draw(rates) if residual else 0.0,
        dropout=draw(rates),
        num_classes=draw(st.integers(1, 5)),
        in_channels=draw(st.integers(1, 4)),
        image_size=draw(st.integers(*image_sizes)),
        **choices,
        **(draw(bottlenecks(stage_widths)) if choices["block"] == "bottleneck" else {}),
    )


@st.composite
def bottlenecks(draw: st.DrawFn, stage_widths: tuple[int | tuple[int, ...], ...]) -> dict[str, Any]:
    """The settings that a bottleneck alone has."""
    narrowest = min(min(width) if isinstance(width, tuple) else width for width in stage_widths)
    return {
        "expansion": draw(st.none() | st.integers(1, 4)),
        "groups": draw(st.integers(1, 3)),
        "width_per_group": draw(st.integers(math.ceil(64 / narrowest), 128)),
        "stride_conv": draw(st.sampled_from(CHOICES["stride_conv"])),
    }


def images(spec: NetSpec, batch: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(batch, spec.in_channels, spec.image_size, spec.image_size, dtype=dtype)


def randomise(network: nn.Module) -> nn.Module:
    """The network with batch norms at random, so that eval mode uses all of them."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                assert isinstance(tensor, Tensor)
                nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                assert isinstance(tensor, Tensor)
                nn.init.normal_(tensor, std=0.1)
    return network


def share(theirs: nn.Module, ours: nn.Module) -> None:
    """Give a network the tensors of another that has the same ones in the same order."""
    found, names = theirs.state_dict().values(), list(ours.state_dict())
    ours.load_state_dict(dict(zip(names, found, strict=True)), assign=True)
