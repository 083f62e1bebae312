"""Rounds of measurements, and what they say of one contender against another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES, LEVEL, SEED = 10_000, 0.95, 0


@dataclass(frozen=True)
class Ratio:
    """The median of a ratio over rounds, and the limits of its bootstrap interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


def measure_in_rounds(
    measures: Mapping[str, Callable[[], float]], rounds: int, tell: Callable[[str], object]
) -> dict[str, list[float]]:
    """Each measure once a round, A B C and then C B A, so that a drift hits all alike.

    One call of each comes first and is not kept. `tell` hears of every round.
    """
    for measure in measures.values():
        measure()
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}")
        for name in list(measures)[:: 1 if number % 2 == 0 else -1]:
            found[name].append(measures[name]())
    return found


def paired_ratio(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """`over / under` round by round: the median, and its 95% percentile bootstrap interval.

    Rounds are drawn with replacement, by a fixed seed (Efron 1979).
    """
    ratios = np.asarray(over) / np.asarray(under)
    drawn = np.random.default_rng(SEED).integers(len(ratios), size=(RESAMPLES, len(ratios)))
    tails = [(1 - LEVEL) / 2 * 100, (1 + LEVEL) / 2 * 100]
    low, high = np.percentile(np.median(ratios[drawn], axis=1), tails)
    return Ratio(float(np.median(ratios)), float(low), float(high))


def median_and_iqr(values: npt.ArrayLike) -> tuple[float, float]:
    """The median, and the distance between the quartiles."""
    lower, median, upper = np.percentile(values, [25, 50, 75])
    return float(median), float(upper - lower)
