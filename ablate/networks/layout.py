"""The operators of a network, in order: what `model` builds and `cost` counts.

An operator stands beside the name that its module has in the state dict. Sizes are those of a
square feature map; what keeps the size pads by half the kernel.
"""

import math
from typing import Any, NamedTuple

from ablate.spec.network import BlockSpec, NetSpec
from ablate.spec.own import Use


class Conv(NamedTuple):
    """A convolution; with a bias only in a network without norm."""

    before: int
    after: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    dilation: int = 1


class Norm(NamedTuple):
    """The network's norm; nothing in a network without one."""

    width: int


class Act(NamedTuple):
    """The network's activation."""


class MaxPool(NamedTuple):
    """A maximum over windows; `pads` keeps the size at stride 1, else the last window is cut."""

    kernel: int
    stride: int
    pads: bool


class AvgPool(NamedTuple):
    """An average over windows that do not overlap; the last one over what there is."""

    stride: int


class Blur(NamedTuple):
    """A fixed 3x3 binomial filter, then every `stride`-th pixel."""

    width: int
    stride: int


class Pad(NamedTuple):
    """Every `stride`-th pixel, after a blur or not; channels zero-padded or cropped.

    At both ends, as in option A, or at the end alone.
    """

    before: int
    after: int
    stride: int = 1
    blurs: bool = False
    at_end: bool = False


class Mean(NamedTuple):
    """The average over the image."""


class Linear(NamedTuple):
    """The classifier."""

    before: int
    after: int


class SqueezeExcite(NamedTuple):
    """Channels weighed by what two 1x1 convolutions, with biases, make of their averages."""

    width: int
    squeezed: int


class ChannelAttention(NamedTuple):
    """Channels weighed by what a convolution along them makes of their averages."""

    width: int
    kernel: int


class Dropout(NamedTuple):
    """In training some elements are zero, and the others larger."""

    rate: float


class DropPath(NamedTuple):
    """In training some images are zero, and the others larger."""

    rate: float


class Scale(NamedTuple):
    """A product with one learned number."""

    start: float


class Own(NamedTuple):
    """A module of one's own.

    Args:
        use: what is called.
        given: the keyword arguments that it must take.
        makes: whether it may ask for what makes the network's norm and activation.
    """

    use: Use
    given: tuple[tuple[str, Any], ...]
    makes: bool = False


class Group(NamedTuple):
    """Operators one after the other under one name."""

    members: tuple[tuple[str, "Op"], ...]


Op = (
    Conv
    | Norm
    | Act
    | MaxPool
    | AvgPool
    | Blur
    | Pad
    | Mean
    | Linear
    | SqueezeExcite
    | ChannelAttention
    | Dropout
    | DropPath
    | Scale
    | Own
    | Group
)
Named = tuple[str, Op]


class Places(NamedTuple):
    """Where norm and activation stand, beside those between the convolutions of a block.

    Args:
        before: in front of a block's first convolution; its projection reads what they give.
        end: after its last convolution.
        after: after the addition.
        stem: after the stem's last convolution.
        head: in front of the head.
    """

    before: tuple[str, ...]
    end: tuple[str, ...]
    after: tuple[str, ...]
    stem: tuple[str, ...]
    head: tuple[str, ...]


NORM_ACT = ("norm", "act")
PREACT = Places(before=NORM_ACT, end=(), after=(), stem=(), head=NORM_ACT)
PLACES = {
    "usual": Places(before=(), end=("norm",), after=("act",), stem=NORM_ACT, head=()),
    "norm_after_addition": Places(before=(), end=(), after=NORM_ACT, stem=NORM_ACT, head=()),
    "activation_before_addition": Places(before=(), end=NORM_ACT, after=(), stem=NORM_ACT, head=()),
    "activation_only": Places(
        before=("act",), end=("norm",), after=(), stem=("norm",), head=("act",)
    ),
    "pyramid": Places(before=("norm",), end=("norm",), after=(), stem=("norm",), head=NORM_ACT),
}


def places(spec: NetSpec) -> Places:
    """Where the norms and activations of a network stand."""
    return PREACT if spec.preact else PLACES[spec.placement]


def stem(spec: NetSpec) -> list[Named]:
    """3x3; or 7x7 stride 2 and pool; or three 3x3 and pool; each but for what is said of it."""
    out = spec.stem_out
    if isinstance(spec.stem, Use):
        return [("own", Own(spec.stem, (("in_channels", spec.in_channels), ("out_width", out))))]
    kernel, stride, pool = spec.stem_layers
    convs = [Conv(spec.in_channels, out, kernel, stride)]
    if spec.stem == "deep":
        half = out // 2
        convs = [Conv(spec.in_channels, half, kernel, stride), Conv(half, half, 3)]
        convs.append(Conv(half, out, 3))
    if pool == "conv":
        convs.append(Conv(out, out, 3, 2))
    ops: list[Named] = []
    for number, conv in enumerate(convs, start=1):
        last = number == len(convs)
        ops.append((f"conv{number}", conv))
        ops += _placed(places(spec).stem if last else NORM_ACT, conv.after, number)
    if pool == "max":
        ops.append(("pool", MaxPool(3, 2, pads=True)))
    elif pool == "blur":
        ops.append(("pool", _max_and_blur(out, 2)))
    return ops


def before(spec: NetSpec, block: BlockSpec) -> list[Named]:
    """What stands in front of a block's first convolution."""
    return _placed(places(spec).before, block.in_width)


def branch(spec: NetSpec, block: BlockSpec) -> list[Named]:
    """The residual branch: convolutions, with norm and activation between them; what weighs them.

    What shrinks comes after the strided convolution's norm and activation, unless the
    convolution's own stride does it.
    """
    if isinstance(block.kind, Use):
        ops: list[Named] = [("own", Own(block.kind, _shape(block), makes=True))]
    else:
        ops = _convolutions(spec, block)
    if spec.attention != "none":
        ops.append(("attention", _attention(spec, block.out_width)))
    if spec.residual_scale is not None:
        ops.append(("scale", Scale(spec.residual_scale)))
    if block.drop_path:
        ops.append(("drop_path", DropPath(block.drop_path)))
    return ops


def _convolutions(spec: NetSpec, block: BlockSpec) -> list[Named]:
    inner, out = block.inner_width, block.out_width
    own = block.stride if spec.downsample == "conv" and not block.antialias else 1
    if block.kind == "basic":
        strided = 1
        convs = [
            Conv(block.in_width, out, spec.kernel, own, 1, block.dilation),
            Conv(out, out, spec.kernel, 1, 1, block.dilation),
        ]
    else:
        strided = 1 if spec.stride_conv == "1x1" else 2
        convs = [
            Conv(block.in_width, inner, 1, own if strided == 1 else 1),
            Conv(
                inner,
                inner,
                spec.kernel,
                own if strided == 2 else 1,
                block.groups,
                block.dilation,
            ),
            Conv(inner, out),
        ]
    ops: list[Named] = []
    for number, conv in enumerate(convs, start=1):
        last = number == len(convs)
        if last and spec.dropout:
            ops.append(("dropout", Dropout(spec.dropout)))
        ops.append((f"conv{number}", conv))
        ops += _placed(places(spec).end if last else NORM_ACT, conv.after, number)
        if number == strided and block.stride != own:
            ops.append((f"pool{number}", _pool(spec, block, conv.after)))
    return ops


def _shape(block: BlockSpec) -> tuple[tuple[str, Any], ...]:
    """What a module of one's own in a block is made for."""
    return tuple((name, getattr(block, name)) for name in ("in_width", "out_width", "stride"))


def shortcut(spec: NetSpec, block: BlockSpec) -> list[Named] | None:
    """What is added to the branch: None for a plain network, nothing in the list for identity."""
    kind, stride, width = block.shortcut, block.stride, block.in_width
    if kind == "none":
        return None
    if not block.changes_shape and kind != "C":
        return []
    if isinstance(kind, Use):
        return [("own", Own(kind, _shape(block), makes=True))]
    blurs = block.antialias and stride > 1
    if kind == "A":
        return [("pad", Pad(width, block.out_width, stride, blurs))]
    ops: list[Named] = []
    if kind in ("D", "P") and stride > 1:
        ops.append(("pool", AvgPool(stride)))
        stride = 1
    if kind == "P":
        return [*ops, ("pad", Pad(width, block.out_width, at_end=True))]
    if blurs and stride > 1:
        ops.append(("pool", Blur(width, stride)))
        stride = 1
    ops.append(("conv", Conv(width, block.out_width, 1, stride)))
    if "norm" in places(spec).end:
        ops.append(("norm", Norm(block.out_width)))
    return ops


def norm_groups(spec: NetSpec, width: int) -> int:
    """Groups of a group norm over so many channels."""
    most = max(1, min(32, width // 4))
    return spec.norm_groups or max(n for n in range(1, most + 1) if width % n == 0)


def projects(ops: list[Named] | None) -> bool:
    """Whether a shortcut has a convolution, or may have one."""
    return any(isinstance(op, Conv | Own) for _, op in ops or ())


def adds_in_place(ops: list[Named]) -> bool:
    """Whether nothing needs what a branch gives, as an activation may, and one's own module."""
    return not isinstance(ops[-1][1], Act | Own)


def after(spec: NetSpec, block: BlockSpec) -> list[Named]:
    """What follows the addition."""
    return _placed(places(spec).after, block.out_width)


def head(spec: NetSpec) -> list[Named]:
    """Optional 1x1 to a fixed width, average over the image, linear classifier."""
    ops: list[Named] = []
    width = spec.last_width
    if places(spec).head:
        ops.append(("preact", Group(tuple(_placed(places(spec).head, width)))))
    if spec.head is not None:
        given = (("in_width", width), ("num_classes", spec.num_classes))
        return [*ops, ("own", Own(spec.head, given))]
    if spec.head_width:
        ops += [
            ("conv", Conv(width, spec.head_width)),
            ("norm", Norm(spec.head_width)),
            ("act", Act()),
        ]
    return [*ops, ("pool", Mean()), ("linear", Linear(spec.features, spec.num_classes))]


def _placed(kinds: tuple[str, ...], width: int, number: int | None = None) -> list[Named]:
    """Norm and activation by name, numbered as the convolution before them is."""
    suffix = "" if number is None else str(number)
    return [(f"{kind}{suffix}", Norm(width) if kind == "norm" else Act()) for kind in kinds]


def _attention(spec: NetSpec, width: int) -> Op:
    if spec.attention == "se":
        return SqueezeExcite(width, max(1, math.floor(width * spec.se_ratio + 0.5)))
    nearest = int((math.log2(width) + 1) / 2)
    return ChannelAttention(width, nearest + 1 - nearest % 2)


def _pool(spec: NetSpec, block: BlockSpec, width: int) -> Op:
    """What shrinks in place of a strided convolution."""
    if spec.downsample == "avg":
        return AvgPool(block.stride)
    if spec.downsample == "conv":
        return Blur(width, block.stride)
    if block.antialias:
        return _max_and_blur(width, block.stride)
    return MaxPool(block.stride, block.stride, pads=False)


def _max_and_blur(width: int, stride: int) -> Group:
    """Max pooling without aliasing (Zhang 2019): at every pixel, then blurred and subsampled."""
    return Group((("max", MaxPool(3, 1, pads=True)), ("blur", Blur(width, stride))))
