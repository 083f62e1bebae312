"""A time as a sum of terms, none below zero, by least absolute relative error.

Few networks that a device runs unusually slowly then do not draw the others: the median is what is
fitted. Least absolute errors are found by least squares, weighted anew with the errors until they
settle (Schlossmacher 1973, Journal of the American Statistical Association 68), each with no
negative term (Lawson and Hanson 1974, Solving Least Squares Problems).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

ROUNDS = 20
LEAST = 0.02  # relative errors below count as this, so that weights stay finite
Array = npt.NDArray[np.float64]


def positive_terms(costs: Array, times: Array) -> Array:
    """The terms k of the fit time = costs @ k.

    Args:
        costs: shape (observations, terms), zero or above; a term without any cost gets zero.
        times: shape (observations,), above zero.

    Returns:
        Shape (terms,), zero or above.
    """
    relative = costs / times[:, None]
    scale = relative.max(axis=0)
    scale[scale == 0] = np.inf
    scaled = relative / scale
    weights = np.ones(len(times))
    for _ in range(ROUNDS):
        found = nnls(scaled * weights[:, None], weights)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(scaled @ found - 1), LEAST))
    terms: Array = found / scale
    return terms


def told_over_true(
    costs: Array, times: Array, groups: Sequence[str], folds: int | None = None, seed: int = 0
) -> Array:
    """Each time as terms tell it that were fitted to other groups, over the time itself.

    Args:
        costs, times: as `positive_terms` has them.
        groups: of each observation; whole groups are left out.
        folds: how many times, with groups in an order drawn from `seed`; each by itself if None.

    Returns:
        Shape (observations,).
    """
    names = np.unique(np.asarray(groups))
    order = np.random.default_rng(seed).permutation(names)
    told = np.empty(len(times))
    for fold in np.array_split(order, min(folds or len(names), len(names))):
        out = np.isin(groups, fold)
        told[out] = costs[out] @ positive_terms(costs[~out], times[~out])
    ratios: Array = told / times
    return ratios
