"""What a number of seeds can show: differences, seeds and their cost, before or after a run."""

import functools
import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from ablate.statistics.family import MIN_SEEDS, Arms, critical, largest_t

POWER = 0.8
MOST_SEEDS = 10_000
DRAWS = 4_999
Coefficients = tuple[tuple[float, ...], ...]


def coefficients_of(rows: npt.ArrayLike) -> Coefficients:
    """Comparisons as what the functions below take, shape (comparisons, arms)."""
    return tuple(tuple(float(value) for value in row) for row in np.atleast_2d(np.asarray(rows)))


def against_first(comparisons: int) -> Coefficients:
    """Each of some arms against one baseline."""
    return tuple(
        (-1.0, *(float(own == other) for own in range(comparisons))) for other in range(comparisons)
    )


def detectable(
    spread: npt.ArrayLike,
    seeds: int,
    coefficients: Coefficients,
    which: int = 0,
    level: float = 0.95,
    power: float = POWER,
    equal: bool = False,
) -> float:
    """The difference that so many seeds show with the probability `power`, in the spread's units.

    That is, its interval in the family of all the comparisons leaves out zero. NaN below two seeds.

    Args:
        spread: standard deviation over seeds: of every arm, or of each, shape (arms,).
        seeds: of each arm.
        coefficients: shape (comparisons, arms), of the whole family.
        which: the comparison that is asked about.
        level: that all intervals hold together.
        power: probability.
        equal: instead, the margin within which they show that two equal arms are equal: the
            interval of two one-sided tests is within it.
    """
    if seeds < 2:
        return math.nan
    row = np.array(coefficients[which])
    error = float(np.sqrt(np.sum((row * np.asarray(spread)) ** 2) / seeds))
    alpha = 2 * (1 - level) if equal else 1 - level
    chance = (1 + power) / 2 if equal else power  # neither limit may leave the margin
    room = float(stats.t.ppf(chance, np.count_nonzero(row) * (seeds - 1)))
    return (critical(_largest(seeds, coefficients), alpha) + room) * error


def seeds_needed(
    spread: npt.ArrayLike,
    least: float,
    coefficients: Coefficients,
    which: int = 0,
    level: float = 0.95,
    power: float = POWER,
    equal: bool = False,
) -> int | None:
    """How many seeds of each arm show a difference of `least` with the probability `power`.

    Args:
        spread, coefficients, which, level, power, equal: as in `detectable`.
        least: above zero, in the units of the spread.

    Returns:
        At least `MIN_SEEDS`; None where even `MOST_SEEDS` would not.
    """
    low, high = MIN_SEEDS - 1, MIN_SEEDS
    while detectable(spread, high, coefficients, which, level, power, equal) > least:
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        enough = detectable(spread, middle, coefficients, which, level, power, equal) <= least
        low, high = (low, middle) if enough else (middle, high)
    return high


@functools.lru_cache(maxsize=1024)
def _largest(seeds: int, coefficients: Coefficients) -> npt.NDArray[np.float64]:
    """The reference distribution of a family whose arms spread alike and have as many seeds."""
    number = len(coefficients[0])
    arms = Arms(
        means=np.zeros(number),
        spreads=np.ones(number),
        freedom=np.full(number, seeds - 1.0),
        counts=np.full(number, seeds),
        correlation=np.eye(number),
    )
    return largest_t(arms, np.array(coefficients), DRAWS)
