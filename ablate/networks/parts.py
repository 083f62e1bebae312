"""What a network is put together from: convolution, norm, activation, pool, blur, padding."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.errors import InputError
from ablate.networks.own import made
from ablate.spec.network import BlockSpec, NetSpec
from ablate.spec.own import Use

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def module_of(
    use: Use, given: Mapping[str, Any], offered: Mapping[str, Any] | None = None
) -> nn.Module:
    """A module of one's own, made; raises `InputError` for what is none."""
    module = made(use, given, offered)
    if not isinstance(module, nn.Module):
        raise InputError(f"{use}: gives {type(module).__name__}; expected a torch.nn.Module")
    return module


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


def convolution(
    spec: NetSpec, in_width: int, out_width: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride; with a bias only without a norm."""
    return nn.Conv2d(
        in_width,
        out_width,
        kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        bias=spec.norm == "none",
    )


def norm(spec: NetSpec, width: int) -> nn.Module:
    """The norm of a network, for so many channels."""
    if isinstance(spec.norm, Use):
        return module_of(spec.norm, {"width": width})
    if spec.norm == "batch":
        return nn.BatchNorm2d(width)
    if spec.norm == "group":
        most = max(1, min(32, width // 4))
        return nn.GroupNorm(max(n for n in range(1, most + 1) if width % n == 0), width)
    return nn.Identity()


def activation(spec: NetSpec) -> nn.Module:
    """The activation of a network."""
    if isinstance(spec.activation, Use):
        return module_of(spec.activation, {})
    kind = ACTIVATIONS[spec.activation]
    return kind(inplace=True) if spec.acts_in_place else kind()


def norm_act(spec: NetSpec, width: int) -> nn.Sequential:
    """Norm and activation, as they stand before a pre-activated convolution."""
    return nn.Sequential(OrderedDict(norm=norm(spec, width), act=activation(spec)))


def pool(spec: NetSpec, width: int, stride: int) -> nn.Module:
    """What shrinks in place of a strided convolution."""
    if spec.downsample == "avg":
        return nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
    if spec.downsample == "max" and not spec.antialias:
        return nn.MaxPool2d(stride, ceil_mode=True)
    if spec.downsample == "max":
        return nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), Blur(width, stride))
    return Blur(width, stride)
