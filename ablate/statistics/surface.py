"""A smooth surface through the values of many networks, and what it says of others: arrays only.

A Gaussian process over a few coordinates, each with a length of its own, so that its shape is not
chosen beforehand (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapters 2
and 5). Intervals are over networks: what the surface would have been with others drawn as these
were (bootstrap of pairs: Freedman 1981, Annals of Statistics 9).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import linprog
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Kernel, Matern, WhiteKernel

LEARNT_FROM = 256  # networks, at most, from which lengths, height and noise are learnt
SMOOTHNESS = 2.5  # of the Matern kernel: twice differentiable
LENGTHS, HEIGHTS, NOISES = (0.3, 30.0), (0.5, 1e3), (1e-4, 2.0)  # in standard deviations
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A surface that has been fitted.

    Args:
        points: shape (networks, coordinates), standardised.
        values: shape (networks,), standardised.
        kernel: without its noise.
        noise: variance of a single value about the surface, standardised.
        centre, scale: of the coordinates, shape (coordinates,).
        level, unit: mean and deviation of the values.
    """

    points: Array
    values: Array
    kernel: Kernel
    noise: float
    centre: Array
    scale: Array
    level: float
    unit: float

    @property
    def deviation(self) -> float:
        """Of single values about the surface, in the values' unit."""
        return float(np.sqrt(self.noise) * self.unit)

    def at(self, points: npt.ArrayLike, counts: npt.ArrayLike | None = None) -> Array:
        """The surface at points, in the values' unit.

        Args:
            points: shape (points, coordinates), as they were given to `fit`.
            counts: how often each network counts; once if None.
        """
        often = np.ones(len(self.values)) if counts is None else np.asarray(counts, dtype=float)
        used = often > 0
        known = self.points[used]
        spread = self.kernel(known) + np.diag(self.noise / often[used])
        weights = cho_solve(cho_factor(spread, lower=True), self.values[used])
        wanted = (np.atleast_2d(np.asarray(points, dtype=float)) - self.centre) / self.scale
        found: Array = self.level + self.unit * (self.kernel(wanted, known) @ weights)
        return found


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How well a surface tells a network that it has not seen.

    Args:
        error: root of the mean squared error, in the values' unit.
        r2: share of the variance that it explains.
        n: networks.
    """

    error: float
    r2: float
    n: int


def fit(points: npt.ArrayLike, values: npt.ArrayLike) -> Surface:
    """Fit a surface by maximum marginal likelihood.

    Args:
        points: shape (networks, coordinates); no coordinate is the same in all.
        values: shape (networks,).
    """
    x, y = np.asarray(points, dtype=float), np.asarray(values, dtype=float)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    level, unit = float(y.mean()), float(y.std()) or 1.0
    z, v = (x - centre) / scale, (y - level) / unit
    some = np.random.default_rng(0).permutation(len(z))[:LEARNT_FROM]
    start = ConstantKernel(4.0, HEIGHTS) * Matern(
        np.full(z.shape[1], 2.0), LENGTHS, nu=SMOOTHNESS
    ) + WhiteKernel(0.05, NOISES)
    with warnings.catch_warnings():  # a length at its bound: that coordinate hardly matters
        warnings.simplefilter("ignore", ConvergenceWarning)
        learnt = GaussianProcessRegressor(start).fit(z[some], v[some]).kernel_
    return Surface(
        points=z,
        values=v,
        kernel=learnt.k1,
        noise=float(learnt.k2.noise_level),
        centre=centre,
        scale=scale,
        level=level,
        unit=unit,
    )


def leave_one_out(surface: Surface) -> Checked:
    """Tell each network from all others (Rasmussen and Williams 2006, section 5.4.2)."""
    spread = surface.kernel(surface.points) + surface.noise * np.eye(len(surface.values))
    inverse = np.linalg.inv(spread)
    off = (inverse @ surface.values) / np.diag(inverse)
    around = surface.values - surface.values.mean()
    return Checked(
        error=float(surface.unit * np.sqrt(np.mean(off**2))),
        r2=float(1 - np.sum(off**2) / np.sum(around**2)),
        n=len(off),
    )


def resampled(networks: int, draws: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """How often each network counts in each draw of as many with replacement.

    Returns:
        Shape (draws, networks); each row sums to `networks`.
    """
    rng = np.random.default_rng(seed)
    found: npt.NDArray[np.int64] = rng.multinomial(networks, np.full(networks, 1 / networks), draws)
    return found


def within(points: npt.ArrayLike, wanted: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which wanted points lie between the given ones, so that a surface is not extended to them.

    Args:
        points: shape (networks, coordinates).
        wanted: shape (points, coordinates).

    Returns:
        Shape (points,): whether each is in the convex hull.
    """
    x = np.asarray(points, dtype=float)
    scale = x.std(axis=0)
    corners = np.vstack([(x / scale).T, np.ones(len(x))])
    inside = [
        linprog(np.zeros(len(x)), A_eq=corners, b_eq=[*(one / scale), 1.0], method="highs").success
        for one in np.atleast_2d(np.asarray(wanted, dtype=float))
    ]
    return np.array(inside, dtype=bool)
