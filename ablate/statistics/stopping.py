"""What is settled at a look at growing data, so that arms need not be trained to the end.

At each look the comparisons of a family have intervals at that look's level (repeated confidence
intervals: Jennison & Turnbull 1989, JRSS B 51), and the words follow from them, as at the end:
`higher` or `lower` where the interval leaves out zero, `equivalent` where the interval of two
one-sided tests is within the margin. So all intervals hold together at 95% however the run stops,
and a word never contradicts its interval.

- The family stays whole: what is settled goes on to count in it. Were its error passed on, those
  left over would be judged as if they had not been left over, which is wrong after a stop for
  equivalence or futility, and lets intervals miss the truth together after any other.
- A comparison is given up where neither word is likely any more. That may be ignored without harm
  (nonbinding): it never makes another word more likely.
- The last look uses the family's own reference distribution. Before, where a level is a thousandth
  or so, its far tail would say more of how few the seeds are than of the data, and t-values are set
  against those of resampled means and spreads instead (close to Welch 1947, Biometrika 34).

An arm with a long tail that a few seeds miss can seem different for as long as they miss it: with
the residuals of published runs that have one, some 8% of runs were false alarms, where normal
values with the same spreads have 5%. Spending less before the end did not change that.

Looks, spending and futility were chosen on orders of the published runs' seeds, and judged on
others: `python -m benchmarks.stopping`.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.statistics.family import DRAWS, Arms, Reference, against, critical, describe, largest_t
from ablate.statistics.spending import held_back, hwang_shih_decani, levels

LOOKS = (4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24)
STEP = 6  # seeds between looks beyond those
ALPHA = 0.05
DIFFERENCE = held_back(hwang_shih_decani(-4), 0.2)
EQUIVALENCE = held_back(hwang_shih_decani(-4), 0.2)
PER_SEEDS = 10  # still to come, for which a chance is worth going on
RESOLVED = 20  # draws beyond a level that are enough to say where it lies
MOST_DRAWS = 99_999
ROUGH_DRAWS = 4_999  # for a chance
LIKE_OTHERS = 4  # degrees of freedom by which a large spread is expected to be a usual one
Array = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.int_]


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a look may use of the error, and what the last one will.

    Args:
        seeds, planned: of each arm, now and at the last look.
        difference, equivalence: levels of this look for the family's p-values; of two one-sided
            tests, the two together.
        last_difference, last_equivalence: those of the last look.
    """

    seeds: int
    planned: int
    difference: float
    equivalence: float
    last_difference: float
    last_equivalence: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One comparison at a look, in the units of the values. NaN where nothing can be said yet.

    Args:
        estimate: the difference.
        error: its standard error.
        n: the fewest values of the two arms.
        reference: what it is set against at this look.
        low, high: limits at the look's level, which hold at 95% over all looks and comparisons.
        equal_low, equal_high: those of two one-sided tests.
        chance: that the last look would find a difference, or that it is within the margin; the
            greater of the two, if the difference is what it seems. 0 at the last look.
        left: seeds of an arm from here to the last look.
        margin: what counts as equal.
    """

    estimate: float
    error: float
    n: int
    reference: Reference
    low: float
    high: float
    equal_low: float
    equal_high: float
    chance: float
    left: int
    margin: float

    @property
    def word(self) -> str:
        """`equivalent`, `higher`, `lower`, or nothing, by the intervals."""
        if max(-self.equal_low, self.equal_high) < self.margin:
            return "equivalent"
        if self.low > 0:
            return "higher"
        return "lower" if self.high < 0 else ""

    def futile(self, futility: float) -> bool:
        """Whether a comparison is given up: no word, and not chance enough of one.

        Args:
            futility: the chance that `PER_SEEDS` more seeds must be worth; 0 for never.
        """
        return not self.word and self.chance < futility * self.left / PER_SEEDS


def default_looks(seeds: int) -> list[int]:
    """Numbers of seeds at which a study of so many is looked at; the last is all of them."""
    usual = (*LOOKS, *range(LOOKS[-1] + STEP, seeds, STEP))
    return [*(look for look in usual if look < seeds), seeds]


def level_of(looks: tuple[int, ...], seeds: int, comparisons: int) -> Level:
    """What the look at so many seeds may use.

    Args:
        looks: ascending numbers of seeds; the last is what is planned.
        seeds: one of them.
        comparisons: in the family.
    """
    fractions = tuple(look / looks[-1] for look in looks)
    difference = levels(fractions, ALPHA, DIFFERENCE, comparisons)
    equivalence = levels(fractions, 2 * ALPHA, EQUIVALENCE, comparisons)
    place = looks.index(seeds)
    return Level(
        seeds=seeds,
        planned=looks[-1],
        difference=difference[place],
        equivalence=equivalence[place],
        last_difference=difference[-1],
        last_equivalence=equivalence[-1],
    )


def see(
    values: npt.ArrayLike,
    pairs: npt.ArrayLike,
    margins: npt.ArrayLike,
    at: Level,
    settled: npt.ArrayLike | None = None,
    draws: int = MOST_DRAWS,
) -> list[Seen]:
    """Every comparison of a family at one look.

    Args:
        values: shape (seeds, arms); NaN where an arm was stopped before, or a trial failed.
        pairs: shape (comparisons, 2): the first arm less the second, by their columns.
        margins: shape (comparisons,), above zero, in the units of the values.
        at: of `level_of`.
        settled: shape (comparisons,), those of earlier looks; none if None. They count in the
            family as if their arms had gone on, for a few seeds of what is no longer asked must
            not widen the intervals of the rest. What is said of them here means nothing.
        draws: at most, of the reference distribution.
    """
    y = np.asarray(values, dtype=float)
    both = np.asarray(pairs, dtype=int)
    widths = np.asarray(margins, dtype=float)
    counts = np.count_nonzero(~np.isnan(y), axis=0)
    known = (counts[both] >= 2).all(axis=1)
    seen = [_nothing(at, float(margin)) for margin in widths]
    if not known.any():
        return seen
    used = np.unique(both[known])
    rows = np.searchsorted(used, both[known])
    closed = np.zeros(len(both), bool) if settled is None else np.asarray(settled, dtype=bool)
    arms = _as_if(describe(y[:, used], [0] * len(used)), rows[~closed[known]], at.seeds)
    coefficients = _coefficients(rows, len(used))
    if at.seeds == at.planned:
        largest = largest_t(arms, coefficients)
    else:
        wanted = math.ceil(RESOLVED / max(at.difference, RESOLVED / MOST_DRAWS))
        largest = _largest_resampled(arms, rows, min(max(wanted, DRAWS), draws))
    errors = arms.errors(coefficients)
    estimates = coefficients @ arms.means
    chances = _chances(arms, rows, estimates, widths[known], at)
    reference = Reference(largest=largest, difference=at.difference, equivalence=at.equivalence)
    for place, estimate, error, chance in zip(
        np.flatnonzero(known), estimates, errors, chances, strict=True
    ):
        n = int(counts[both[place]].min())
        one = against(reference, float(estimate), float(error), n, 1 - ALPHA)
        seen[place] = Seen(
            estimate=one.estimate,
            error=one.error,
            n=n,
            reference=reference,
            low=one.low,
            high=one.high,
            equal_low=one.equal_low,
            equal_high=one.equal_high,
            chance=float(chance),
            left=at.planned - at.seeds,
            margin=float(widths[place]),
        )
    return seen


def _nothing(at: Level, margin: float) -> Seen:
    nan = math.nan
    return Seen(
        estimate=nan,
        error=nan,
        n=0,
        reference=Reference(largest=np.empty(0), difference=nan, equivalence=nan),
        low=nan,
        high=nan,
        equal_low=nan,
        equal_high=nan,
        chance=math.inf,
        left=at.planned - at.seeds,
        margin=margin,
    )


def _as_if(arms: Arms, going: Pairs, seeds: int) -> Arms:
    """The arms, those in no pair that goes on as they would be with so many seeds."""
    idle = ~np.isin(np.arange(len(arms.counts)), going)
    counts = np.where(idle, np.maximum(arms.counts, seeds), arms.counts)
    return dataclasses.replace(arms, counts=counts, freedom=arms.freedom + (counts - arms.counts))


def _coefficients(rows: Pairs, arms: int) -> Array:
    found = np.zeros((len(rows), arms))
    found[np.arange(len(rows)), rows[:, 0]] = 1
    found[np.arange(len(rows)), rows[:, 1]] = -1
    return found


def _largest_resampled(arms: Arms, rows: Pairs, count: int) -> Array:
    """Draws of the largest absolute t-value, means and spreads both resampled, ascending."""
    rng = np.random.default_rng(0)
    scaled = arms.spreads / np.sqrt(arms.counts)
    means = rng.standard_normal((count, len(scaled)))
    means = means @ np.linalg.cholesky(arms.correlation).T * scaled
    spreads = np.sqrt(rng.chisquare(arms.freedom, means.shape) / arms.freedom) * scaled
    first, second = rows[:, 0], rows[:, 1]
    squares = spreads[:, first] ** 2 + spreads[:, second] ** 2
    squares -= 2 * arms.correlation[first, second] * spreads[:, first] * spreads[:, second]
    differences = np.abs(means[:, first] - means[:, second])
    sure = (scaled[first] > 0) | (scaled[second] > 0)
    if not sure.any():
        return np.zeros(count)
    largest: Array = np.sort((differences[:, sure] / np.sqrt(squares[:, sure])).max(axis=1))
    return largest


def _chances(arms: Arms, rows: Pairs, estimates: Array, margins: Array, at: Level) -> Array:
    """How likely the last look finds a difference, or equivalence; the greater of the two.

    Conditional power at the estimate (Lan & Wittes 1988, Biometrics 44). A spread larger than usual
    is expected to be less so at the end.
    """
    more = at.planned - at.seeds
    if more == 0:
        return np.zeros(len(rows))
    usual = float(np.median(arms.spreads)) ** 2
    squares, freedom = arms.spreads**2, arms.counts - 1
    smaller = (freedom * squares + LIKE_OTHERS * usual) / (freedom + LIKE_OTHERS)
    end = dataclasses.replace(
        arms,
        spreads=np.sqrt(np.minimum(squares, np.maximum(smaller, usual))),
        counts=np.full_like(arms.counts, at.planned),
        freedom=arms.freedom + more,
    )
    coefficients = _coefficients(rows, len(arms.means))
    largest = largest_t(end, coefficients, ROUGH_DRAWS)
    errors = np.maximum(end.errors(coefficients), 1e-12)
    still = errors * math.sqrt(more / at.planned)
    far = critical(largest, at.last_difference) * errors
    room = margins - critical(largest, at.last_equivalence) * errors
    differs = special.ndtr((estimates - far) / still) + special.ndtr((-estimates - far) / still)
    within = special.ndtr((room - estimates) / still) - special.ndtr((-room - estimates) / still)
    return np.asarray(np.maximum(differs, within))
