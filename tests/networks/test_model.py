"""The built network does what its spec says, for any spec."""

import copy
import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.networks import cost
from ablate.networks.layout import Pad
from ablate.networks.model import Block, build
from ablate.networks.parts import ACTIVATIONS, Blur, NarrowConv, PadShortcut
from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec
from support.nets import EXAMPLES, images, net_specs, widths

pytestmark = pytest.mark.usefixtures("one_thread")


def blocks_of(network: nn.Module) -> list[Block]:
    return [module for module in network.modules() if isinstance(module, Block)]


def silence(network: nn.Module) -> None:
    """Make every residual branch give zero."""
    for block in blocks_of(network):
        for parameter in block.branch.parameters():
            nn.init.zeros_(parameter)


def gradients(network: nn.Module, batch: Tensor) -> dict[str, Tensor]:
    """Gradients of a fixed sum of the logits."""
    logits = network(batch)
    cotangent = torch.linspace(-1, 2, logits.numel(), dtype=logits.dtype).reshape(logits.shape)
    (logits * cotangent).sum().backward()
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


PLACED: list[dict[str, Any]] = [{"placement": name} for name in CHOICES["placement"][1:]]


# Any network


@EXAMPLES
@given(net_specs())
def test_logits_have_the_shape_of_the_batch(spec: NetSpec) -> None:
    torch.manual_seed(0)
    logits = build(spec).eval()(images(spec))
    assert logits.shape == (2, spec.num_classes)
    assert logits.isfinite().all()


@EXAMPLES
@given(net_specs())
def test_every_parameter_gets_a_finite_gradient(spec: NetSpec) -> None:
    torch.manual_seed(0)
    network = build(spec)
    found = gradients(network, images(spec))
    assert set(found) == {name for name, _ in network.named_parameters()}
    assert all(gradient.isfinite().all() for gradient in found.values())


@EXAMPLES
@given(net_specs())
def test_feature_maps_have_the_counted_sizes(spec: NetSpec) -> None:
    network = build(spec).eval()
    features = network.get_submodule("stem")(images(spec))
    found = [features.shape[-2:]]
    for stage in network.get_submodule("stages").children():
        features = stage(features)
        found.append(features.shape[-2:])
    sizes = [size for size, _ in cost.count_stages(spec).values()]
    assert found == [(size, size) for size in sizes[:-1]]


# Memory layouts


def assert_layouts_agree(network: nn.Module, batch: Tensor, tolerance: float) -> None:
    """Gradients in channels_last equal the contiguous ones, to a share of the largest."""
    other = copy.deepcopy(network).to(memory_format=torch.channels_last)
    expected = gradients(network, batch)
    found = gradients(other, batch.to(memory_format=torch.channels_last))
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in expected.items():
        torch.testing.assert_close(
            found[name].contiguous(),
            gradient,
            rtol=0,
            atol=tolerance * largest,
            msg=lambda text, name=name: f"{name}: {text}",
        )


def smooth(spec: NetSpec) -> NetSpec:
    """The network without what turns rounding into a difference of gradients.

    That is a kink, or a group norm over one value or over equal ones. Nor is anything dropped,
    which each layout would draw in its own order.
    """
    norm = "batch" if spec.norm == "group" else spec.norm
    return dataclasses.replace(
        spec, activation="silu", norm=norm, norm_groups=None, drop_path=0.0, dropout=0.0
    )


@EXAMPLES
@given(net_specs())
def test_channels_last_gradients_in_float64(spec: NetSpec) -> None:
    torch.manual_seed(0)
    assert_layouts_agree(build(smooth(spec)).double(), images(spec, dtype=torch.float64), 1e-9)


@pytest.mark.parametrize("shortcut", CHOICES["shortcut"])
def test_channels_last_gradients_of_group_norm(shortcut: Any) -> None:
    torch.manual_seed(0)
    spec = NetSpec(shortcut=shortcut, activation="silu", norm="group", image_size=12)
    assert_layouts_agree(build(spec).double(), images(spec, dtype=torch.float64), 1e-9)


@EXAMPLES
@given(net_specs())
def test_channels_last_gradients_in_float32(spec: NetSpec) -> None:
    torch.manual_seed(0)
    # By running statistics: a variance over few values magnifies rounding.
    network = build(smooth(spec)).eval()
    assert_layouts_agree(network, images(spec), 1e-4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 8), (1, 3)])
@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("before", range(1, 8))
def test_a_narrow_convolution_is_one_with_a_stride(
    before: int, step: int, height: int, width: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(before)
    narrow = NarrowConv(before, 5, step, bias=True).to(memory_format=layout)
    x = torch.randn(2, before, height, width)
    found = narrow(x.to(memory_format=layout))
    weight, bias = narrow.weight.double(), narrow.bias
    assert bias is not None
    right = F.conv2d(x.double(), weight, bias.double(), stride=step)
    torch.testing.assert_close(found.double(), right, rtol=0, atol=1e-6)
    found.square().sum().backward()
    expected = torch.autograd.grad(right.square().sum(), weight)[0]
    torch.testing.assert_close(narrow.weight.grad.double(), expected, rtol=1e-5, atol=1e-5)


@EXAMPLES
@given(net_specs())
def test_no_network_has_a_narrow_convolution_with_a_stride(spec: NetSpec) -> None:
    for module in build(spec).modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            assert module.in_channels >= 8 or module.stride == (1, 1)


# Weights at the start


def test_names_in_the_state_dict() -> None:
    names = set(build(NetSpec()).state_dict())
    assert {
        "stem.conv1.weight",
        "stages.0.1.branch.conv2.weight",
        "stages.1.0.shortcut.conv.weight",
        "stages.1.0.shortcut.norm.running_var",
        "head.linear.bias",
    } <= names
    assert not any(name.startswith("stages.0.0.shortcut") for name in names)


def test_convolutions_start_as_in_he_et_al() -> None:
    network = build(NetSpec(widths=(64, 256), depths=(1, 1), strides=(1, 2)))
    weight = network.get_parameter("stages.1.0.branch.conv1.weight").detach()
    assert float(weight.std()) == pytest.approx(math.sqrt(2 / (256 * 9)), rel=0.02)
    assert float(weight.mean()) == pytest.approx(0, abs=1e-3)


def test_the_seed_decides_on_the_weights() -> None:
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(build(NetSpec()).get_parameter("stem.conv1.weight"))
    assert torch.equal(networks[0], networks[1])
    assert not torch.equal(networks[0], networks[2])


@pytest.mark.parametrize("changes", [{"zero_init": True}, {"residual_scale": 0.0}], ids=str)
@pytest.mark.parametrize("norm", CHOICES["norm"])
@pytest.mark.parametrize("block", CHOICES["block"])
def test_every_block_can_start_at_its_shortcut(
    block: Any, norm: Any, changes: dict[str, Any]
) -> None:
    network = build(NetSpec(block=block, norm=norm, **changes))
    for found in blocks_of(network):
        x = torch.randn(2, next(found.branch.children()).in_channels, 6, 6)
        assert torch.equal(found(x), F.relu(found.shortcut(x)))


@pytest.mark.parametrize("changes", [{"zero_init": True}, {"residual_scale": 0.0}], ids=str)
@pytest.mark.parametrize(
    "placed",
    [
        *PLACED,
        {"preact": True},
        {"preact": True, "norm": "none"},
        {"placement": "activation_before_addition", "norm": "none"},
    ],
    ids=str,
)
def test_so_it_can_wherever_norm_and_activation_stand(
    placed: dict[str, Any], changes: dict[str, Any]
) -> None:
    network = build(NetSpec(**placed, **changes)).eval()
    for found in blocks_of(network):
        x = torch.randn(2, next(found.branch.children()).in_channels, 6, 6)
        out = found.branch(x if found.preact is None else found.preact(x.clone()))
        assert not out.any()


def test_without_zero_init_every_norm_starts_at_one() -> None:
    norms = [m for m in build(NetSpec()).modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 15
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)


# Axes


@pytest.mark.parametrize("name", CHOICES["activation"])
def test_one_activation_throughout(name: Any) -> None:
    kinds = {type(m) for m in build(NetSpec(activation=name)).modules()} & set(ACTIVATIONS.values())
    assert kinds == {ACTIVATIONS[name]}


@pytest.mark.parametrize(
    ("norm", "kind", "biased"),
    [("batch", nn.BatchNorm2d, False), ("group", nn.GroupNorm, False), ("none", None, True)],
)
def test_one_norm_throughout_and_a_bias_without(norm: Any, kind: Any, biased: bool) -> None:
    modules = list(build(NetSpec(norm=norm)).modules())
    kinds = {type(module) for module in modules} & {nn.BatchNorm2d, nn.GroupNorm}
    assert kinds == ({kind} if kind else set())
    convs = [module for module in modules if isinstance(module, nn.Conv2d)]
    assert {conv.bias is not None for conv in convs} == {biased}


def test_groups_of_group_norm_divide_the_channels() -> None:
    network = build(NetSpec(widths=(6, 48, 96), norm="group"))
    norms = [module for module in network.modules() if isinstance(module, nn.GroupNorm)]
    assert {(norm.num_channels, norm.num_groups) for norm in norms} == {(6, 1), (48, 12), (96, 24)}


@pytest.mark.parametrize(
    ("stem", "channels", "shrinks", "last"),
    [
        ("cifar", [12], 1, "act1"),
        ("imagenet", [12], 4, "pool"),
        ("deep", [6, 6, 12], 4, "pool"),
    ],
)
@pytest.mark.parametrize("preact", [False, True])
def test_stems(stem: Any, channels: list[int], shrinks: int, last: str, preact: bool) -> None:
    network = build(NetSpec(stem=stem, stem_width=12, preact=preact)).get_submodule("stem")
    children = dict(network.named_children())
    convs = [module for module in children.values() if isinstance(module, nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == channels
    assert network(torch.randn(1, 3, 32, 32)).shape == (1, 12, 32 // shrinks, 32 // shrinks)
    # A pre-activated network's first block brings the norm and activation of the last conv.
    assert (f"norm{len(convs)}" in children) is not preact
    assert list(children)[-1] == ("conv1" if preact and stem == "cifar" else last)


def test_head_width_frees_the_classifier_from_the_widths() -> None:
    heads = [
        build(NetSpec(widths=widths, head_width=24)).get_submodule("head.linear").in_features
        for widths in ((4, 4, 4), (4, 8, 16))
    ]
    assert heads == [24, 24]


def test_images_of_other_sizes() -> None:
    assert build(NetSpec(image_size=32))(torch.randn(2, 3, 9, 20)).shape == (2, 10)


@pytest.mark.parametrize(
    ("stride_block", "sizes"),
    [("first", [32, 32, 16, 16, 6, 6]), ("last", [32, 32, 32, 16, 16, 6])],
)
def test_the_block_that_carries_the_stride(stride_block: Any, sizes: list[int]) -> None:
    features = torch.randn(1, 16, 32, 32)
    found = []
    for block in blocks_of(build(NetSpec(strides=(1, 2, 3), stride_block=stride_block))):
        features = block(features)
        found.append(features.shape[-1])
    assert found == sizes


@pytest.mark.parametrize(("stride_conv", "strides"), [("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])])
def test_the_convolution_that_carries_the_stride(stride_conv: Any, strides: list[int]) -> None:
    spec = NetSpec(block="bottleneck", stride_conv=stride_conv, groups=4, width_per_group=16)
    branch = build(spec).get_submodule("stages.1.0.branch")
    convs = [module for module in branch.children() if isinstance(module, nn.Conv2d)]
    assert [conv.stride[0] for conv in convs] == strides
    assert [conv.kernel_size[0] for conv in convs] == [1, 3, 1]
    assert [conv.groups for conv in convs] == [1, 4, 1]
    assert [conv.out_channels for conv in convs] == [32, 32, 128]


@pytest.mark.parametrize(
    ("downsample", "antialias", "kind"),
    [
        ("conv", True, Blur),
        ("max", False, nn.MaxPool2d),
        ("max", True, nn.Sequential),
        ("avg", False, nn.AvgPool2d),
    ],
)
def test_what_shrinks_comes_after_the_activation(
    downsample: Any, antialias: bool, kind: type[nn.Module]
) -> None:
    network = build(NetSpec(downsample=downsample, antialias=antialias))
    branch = dict(network.get_submodule("stages.1.0.branch").named_children())
    assert list(branch) == ["conv1", "norm1", "act1", "pool1", "conv2", "norm2"]
    assert isinstance(branch["pool1"], kind)
    assert {branch[name].stride for name in ("conv1", "conv2")} == {(1, 1)}


def test_max_pooling_with_a_blur_takes_the_maximum_at_every_pixel_first() -> None:
    network = build(NetSpec(downsample="max", antialias=True))
    pool = network.get_submodule("stages.1.0.branch.pool1")
    x = torch.randn(2, 32, 7, 7)
    assert torch.equal(pool(x), Blur(32, 2)(F.max_pool2d(F.pad(x, (1,) * 4, value=-9e9), 3, 1)))


# Shortcuts


@pytest.mark.parametrize(
    ("shortcut", "kinds"),
    [
        ("none", [type(None)] * 4),
        ("A", [nn.Identity, nn.Identity, PadShortcut, nn.Identity]),
        ("B", [nn.Identity, nn.Identity, nn.Sequential, nn.Identity]),
        ("C", [nn.Sequential] * 4),
        ("D", [nn.Identity, nn.Identity, nn.Sequential, nn.Identity]),
    ],
)
@pytest.mark.parametrize("preact", [False, True])
def test_shortcut_of_each_block(shortcut: Any, kinds: list[type], preact: bool) -> None:
    spec = NetSpec(widths=(8, 16), depths=(2, 2), strides=(1, 2), shortcut=shortcut, preact=preact)
    assert [type(block.shortcut) for block in blocks_of(build(spec))] == kinds


@pytest.mark.parametrize("antialias", [False, True])
def test_plain_networks_add_nothing(antialias: bool) -> None:
    network = build(NetSpec(shortcut="none", antialias=antialias))
    silence(network)
    assert not network.get_submodule("stages")(torch.randn(2, 16, 8, 8)).any()


@EXAMPLES
@given(
    before=widths,
    after=widths,
    stride=st.integers(1, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_option_a_pads_and_crops_by_any_ratio(
    before: int, after: int, stride: int, height: int, width: int
) -> None:
    shortcut = PadShortcut(Pad(before, after, stride, blurs=False))
    x = torch.randn(2, before, height, width)
    found = shortcut(x)
    kept = x[:, :, ::stride, ::stride]
    assert found.shape == (2, after, *kept.shape[2:])
    assert not list(shortcut.parameters())
    if after < before:
        # The middle channels, up to the odd one.
        assert any(
            torch.equal(found, kept[:, first : first + after])
            for first in ((before - after) // 2, (before - after + 1) // 2)
        )
    else:
        front = (after - before) // 2
        assert torch.equal(found[:, front : front + before], kept)
        assert not found[:, :front].any()
        assert not found[:, front + before :].any()


def test_option_a_of_a_network_has_no_parameters() -> None:
    shortcuts = [block.shortcut for block in blocks_of(build(NetSpec(shortcut="A")))]
    assert not [p for shortcut in shortcuts for p in shortcut.parameters()]


def test_option_d_averages_before_it_projects() -> None:
    spec = NetSpec(widths=(1,), depths=(1,), strides=(2,), shortcut="D", stem_width=1, norm="none")
    shortcut = blocks_of(build(spec))[0].shortcut
    nn.init.ones_(shortcut.conv.weight)
    nn.init.zeros_(shortcut.conv.bias)
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    # The last row and column average over what there is.
    assert shortcut(x).tolist() == [[[[2.0, 3.5], [6.5, 8.0]]]]


@pytest.mark.parametrize("shortcut", ["A", "B", "C"])
def test_antialiased_shortcuts_blur_where_they_shrink(shortcut: Any) -> None:
    blocks = blocks_of(build(NetSpec(shortcut=shortcut, antialias=True)))
    blurs = [any(isinstance(m, Blur) for m in block.shortcut.modules()) for block in blocks]
    assert blurs == [False, False, True, False, True, False]


def test_blur_is_a_binomial() -> None:
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[0, 0, 2, 2] = 16
    assert Blur(1, 1)(impulse)[0, 0, 1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_blur_keeps_constants_up_to_the_edge(stride: int) -> None:
    assert torch.equal(
        Blur(2, stride)(torch.ones(1, 2, 5, 5)), torch.ones(1, 2, 5, 5)[:, :, ::stride, ::stride]
    )


def test_blur_removes_what_would_alias() -> None:
    stripes = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8)
    assert stripes[:, :, ::2, ::2].eq(1).all()
    assert not Blur(1, 2)(stripes)[:, :, :, 1:].any()


# Pre-activation


@pytest.mark.parametrize("preact", [False, True])
@pytest.mark.parametrize("shortcut", ["A", "B", "D"])
@pytest.mark.parametrize("block", CHOICES["block"])
def test_only_pre_activation_leaves_the_identity_path_uninterrupted(
    block: Any, shortcut: Any, preact: bool
) -> None:
    spec = NetSpec(
        widths=(8, 8),
        strides=(1, 1),
        depths=(2, 2),
        block=block,
        expansion=1,
        shortcut=shortcut,
        preact=preact,
    )
    network = build(spec)
    silence(network)
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(network.get_submodule("stages")(x), x if preact else F.relu(x))


def test_pre_activated_option_a_reads_the_raw_input() -> None:
    network = build(NetSpec(preact=True, shortcut="A"))
    silence(network)
    x = torch.randn(2, 16, 8, 8)
    expected = F.pad(x[:, :, ::4, ::4], (0, 0, 0, 0, 24, 24))
    assert torch.equal(network.get_submodule("stages")(x), expected)


def test_pre_activated_projections_read_the_activated_input() -> None:
    network = build(NetSpec(preact=True))
    silence(network)
    block = network.get_submodule("stages.1.0")
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(block(x), block.shortcut.conv(block.preact(x)))
    assert set(dict(block.shortcut.named_children())) == {"conv"}
