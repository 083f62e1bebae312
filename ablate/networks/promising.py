"""Which of very many whole numbers near a shape are worth the counting of a network's cost.

The cost of a network is, all but exactly, a sum over pairs of neighbouring widths. So what changes
of one width and of two cost, counted once, predicts every combination of them; those that promise
most are then counted.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Values = tuple[int, ...]
Residual = Callable[[Values], float | None]
MOST_PREDICTED = 300_000
MOST_TRIED = 100


def promising(
    choices: Sequence[Sequence[int]],
    ideals: tuple[float, ...],
    start: Values,
    residual: Residual,
    allowed: Callable[[Values, tuple[float, ...]], bool],
    tolerance: float,
) -> Iterator[Values]:
    """Combinations of the choices, the most promising first, `MOST_TRIED` at most.

    First come those whose predicted residual is within the tolerance, by their shape; then the
    others by their residual. Where there are more than `MOST_PREDICTED` combinations, only some of
    the values move: evenly from those that change the cost least to those that change it most.

    Args:
        choices: of each value, ascending; `start` is one of each.
        ideals: the shape.
        start: a combination near the budget.
        residual: cost over the budget, less one; None where there is no such network.
        allowed: whether a combination is near enough to the shape.
        tolerance: of the residual.
    """
    free = _free(choices, start, residual)
    origin, singles = _singles(choices, free, start, residual)
    kept = [np.array(sorted(singles[place])) for place in free]
    grid = np.stack(np.meshgrid(*kept, indexing="ij"), axis=-1).reshape(-1, len(free))
    predicted = np.full(len(grid), origin)
    for column, place in enumerate(free):
        table = np.array([singles[place][value] for value in kept[column].tolist()])
        predicted += table[np.searchsorted(kept[column], grid[:, column])]
    steps = grid - np.array([start[place] for place in free])
    for (one, two), joint in _pairs(free, start, origin, singles, residual).items():
        predicted += joint * steps[:, free.index(one)] * steps[:, free.index(two)]
    values = np.tile(np.array(start), (len(grid), 1))
    values[:, free] = grid
    logs = np.log(values / np.array(ideals))
    size, error = np.abs(predicted), logs.max(axis=1) - logs.min(axis=1)
    within = size <= tolerance
    order = np.lexsort((size, np.where(within, error, size), ~within))
    combinations = (tuple(values[row].tolist()) for row in order)
    yield from itertools.islice((v for v in combinations if allowed(v, ideals)), MOST_TRIED)


def crossing(low: Values, high: Values, residual: Residual) -> tuple[Values, Values]:
    """Two combinations between `low` and `high` that differ in one value and enclose the budget.

    Args:
        low, high: below the budget, or no network; and not below it.
        residual: as for `promising`.
    """
    places = [place for place in range(len(low)) if low[place] != high[place]]

    def upto(number: int) -> Values:
        moved = set(places[:number])
        return tuple(high[i] if i in moved else low[i] for i in range(len(low)))

    below, above = 0, len(places)
    while above - below > 1:
        middle = (below + above) // 2
        found = residual(upto(middle))
        below, above = (middle, above) if found is None or found < 0 else (below, middle)
    return upto(below), upto(above)


def _free(choices: Sequence[Sequence[int]], start: Values, residual: Residual) -> list[int]:
    """The places of the values that are to move."""
    most = max(len(options) for options in choices)
    number = min(len(start), int(math.log(MOST_PREDICTED, most)))
    if number == len(start):
        return list(range(len(start)))
    steps = [residual(_with(start, {place: start[place] + 1})) for place in range(len(start))]
    order = sorted(range(len(start)), key=lambda place: (steps[place] or 0.0, place))
    return sorted({order[round(rank)] for rank in np.linspace(0, len(order) - 1, number)})


def _singles(
    choices: Sequence[Sequence[int]], free: list[int], start: Values, residual: Residual
) -> tuple[float, dict[int, dict[int, float]]]:
    """The start's residual, and by place and value what a change of one value adds to it."""
    origin = residual(start)
    assert origin is not None
    singles: dict[int, dict[int, float]] = {}
    for place in free:
        found = {value: residual(_with(start, {place: value})) for value in choices[place]}
        singles[place] = {value: at - origin for value, at in found.items() if at is not None}
    return origin, singles


def _pairs(
    free: list[int],
    start: Values,
    origin: float,
    singles: dict[int, dict[int, float]],
    residual: Residual,
) -> dict[tuple[int, int], float]:
    """By two places what a step of both adds to what each of them does."""
    pairs = {}
    for one, two in itertools.combinations(free, 2):
        up = {one: start[one] + 1, two: start[two] + 1}
        found = residual(_with(start, up))
        if found is not None and up[one] in singles[one] and up[two] in singles[two]:
            pairs[one, two] = found - origin - singles[one][up[one]] - singles[two][up[two]]
    return pairs


def _with(values: Values, changes: dict[int, int]) -> Values:
    return tuple(changes.get(place, value) for place, value in enumerate(values))
