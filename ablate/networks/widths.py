"""Rules that make the widths of a network: growth from stage to stage, or from block to block."""

import math
from typing import TypeVar

from ablate.errors import InputError
from ablate.spec.choices import MOST

GROWTH_RULES = {"constant": 1.0, "doubling": 2.0, "tripling": 3.0}
Width = TypeVar("Width", int, float)


def growth_ratio(growth: str | float) -> float:
    """The ratio r of a stage's width to that of the stage before, from a rule's name or itself."""
    if isinstance(growth, str):
        if growth not in GROWTH_RULES:
            names = ", ".join(GROWTH_RULES)
            raise InputError(
                f"growth = {growth!r}: expected {names} or a positive number", "growth"
            )
        return GROWTH_RULES[growth]
    if not (math.isfinite(growth) and growth > 0):
        raise InputError(f"growth = {growth!r}: expected a positive number", "growth")
    return float(growth)


def growth_shape(growth: str | float, stages: int) -> tuple[float, ...]:
    """Width of each stage over that of the first: 1, r, r^2, ..., within a factor of `MOST`."""
    ratio = growth_ratio(growth)
    if (stages - 1) * abs(math.log(ratio)) > math.log(MOST):
        raise InputError(
            f"growth = {growth!r}: expected widths within a factor of {MOST:,} of each other in "
            f"{stages} stages",
            "growth",
        )
    return tuple(ratio**stage for stage in range(stages))


def stage_widths(base: int, growth: str | float, stages: int, multiple: int = 1) -> tuple[int, ...]:
    """Width of each stage, `base * r**stage`, rounded half up to a multiple.

    >>> stage_widths(16, "doubling", 3)
    (16, 32, 64)
    """
    ideal = growth_shape(growth, stages)
    rounded = [math.floor(base * width / multiple + 0.5) for width in ideal]
    return tuple(max(1, count) * multiple for count in rounded)


def additive_widths(
    base: int, widen: float, depths: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    """Width of each block, `base` plus an equal share of `widen` a block, rounded down.

    PyramidNet, additive (Han et al. 2016, arXiv 1610.02915, eq. 2): the last block has
    `base + widen` channels.
    """
    if not -MOST <= widen <= MOST:
        raise InputError(f"widen = {widen!r}: expected a number of channels", "widen")
    total = sum(depths)
    widths = iter(math.floor(base + widen * block / total) for block in range(1, total + 1))
    return tuple(tuple(next(widths) for _ in range(depth)) for depth in depths)


def shift_growth(
    widths: tuple[Width, ...], depths: tuple[int, ...], blocks: int
) -> tuple[tuple[Width, ...], ...]:
    """Width of each block when the growth comes `blocks` after its stage begins (before if < 0).

    >>> shift_growth((16, 32), (2, 2), -1)
    ((16, 32), (32, 32))
    """
    if abs(blocks) > min(depths):
        raise InputError(
            f"growth_shift = {blocks}: expected at most {min(depths)} either way, "
            "the blocks of the shortest stage",
            "growth_shift",
        )
    flat = [width for width, depth in zip(widths, depths, strict=True) for _ in range(depth)]
    if blocks > 0:
        flat = flat[:1] * blocks + flat[:-blocks]
    elif blocks < 0:
        flat = flat[-blocks:] + flat[-1:] * -blocks
    shifted = iter(flat)
    return tuple(tuple(next(shifted) for _ in range(depth)) for depth in depths)
