"""Where a curve through the arms is highest, and how sure that is: arms in, numbers out.

The curve is a Gaussian process over log2 of growth, so that its shape is not chosen beforehand: it
may peak, bend, level off or be flat (Rasmussen and Williams 2006, Gaussian Processes for Machine
Learning, chapters 2 and 5). Its length and its height are averaged over, and so is the spread of
each arm's seeds, which a few of them tell only roughly.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.gaussian_process.kernels import Matern

from ablate.statistics.best import Best, compare_with_best
from ablate.statistics.family import Arms, describe
from ablate.statistics.intervals import Interval

GRID = 201
SPREADS = 256  # draws of the arms' spreads
CURVES = 10  # of each of these
LENGTHS = np.geomspace(1 / 6, 1 / 2, 4)  # of the tested range; each as likely as the others
HEIGHTS = np.geomspace(1 / 2, 4, 5)  # of the means' deviation from their mean; as likely, too
LEVEL = 10.0  # deviation of the curve's mean, in the same unit: wide
CAUTION = 0.5  # of a tail is cut off from the highest places: kinks are less smooth than curves
TESTED = 1.1  # an arm within this factor of a growth is a test of it
JITTER = 1e-8
UNKNOWN = Interval(np.nan, np.nan, np.nan)
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """What is known of a curve's highest place. Growths as given, the rest in the values' unit.

    Args:
        best: the growth at which the mean curve is highest, with its interval.
        edge: whether that, or a limit, is an end of the tested range.
        lost: what the growth that was asked about gives away against the curve's highest value;
            its lower limit is 0 unless that growth is `excluded`. NaN beyond what was tested.
        arms: each arm against the best of the others.
        tested: the arms that are a test of that growth.
        excluded: whether that growth is ruled out as the best: by the interval of `best`, or
            because every arm that is a test of it is.
        misfit_p: that the means lie as far from the curve as they do (posterior predictive).
        growths, mean, low, high: the curve over the tested range, with a pointwise interval.
    """

    best: Interval
    edge: bool
    lost: Interval
    tested: tuple[int, ...]
    excluded: bool
    arms: Best
    misfit_p: float
    growths: Array
    mean: Array
    low: Array
    high: Array


def optimum(
    growths: npt.ArrayLike, values: npt.ArrayLike, at: float, level: float = 0.95
) -> Optimum:
    """Fit a curve to the means of arms, and find where it is highest.

    A Gaussian process with a Matern kernel (5/2) and a constant of wide prior goes through the
    means over log2 of growth. Each arm has a spread of its own, drawn from its scaled inverse
    chi-square distribution (as in Student's t), and arms at the same seed one correlation
    (`family.describe`). For each draw, kernels of all `LENGTHS` and `HEIGHTS` are weighed by their
    marginal likelihood, and `CURVES` curves are drawn. The intervals are of their highest places,
    `CAUTION` of a tail cut off at either side, and of what `at` gives away there; priors and
    caution were chosen by simulation (benchmarks/optimum.py). An end of the tested range whose arm
    cannot be ruled out as the best is always within the interval: the curve says nothing of what
    is beyond.

    Args:
        growths: shape (arms,), above zero, in any order; two may be equal.
        values: shape (seeds, arms), 2 values of an arm or more; NaN where it lacks the seed.
        at: the growth that is asked about; the curve does not depend on it.
        level: confidence of the intervals.
    """
    rng = np.random.default_rng(0)
    x, place = np.log2(np.asarray(growths, dtype=float)), float(np.log2(at))
    arms = describe(np.asarray(values, dtype=float), [0] * len(x))
    ranks = compare_with_best(arms, level)
    grid = np.union1d(np.linspace(x.min(), x.max(), GRID), x)
    centre, unit = float(arms.means.mean()), _unit(arms)
    noise = _noise(arms, unit, rng)
    means = (arms.means - centre) / unit
    curves = _curves(x, means, noise, grid, rng)
    tail = (1 - level) / 2
    mean, (low, high) = curves.mean(axis=0), np.quantile(curves, [tail, 1 - tail], axis=0)
    first, last = float(x.min()), float(x.max())
    found = _highest(grid, curves, CAUTION * tail)
    found = Interval(
        found.mean,
        first if ranks.may_be[x == first].any() else found.low,
        last if ranks.may_be[x == last].any() else found.high,
    )
    tested = _tested(x, place)
    behind = float(ranks.behind[tested].min()) if len(tested) else 0.0
    here = float(np.clip(place, first, last))
    excluded = behind > 0 or not found.low <= here <= found.high
    known = here == place or len(tested) > 0
    lost = _lost(grid, curves, here, tail, behind / unit, excluded) if known else UNKNOWN
    off = means - curves[:, np.searchsorted(grid, x)]
    return Optimum(
        best=Interval(*(float(2.0**limit) for limit in (found.mean, found.low, found.high))),
        edge=bool(np.isin([found.mean, found.low, found.high], [first, last]).any()),
        lost=Interval(unit * lost.mean, unit * lost.low, unit * lost.high),
        tested=tuple(map(int, tested)),
        excluded=bool(excluded),
        arms=ranks,
        misfit_p=_misfit_p(off, np.repeat(noise, CURVES, axis=0), rng),
        growths=2.0**grid,
        mean=centre + unit * mean,
        low=centre + unit * low,
        high=centre + unit * high,
    )


def _unit(arms: Arms) -> float:
    """The deviation of the arms' means from their mean, or their error where that is more.

    That is 1 where nothing differs.
    """
    error = np.sqrt(np.mean(arms.spreads**2 / arms.counts))
    return float(max(arms.means.std(), error)) or 1.0


def _noise(arms: Arms, unit: float, rng: np.random.Generator) -> Array:
    """Covariances of the means, as unsure as the seeds leave them: (spreads, arms, arms)."""
    chi2 = rng.chisquare(arms.freedom, (SPREADS, len(arms.means)))
    errors = arms.spreads / unit * np.sqrt(arms.freedom / (arms.counts * chi2))
    both = errors[:, :, None] * errors[:, None, :] * arms.correlation
    return both + JITTER * np.eye(len(arms.means))


def _curves(x: Array, means: Array, noise: Array, grid: Array, rng: np.random.Generator) -> Array:
    """Curves that the means leave possible, `CURVES` for each noise: (curves, grid).

    They are drawn from the prior and then moved by what the means say (Matheron's rule: Wilson et
    al. 2020, ICML, section 2.2).
    """
    span = (x.max() - x.min()) or 1.0
    arms = np.searchsorted(grid, x)
    kernels = np.stack([Matern(length, nu=2.5)(grid[:, None] / span) for length in LENGTHS])
    heights = np.tile(HEIGHTS, len(LENGTHS))
    of_arms = np.repeat(kernels[:, arms][:, :, arms], len(HEIGHTS), axis=0)
    priors = heights[:, None, None] ** 2 * of_arms + LEVEL**2
    picked = _picked(means, priors, noise, rng)
    spreads = np.repeat(np.arange(len(noise)), CURVES)
    curves = rng.standard_normal((len(picked), len(grid)))
    lengths = picked // len(HEIGHTS)
    for number, kernel in enumerate(kernels):
        root = np.linalg.cholesky(kernel + JITTER * np.eye(len(grid)))
        curves[lengths == number] = curves[lengths == number] @ root.T
    curves *= heights[picked, None]
    curves += LEVEL * rng.standard_normal((len(picked), 1))
    roots = np.linalg.cholesky(noise)[spreads]
    errors = (roots @ rng.standard_normal((len(picked), len(x), 1)))[:, :, 0]
    off = means - curves[:, arms] - errors
    pull = np.linalg.solve(priors[picked] + noise[spreads], off[:, :, None])[:, :, 0]
    for number, kernel in enumerate(kernels):
        these = lengths == number
        curves[these] += heights[picked[these], None] ** 2 * (pull[these] @ kernel[arms])
    curves += LEVEL**2 * pull.sum(axis=1, keepdims=True)
    return curves


def _picked(means: Array, priors: Array, noise: Array, rng: np.random.Generator) -> Array:
    """For each curve a prior, drawn by its marginal likelihood under the curve's noise."""
    roots = np.linalg.cholesky(priors + noise[:, None])
    aim = np.broadcast_to(means[:, None], (*roots.shape[:2], len(means), 1))
    white = np.linalg.solve(roots, aim)[..., 0]
    log = -(white**2).sum(axis=-1) / 2 - np.log(np.diagonal(roots, 0, -2, -1)).sum(axis=-1)
    weights = np.exp(log - log.max(axis=1, keepdims=True))
    below = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    picked: Array = (rng.random((len(noise), CURVES, 1)) > below[:, None, :]).sum(axis=-1)
    return picked.ravel()


def _highest(grid: Array, curves: Array, tail: float) -> Interval:
    """The place where the mean of curves is highest, within quantiles of where each is."""
    top = float(grid[curves.mean(axis=0).argmax()])
    places = grid[curves.argmax(axis=1)]
    low = float(np.quantile(places, tail, method="lower"))
    high = float(np.quantile(places, 1 - tail, method="higher"))
    return Interval(top, min(low, top), max(high, top))


def _lost(
    grid: Array, curves: Array, place: float, tail: float, behind: float, excluded: bool
) -> Interval:
    """What a place gives away against the highest of the mean curve, and of each curve at most.

    The lower limit is against one place, since the highest of a curve is high by chance, too; and
    it is `behind` at least, which the arm there is known to give away.
    """
    next_to = int(np.clip(np.searchsorted(grid, place), 1, len(grid) - 1))
    share = (place - grid[next_to - 1]) / (grid[next_to] - grid[next_to - 1])
    there = (1 - share) * curves[:, next_to - 1] + share * curves[:, next_to]
    top = curves[:, curves.mean(axis=0).argmax()]
    low = max(behind, 0.0, float(np.quantile(top - there, tail))) if excluded else 0.0
    mean = max(low, float(top.mean() - there.mean()))
    return Interval(mean, low, max(mean, float(np.quantile(curves.max(axis=1) - there, 1 - tail))))


def _tested(x: Array, place: float) -> npt.NDArray[np.intp]:
    """The arms of the growth that is nearest to a place, if that is within `TESTED` of it."""
    away = np.abs(x - place)
    near = away.min()
    return np.flatnonzero(x == x[away.argmin()]) if near <= np.log2(TESTED) else np.arange(0)


def _misfit_p(off: Array, noise: Array, rng: np.random.Generator) -> float:
    """How often new means would lie as far from the curves as these do (Gelman, Meng, Stern 1996).

    Args:
        off: of the means from each curve, (curves, arms).
        noise: their covariance under it, (curves, arms, arms).
        rng: where the new means come from.
    """
    seen = (off[:, None, :] @ np.linalg.solve(noise, off[:, :, None])).ravel()
    return float(np.mean(rng.chisquare(off.shape[1], len(off)) >= seen))
