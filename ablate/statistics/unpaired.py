"""Comparisons of arms whose values have nothing to do with each other, from counts and moments."""

import numpy as np
import numpy.typing as npt

from ablate.statistics.family import (
    DRAWS,
    Arms,
    Family,
    Reference,
    against,
    largest_t,
    unknown,
)


def compare_unpaired(
    counts: npt.ArrayLike,
    means: npt.ArrayLike,
    deviations: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Family:
    """Compare the means of independent arms, all comparisons together.

    The same as `family.compare` with a block for each arm, but from what there is to know of them,
    so that arms may have millions of values and different numbers of them. Of two arms it is
    Welch's comparison (1947, Biometrika 34), by draws of the Behrens-Fisher distribution in place
    of his degrees of freedom.

    Args:
        counts, means, deviations: of each arm, shape (arms,); deviations are those of samples,
            with n - 1.
        coefficients: shape (comparisons, arms), each row summing to zero.
        level: that all intervals hold together.
        draws: of the reference distribution.
    """
    n = np.asarray(counts, dtype=int)
    centre, spread = np.asarray(means, dtype=float), np.asarray(deviations, dtype=float)
    wanted = np.atleast_2d(np.asarray(coefficients, dtype=float))
    fewest = [int(n[row != 0].min()) for row in wanted]
    known = [place for place, least in enumerate(fewest) if least >= 2]
    if not known:
        return Family(comparisons=tuple(map(unknown, fewest)), largest=np.empty(0), level=level)
    used = np.flatnonzero((wanted[known] != 0).any(axis=0))
    arms = Arms(
        means=centre[used],
        spreads=spread[used],
        freedom=n[used] - 1.0,
        counts=n[used],
        correlation=np.eye(len(used)),
    )
    some = wanted[known][:, used]
    errors = arms.errors(some)
    largest = largest_t(arms, some, draws)
    reference = Reference(largest=largest, difference=1 - level, equivalence=2 * (1 - level))
    found = {
        place: against(reference, float(estimate), float(error), fewest[place], level)
        for place, estimate, error in zip(known, some @ arms.means, errors, strict=True)
    }
    return Family(
        comparisons=tuple(found.get(place) or unknown(least) for place, least in enumerate(fewest)),
        largest=largest,
        level=level,
    )
