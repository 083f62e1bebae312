"""A residual network as per-stage tuples, and what such a network cannot be."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from ablate.errors import InputError
from ablate.spec.choices import (
    MOST,
    MOST_BLOCKS,
    Activation,
    Block,
    Downsample,
    Norm,
    Shortcut,
    Stem,
    StrideBlock,
    StrideConv,
    check_choices,
    check_positive,
)
from ablate.spec.own import Use

OWN = ("block", "shortcut", "stem", "activation", "norm", "head", "net")  # may be one's own
STAGES = ("widths", "depths", "strides")
IMAGE = ("num_classes", "in_channels", "image_size")


@dataclass(frozen=True, kw_only=True)
class BlockSpec:
    """One residual block, as `NetSpec.blocks` derives it. Widths are in channels."""

    stage: int
    index: int
    in_width: int
    inner_width: int
    out_width: int
    stride: int

    @property
    def changes_shape(self) -> bool:
        """Whether an identity shortcut would not fit."""
        return self.stride != 1 or self.in_width != self.out_width


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """A residual network. The default is ResNet-14 for CIFAR: 16, 32, 64 channels, projections.

    Raises `InputError`, with the key at fault, for a network that cannot be built.

    Args:
        widths: channels of each stage; a stage may be a tuple that gives each of its blocks
            (PyramidNet). In a bottleneck, the width before `expansion`.
        depths: blocks in each stage.
        strides: by how much each stage shrinks its input's height and width.
        block: two 3x3 convolutions, or 1x1, 3x3, 1x1 (He et al. 2015, arXiv 1512.03385, fig. 5).
        preact: norm and activation before each convolution (He et al. 2016, arXiv 1603.05027).
        expansion: output over inner width; 4 for a bottleneck, 1 for a basic block.
        groups, width_per_group: the bottleneck's 3x3 has
            `int(width * width_per_group / 64) * groups` channels in `groups` groups
            (ResNeXt, arXiv 1611.05431; wide ResNets double `width_per_group`).
        shortcut: `none` (a plain network), `A` (subsample, zero-pad or crop the channels),
            `B` (1x1 projection where the shape changes), `C` (projection in every block), as in
            He et al. 2015, section 4.1; `D` (average pool, then 1x1, where the shape changes;
            He et al. 2018, arXiv 1812.01187, section 4).
        stride_block: the block of a stage that carries its stride.
        stride_conv: the convolution of a bottleneck that carries it: the first 1x1 (v1) or the
            3x3 (v1.5). A basic block always strides in its first 3x3.
        downsample: what shrinks in the residual branch: the convolution's own stride, or a
            stride-1 convolution followed, after norm and activation, by max or average pooling.
        antialias: low-pass filter with a fixed 3x3 binomial before subsampling, in the branch
            and in the shortcut (Zhang 2019, arXiv 1904.11486).
        stem: `cifar` 3x3; `imagenet` 7x7 stride 2 and max pool; `deep` three 3x3 and max pool
            (ResNet-C, arXiv 1812.01187).
        stem_width: channels out of the stem; those of the first stage where None.
        head_width: where given, a 1x1 convolution brings the features to this width before the
            average pool, so that the classifier's input does not depend on `widths`.
        activation, norm: used throughout. Group norm (Wu and He 2018, arXiv
            1803.08494) has as many groups of 4 channels or more as divide the width, 32 at most;
            without norm the convolutions have a bias.
        zero_init: start the last norm of each residual branch at zero (arXiv 1706.02677).
        head: a module of one's own in place of pool and classifier.
        net: a whole network of one's own; then nothing but the image is described here.
        num_classes, in_channels: of the classifier and the image.
        image_size: height and width of the image, in pixels.
    """

    widths: tuple[int | tuple[int, ...], ...] = (16, 32, 64)
    depths: tuple[int, ...] = (2, 2, 2)
    strides: tuple[int, ...] = (1, 2, 2)
    block: Block | Use = "basic"
    preact: bool = False
    expansion: int | None = None
    groups: int = 1
    width_per_group: int = 64
    shortcut: Shortcut | Use = "B"
    stride_block: StrideBlock = "first"
    stride_conv: StrideConv = "3x3"
    downsample: Downsample = "conv"
    antialias: bool = False
    stem: Stem | Use = "cifar"
    stem_width: int | None = None
    head_width: int | None = None
    activation: Activation | Use = "relu"
    norm: Norm | Use = "batch"
    zero_init: bool = False
    head: Use | None = None
    net: Use | None = None
    num_classes: int = 10
    in_channels: int = 3
    image_size: int = 32

    def __post_init__(self) -> None:
        check_choices(self)
        _check_own(self)
        if self.net is not None:  # it has no stages that are known
            for name in STAGES:
                object.__setattr__(self, name, ())
            return
        check_positive(
            self,
            "expansion groups width_per_group stem_width head_width num_classes in_channels "
            "image_size",
        )
        _check_stages(self)
        _check_combinations(self)

    @property
    def own(self) -> tuple[Use, ...]:
        """The modules of one's own that it is built from."""
        values = (getattr(self, name) for name in OWN)
        return tuple(value for value in values if isinstance(value, Use))

    @property
    def block_expansion(self) -> int:
        """Output width over inner width of a block."""
        return self.expansion or (4 if self.block == "bottleneck" else 1)

    @property
    def block_widths(self) -> tuple[tuple[int, ...], ...]:
        """Width of every block, by stage, before expansion."""
        return tuple(
            (width,) * depth if isinstance(width, int) else width
            for width, depth in zip(self.widths, self.depths, strict=True)
        )

    @property
    def acts_in_place(self) -> bool:
        """Whether an activation overwrites its input: its gradient follows from its output.

        Without a norm, what a pre-activation reads is what the shortcut reads too.
        """
        own = self.norm != "none" or not self.preact
        return own and self.activation in ("relu", "leaky_relu")

    @property
    def stem_out(self) -> int:
        """Channels that leave the stem."""
        return self.stem_width or self.block_widths[0][0]

    @property
    def features(self) -> int:
        """Channels that reach the classifier."""
        return self.head_width or self.block_widths[-1][-1] * self.block_expansion

    def blocks(self) -> Iterator[BlockSpec]:
        """Every block in order, with its widths and stride worked out."""
        in_width = self.stem_out
        for stage, (widths, stride) in enumerate(zip(self.block_widths, self.strides, strict=True)):
            strided = 0 if self.stride_block == "first" else len(widths) - 1
            for index, width in enumerate(widths):
                block = BlockSpec(
                    stage=stage,
                    index=index,
                    in_width=in_width,
                    inner_width=int(width * self.width_per_group / 64) * self.groups,
                    out_width=width * self.block_expansion,
                    stride=stride if index == strided else 1,
                )
                yield block
                in_width = block.out_width


def check_depths(depths: tuple[int, ...]) -> None:
    """Raise `InputError` unless every stage has a block, and there are not too many."""
    if not depths or min(depths) < 1 or sum(depths) > MOST_BLOCKS:
        raise InputError(
            f"depths = {depths}: expected whole numbers of 1 or more, {MOST_BLOCKS:,} in all",
            "depths",
        )


def _check_stages(spec: NetSpec) -> None:
    if not spec.widths:
        raise InputError("widths = (): expected at least one stage", "widths")
    for name in ("depths", "strides"):
        values = getattr(spec, name)
        if len(values) != len(spec.widths):
            raise InputError(
                f"{name} = {values}: expected {len(spec.widths)} values, one for each stage of "
                f"widths = {spec.widths}",
                name,
            )
        if not 1 <= min(values) <= max(values) <= MOST:
            raise InputError(f"{name} = {values}: expected whole numbers of 1 or more", name)
    check_depths(spec.depths)
    for stage, (width, depth) in enumerate(zip(spec.widths, spec.depths, strict=True)):
        if isinstance(width, tuple) and len(width) != depth:
            raise InputError(
                f"widths of stage {stage + 1} = {width}: expected {depth} values, "
                "one for each block",
                "widths",
            )
        flat = width if isinstance(width, tuple) else (width,)
        if not 1 <= min(flat) <= max(flat) <= MOST:
            raise InputError(f"widths = {spec.widths}: expected 1 channel or more", "widths")


def _check_own(spec: NetSpec) -> None:
    """What is said of a part cannot be said of one's own module in its place."""
    if spec.net is not None:
        for field in fields(spec):
            value = getattr(spec, field.name)
            if field.name not in (*IMAGE, "net") and value not in (field.default, ()):
                raise InputError(
                    f"{field.name} = {value!r}: not with a whole network, "
                    f"net = {str(spec.net)!r}; take one of them out",
                    field.name,
                )
    if isinstance(spec.block, Use):
        for name in ("zero_init", "downsample", "antialias"):
            default = next(field.default for field in fields(spec) if field.name == name)
            if getattr(spec, name) != default:
                raise InputError(
                    f"{name} = {getattr(spec, name)!r}: says what {str(spec.block)!r} decides; "
                    f"expected {name} = {default!r}",
                    name,
                )
    for name, part in (("head_width", "head"), ("zero_init", "norm")):
        if getattr(spec, name) and isinstance(getattr(spec, part), Use):
            raise InputError(
                f"{name} = {getattr(spec, name)!r}: not with a {part} of one's own; take one of "
                "them out",
                name,
            )


def _check_combinations(spec: NetSpec) -> None:
    if spec.block != "bottleneck":
        for name, neutral in (("groups", 1), ("width_per_group", 64), ("stride_conv", "3x3")):
            if getattr(spec, name) != neutral:
                raise InputError(
                    f"{name} = {getattr(spec, name)!r} needs block = 'bottleneck'; "
                    f"a basic block has {name} = {neutral!r}",
                    name,
                )
        if spec.block == "basic" and spec.block_expansion != 1:
            raise InputError(
                f"expansion = {spec.expansion}: a basic block has 1; set block = 'bottleneck'",
                "expansion",
            )
    narrowest = min(width for stage in spec.block_widths for width in stage)
    if int(narrowest * spec.width_per_group / 64) < 1:
        raise InputError(
            f"width_per_group = {spec.width_per_group}: leaves no channel at width "
            f"{narrowest}; expected {math.ceil(64 / narrowest)} or more",
            "width_per_group",
        )
    if spec.antialias and spec.downsample == "avg":
        raise InputError(
            "antialias = true with downsample = 'avg': average pooling is a low-pass "
            "filter already; expected downsample = 'conv' or 'max'",
            "antialias",
        )
    if spec.zero_init and (spec.preact or spec.norm == "none"):
        raise InputError(
            "zero_init = true: the residual branch does not end in a norm; expected "
            "preact = false and norm = 'batch' or 'group'",
            "zero_init",
        )
    if spec.stem == "deep" and spec.stem_out < 2:
        raise InputError("stem = 'deep': needs a stem_width of 2 or more", "stem_width")
