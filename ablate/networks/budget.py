"""The budget solver: the network of a given shape that costs as much as another.

A shape is the ideal width of each stage (or block) up to a common scale, such as 1, r, r^2 for
growth r. The solver finds the scale, then the whole numbers around it.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from ablate.errors import InputError
from ablate.networks.cost import count, count_stages
from ablate.networks.promising import crossing, promising
from ablate.spec.choices import MOST, MOST_BLOCKS
from ablate.spec.network import NetSpec

QUANTITIES = ("macs", "params", "activations")
TOLERANCE = 0.01
SHAPE_TOLERANCE = 0.05
MOST_CANDIDATES = 5000
MOST_FAR = 1000
OTHER_SCALES = (0.98, 1.02, 0.96, 1.04, 0.93, 1.07, 0.9, 1.1, 0.86, 1.15)
Shape = tuple[float | tuple[float, ...], ...]
CostOf = Callable[[NetSpec], float]
Attempt = Callable[[tuple[int, ...]], "Match | None"]


@dataclass(frozen=True)
class Match:
    """A network that meets a budget as nearly as whole numbers can.

    Args:
        net: the network.
        residual: its cost over the budget, less one.
        shape_error: by which fraction its widths (or depths) depart from the shape at the best
            common scale: half the range of log(width / shape).
    """

    net: NetSpec
    residual: float
    shape_error: float


def cost_of(quantity: str) -> CostOf:
    """The cost function of `macs`, `params` or `activations`, for one image."""
    if quantity not in QUANTITIES:
        raise InputError(f"{quantity!r}: expected one of {', '.join(QUANTITIES)}")
    return lambda net: float(getattr(count(net), quantity))


def match_widths(
    net: NetSpec, shape: Shape, cost: CostOf, budget: float, multiple: int = 1, exact: bool = True
) -> Match:
    """Widths of a given shape at a given cost.

    Each stage rounds by itself; where a shape goes by block, equal ideals get equal widths, so
    that a network widens just where its shape does. Candidates are whole numbers less than one
    away from the shape at some scale; where none of them is within `TOLERANCE` of the budget, also
    those a little further away that keep the shape to `SHAPE_TOLERANCE`. Of the candidates within
    the tolerance the one that keeps the shape best is taken, else the one nearest to the budget.

    Args:
        net: all but the widths.
        shape: per stage, a number or a number a block; only ratios matter.
        cost: grows with every width.
        budget: in the units of `cost`.
        multiple: of which each width is one.
        exact: whether `cost` is cheap and free of noise. Otherwise only widths that are the
            rounded shape at some scale are tried, a dozen of them.

    Raises:
        InputError: even the smallest network of the shape costs twice the budget, or the largest
            less than half of it.
    """
    stages = [stage if isinstance(stage, tuple) else (stage,) for stage in shape]
    by_block = any(isinstance(stage, tuple) for stage in shape)
    flat = tuple(ideal for stage in stages for ideal in stage)
    ideals = tuple(sorted(set(flat))) if by_block else flat

    def build(values: tuple[int, ...]) -> NetSpec:
        channels = tuple(value * multiple for value in values)
        if not by_block:
            return replace(net, widths=channels)
        width = dict(zip(ideals, channels, strict=True))
        widths = tuple(
            tuple(width[ideal] for ideal in stage) if isinstance(stage, tuple) else width[stage]
            for stage in shape
        )
        return replace(net, widths=widths)

    def too_wide(values: tuple[int, ...]) -> bool:
        return max(values) * multiple > MOST

    return _solve(ideals, build, too_wide, cost, budget, exact)


def match_depths(net: NetSpec, cost: CostOf, budget: float, exact: bool = True) -> Match:
    """Depths in the proportions of `net.depths`, at a given cost; widths are kept.

    Candidates are as for `match_widths`. One block more of a wide stage can change the cost by so
    much that they are all on one side of the budget; then also those next to the shape at smaller
    and larger scales are tried, up to where all of them cost too little or too much.

    Raises:
        InputError: a stage has its own width for each block, even one block a stage costs twice
            the budget, or the most blocks that a network may have cost less than half of it.
    """
    if any(isinstance(width, tuple) for width in net.widths):
        raise InputError("widths by block fix the depths; expected one width a stage", "widths")
    ideals = tuple(float(depth) for depth in net.depths)

    def build(depths: tuple[int, ...]) -> NetSpec:
        return replace(net, depths=depths)

    def too_deep(depths: tuple[int, ...]) -> bool:
        return sum(depths) > MOST_BLOCKS

    return _solve(ideals, build, too_deep, cost, budget, exact, _try_far)


def equalise_depths(net: NetSpec, quantity: str = "macs") -> NetSpec:
    """The same widths, with depths from the second stage on such that every stage costs the same.

    The first stage keeps its depth, and each other one gets that at which its cost is nearest to
    the first one's; of two that are equally near, the odd one. Constant widths need four times the
    blocks after each halving of the feature map to conserve MACs; doubling widths need none more.

    Raises:
        InputError: a stage has its own width for each block, or more blocks are needed than a
            network may have.
    """
    least = tuple(len(width) if isinstance(width, tuple) else 1 for width in net.widths)

    def stage_cost(stage: int, depth: int) -> int:
        depths = (*least[:stage], depth, *least[stage + 1 :])
        stages = count_stages(replace(net, depths=depths))
        return int(getattr(stages[f"stage {stage + 1}"][1], quantity))

    target = stage_cost(0, net.depths[0])
    others = [
        _nearest_depth(partial(stage_cost, stage), target) for stage in range(1, len(net.depths))
    ]
    return replace(net, depths=(net.depths[0], *others))


def _nearest_depth(cost: Callable[[int], int], target: int) -> int:
    """The depth of a stage at which its cost is nearest to the target.

    From two blocks on each further one costs the same. Between one and two the cost can grow by
    more: where the last block carries the stride, the first works at full size as soon as another
    follows it.
    """
    costs = {depth: cost(depth) for depth in (1, 2, 3)}
    step = costs[3] - costs[2]
    if step > 0:
        below = 2 + max(0, (target - costs[2]) // step)
        costs |= {depth: costs[2] + (depth - 2) * step for depth in (below, below + 1)}
    return min(costs, key=lambda depth: (abs(costs[depth] - target), depth % 2 == 0, depth))


def _solve(
    ideals: tuple[float, ...],
    build: Callable[[tuple[int, ...]], NetSpec],
    too_large: Callable[[tuple[int, ...]], bool],
    cost: CostOf,
    budget: float,
    exact: bool,
    further: Callable[[tuple[float, ...], float, Attempt], None] | None = None,
) -> Match:
    measured: dict[tuple[int, ...], Match | None] = {}
    seen: dict[tuple[int, ...], Match] = {}

    def probe(values: tuple[int, ...]) -> Match | None:
        """The network of these values; None where there is none, as without an inner channel."""
        if values not in measured:
            try:
                net = build(values)
            except InputError:
                measured[values] = None
            else:
                error = _shape_error(values, ideals)
                measured[values] = Match(net, cost(net) / budget - 1, error)
        return measured[values]

    def attempt(values: tuple[int, ...]) -> Match | None:
        """The same, as one that may be taken."""
        match = probe(values)
        if match is not None:
            seen[values] = match
        return match

    def residual(values: tuple[int, ...]) -> float:
        if too_large(values):
            return math.inf
        match = attempt(values)
        return -1.0 if match is None else match.residual  # what is too small to build costs nothing

    scale = _scale(ideals, residual, 60 if exact else 10)
    if not seen:
        build(_rounded(ideals, 1 / max(ideals)))  # raises why there is none of any scale
    if exact:
        _try_near(ideals, scale, attempt, probe)
        if further is not None and min(map(_rank, seen.values()))[0]:
            further(ideals, scale, attempt)
    best = min(seen.values(), key=_rank)
    beyond = best.residual < -0.5 and too_large(_rounded(ideals, scale))
    if best.residual > 1 or beyond:
        raise InputError(
            f"the {'largest' if beyond else 'smallest'} network of this shape costs "
            f"{best.residual + 1:.3g} times the budget of {budget:g}; expected a "
            f"{'smaller' if beyond else 'larger'} budget"
        )
    return best


def _rank(match: Match) -> tuple[bool, float, float]:
    """Within the tolerance the shape decides, outside it the residual."""
    outside = abs(match.residual) > TOLERANCE
    size = abs(match.residual)
    return (outside, size, match.shape_error) if outside else (outside, match.shape_error, size)


def _scale(
    ideals: tuple[float, ...], residual: Callable[[tuple[int, ...]], float], steps: int
) -> float:
    """By bisection, the scale at which the rounded shape crosses the budget.

    The residual is below zero where the network is too small, even to be built, and infinite where
    it is too large to be built.
    """
    low = high = 1 / max(ideals)
    while residual(_rounded(ideals, high)) < 0:
        low, high = high, 2 * high
    for _ in range(steps):
        middle = (low + high) / 2
        if residual(_rounded(ideals, middle)) < 0:
            low = middle
        else:
            high = middle
    return high


def _rounded(ideals: tuple[float, ...], scale: float) -> tuple[int, ...]:
    return tuple(max(1, math.floor(scale * ideal + 0.5)) for ideal in ideals)


def _try_near(ideals: tuple[float, ...], scale: float, attempt: Attempt, probe: Attempt) -> None:
    """Try whole numbers next to the scaled shape; where none meets the budget, also those beyond.

    Of at most `MOST_CANDIDATES` all are tried, of more the most promising ones, and where that is
    of no use also those next to the shape at other scales: there the narrow stages, which change
    the cost by large steps, are rounded otherwise.
    """

    def met(values: tuple[int, ...]) -> bool:
        match = attempt(values)
        return match is not None and abs(match.residual) <= TOLERANCE

    many = False
    for reach, allowed in ((1, _rounds), (2, _keeps_shape)):
        choices = _choices(ideals, scale, reach)
        many = math.prod(map(len, choices)) > MOST_CANDIDATES
        if many and any(map(met, _promising(ideals, scale, reach, probe, allowed))):
            return
        if not many:
            near = [values for values in itertools.product(*choices) if allowed(values, ideals)]
            if sum(map(met, near)):
                return
    for factor in OTHER_SCALES if many else ():
        if any(map(met, _promising(ideals, scale * factor, 1, probe, _rounds))):
            return


def _try_far(ideals: tuple[float, ...], scale: float, attempt: Attempt) -> None:
    """Try whole numbers less than one away from the shape, at all scales that can meet the budget.

    Upwards until the least of them cost too much, then downwards until the greatest cost too
    little, and no more than about `MOST_FAR` each way.
    """
    exact = [Fraction(ideal) for ideal in ideals]
    for up in (True, False):
        at, tried = Fraction(scale), 0
        while at > 0 and tried + 2 ** len(ideals) <= MOST_FAR:
            belows = [math.floor(at * i) if up else math.ceil(at * i) - 1 for i in exact]
            pairs = [(max(1, below), below + 1) for below in belows]
            end = attempt(tuple(below if up else above for below, above in pairs))
            if end is None and up:
                break
            if end is not None and (end.residual > TOLERANCE if up else end.residual < -TOLERANCE):
                break
            for values in itertools.product(*pairs):
                attempt(values)
            tried += 2 ** len(ideals)
            steps = zip(belows, exact, strict=True)
            at = min((b + 1) / i for b, i in steps) if up else max(b / i for b, i in steps)


def _promising(
    ideals: tuple[float, ...],
    scale: float,
    reach: int,
    probe: Attempt,
    allowed: Callable[[tuple[int, ...], tuple[float, ...]], bool],
) -> Iterator[tuple[int, ...]]:
    """The combinations next to the shape at a scale that promise most of those allowed."""

    def residual(values: tuple[int, ...]) -> float | None:
        match = probe(values)
        return None if match is None else match.residual

    just_below = _rounded(ideals, scale * (1 - 1e-9))
    around = crossing(just_below, _rounded(ideals, scale), residual)
    starts = {values: at for values in around if (at := residual(values)) is not None}
    if starts:
        start = min(starts, key=lambda values: abs(starts[values]))
        choices = _choices(ideals, scale, reach)

        def ordered(values: tuple[int, ...], ideals: tuple[float, ...]) -> bool:
            return allowed(values, ideals) and _keeps_order(values, ideals)

        yield from promising(choices, ideals, start, residual, ordered, TOLERANCE)


def _choices(ideals: tuple[float, ...], scale: float, reach: int) -> list[range]:
    """Whole numbers up to `reach` beyond the two that enclose each scaled ideal."""
    belows = (math.floor(scale * ideal) for ideal in ideals)
    return [range(max(1, below - reach), below + 2 + reach) for below in belows]


def _rounds(values: tuple[int, ...], ideals: tuple[float, ...]) -> bool:
    """Whether all values are less than one away from the ideals at a common scale."""
    pairs = list(zip(values, ideals, strict=True))
    return max((v - 1) / ideal for v, ideal in pairs) < min((v + 1) / ideal for v, ideal in pairs)


def _keeps_shape(values: tuple[int, ...], ideals: tuple[float, ...]) -> bool:
    return _shape_error(values, ideals) <= SHAPE_TOLERANCE


def _keeps_order(values: tuple[int, ...], ideals: tuple[float, ...]) -> bool:
    """Whether no value is less than one of a smaller ideal."""
    values_in_order = [value for _, value in sorted(zip(ideals, values, strict=True))]
    return values_in_order == sorted(values_in_order)


def _shape_error(values: tuple[int, ...], ideals: tuple[float, ...]) -> float:
    logs = [math.log(value / ideal) for value, ideal in zip(values, ideals, strict=True)]
    return (max(logs) - min(logs)) / 2
