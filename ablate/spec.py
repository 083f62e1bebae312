"""What a trial is: frozen, validated, hashable descriptions, and nothing that runs.

A `NetSpec` describes any residual network by per-stage tuples. "Doubling" is no property of a
network: it is `stage_widths`, a function that makes the tuple.
"""

import dataclasses
import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from ablate.errors import InputError

Block = Literal["basic", "bottleneck"]
Shortcut = Literal["none", "A", "B", "C", "D"]
StrideBlock = Literal["first", "last"]
StrideConv = Literal["1x1", "3x3"]
Downsample = Literal["conv", "max", "avg"]
Stem = Literal["cifar", "imagenet", "deep"]
Activation = Literal["relu", "leaky_relu", "silu", "gelu"]
Norm = Literal["batch", "group", "none"]
Schedule = Literal["one_cycle", "cosine"]
Precision = Literal["float32", "bfloat16"]
CHOICES: dict[str, tuple[str, ...]] = {
    "block": get_args(Block),
    "shortcut": get_args(Shortcut),
    "stride_block": get_args(StrideBlock),
    "stride_conv": get_args(StrideConv),
    "downsample": get_args(Downsample),
    "stem": get_args(Stem),
    "activation": get_args(Activation),
    "norm": get_args(Norm),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
}
AXIS_PREFIX = "axis_"
MOST, MOST_BLOCKS = 10**9, 1_000  # of any number, and of a network's blocks


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
    num_classes: int = 10
    in_channels: int = 3
    image_size: int = 32

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(
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


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """The recipe, the same for every arm of a study. SGD with Nesterov momentum.

    Args:
        epochs: passes over the training split; the last one counts.
        batch_size: images a step; an incomplete last batch is left out.
        lr: the peak learning rate.
        momentum, weight_decay: of SGD; the decay applies to every parameter (He et al. 2015).
        schedule: `one_cycle` (30% up, the rest down, cosine both ways; arXiv 1708.07120) or
            `cosine` (down alone; arXiv 1608.03983), stepped every batch.
        crop_padding: random shifts by up to this many pixels, zeros outside.
        flip: mirror half of the images left to right.
        cutout: side in pixels of a square set to the mean at a random place of each image
            (DeVries & Taylor 2017, arXiv 1708.04552); it may reach over the edge; 0 for none.
        label_smoothing: mass spread evenly over the classes.
        precision: `float32`, or `bfloat16` for autocast of the forward pass and its gradients;
            weights and optimizer stay float32.
    """

    epochs: int = 30
    batch_size: int = 128
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: Schedule = "one_cycle"
    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0
    label_smoothing: float = 0.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(self, "epochs batch_size lr")
        for name, limit in (("momentum", 1), ("label_smoothing", 1), ("weight_decay", math.inf)):
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise InputError(
                    f"{name} = {value!r}: expected 0 or more and below {limit:g}", name
                )
        for name in ("crop_padding", "cutout"):
            if not 0 <= getattr(self, name) <= MOST:
                raise InputError(f"{name} = {getattr(self, name)}: expected 0 or more pixels", name)


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """A dataset and its fixed, stratified split.

    Args:
        name: of a dataset that `ablate.data.catalog` knows, or `folder:NAME` for one's own images.
        checksum: of a folder's images and labels, so that a trial's key names what it saw.
        subset: the fraction of the images outside the test split that is used, stratified; the
            test split stays whole.
        val_fraction: held out for validation, of the images outside the dataset's own test
            split.
        test_fraction: held out for test, of all images, where the dataset has no test split.
        split_seed: of the split; the same for every trial, whatever its own seed.
    """

    name: str = "digits"
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    split_seed: int = 0
    checksum: str = ""
    subset: float = 1.0

    def __post_init__(self) -> None:
        for name in ("val_fraction", "test_fraction"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} = {value!r}: expected between 0 and 1", name)
        if not 0 < self.subset <= 1:
            raise InputError(f"subset = {self.subset!r}: expected above 0 and at most 1", "subset")


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One training: a network, a recipe, data and the seed of init, order and augmentation."""

    net: NetSpec
    train: TrainSpec
    data: DataSpec
    seed: int

    @property
    def key(self) -> str:
        """The trial's name in every table: its content hash."""
        return content_hash(self)


Spec = NetSpec | TrainSpec | DataSpec | TrialSpec


def content_hash(spec: Spec) -> str:
    """Sixteen hex digits of SHA-256 over the fields that differ from their defaults.

    Fields at their default are left out, so that a new axis renames no old trial. The price is
    that a default, once released, never changes; `tests/golden/hashes.json` holds us to that.
    """
    text = json.dumps(_changed(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changed(spec: Spec) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for field in fields(spec):
        value = getattr(spec, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = _changed(value)  # type: ignore[arg-type]
        elif value != field.default:
            changed[field.name] = value
    return changed


def _check_choices(spec: Any) -> None:
    for field in fields(spec):
        choices = CHOICES.get(field.name)
        value = getattr(spec, field.name)
        if choices and value not in choices:
            raise InputError(
                f"{field.name} = {value!r}: expected one of {', '.join(choices)}", field.name
            )


def _check_positive(spec: Any, names: str) -> None:
    for name in names.split():
        value = getattr(spec, name)
        most = MOST if isinstance(value, int) else sys.float_info.max
        if value is not None and not 0 < value <= most:
            raise InputError(
                f"{name} = {value!r}: expected a positive number of at most {most:,.4g}", name
            )


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
    if spec.stem == "deep" and spec.stem_out < 2:
        raise InputError("stem = 'deep': needs a stem_width of 2 or more", "stem_width")
