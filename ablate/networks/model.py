"""`build(NetSpec)` gives the network: stem, residual stages, head.

Module names follow the drawing of a ResNet, so that a state dict reads as one:
`stem.conv1`, `stages.0.1.branch.conv2`, `stages.1.0.shortcut.conv`, `head.linear`.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.spec import BlockSpec, NetSpec

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def build(spec: NetSpec) -> nn.Module:
    """The network of `spec`, with weights drawn from torch's global generator.

    Input (N, in_channels, H, W), float; output (N, num_classes) logits. H and W need not be
    `image_size`. Convolutions start as in He et al. 2015 (arXiv 1502.01852, fan out), norms at
    one and zero.
    """
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
        self.preact = _norm_act(spec, block.in_width) if spec.preact else None
        self.branch = _branch(spec, block)
        self.shortcut = _shortcut(spec, block)
        self.act = None if spec.preact else _activation(spec)
        self.projects = isinstance(self.shortcut, nn.Sequential)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_width, H, W) to (N, out_width, ceil(H / stride), ceil(W / stride))."""
        h = x if self.preact is None else self.preact(x)
        out: Tensor = self.branch(h)
        if self.shortcut is not None:
            out += self.shortcut(h if self.projects else x)  # no gradient needs what it held
        return out if self.act is None else self.act(out)


class PadShortcut(nn.Module):
    """Option A of He et al. 2015: every `stride`-th pixel; channels zero-padded or cropped.

    Works for any ratio of widths; the odd channel goes to the end. It has no parameters and,
    unless it blurs first, no multiplications.
    """

    def __init__(self, block: BlockSpec, blurs: bool) -> None:
        super().__init__()
        self.blur = Blur(block.in_width, block.stride) if blurs else None
        self.stride = block.stride
        change = block.out_width - block.in_width
        self.pads = (0, 0, 0, 0, change // 2, change - change // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_width, H, W) to (N, out_width, ceil(H / stride), ceil(W / stride))."""
        small = x[:, :, :: self.stride, :: self.stride] if self.blur is None else self.blur(x)
        return F.pad(small, self.pads)


class Blur(nn.Module):
    """Subsample after a fixed 3x3 binomial filter, edges repeated (Zhang 2019)."""

    kernel: Tensor

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer(
            "kernel", torch.outer(line, line).expand(width, 1, 3, 3).clone(), persistent=False
        )
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, ceil(H / stride), ceil(W / stride))."""
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv2d(padded, self.kernel, stride=self.stride, groups=x.shape[1])


def _conv(
    spec: NetSpec, in_width: int, out_width: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    return nn.Conv2d(
        in_width,
        out_width,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=spec.norm == "none",
    )


def _norm(spec: NetSpec, width: int) -> nn.Module:
    if spec.norm == "batch":
        return nn.BatchNorm2d(width)
    if spec.norm == "group":
        most = max(1, min(32, width // 4))
        return nn.GroupNorm(max(n for n in range(1, most + 1) if width % n == 0), width)
    return nn.Identity()


def _activation(spec: NetSpec) -> nn.Module:
    kind = ACTIVATIONS[spec.activation]
    return kind(inplace=True) if spec.acts_in_place else kind()


def _norm_act(spec: NetSpec, width: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(norm=_norm(spec, width), act=_activation(spec)))


def _stem(spec: NetSpec) -> nn.Sequential:
    """3x3; or 7x7 stride 2 and pool; or three 3x3 and pool. Pre-activated nets end in a conv."""
    out = spec.stem_out
    if spec.stem == "deep":
        convs = [
            _conv(spec, spec.in_channels, out // 2, 3, stride=2),
            _conv(spec, out // 2, out // 2, 3),
            _conv(spec, out // 2, out, 3),
        ]
    elif spec.stem == "imagenet":
        convs = [_conv(spec, spec.in_channels, out, 7, stride=2)]
    else:
        convs = [_conv(spec, spec.in_channels, out, 3)]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, conv in enumerate(convs, start=1):
        layers[f"conv{number}"] = conv
        if number < len(convs) or not spec.preact:
            layers[f"norm{number}"] = _norm(spec, conv.out_channels)
            layers[f"act{number}"] = _activation(spec)
    if spec.stem != "cifar":
        layers["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
    return nn.Sequential(layers)


def _branch(spec: NetSpec, block: BlockSpec) -> nn.Sequential:
    """The convolutions of a block, norm and activation between; post-activated, a norm at the end.

    What shrinks comes after the strided convolution's norm and activation, unless the
    convolution's own stride does it.
    """
    inner, out = block.inner_width, block.out_width
    own = block.stride if spec.downsample == "conv" and not spec.antialias else 1
    if spec.block == "basic":
        strided = 1
        convs = [_conv(spec, block.in_width, out, 3, own), _conv(spec, out, out, 3)]
    else:
        strided = 1 if spec.stride_conv == "1x1" else 2
        convs = [
            _conv(spec, block.in_width, inner, 1, own if strided == 1 else 1),
            _conv(spec, inner, inner, 3, own if strided == 2 else 1, spec.groups),
            _conv(spec, inner, out, 1),
        ]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, conv in enumerate(convs, start=1):
        layers[f"conv{number}"] = conv
        if number < len(convs):
            layers[f"norm{number}"] = _norm(spec, conv.out_channels)
            layers[f"act{number}"] = _activation(spec)
            if number == strided and block.stride != own:
                layers[f"pool{number}"] = _pool(spec, conv.out_channels, block.stride)
    if not spec.preact:
        layers[f"norm{len(convs)}"] = _norm(spec, out)
    return nn.Sequential(layers)


def _pool(spec: NetSpec, width: int, stride: int) -> nn.Module:
    if spec.downsample == "avg":
        return nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
    if spec.downsample == "max" and not spec.antialias:
        return nn.MaxPool2d(stride, ceil_mode=True)
    if spec.downsample == "max":
        return nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), Blur(width, stride))
    return Blur(width, stride)


def _shortcut(spec: NetSpec, block: BlockSpec) -> nn.Module | None:
    """What is added to the branch: None for a plain network, else identity, pad or projection."""
    if spec.shortcut == "none":
        return None
    if not block.changes_shape and spec.shortcut != "C":
        return nn.Identity()
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
    layers["conv"] = _conv(spec, block.in_width, block.out_width, 1, stride)
    if not spec.preact:
        layers["norm"] = _norm(spec, block.out_width)
    return nn.Sequential(layers)


def _head(spec: NetSpec) -> nn.Sequential:
    """Optional 1x1 to a fixed width, average over the image, linear classifier."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = spec.block_widths[-1][-1] * spec.block_expansion
    if spec.preact:
        layers["preact"] = _norm_act(spec, width)
    if spec.head_width:
        layers["conv"] = _conv(spec, width, spec.head_width, 1)
        layers["norm"] = _norm(spec, spec.head_width)
        layers["act"] = _activation(spec)
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(spec.features, spec.num_classes)
    return nn.Sequential(layers)
