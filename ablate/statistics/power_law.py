"""How a time goes with costs: as a product of powers, or as a sum; arrays in, numbers out.

Fitted by least squares to logarithms, or to relative errors with no negative term (Lawson and
Hanson 1974, Solving Least Squares Problems). Intervals come from drawing the observations anew
(bootstrap of pairs: Freedman 1981, Annals of Statistics 9): every fit here takes how often each
observation counts, for many draws at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

FOLDS = 10
Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Fit = Callable[[Array, Array], Callable[[Array], Array]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """How well a fit tells times that it has not seen.

    Args:
        error: root of the mean square of the difference of logarithms (natural): 0.1 is some 10%.
        r2: share of the variance of the logarithms that is told; below 0 where their mean is
            better.
    """

    error: float
    r2: float


def exponents(
    costs: Array, times: Array, counts: Array | None = None, levels: Codes | None = None
) -> Array:
    """The powers b of the fit time = c costs^b, by least squares of the logarithms.

    Args:
        costs: shape (observations, costs), above zero.
        times: shape (observations,), above zero.
        counts: how often each observation counts, shape (draws, observations); once if None.
        levels: a group of each observation, from 0; each group has a c of its own. One if None.

    Returns:
        Shape (draws, costs); one draw if `counts` is None.
    """
    often = np.ones((1, len(times))) if counts is None else counts
    groups = np.zeros(len(times), dtype=np.int64) if levels is None else levels
    logs = np.log(np.column_stack([costs, times]))
    logs = logs - logs.mean(axis=0)
    size = logs.shape[1]
    ones = np.eye(groups.max() + 1)[groups]
    weights = often @ ones
    sums = np.stack([(often * column) @ ones for column in logs.T], axis=2)
    means = np.divide(sums, weights[:, :, None], where=weights[:, :, None] > 0, out=sums * 0)
    products = (logs[:, :, None] * logs[:, None, :]).reshape(len(logs), -1)
    spread = (often @ products).reshape(-1, size, size) - np.einsum("dgi,dgj->dij", sums, means)
    inner, outer = spread[:, :-1, :-1], spread[:, :-1, -1]
    found: Array = (np.linalg.pinv(inner, hermitian=True) @ outer[:, :, None])[:, :, 0]
    return found


def power_law(costs: Array, times: Array) -> Callable[[Array], Array]:
    """The product of powers that is fitted to times, as a function of costs."""
    powers = exponents(costs, times)[0]
    level = float(np.mean(np.log(times) - np.log(costs) @ powers))

    def told(wanted: Array) -> Array:
        found: Array = np.exp(level + np.log(wanted) @ powers)
        return found

    return told


def terms(costs: Array, times: Array, counts: Array | None = None) -> Array:
    """The terms k of the fit time = k0 + costs @ k, none below zero, by relative errors squared.

    Args:
        costs, times, counts: as `exponents` has them.

    Returns:
        Shape (draws, 1 + costs): what stands for every observation, then of each cost.
    """
    often = np.ones((1, len(times))) if counts is None else counts
    scale = np.concatenate([[times.mean()], times.mean() / costs.mean(axis=0)])
    relative = np.column_stack([np.ones(len(times)), costs]) * scale / times[:, None]
    size = relative.shape[1]
    products = (relative[:, :, None] * relative[:, None, :]).reshape(len(relative), -1)
    inner = (often @ products).reshape(-1, size, size)
    outer = often @ relative
    found = np.empty((len(often), size))
    for place, (square, side) in enumerate(zip(inner, outer, strict=True)):
        values, vectors = np.linalg.eigh(square)
        roots = np.sqrt(np.maximum(values, values.max() * 1e-12))
        found[place] = nnls(roots[:, None] * vectors.T, (vectors.T @ side) / roots)[0]
    scaled: Array = found * scale
    return scaled


def sum_of_terms(costs: Array, times: Array) -> Callable[[Array], Array]:
    """The sum of terms that is fitted to times, as a function of costs."""
    found = terms(costs, times)[0]

    def told(wanted: Array) -> Array:
        times: Array = found[0] + wanted @ found[1:]
        return times

    return told


def cross_validated(fit: Fit, costs: Array, times: Array, groups: Codes, seed: int = 0) -> Told:
    """Tell each time from observations of other groups.

    Args:
        fit: makes a function of costs from costs and times.
        costs, times: as `exponents` has them.
        groups: of each observation, from 0; whole groups are left out, in `FOLDS` folds, or as
            many as there are groups. Two or more.
        seed: of the order in which groups come to folds.
    """
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    off, logs = np.empty(len(times)), np.log(times)
    for fold in np.array_split(order, min(FOLDS, len(order))):
        left_out = np.isin(groups, fold)
        told = fit(costs[~left_out], times[~left_out])(costs[left_out])
        off[left_out] = np.log(told) - logs[left_out]
    around = logs - logs.mean()
    return Told(
        error=float(np.sqrt(np.mean(off**2))), r2=float(1 - np.sum(off**2) / np.sum(around**2))
    )


def equal_growth(powers: Array) -> Array:
    """The growth of the width that keeps a layer's time, where the map halves in both directions.

    Then its MACs go with r^2 / 4 and its activations with r / 4, so that (r^2 / 4)^a (r / 4)^b = 1
    at r = 2^(2 (a + b) / (2 a + b)): 2 where MACs alone make the time, 4 where activations do.

    Args:
        powers: of MACs and of activations, shape (draws, 2).

    Returns:
        Shape (draws,); NaN where the time does not rise with the width.
    """
    a, b = powers[:, 0], powers[:, 1]
    rises = 2 * a + b
    found: Array = 2 ** (2 * (a + b) / np.where(rises > 0, rises, np.nan))
    return found


def equal_growth_of_share(share: Array) -> Array:
    """The same where the time is a sum: the r of s r^2 / 4 + (1 - s) r / 4 = 1.

    Args:
        share: s, of the layer's time that its MACs take, from 0 to 1; any shape.
    """
    root = np.sqrt((1 - share) ** 2 + 16 * share)
    found: Array = 8 / ((1 - share) + root)  # the usual root, in the form that holds at s = 0 too
    return found
