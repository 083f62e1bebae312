"""A residual network as per-stage tuples, and what such a network cannot be."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ablate.errors import InputError
from ablate.spec.choices import (
    MOST,
    MOST_BLOCKS,
    Activation,
    Attention,
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


@dataclass(frozen=True, kw_only=True)
class BlockSpec:
    """One residual block, as `NetSpec.blocks` derives it. Widths are in channels."""

    stage: int
    index: int
    in_width: int
    inner_width: int
    out_width: int
    stride: int
    drop_path: float = 0.0

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
        attention: what weighs the channels at the end of each residual branch by their averages:
            `se`, two 1x1 convolutions (squeeze and excite, Hu et al. 2017, arXiv 1709.01507), or
            `eca`, a convolution along the channels, whose kernel follows from how many there are
            (Wang et al. 2019, arXiv 1910.03151, eq. 12).
        se_ratio: channels between the two convolutions of `se` over those of the block's output.
        drop_path: how often the last block's branch gives zeros for an image in training; for the
            block before, and so on, less in equal steps down to none at the stem (stochastic
            depth, Huang et al. 2016, arXiv 1603.09382, eq. 4). What is left is scaled up.
        dropout: how often an input of a block's last convolution is zero in training (wide
            ResNets, arXiv 1605.07146, section 2.4).
        num_classes, in_channels: of the classifier and the image.
        image_size: height and width of the image, in pixels.
    """

    widths: tuple[int | tuple[int, ...], ...] = (16, 32, 64)
    depths: tuple[int, ...] = (2, 2, 2)
    strides: tuple[int, ...] = (1, 2, 2)
    block: Block = "basic"
    preact: bool = False
    expansion: int | None = None
    groups: int = 1
    width_per_group: int = 64
    shortcut: Shortcut = "B"
    stride_block: StrideBlock = "first"
    stride_conv: StrideConv = "3x3"
    downsample: Downsample = "conv"
    antialias: bool = False
    stem: Stem = "cifar"
    stem_width: int | None = None
    head_width: int | None = None
    activation: Activation = "relu"
    norm: Norm = "batch"
    zero_init: bool = False
    attention: Attention = "none"
    se_ratio: float = 0.0625
    drop_path: float = 0.0
    dropout: float = 0.0
    num_classes: int = 10
    in_channels: int = 3
    image_size: int = 32

    def __post_init__(self) -> None:
        check_choices(self)
        check_positive(
            self,
            "expansion groups width_per_group stem_width head_width num_classes in_channels "
            "image_size",
        )
        _check_stages(self)
        _check_combinations(self)

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
        in_width, number = self.stem_out, 0
        for stage, (widths, stride) in enumerate(zip(self.block_widths, self.strides, strict=True)):
            strided = 0 if self.stride_block == "first" else len(widths) - 1
            for index, width in enumerate(widths):
                number += 1
                block = BlockSpec(
                    stage=stage,
                    index=index,
                    in_width=in_width,
                    inner_width=int(width * self.width_per_group / 64) * self.groups,
                    out_width=width * self.block_expansion,
                    stride=stride if index == strided else 1,
                    drop_path=self.drop_path * number / sum(self.depths),
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


def _check_combinations(spec: NetSpec) -> None:
    if spec.block == "basic":
        for name, neutral in (("groups", 1), ("width_per_group", 64), ("stride_conv", "3x3")):
            if getattr(spec, name) != neutral:
                raise InputError(
                    f"{name} = {getattr(spec, name)!r} needs block = 'bottleneck'; "
                    f"a basic block has {name} = {neutral!r}",
                    name,
                )
        if spec.block_expansion != 1:
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
    for name in ("drop_path", "dropout"):
        if not 0 <= getattr(spec, name) < 1:
            raise InputError(f"{name} = {getattr(spec, name)!r}: expected 0 or more, below 1", name)
    if spec.drop_path and spec.shortcut == "none":
        raise InputError(
            f"drop_path = {spec.drop_path!r}: without a shortcut nothing would be left of an "
            "image; expected shortcut = 'A', 'B', 'C' or 'D'",
            "drop_path",
        )
    if not 0 < spec.se_ratio <= 1:
        raise InputError(
            f"se_ratio = {spec.se_ratio!r}: expected above 0 and at most 1", "se_ratio"
        )
    if spec.se_ratio != NetSpec.se_ratio and spec.attention != "se":
        raise InputError(f"se_ratio = {spec.se_ratio!r} needs attention = 'se'", "se_ratio")
    if spec.stem == "deep" and spec.stem_out < 2:
        raise InputError("stem = 'deep': needs a stem_width of 2 or more", "stem_width")
