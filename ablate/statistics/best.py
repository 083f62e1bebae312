"""Which arms may be the best: multiple comparisons with the best."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.statistics.family import Arms, critical, tail

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Best:
    """What is known of each arm against the best of the others; all of shape (arms,).

    Args:
        p: of a test that no other arm's mean is higher.
        may_be: whether the arm cannot be ruled out as the best: p is above 1 - level.
        behind: what the arm gives away against the best at the least, in the values' unit; 0 where
            it may be the best.
    """

    p: Array
    may_be: npt.NDArray[np.bool_]
    behind: Array


def compare_with_best(arms: Arms, level: float = 0.95) -> Best:
    """Which arms cannot be ruled out as the best: a set that holds it with probability `level`.

    No correction for the number of arms is needed (Hsu 1996, Multiple Comparisons, chapter 4). Of
    an arm, the largest t-value of another against it is set against its distribution if no mean
    differed, with the spreads and the correlation that `family.describe` finds.

    Args:
        arms: two or more.
        level: of each arm's one-sided test.
    """
    number = len(arms.means)
    drawn = arms.draws()
    p, behind = np.ones(number), np.zeros(number)
    for arm in range(number):
        against = np.delete(np.eye(number), arm, axis=0)
        against[:, arm] = -1
        ahead = against @ arms.means
        errors = np.maximum(arms.errors(against), np.finfo(float).tiny)
        largest = np.sort((drawn @ against.T / errors).max(axis=1))
        p[arm] = tail(largest, float((ahead / errors).max()))
        behind[arm] = (ahead - critical(largest, 1 - level) * errors).max()
    may_be = p > 1 - level + 1e-12
    return Best(p=p, may_be=may_be, behind=np.where(may_be, 0.0, behind))
