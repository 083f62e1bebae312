"""Placement, kernel, dilation, groups, stages and stem: what each builds, and known networks."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model

from ablate.networks import cost
from ablate.networks.canonical import canonical
from ablate.networks.model import Block, build
from ablate.networks.parts import Blur
from ablate.networks.presets import preset
from ablate.spec.network import NetSpec
from support.nets import randomise, share

pytestmark = pytest.mark.usefixtures("one_thread")


def blocks_of(network: nn.Module) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, Block)]


def assert_logits_equal(theirs: nn.Module, ours: nn.Module, side: int = 64) -> None:
    images = torch.randn(1, 3, side, side)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


# Placement


def written(block: Any, placement: str, x: Tensor) -> Tensor:
    """A basic block as the drawings of He et al. 2016, fig. 4, and Han et al. 2016, fig. 6, say."""
    b, relu = block.branch, F.relu
    if placement == "norm_after_addition":
        return relu(block.act.norm(b.conv2(relu(b.norm1(b.conv1(x)))) + x))
    if placement == "activation_before_addition":
        return relu(b.norm2(b.conv2(relu(b.norm1(b.conv1(x)))))) + x
    if placement == "activation_only":
        return b.norm2(b.conv2(relu(b.norm1(b.conv1(relu(x)))))) + x
    assert placement == "pyramid"
    return b.norm2(b.conv2(relu(b.norm1(b.conv1(block.preact.norm(x)))))) + x


@pytest.mark.parametrize(
    ("placement", "stem", "head"),
    [
        ("norm_after_addition", ["conv1", "norm1", "act1"], []),
        ("activation_before_addition", ["conv1", "norm1", "act1"], []),
        ("activation_only", ["conv1", "norm1"], ["act"]),
        ("pyramid", ["conv1", "norm1"], ["norm", "act"]),
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_placements_are_as_drawn(
    placement: Any, stem: list[str], head: list[str], training: bool
) -> None:
    network = randomise(build(NetSpec(placement=placement, shortcut="A"))).train(training)
    x = torch.randn(2, 16, 8, 8)
    block = blocks_of(network)[1]
    torch.testing.assert_close(block(x.clone()), written(block, placement, x))
    assert list(dict(network.get_submodule("stem").named_children())) == stem
    preact = dict(network.get_submodule("head").named_children()).get("preact")
    assert list(dict(preact.named_children()) if preact else {}) == head


@pytest.mark.parametrize(
    ("placement", "normed"),
    [
        ("norm_after_addition", False),
        ("activation_before_addition", True),
        ("activation_only", True),
        ("pyramid", True),
    ],
)
def test_a_projection_has_a_norm_where_the_branch_ends_in_one(placement: Any, normed: bool) -> None:
    shortcut = build(NetSpec(placement=placement)).get_submodule("stages.1.0.shortcut")
    assert ("norm" in dict(shortcut.named_children())) is normed


def test_a_pyramid_pools_and_pads_at_the_end() -> None:
    network = build(NetSpec(widths=(2, 4), depths=(1, 1), strides=(1, 2), shortcut="P"))
    x = torch.randn(1, 2, 5, 5)
    found = network.get_submodule("stages.1.0.shortcut")(x)
    pooled = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    assert torch.equal(found, F.pad(pooled, (0, 0, 0, 0, 0, 2)))


def test_residual_scales_are_learned_one_a_block() -> None:
    network = build(NetSpec(residual_scale=0.5))
    scales = [block.branch.scale.scale for block in blocks_of(network)]
    assert [float(scale.detach()) for scale in scales] == [0.5] * 6
    block = blocks_of(network)[1].eval()
    x = torch.randn(2, 16, 4, 4)
    whole = block.branch(x).detach()
    with torch.no_grad():
        scales[1].fill_(2)
    torch.testing.assert_close(block.branch(x), 4 * whole)


# Kernel, dilation, groups


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("kind", ["basic", "bottleneck"])
def test_the_kernel_of_spatial_convolutions(kind: Any, kernel: int) -> None:
    branch = blocks_of(build(NetSpec(block=kind, kernel=kernel)))[2].branch
    kernels = [module.kernel_size[0] for module in branch if isinstance(module, nn.Conv2d)]
    assert kernels == ([kernel, kernel] if kind == "basic" else [1, kernel, 1])


def test_dilations_are_those_of_torchvision() -> None:
    """`replace_stride_with_dilation` of its resnet50, with the same weights."""
    theirs = randomise(get_model("resnet50", replace_stride_with_dilation=[False, True, True]))
    spec = replace(preset("resnet50"), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    with torch.device("meta"):
        ours = build(spec).eval()
    share(theirs, ours)
    assert_logits_equal(theirs.eval(), ours)


def test_groups_by_stage_and_by_width() -> None:
    by_stage = NetSpec(block="bottleneck", groups=(1, 2, 4), width_per_group=32)
    found = [(block.groups, block.inner_width) for block in by_stage.blocks()]
    assert found[::2] == [(1, 8), (2, 32), (4, 128)]
    by_width = NetSpec(block="bottleneck", group_width=8)
    assert [block.groups for block in by_width.blocks()][::2] == [2, 4, 8]
    depthwise = build(NetSpec(block="bottleneck", group_width=1))
    conv = depthwise.get_submodule("stages.1.0.branch.conv2")
    assert isinstance(conv, nn.Conv2d)
    assert conv.groups == conv.in_channels == 32


@pytest.mark.parametrize(("groups", "expected"), [(None, {4, 8, 16}), (2, {2})])
def test_a_number_of_groups_of_a_group_norm(groups: int | None, expected: set[int]) -> None:
    network = build(NetSpec(norm="group", norm_groups=groups))
    found = {module.num_groups for module in network.modules() if isinstance(module, nn.GroupNorm)}
    assert found == expected


# By stage


def test_a_block_and_a_shortcut_for_each_stage() -> None:
    spec = NetSpec(block=("basic", "bottleneck", "basic"), shortcut=("A", "B", "none"))
    network = build(spec)
    sizes = [len([m for m in b.branch if isinstance(m, nn.Conv2d)]) for b in blocks_of(network)]
    assert sizes == [2, 2, 3, 3, 2, 2]
    assert [block.out_width for block in spec.blocks()] == [16, 16, 128, 128, 64, 64]
    kinds = [type(block.shortcut).__name__ for block in blocks_of(network)]
    assert kinds == ["Identity", "Identity", "Sequential", "Identity", "NoneType", "NoneType"]
    assert spec.shortcut_text == "A, B, none"
    assert (spec.features, network.get_submodule("head.linear").in_features) == (64, 64)


def test_antialiasing_in_one_stage() -> None:
    blocks = blocks_of(build(NetSpec(antialias=(False, False, True))))
    blurs = [any(isinstance(module, Blur) for module in block.modules()) for block in blocks]
    assert blurs == [False, False, False, False, True, False]


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        ({"block": ("basic",) * 3, "groups": (1,) * 3, "antialias": (False,) * 3}, {}),
        ({"shortcut": ("A",) * 3, "dilations": (1, 1, 1)}, {"shortcut": "A"}),
        ({"stem_kernel": 3, "stem_stride": 1, "stem_pool": "none"}, {}),
        ({"stem": "imagenet", "stem_kernel": 7, "stem_pool": "max"}, {"stem": "imagenet"}),
    ],
    ids=str,
)
def test_what_is_alike_is_written_in_one_way(settings: Any, same: Any) -> None:
    assert canonical(NetSpec(**settings)) == NetSpec(**same)


# Stem


@pytest.mark.parametrize(
    ("settings", "names", "side"),
    [
        ({"stem_stride": 2}, ["conv1", "norm1", "act1"], 16),
        ({"stem": "imagenet", "stem_pool": "none"}, ["conv1", "norm1", "act1"], 16),
        ({"stem": "imagenet", "stem_pool": "blur"}, ["conv1", "norm1", "act1", "pool"], 8),
        (
            {"stem": "imagenet", "stem_pool": "conv"},
            ["conv1", "norm1", "act1", "conv2", "norm2", "act2"],
            8,
        ),
        ({"stem_kernel": 5, "stem_pool": "max"}, ["conv1", "norm1", "act1", "pool"], 16),
    ],
    ids=str,
)
def test_what_a_stem_is_made_of(settings: Any, names: list[str], side: int) -> None:
    stem = build(NetSpec(**settings)).get_submodule("stem")
    assert list(dict(stem.named_children())) == names
    assert stem(torch.randn(2, 3, 32, 32)).shape == (2, 16, side, side)
    assert any(isinstance(module, Blur) for module in stem.modules()) is (
        settings.get("stem_pool") == "blur"
    )


def test_the_kernel_of_a_stem_is_of_its_first_convolution() -> None:
    for stem, kernels in (("cifar", [5]), ("imagenet", [5]), ("deep", [5, 3, 3])):
        network = build(NetSpec(stem=stem, stem_kernel=5))  # type: ignore[arg-type]
        convs = [m for m in network.get_submodule("stem") if isinstance(m, nn.Conv2d)]  # type: ignore[union-attr]
        assert [conv.kernel_size[0] for conv in convs] == kernels


# Known networks


@pytest.mark.parametrize("size", ["800mf", "1.6gf", "3.2gf"])
def test_regnets_are_those_of_torchvision(size: str) -> None:
    """Its 400MF ends in 400 channels where pycls has 384."""
    theirs = randomise(get_model(f"regnet_x_{size.replace('.', '_')}")).eval()
    with torch.device("meta"):
        ours = build(preset(f"regnetx_{size}")).eval()
    state = theirs.state_dict()
    # Its projection comes before the branch.
    names = sorted(state, key=lambda name: (place(name), ".proj." in name))
    renamed = dict(zip(ours.state_dict(), (state[name] for name in names), strict=True))
    ours.load_state_dict(renamed, assign=True)
    assert_logits_equal(theirs, ours)


def place(name: str) -> tuple[int, int, int]:
    """Stem, stage and block, or head, of one of torchvision's tensors, in order."""
    if not name.startswith("trunk_output"):
        return (0 if name.startswith("stem") else 9, 0, 0)
    stage, block = name.split(".")[2].removeprefix("block").split("-")
    return (1, int(stage), int(block))


def test_a_dilated_convolution_sees_further() -> None:
    spec = NetSpec(strides=(1, 1, 1), dilations=(1, 2, 3))
    # 3 of the stem; two convolutions in each of two blocks, by the dilation of each block.
    expected = [3 + 4 * 2, 3 + 4 * 2 + 4 + 8, 3 + 4 * 2 + 4 + 8 + 8 + 12]
    assert list(cost.receptive_fields(spec).values()) == [3, *expected]
