"""What a field of a spec may be: its choices, its range."""

import sys
from dataclasses import fields
from typing import Any, Literal, get_args

from ablate.errors import InputError
from ablate.spec.own import Use

Block = Literal["basic", "bottleneck"]
Shortcut = Literal["none", "A", "B", "C", "D", "P"]
StrideBlock = Literal["first", "last"]
StrideConv = Literal["1x1", "3x3"]
Downsample = Literal["conv", "max", "avg"]
Stem = Literal["cifar", "imagenet", "deep"]
Activation = Literal["relu", "leaky_relu", "silu", "gelu"]
Norm = Literal["batch", "group", "none"]
Optimizer = Literal["sgd", "adamw"]
Attention = Literal["none", "se", "eca"]
Placement = Literal[
    "usual", "norm_after_addition", "activation_before_addition", "activation_only", "pyramid"
]
StemPool = Literal["max", "blur", "conv", "none"]
Schedule = Literal["one_cycle", "cosine", "warmup_cosine", "step", "constant"]
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
    "attention": get_args(Attention),
    "placement": get_args(Placement),
    "stem_pool": get_args(StemPool),
    "optimizer": get_args(Optimizer),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
}
BY_STAGE = ("block", "shortcut")  # may be tuples with a choice for each stage
AXIS_PREFIX = "axis_"
MOST, MOST_BLOCKS = 10**9, 1_000  # of any number, and of a network's blocks


def check_choices(spec: Any) -> None:
    """Raise `InputError` for a field that has choices and none of them."""
    for field in fields(spec):
        choices = CHOICES.get(field.name)
        value = getattr(spec, field.name)
        if not choices or (value is None and field.default is None):
            continue
        staged = field.name in BY_STAGE and isinstance(value, tuple)
        if any(
            one not in choices and not isinstance(one, Use)
            for one in (value if staged else (value,))
        ):
            raise InputError(
                f"{field.name} = {value!r}: expected one of {', '.join(choices)}", field.name
            )


def check_positive(spec: Any, names: str) -> None:
    """Raise `InputError` for a field that is given and not positive, or too large."""
    for name in names.split():
        value = getattr(spec, name)
        most = MOST if isinstance(value, int) else sys.float_info.max
        if value is not None and not 0 < value <= most:
            raise InputError(
                f"{name} = {value!r}: expected a positive number of at most {most:,.4g}", name
            )
