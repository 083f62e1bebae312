"""Which arms may be the best: multiple comparisons with the best."""

import numpy as np
import numpy.typing as npt

from ablate.statistics.family import Arms

Array = npt.NDArray[np.float64]


def p_best(arms: Arms) -> Array:
    """For each arm, the p-value of a test that no other arm's mean is higher: shape (arms,).

    Arms with a p-value above 1 - level are the set that holds the best one at that level, without
    a correction for their number (Hsu 1996, Multiple Comparisons, chapter 4). Of an arm, the
    largest t-value of another against it is set against its distribution if no mean differed, with
    the spreads and the correlation that `family.describe` finds.

    Args:
        arms: two or more.
    """
    number = len(arms.means)
    drawn = arms.draws()
    p = np.ones(number)
    for arm in range(number):
        against = np.delete(np.eye(number), arm, axis=0)
        against[:, arm] = -1
        ahead, errors = against @ arms.means, arms.errors(against)
        sure = errors > 0
        if (ahead[~sure] > 0).any():
            p[arm] = 1 / (1 + len(drawn))
        elif sure.any():
            largest = (drawn @ against[sure].T / errors[sure]).max(axis=1)
            seen = (ahead[sure] / errors[sure]).max()
            p[arm] = (1 + np.count_nonzero(largest >= seen)) / (1 + len(drawn))
    return p


def may_be_best(p: Array, level: float = 0.95) -> npt.NDArray[np.bool_]:
    """Which arms cannot be ruled out as the best, from their p-values."""
    return p > 1 - level + 1e-12
