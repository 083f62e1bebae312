"""What a network cannot be; each fault is one line with the field and what would be right."""

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from ablate.errors import InputError
from ablate.spec.choices import MOST, MOST_BLOCKS, check_positive
from ablate.spec.own import Use

KERNELS = (3, 5, 7)
IMAGE = ("num_classes", "in_channels", "image_size")
DECIDED = {  # what is said of a part, which one's own module in its place decides
    "block": ("downsample", "antialias", "dropout", "kernel", "dilations"),
    "stem": ("stem_kernel", "stem_stride", "stem_pool"),
    "head": ("head_width",),
}


def check_own(spec: Any) -> None:
    """Raise `InputError` for what is said of a part that is a module of one's own."""
    usual = {field.name: field.default for field in fields(spec)}
    if spec.net is not None:
        for name, default in usual.items():
            value = getattr(spec, name)
            if name not in (*IMAGE, "net") and value not in (default, ()):
                raise InputError(
                    f"{name} = {value!r}: not with a whole network, "
                    f"net = {str(spec.net)!r}; take one of them out",
                    name,
                )
    for part, names in DECIDED.items():
        kinds = _each(getattr(spec, part))
        if not all(isinstance(kind, Use) for kind in kinds):
            continue
        for name in names:
            value, default = getattr(spec, name), usual[name]
            if value != default:
                right = "take it out" if default is None else f"expected {name} = {default!r}"
                raise InputError(
                    f"{name} = {value!r}: says what {str(kinds[0])!r} decides; {right}", name
                )
    for part in ("block", "norm"):
        if spec.zero_init and any(isinstance(kind, Use) for kind in _each(getattr(spec, part))):
            raise InputError(
                f"zero_init = {spec.zero_init!r}: not with a {part} of one's own; take one of "
                "them out",
                "zero_init",
            )


def _each(value: Any) -> tuple[Any, ...]:
    """The values of a field that may have one for each stage."""
    return value if isinstance(value, tuple) else (value,)


def check_depths(depths: tuple[int, ...]) -> None:
    """Raise `InputError` unless every stage has a block, and there are not too many."""
    if not depths or min(depths) < 1 or sum(depths) > MOST_BLOCKS:
        raise InputError(
            f"depths = {depths}: expected whole numbers of 1 or more, {MOST_BLOCKS:,} in all",
            "depths",
        )


def check_stages(spec: Any) -> None:
    """Raise `InputError` unless what is given by stage has a value for each of them."""
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
        flat = _each(width)
        if not 1 <= min(flat) <= max(flat) <= MOST:
            raise InputError(f"widths = {spec.widths}: expected 1 channel or more", "widths")
    for name in ("block", "shortcut", "antialias", "groups", "dilations"):
        values = getattr(spec, name)
        if isinstance(values, tuple) and len(values) != len(spec.widths):
            raise InputError(
                f"{name} = {values}: expected {len(spec.widths)} values, one for each stage of "
                f"widths = {spec.widths}",
                name,
            )
    for name in ("groups", "dilations"):
        values = getattr(spec, name)
        flat = _each(values or 1)
        if not 1 <= min(flat) <= max(flat) <= MOST:
            raise InputError(f"{name} = {values}: expected whole numbers of 1 or more", name)


def check_numbers(spec: Any) -> None:
    """Raise `InputError` for a number that is out of its range."""
    check_positive(
        spec,
        "expansion width_per_group group_width norm_groups stem_width stem_kernel stem_stride "
        "head_width num_classes in_channels image_size",
    )
    if spec.kernel not in KERNELS:
        raise InputError(f"kernel = {spec.kernel}: expected one of 3, 5, 7", "kernel")
    if spec.stem_kernel is not None and spec.stem_kernel % 2 == 0:
        raise InputError(f"stem_kernel = {spec.stem_kernel}: expected an odd number", "stem_kernel")
    if not 0 < spec.se_ratio <= 1:
        raise InputError(
            f"se_ratio = {spec.se_ratio!r}: expected above 0 and at most 1", "se_ratio"
        )
    for name in ("drop_path", "dropout"):
        if not 0 <= getattr(spec, name) < 1:
            raise InputError(f"{name} = {getattr(spec, name)!r}: expected 0 or more, below 1", name)
    scale = spec.residual_scale
    if scale is not None and not abs(scale) <= MOST:
        raise InputError(
            f"residual_scale = {scale!r}: expected a number of at most {MOST:,}", "residual_scale"
        )


def check_combinations(spec: Any) -> None:
    """Raise `InputError` for fields that cannot go together."""
    _check_blocks(spec)
    _check_groups(spec)
    _check_shortcuts(spec)
    _check_placement(spec)
    if spec.se_ratio != 0.0625 and spec.attention != "se":
        raise InputError(f"se_ratio = {spec.se_ratio!r} needs attention = 'se'", "se_ratio")
    if any(spec.by_stage("antialias")) and spec.downsample == "avg":
        raise InputError(
            "antialias = true with downsample = 'avg': average pooling is a low-pass "
            "filter already; expected downsample = 'conv' or 'max'",
            "antialias",
        )
    if spec.zero_init and spec.residual_scale == 0:
        raise InputError(
            "zero_init = true with residual_scale = 0: neither could leave zero; expected one of "
            "them",
            "zero_init",
        )
    if spec.stem == "deep" and spec.stem_out < 2:
        raise InputError("stem = 'deep': needs a stem_width of 2 or more", "stem_width")


def _check_blocks(spec: Any) -> None:
    """What a bottleneck alone has."""
    kinds = spec.by_stage("block")
    if "bottleneck" not in kinds:
        for name, neutral in (
            ("groups", 1),
            ("width_per_group", 64),
            ("group_width", None),
            ("stride_conv", "3x3"),
        ):
            value = getattr(spec, name)
            if any(one != neutral for one in _each(value)):
                raise InputError(
                    f"{name} = {value!r} needs block = 'bottleneck'; "
                    f"a basic block has {'none' if neutral is None else f'{name} = {neutral!r}'}",
                    name,
                )
        if set(kinds) == {"basic"} and spec.block_expansion != 1:
            raise InputError(
                f"expansion = {spec.expansion}: a basic block has 1; set block = 'bottleneck'",
                "expansion",
            )
    elif isinstance(spec.groups, tuple):
        for stage, (kind, groups) in enumerate(zip(kinds, spec.groups, strict=True), start=1):
            if kind == "basic" and groups != 1:
                raise InputError(
                    f"groups = {spec.groups}: the basic blocks of stage {stage} have 1", "groups"
                )


def _check_groups(spec: Any) -> None:
    """Groups of channels are whole, in convolutions and in norms."""
    narrowest = min(width for stage in spec.block_widths for width in stage)
    if int(narrowest * spec.width_per_group / 64) < 1:
        raise InputError(
            f"width_per_group = {spec.width_per_group}: leaves no channel at width "
            f"{narrowest}; expected {math.ceil(64 / narrowest)} or more",
            "width_per_group",
        )
    if spec.group_width is not None:
        if spec.groups != 1:
            raise InputError(
                f"group_width = {spec.group_width} and groups = {spec.groups} both set the "
                "groups; expected one of them",
                "group_width",
            )
        for width in _inner_widths(spec):
            if width % spec.group_width:
                raise InputError(
                    f"group_width = {spec.group_width}: does not divide the {width} channels of a "
                    "3x3 convolution",
                    "group_width",
                )
    if spec.norm_groups is not None:
        if spec.norm != "group":
            raise InputError(
                f"norm_groups = {spec.norm_groups} needs norm = 'group'", "norm_groups"
            )
        for width in sorted(set(_normed_widths(spec))):
            if width % spec.norm_groups:
                raise InputError(
                    f"norm_groups = {spec.norm_groups}: does not divide a width of {width}",
                    "norm_groups",
                )


def _inner_widths(spec: Any) -> Iterator[int]:
    for kind, widths in zip(spec.by_stage("block"), spec.block_widths, strict=True):
        if kind == "bottleneck":
            yield from (int(width * spec.width_per_group / 64) for width in widths)


def _normed_widths(spec: Any) -> Iterator[int]:
    yield spec.stem_out
    if spec.stem == "deep":
        yield spec.stem_out // 2
    for block in spec.blocks():
        yield block.out_width
        if block.kind == "bottleneck":
            yield block.inner_width
    if spec.head_width:
        yield spec.head_width


def _check_shortcuts(spec: Any) -> None:
    """What would leave nothing of an image where it has no way round a branch."""
    if "none" in spec.by_stage("shortcut"):
        for name, is_set in (
            ("drop_path", spec.drop_path != 0),
            ("residual_scale", spec.residual_scale == 0),
        ):
            if is_set:
                raise InputError(
                    f"{name} = {getattr(spec, name)!r}: without a shortcut nothing would be left "
                    "of an image; expected shortcut = 'A', 'B', 'C', 'D' or 'P'",
                    name,
                )


def _check_placement(spec: Any) -> None:
    if spec.placement == "usual":
        return
    if spec.preact:
        raise InputError(
            f"placement = {spec.placement!r} and preact = true both place norm and activation; "
            "expected one of them",
            "placement",
        )
    if spec.norm == "none" and spec.placement != "activation_before_addition":
        raise InputError(
            f"placement = {spec.placement!r} places a norm; expected norm = 'batch' or 'group'",
            "placement",
        )
