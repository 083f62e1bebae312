"""A residual network as per-stage tuples, and what such a network cannot be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ablate.spec.choices import (
    Activation,
    Attention,
    Block,
    Downsample,
    Norm,
    Placement,
    Shortcut,
    Stem,
    StemPool,
    StrideBlock,
    StrideConv,
    check_choices,
)
from ablate.spec.limits import check_combinations, check_numbers, check_own, check_stages
from ablate.spec.own import Use

OWN = ("block", "shortcut", "stem", "activation", "norm", "head", "net")  # may be one's own
STAGES = ("widths", "depths", "strides")


@dataclass(frozen=True, kw_only=True)
class BlockSpec:
    """One residual block, as `NetSpec.blocks` derives it.

    Args:
        stage, index: its stage, and its place within that.
        in_width, inner_width, out_width: in channels; the inner one of a bottleneck's 3x3.
        stride: by how much it shrinks height and width.
        kind, shortcut, antialias: those of its stage, as `NetSpec` has them.
        groups, dilation: of its spatial convolutions.
        drop_path: how often its branch gives zeros for an image in training.
    """

    stage: int
    index: int
    in_width: int
    inner_width: int
    out_width: int
    stride: int
    kind: Block | Use = "basic"
    shortcut: Shortcut | Use = "B"
    antialias: bool = False
    groups: int = 1
    dilation: int = 1
    drop_path: float = 0.0

    @property
    def changes_shape(self) -> bool:
        """Whether an identity shortcut would not fit."""
        return self.stride != 1 or self.in_width != self.out_width


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """A residual network. The default is ResNet-14 for CIFAR: 16, 32, 64 channels, projections.

    Raises `InputError`, with the key at fault, for a network that cannot be built.

    `block`, `shortcut`, `antialias` and `groups` may be tuples with a value for each stage. Where
    the type says `Use`, a module of one's own may stand.

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
        group_width: channels in each group of the bottleneck's 3x3, in place of `groups` (RegNet,
            arXiv 2003.13678); 1 is depthwise.
        shortcut: `none` (a plain network), `A` (subsample, zero-pad or crop the channels),
            `B` (1x1 projection where the shape changes), `C` (projection in every block), as in
            He et al. 2015, section 4.1; `D` (average pool, then 1x1, where the shape changes;
            He et al. 2018, arXiv 1812.01187, section 4); `P` (average pool, then zeros for the
            new channels at the end; Han et al. 2016, arXiv 1610.02915).
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
        zero_init: start the last norm of each residual branch at zero (arXiv 1706.02677), or the
            last convolution where no norm follows it.
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
        residual_scale: where given, each residual branch is multiplied by a number of its own that
            is learned and starts there; at 0 it is ReZero (arXiv 2003.04887) and SkipInit
            (arXiv 2002.10444).
        placement: of norm and activation in a block, where it is not the `usual` one, which
            `preact` gives. He et al. 2016 (arXiv 1603.05027), fig. 4: `norm_after_addition` (b),
            `activation_before_addition` (c), `activation_only` before the convolutions (d);
            `pyramid`: a norm at both ends of the branch and no first activation (Han et al. 2016,
            arXiv 1610.02915, fig. 6d).
        kernel: 3, 5 or 7: side of the spatial convolutions of a block, of which the words above
            speak as 3x3.
        dilations: of each stage's spatial convolutions, but for its first block, which has that of
            the stage before; with strides of 1 it is what DeepLab puts in place of a stride
            (Chen et al. 2016, arXiv 1606.00915).
        norm_groups: of a group norm, in place of the number that follows from the width.
        stem_kernel, stem_stride: of the stem's first convolution, where they are not those of
            `stem`.
        stem_pool: what halves the map once more after the stem's convolutions, where it is not
            what `stem` says: a `max` pool, a max pool at stride 1 and then a `blur` (Zhang 2019),
            a `conv` 3x3 (ResNet-RS, arXiv 2103.07579), or `none`.
        head: a module of one's own in place of pool and classifier.
        net: a whole network of one's own; then nothing but the image is described here.
        num_classes, in_channels: of the classifier and the image.
        image_size: height and width of the image, in pixels.
    """

    widths: tuple[int | tuple[int, ...], ...] = (16, 32, 64)
    depths: tuple[int, ...] = (2, 2, 2)
    strides: tuple[int, ...] = (1, 2, 2)
    block: Block | Use | tuple[Block | Use, ...] = "basic"
    preact: bool = False
    expansion: int | None = None
    groups: int | tuple[int, ...] = 1
    width_per_group: int = 64
    shortcut: Shortcut | Use | tuple[Shortcut | Use, ...] = "B"
    stride_block: StrideBlock = "first"
    stride_conv: StrideConv = "3x3"
    downsample: Downsample = "conv"
    antialias: bool | tuple[bool, ...] = False
    stem: Stem | Use = "cifar"
    stem_width: int | None = None
    head_width: int | None = None
    activation: Activation | Use = "relu"
    norm: Norm | Use = "batch"
    zero_init: bool = False
    attention: Attention = "none"
    se_ratio: float = 0.0625
    drop_path: float = 0.0
    dropout: float = 0.0
    residual_scale: float | None = None
    placement: Placement = "usual"
    kernel: int = 3
    dilations: tuple[int, ...] | None = None
    group_width: int | None = None
    norm_groups: int | None = None
    stem_kernel: int | None = None
    stem_stride: int | None = None
    stem_pool: StemPool | None = None
    head: Use | None = None
    net: Use | None = None
    num_classes: int = 10
    in_channels: int = 3
    image_size: int = 32

    def __post_init__(self) -> None:
        check_choices(self)
        check_own(self)
        if self.net is not None:  # it has no stages that are known
            for name in STAGES:
                object.__setattr__(self, name, ())
            return
        check_stages(self)
        check_numbers(self)
        check_combinations(self)

    @property
    def own(self) -> tuple[Use, ...]:
        """The modules of one's own that it is built from."""
        values: list[Any] = []
        for name in OWN:
            value = getattr(self, name)
            values += value if isinstance(value, tuple) else (value,)
        return tuple(value for value in values if isinstance(value, Use))

    def by_stage(self, name: str) -> tuple[Any, ...]:
        """The values of a field that may have one for each stage."""
        value = getattr(self, name)
        return value if isinstance(value, tuple) else (value,) * len(self.depths)

    @property
    def shortcut_text(self) -> str:
        """The shortcut's name, or those of the stages."""
        own = self.shortcut
        return ", ".join(map(str, own)) if isinstance(own, tuple) else str(own)

    @property
    def block_expansion(self) -> int:
        """Output width over inner width of a bottleneck, or of a basic block if there is none."""
        return self.expansion or (4 if "bottleneck" in self.by_stage("block") else 1)

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

        Without a norm before it, what a pre-activation reads is what the shortcut reads too.
        """
        own = self.norm != "none" or not self.preact
        own = own and self.placement != "activation_only"
        return own and self.activation in ("relu", "leaky_relu")

    @property
    def stem_out(self) -> int:
        """Channels that leave the stem."""
        return self.stem_width or self.block_widths[0][0]

    @property
    def features(self) -> int:
        """Channels that reach the classifier."""
        return self.head_width or self.last_width

    @property
    def last_width(self) -> int:
        """Channels that leave the last stage."""
        return self.block_widths[-1][-1] * self.expansions[-1]

    @property
    def expansions(self) -> tuple[int, ...]:
        """Output width over inner width of the blocks of each stage."""
        return tuple(
            1 if kind == "basic" else self.block_expansion for kind in self.by_stage("block")
        )

    @property
    def stem_layers(self) -> tuple[int, int, StemPool]:
        """Kernel and stride of the stem's first convolution, and what halves the map once more."""
        cifar = self.stem == "cifar"
        return (
            self.stem_kernel or (7 if self.stem == "imagenet" else 3),
            self.stem_stride or (1 if cifar else 2),
            self.stem_pool or ("none" if cifar else "max"),
        )

    def blocks(self) -> Iterator[BlockSpec]:
        """Every block in order, with its widths and stride worked out."""
        in_width, number, total = self.stem_out, 0, sum(self.depths)
        dilations, expansions = self.dilations or (1,) * len(self.depths), self.expansions
        kinds, shortcuts, blurs, groups = map(
            self.by_stage, ("block", "shortcut", "antialias", "groups")
        )
        for stage, (widths, stride) in enumerate(zip(self.block_widths, self.strides, strict=True)):
            strided = 0 if self.stride_block == "first" else len(widths) - 1
            for index, width in enumerate(widths):
                number += 1
                inner, grouped = int(width * self.width_per_group / 64), groups[stage]
                if self.group_width is None or kinds[stage] != "bottleneck":
                    inner *= grouped
                else:
                    grouped = inner // self.group_width
                block = BlockSpec(
                    stage=stage,
                    index=index,
                    in_width=in_width,
                    inner_width=inner,
                    out_width=width * expansions[stage],
                    stride=stride if index == strided else 1,
                    kind=kinds[stage],
                    shortcut=shortcuts[stage],
                    antialias=blurs[stage],
                    groups=grouped,
                    dilation=dilations[max(0, stage - 1) if index == 0 else stage],
                    drop_path=self.drop_path * number / total,
                )
                yield block
                in_width = block.out_width
