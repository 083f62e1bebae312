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
    spread: float,
    seeds: int,
    coefficients: Coefficients,
    which: int = 0,
    level: float = 0.95,
    power: float = POWER,
) -> float:
    """The difference that so many seeds show with the probability `power`, in the spread's units.

    That is, its interval in the family of all the comparisons leaves out zero. All arms are taken
    to spread alike. NaN below two seeds.

    Args:
        spread: standard deviation over seeds of one arm.
        seeds: of each arm.
        coefficients: shape (comparisons, arms), of the whole family.
        which: the comparison that is asked about.
        level: that all intervals hold together.
        power: probability.
    """
    if seeds < 2:
        return math.nan
    row = coefficients[which]
    arms = sum(value != 0 for value in row)
    error = spread * math.sqrt(sum(value**2 for value in row) / seeds)
    room = float(stats.t.ppf(power, arms * (seeds - 1)))
    return (_critical(seeds, coefficients, level) + room) * error


def seeds_needed(
    spread: float,
    least: float,
    coefficients: Coefficients,
    which: int = 0,
    level: float = 0.95,
    power: float = POWER,
) -> int | None:
    """How many seeds of each arm show a difference of `least` with the probability `power`.

    Args:
        spread, coefficients, which, level, power: as in `detectable`.
        least: above zero, in the units of the spread.

    Returns:
        At least `MIN_SEEDS`; None where even `MOST_SEEDS` would not.
    """
    low, high = MIN_SEEDS - 1, MIN_SEEDS
    while detectable(spread, high, coefficients, which, level, power) > least:
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        enough = detectable(spread, middle, coefficients, which, level, power) <= least
        low, high = (low, middle) if enough else (middle, high)
    return high


@functools.lru_cache(maxsize=1024)
def _critical(seeds: int, coefficients: Coefficients, level: float) -> float:
    """The critical value of a family whose arms spread alike and have as many seeds each."""
    number = len(coefficients[0])
    arms = Arms(
        means=np.zeros(number),
        spreads=np.ones(number),
        freedom=np.full(number, seeds - 1.0),
        counts=np.full(number, seeds),
        correlation=np.eye(number),
    )
    return critical(largest_t(arms, np.array(coefficients), DRAWS), 1 - level)
