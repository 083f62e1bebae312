"""`build(NetSpec)` gives the network: stem, residual stages, head.

Module names follow the drawing of a ResNet, so that a state dict reads as one:
`stem.conv1`, `stages.0.1.branch.conv2`, `stages.1.0.shortcut.conv`, `head.linear`.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from ablate.networks.parts import (
    Blur,
    PadShortcut,
    activation,
    convolution,
    module_of,
    norm,
    norm_act,
    pool,
)
from ablate.spec.network import BlockSpec, NetSpec
from ablate.spec.own import Use


def build(spec: NetSpec) -> nn.Module:
    """The network of `spec`, with weights drawn from torch's global generator.

    Input (N, in_channels, H, W), float; output (N, num_classes) logits. H and W need not be
    `image_size`. Convolutions start as in He et al. 2015 (arXiv 1502.01852, fan out), norms at
    one and zero. Modules of one's own (`spec.own`) are imported; their convolutions start so too,
    and the rest of them, and all of a network of one's own, as they make it.

    Raises:
        InputError: a module of one's own cannot be had, or not be made.
    """
    if spec.net is not None:
        channels = {"in_channels": spec.in_channels, "in_chans": spec.in_channels}
        return module_of(spec.net, {"num_classes": spec.num_classes}, channels)
    network = ResNet(spec)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if spec.zero_init:
        for module in network.modules():
            if isinstance(module, Block):
                last_norm = list(module.branch.children())[-1]
                nn.init.zeros_(last_norm.weight)  # type: ignore[arg-type]
    return network


class ResNet(nn.Module):
    """Stem, stages of residual blocks, head."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.stem = _stem(spec)
        stages: list[list[nn.Module]] = [[] for _ in spec.depths]
        for block in spec.blocks():
            stages[block.stage].append(Block(spec, block))
        self.stages = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.head = _head(spec)

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) to logits (N, num_classes)."""
        logits: Tensor = self.head(self.stages(self.stem(x)))
        return logits


class Block(nn.Module):
    """A residual block: `act(branch(x) + shortcut(x))`, or pre-activated (He et al. 2016).

    A pre-activated projection reads the pre-activated input; a pre-activated identity, and
    option A, read the raw input, so that an uninterrupted path runs from block to block.
    """

    def __init__(self, spec: NetSpec, block: BlockSpec) -> None:
        super().__init__()
        self.preact = norm_act(spec, block.in_width) if spec.preact else None
        self.branch = _branch(spec, block)
        self.shortcut = _shortcut(spec, block)
        self.act = None if spec.preact else activation(spec)
        self.projects = not isinstance(self.shortcut, nn.Identity | PadShortcut | None)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_width, H, W) to (N, out_width, ceil(H / stride), ceil(W / stride))."""
        h = x if self.preact is None else self.preact(x)
        out: Tensor = self.branch(h)
        if self.shortcut is not None:
            out += self.shortcut(h if self.projects else x)  # no gradient needs what it held
        return out if self.act is None else self.act(out)


def _stem(spec: NetSpec) -> nn.Module:
    """3x3; or 7x7 stride 2 and pool; or three 3x3 and pool. Pre-activated nets end in a conv."""
    out = spec.stem_out
    if isinstance(spec.stem, Use):
        return module_of(spec.stem, {"in_channels": spec.in_channels, "out_width": out})
    if spec.stem == "deep":
        convs = [
            convolution(spec, spec.in_channels, out // 2, 3, stride=2),
            convolution(spec, out // 2, out // 2, 3),
            convolution(spec, out // 2, out, 3),
        ]
    elif spec.stem == "imagenet":
        convs = [convolution(spec, spec.in_channels, out, 7, stride=2)]
    else:
        convs = [convolution(spec, spec.in_channels, out, 3)]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, conv in enumerate(convs, start=1):
        layers[f"conv{number}"] = conv
        if number < len(convs) or not spec.preact:
            layers[f"norm{number}"] = norm(spec, conv.out_channels)
            layers[f"act{number}"] = activation(spec)
    if spec.stem != "cifar":
        layers["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(layers)


def _branch(spec: NetSpec, block: BlockSpec) -> nn.Module:
    """The convolutions of a block, norm and activation between; post-activated, a norm at the end.

    What shrinks comes after the strided convolution's norm and activation, unless the
    convolution's own stride does it.
    """
    inner, out = block.inner_width, block.out_width
    if isinstance(spec.block, Use):
        return module_of(spec.block, _shape(block), _makers(spec))
    own = block.stride if spec.downsample == "conv" and not spec.antialias else 1
    if spec.block == "basic":
        strided = 1
        convs = [convolution(spec, block.in_width, out, 3, own), convolution(spec, out, out, 3)]
    else:
        strided = 1 if spec.stride_conv == "1x1" else 2
        convs = [
            convolution(spec, block.in_width, inner, 1, own if strided == 1 else 1),
            convolution(spec, inner, inner, 3, own if strided == 2 else 1, spec.groups),
            convolution(spec, inner, out, 1),
        ]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, conv in enumerate(convs, start=1):
        layers[f"conv{number}"] = conv
        if number < len(convs):
            layers[f"norm{number}"] = norm(spec, conv.out_channels)
            layers[f"act{number}"] = activation(spec)
            if number == strided and block.stride != own:
                layers[f"pool{number}"] = pool(spec, conv.out_channels, block.stride)
    if not spec.preact:
        layers[f"norm{len(convs)}"] = norm(spec, out)
    return nn.Sequential(layers)


def _shape(block: BlockSpec) -> dict[str, int]:
    """What a module of one's own in a block is made for."""
    return {
        "in_width": block.in_width,
        "out_width": block.out_width,
        "stride": block.stride,
    }


def _makers(spec: NetSpec) -> dict[str, Callable[..., nn.Module]]:
    """The network's norm, of so many channels, and its activation, for a module that wants them."""
    return {"norm": partial(norm, spec), "activation": partial(activation, spec)}


def _shortcut(spec: NetSpec, block: BlockSpec) -> nn.Module | None:
    """What is added to the branch: None for a plain network, else identity, pad or projection."""
    if spec.shortcut == "none":
        return None
    if not block.changes_shape and spec.shortcut != "C":
        return nn.Identity()
    if isinstance(spec.shortcut, Use):
        return module_of(spec.shortcut, _shape(block), _makers(spec))
    blurs = spec.antialias and block.stride > 1
    if spec.shortcut == "A":
        return PadShortcut(block, blurs)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    stride = block.stride
    if spec.shortcut == "D" and stride > 1:
        layers["pool"] = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
        stride = 1
    elif blurs:
        layers["pool"] = Blur(block.in_width, stride)
        stride = 1
    layers["conv"] = convolution(spec, block.in_width, block.out_width, 1, stride)
    if not spec.preact:
        layers["norm"] = norm(spec, block.out_width)
    return nn.Sequential(layers)


def _head(spec: NetSpec) -> nn.Module:
    """Optional 1x1 to a fixed width, average over the image, linear classifier."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = spec.block_widths[-1][-1] * spec.block_expansion
    if spec.preact:
        layers["preact"] = norm_act(spec, width)
    if spec.head is not None:
        layers["own"] = module_of(spec.head, {"in_width": width, "num_classes": spec.num_classes})
        return nn.Sequential(layers)
    if spec.head_width:
        layers["conv"] = convolution(spec, width, spec.head_width, 1)
        layers["norm"] = norm(spec, spec.head_width)
        layers["act"] = activation(spec)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(spec.features, spec.num_classes)
    return nn.Sequential(layers)
