"""Networks: random ones, and images for them."""

import math
from dataclasses import replace
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec

EXAMPLES = settings(max_examples=60, deadline=None, derandomize=True)


widths = st.integers(1, 12)
rates = st.just(0.0) | st.floats(0.1, 0.9)


@st.composite
def net_specs(draw: st.DrawFn, image_sizes: tuple[int, int] = (1, 17)) -> NetSpec:
    """Any valid small network: every axis of `NetSpec`, one to four stages, strides up to 3."""
    depths = tuple(draw(st.lists(st.integers(1, 2), min_size=1, max_size=4)))
    choices: dict[str, Any] = {
        name: draw(st.sampled_from(CHOICES[name]))
        for name in "stride_block downsample stem activation norm attention".split()
    }
    by_stage = {
        name: draw(staged(st.sampled_from(CHOICES[name]), len(depths)))
        for name in ("block", "shortcut")
    }
    stage_widths = tuple(
        draw(widths | st.lists(widths, min_size=depth, max_size=depth).map(tuple))
        for depth in depths
    )
    stem_width = draw(
        st.integers(2, 12) if choices["stem"] == "deep" else st.none() | widths,
    )
    net = NetSpec(
        widths=stage_widths,
        depths=depths,
        strides=tuple(draw(st.integers(1, 3)) for _ in depths),
        dilations=draw(st.none() | st.tuples(*[st.integers(1, 2)] * len(depths))),
        kernel=draw(st.sampled_from([3, 3, 5, 7])),
        antialias=choices["downsample"] != "avg" and draw(staged(st.booleans(), len(depths))),
        stem_width=stem_width,
        stem_kernel=draw(st.none() | st.sampled_from([1, 3, 5])),
        stem_stride=draw(st.none() | st.integers(1, 3)),
        stem_pool=draw(st.none() | st.sampled_from(CHOICES["stem_pool"])),
        head_width=draw(st.none() | widths),
        se_ratio=draw(st.floats(0.01, 1)) if choices["attention"] == "se" else 0.0625,
        dropout=draw(rates),
        num_classes=draw(st.integers(1, 5)),
        in_channels=draw(st.integers(1, 4)),
        image_size=draw(st.integers(*image_sizes)),
        **choices,
        **by_stage,
        **draw(placements(choices["norm"])),
        **draw(bottlenecks(by_stage["block"], stage_widths)),
        **draw(residuals(by_stage["shortcut"])),
    )
    if net.norm == "group" and draw(st.booleans()):
        whole = math.gcd(net.stem_out, net.head_width or 0, *inner_and_outer(net))
        whole = math.gcd(whole, net.stem_out // 2) if net.stem == "deep" else whole
        net = replace(net, norm_groups=whole)
    return net


def inner_and_outer(net: NetSpec) -> list[int]:
    """Widths within and behind the blocks."""
    return [width for block in net.blocks() for width in (block.inner_width, block.out_width)]


def staged(values: st.SearchStrategy[Any], stages: int) -> st.SearchStrategy[Any]:
    """A value, or one for each stage."""
    return values | st.tuples(*[values] * stages)


@st.composite
def placements(draw: st.DrawFn, norm: str) -> dict[str, Any]:
    """Where norm and activation stand."""
    with_norm = st.sampled_from(CHOICES["placement"])
    without = st.sampled_from(["usual", "activation_before_addition"])
    placement = draw(without if norm == "none" else with_norm)
    return {"placement": placement, "preact": placement == "usual" and draw(st.booleans())}


@st.composite
def residuals(draw: st.DrawFn, shortcut: str | tuple[str, ...]) -> dict[str, Any]:
    """What the branches start at, and how often they give nothing."""
    scales = st.none() | st.sampled_from([0.0, 0.5])
    if "none" in (shortcut if isinstance(shortcut, tuple) else [shortcut]):
        return {"zero_init": draw(st.booleans()), "residual_scale": draw(st.none() | st.just(0.5))}
    scale = draw(scales)
    return {
        "zero_init": scale != 0 and draw(st.booleans()),
        "residual_scale": scale,
        "drop_path": draw(rates),
    }


@st.composite
def bottlenecks(
    draw: st.DrawFn, block: str | tuple[str, ...], stage_widths: tuple[Any, ...]
) -> dict[str, Any]:
    """The settings that a bottleneck alone has."""
    kinds = block if isinstance(block, tuple) else (block,) * len(stage_widths)
    if "bottleneck" not in kinds:
        return {}
    narrowest = min(min(width) if isinstance(width, tuple) else width for width in stage_widths)
    share = draw(st.integers(math.ceil(64 / narrowest), 128))
    found: dict[str, Any] = {
        "expansion": draw(st.none() | st.integers(1, 4)),
        "width_per_group": share,
        "stride_conv": draw(st.sampled_from(CHOICES["stride_conv"])),
    }
    if draw(st.booleans()):
        flat = [width if isinstance(width, tuple) else (width,) for width in stage_widths]
        inner = [
            int(width * share / 64)
            for kind, stage in zip(kinds, flat, strict=True)
            for width in stage
            if kind == "bottleneck"
        ]
        return found | {"group_width": draw(st.sampled_from([1, math.gcd(*inner)]))}
    same = draw(st.integers(1, 3))
    one = st.integers(1, 3)
    each = tuple(draw(one) if kind == "bottleneck" else 1 for kind in kinds)
    return found | {"groups": each if "basic" in kinds or draw(st.booleans()) else same}


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
