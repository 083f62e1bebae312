"""What a network is put together from: the module of each operator of `layout`."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.errors import InputError
from ablate.networks import layout
from ablate.networks.attention import ChannelAttention, SqueezeExcite
from ablate.networks.layout import Op
from ablate.networks.own import made
from ablate.spec.network import NetSpec
from ablate.spec.own import Use

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


def own_module(
    use: Use, given: Mapping[str, Any], offered: Mapping[str, Any] | None = None
) -> nn.Module:
    """A module of one's own, made; raises `InputError` for what is none."""
    module = made(use, given, offered)
    if not isinstance(module, nn.Module):
        raise InputError(f"{use}: gives {type(module).__name__}; expected a torch.nn.Module")
    return module


NARROW = 8  # channels


class NarrowConv(nn.Conv2d):
    """A 1x1 convolution of few channels that subsamples first.

    It is the same function as one with a stride, which oneDNN computes wrongly, and beyond its
    memory, on CPUs without AVX-512 in channels_last (oneDNN issue 6035).
    """

    def __init__(self, before: int, after: int, step: int, bias: bool) -> None:
        super().__init__(before, after, 1, bias=bias)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, ceil(H / step), ceil(W / step))."""
        return super().forward(x[:, :, :: self.step, :: self.step])


class PadShortcut(nn.Module):
    """Option A of He et al. 2015: every `stride`-th pixel; channels zero-padded or cropped.

    Works for any ratio of widths; the odd channel goes to the end, or all of them. It has no
    parameters and, unless it blurs first, no multiplications.
    """

    def __init__(self, pad: layout.Pad) -> None:
        super().__init__()
        self.blur = Blur(pad.before, pad.stride) if pad.blurs else None
        self.stride = pad.stride
        change = pad.after - pad.before
        front = 0 if pad.at_end else change // 2
        self.pads = (0, 0, 0, 0, front, change - front)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, ceil(H / stride), ceil(W / stride))."""
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


class Scale(nn.Module):
    """A product with one learned number (ReZero, arXiv 2003.04887; SkipInit, arXiv 2002.10444)."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(start)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return x * self.scale


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016, arXiv 1603.09382): an image is kept or zero as a whole.

    In training alone; what is kept is divided by how often, so that the mean stays.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        if not self.training:
            return x
        kept = 1 - self.rate
        return x * x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(kept).div_(kept)


def module_of(spec: NetSpec, op: Op) -> nn.Module:
    """The module of an operator of `layout`."""
    match op:
        case layout.Conv():
            return _convolution(spec, op)
        case layout.Norm(width):
            return _norm(spec, width)
        case layout.Act():
            return _activation(spec)
        case layout.MaxPool(kernel, stride, pads):
            padding = kernel // 2 if pads else 0
            return nn.MaxPool2d(kernel, stride, padding, ceil_mode=not pads)
        case layout.AvgPool(stride):
            return nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
        case layout.Blur(width, stride):
            return Blur(width, stride)
        case layout.Pad():
            return PadShortcut(op)
        case layout.Mean():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case layout.Linear(before, after):
            return nn.Linear(before, after)
        case layout.SqueezeExcite(width, squeezed):
            return SqueezeExcite(width, squeezed, module_of(spec, layout.Act()))
        case layout.ChannelAttention(_, kernel):
            return ChannelAttention(kernel)
        case layout.Dropout(rate):
            return nn.Dropout(rate)
        case layout.DropPath(rate):
            return DropPath(rate)
        case layout.Scale(start):
            return Scale(start)
        case layout.Own(use, given, makes):
            makers = {"norm": partial(_norm, spec), "activation": partial(_activation, spec)}
            return own_module(use, dict(given), makers if makes else None)
        case layout.Group(members):
            return nn.Sequential(OrderedDict((name, module_of(spec, one)) for name, one in members))


def _convolution(spec: NetSpec, conv: layout.Conv) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride; with a bias only without a norm."""
    bias = spec.norm == "none"
    if conv.kernel == 1 and conv.stride > 1 and conv.before < NARROW:
        return NarrowConv(conv.before, conv.after, conv.stride, bias)
    return nn.Conv2d(
        conv.before,
        conv.after,
        conv.kernel,
        stride=conv.stride,
        padding=conv.kernel // 2 * conv.dilation,
        dilation=conv.dilation,
        groups=conv.groups,
        bias=bias,
    )


def _activation(spec: NetSpec) -> nn.Module:
    if isinstance(spec.activation, Use):
        return own_module(spec.activation, {})
    kind = ACTIVATIONS[spec.activation]
    return kind(inplace=True) if spec.acts_in_place else kind()


def _norm(spec: NetSpec, width: int) -> nn.Module:
    if isinstance(spec.norm, Use):
        return own_module(spec.norm, {"width": width})
    if spec.norm == "batch":
        return nn.BatchNorm2d(width)
    if spec.norm == "group":
        return nn.GroupNorm(layout.norm_groups(spec, width), width)
    return nn.Identity()
