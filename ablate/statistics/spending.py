"""Several looks at growing data: how much of the error each may use, and the levels that follow.

With seeds/planned as the information, a function says how much of the error is spent by then (Lan &
DeMets 1983, Biometrika 70), so that looks may be left out or put in without a plan made anew. The
level of a look is what a p-value must be at or below there. Levels rise: early looks, at which a
spread is hardly known, take next to nothing.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
from scipy import stats

POINTS = 401  # of the grid on which the process between the boundaries is followed
LARGEST = 12.0  # standard deviations: a boundary beyond is never crossed
Spending = Callable[[float, float], float]


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Error spent like O'Brien & Fleming (1979), each side by itself (Lan & DeMets 1983)."""
    return float(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / math.sqrt(fraction)))


def pocock(fraction: float, alpha: float) -> float:
    """Error spent like Pocock (1977): levels almost alike (Lan & DeMets 1983)."""
    return alpha * math.log(1 + (math.e - 1) * fraction)


def hwang_shih_decani(gamma: float) -> Spending:
    """Error spent as exp(-gamma fraction) (Hwang, Shih & DeCani 1990, Statistics in Medicine 9).

    Args:
        gamma: -4 is near O'Brien & Fleming, 1 near Pocock; the lower, the later.
    """

    @functools.cache
    def spent(fraction: float, alpha: float) -> float:
        return alpha * math.expm1(-gamma * fraction) / math.expm1(-gamma)

    return spent


def held_back(spending: Spending, share: float) -> Spending:
    """A part of the error spent before the end, all that is left at the end.

    A little for the looks costs the end little (as Haybittle 1971, British Journal of Radiology
    44, and Peto et al. 1976): what all seeds would show just so is still shown by them.

    Args:
        spending: how that part is spent.
        share: of the error that may be spent before the last look, at most.
    """

    def spent(fraction: float, alpha: float) -> float:
        return alpha if fraction >= 1 else share * spending(fraction, alpha)

    return spent


@functools.cache
def levels(
    fractions: tuple[float, ...], alpha: float, spending: Spending, comparisons: int = 1
) -> tuple[float, ...]:
    """The level of each look, two-sided, for the p-value of a whole family.

    Each comparison is given an equal part of the error, and a family's level is the sum of theirs:
    the largest of several processes crosses at one look and not at another more often than one
    process does, so levels of a single comparison would add up to more than alpha. The sum bounds
    every correlation (Bonferroni). The process is followed by numerical integration (Armitage,
    McPherson & Rowe 1969, JRSS A 132).

    Args:
        fractions: of the information at each look, ascending, the last of them 1.
        alpha: error of the family over all looks.
        spending: from a fraction and an error, what is spent by then.
        comparisons: in the family.
    """
    each = alpha / comparisons
    spends = np.diff([0.0, *(spending(fraction, each) for fraction in fractions)])
    place, mass, before = np.zeros(1), np.ones(1), 0.0
    found = []
    for fraction, spend in zip(fractions, spends, strict=True):
        step, scale = math.sqrt(fraction - before), math.sqrt(fraction)
        z = _boundary(place / step, mass, scale / step, float(spend))
        found.append(min(1.0, comparisons * 2 * float(stats.norm.sf(z))))
        grid = np.linspace(-z * scale, z * scale, POINTS)
        weights = np.full(POINTS, grid[1] - grid[0])
        weights[[0, -1]] /= 2
        density = stats.norm.pdf((grid[:, None] - place[None, :]) / step) @ mass / step
        place, mass, before = grid, density * weights, fraction
    return tuple(found)


def _boundary(
    place: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    mass: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    scale: float,
    spend: float,
) -> float:
    """The z-value beyond which, on either side, the process goes with the probability `spend`."""
    low, high = 0.0, LARGEST
    for _ in range(50):
        z = (low + high) / 2
        beyond = stats.norm.sf(z * scale - place) + stats.norm.sf(z * scale + place)
        low, high = (z, high) if float(beyond @ mass) > spend else (low, z)
    return high
