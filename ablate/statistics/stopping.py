"""What is settled at a look at growing data, so that arms need not be trained to the end.

At each look the comparisons of a family have intervals at that look's level (repeated confidence
intervals: Jennison & Turnbull 1989, JRSS B 51), and the words follow from them, as at the end:
`higher` or `lower` where the interval leaves out zero, `equivalent` where the interval of two
one-sided tests is within the margin. So all intervals hold together at 95% however the run stops,
and a word never contradicts its interval.

- The family stays whole: what is settled goes on to count in it. To pass its error on would let
  the intervals of those left over miss the truth together (`benchmarks/stopping.py`), and after a
  stop for futility or equivalence it would be wrong: those left are the largest of several.
- A comparison is given up, `open`, where neither word is likely any more. That may be ignored
  without harm (nonbinding): it never makes another word more likely.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.statistics.family import DRAWS, Arms, critical, describe, largest_t
from ablate.statistics.spending import hwang_shih_decani, levels

LOOKS = (4, 5, 6, 8, 10, 12, 14, 16, 20, 24)  # and where more are planned, every tenth
ALPHA = 0.05
DIFFERENCE = hwang_shih_decani(-4)
EQUIVALENCE = hwang_shih_decani(-4)
FUTILITY = 0.1  # a comparison is given up below this chance of a word
RESOLVED = 50  # draws beyond a level that are enough to say where it lies
MOST_DRAWS = 99_999
ROUGH_DRAWS = 4_999  # for a chance
STRATA = 48  # of each arm's spread, where the tail is integrated
SPREADS = 9  # values of an uncertain spread, over which a chance is averaged
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Level:
    """What a look may use of the error, and what the last one will.

    Args:
        fraction: of the planned seeds that are there.
        difference, equivalence: levels of this look for the family's p-values; of two one-sided
            tests, the two together.
        last_difference, last_equivalence: those of the last look.
    """

    fraction: float
    difference: float
    equivalence: float
    last_difference: float
    last_equivalence: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One comparison at a look, in the units of the values. NaN where nothing can be said yet.

    Args:
        estimate: the difference.
        low, high: limits at the look's level, which hold at 95% over all looks and comparisons.
        equal_low, equal_high: those of two one-sided tests.
        chance: that the last look would find a difference, or that it is within the margin; the
            greater of the two, if spreads and differences are what they seem.
        margin: what counts as equal.
    """

    estimate: float
    low: float
    high: float
    equal_low: float
    equal_high: float
    chance: float
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
        """Whether it is given up, its chance of a word being below a threshold."""
        return not self.word and self.chance < futility


def default_looks(seeds: int) -> list[int]:
    """Numbers of seeds at which a study of so many is looked at; the last is all of them."""
    return [look for look in LOOKS if look < seeds] + [seeds]


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
        fraction=fractions[place],
        difference=difference[place],
        equivalence=equivalence[place],
        last_difference=difference[-1],
        last_equivalence=equivalence[-1],
    )


def see(
    values: npt.ArrayLike, pairs: npt.ArrayLike, margins: npt.ArrayLike, at: Level
) -> list[Seen]:
    """Every comparison of a family at one look.

    Args:
        values: shape (seeds, arms); NaN where an arm was stopped before, or a trial failed.
        pairs: shape (comparisons, 2): the first arm less the second, by their columns.
        margins: shape (comparisons,), above zero, in the units of the values.
        at: of `level_of`.
    """
    y = np.asarray(values, dtype=float)
    both = np.asarray(pairs, dtype=int)
    widths = np.asarray(margins, dtype=float)
    counts = np.count_nonzero(~np.isnan(y), axis=0)
    known = (counts[both] >= 2).all(axis=1)
    seen = [_nothing(float(margin)) for margin in widths]
    if not known.any():
        return seen
    used = np.unique(both[known])
    arms = describe(y[:, used], [0] * len(used))
    rows = np.searchsorted(used, both[known])
    now = _Reach.of(arms, rows, _draws_for(at.difference))
    estimates = arms.means[rows[:, 0]] - arms.means[rows[:, 1]]
    reach, equal = now.reach(at.difference), now.reach(at.equivalence)
    chances = _chances(arms, rows, estimates, widths[known], now, at)
    for place, estimate, far, near, chance in zip(
        np.flatnonzero(known), estimates, reach, equal, chances, strict=True
    ):
        seen[place] = Seen(
            estimate=float(estimate),
            low=float(estimate - far),
            high=float(estimate + far),
            equal_low=float(estimate - near),
            equal_high=float(estimate + near),
            chance=float(chance),
            margin=float(widths[place]),
        )
    return seen


@dataclass(frozen=True, kw_only=True)
class _Reach:
    """How far intervals reach at a level, by the family's reference distribution or its tail."""

    errors: Array
    freedom: Array
    parts: Array
    correlation: Array
    largest: Array

    @classmethod
    def of(cls, arms: Arms, rows: npt.NDArray[np.int_], draws: int) -> "_Reach":
        coefficients = np.zeros((len(rows), len(arms.means)))
        coefficients[np.arange(len(rows)), rows[:, 0]] = 1
        coefficients[np.arange(len(rows)), rows[:, 1]] = -1
        scaled = arms.spreads / np.sqrt(arms.counts)
        return cls(
            errors=arms.errors(coefficients),
            freedom=arms.freedom[rows],
            parts=scaled[rows],
            correlation=arms.correlation[rows[:, 0], rows[:, 1]],
            largest=largest_t(arms, coefficients, draws),
        )

    def reach(self, level: float) -> Array:
        """Half widths of the intervals at a level, shape (comparisons,)."""
        if level * (len(self.largest) + 1) >= RESOLVED:
            t = critical(self.largest, level)
        else:
            t = self._far(level)
        return np.asarray(t * self.errors)

    def _far(self, level: float) -> float:
        """The t-value of a level too small for the draws: tails are added up (Bonferroni).

        Each is integrated over the spreads of the two arms, given which a difference is normal.
        """
        sure = self.errors > 0
        if not sure.any():
            return 0.0
        share, weight = _strata()
        over = np.sqrt(
            self.freedom[sure, :, None] / special.chdtri(self.freedom[sure, :, None], 1 - share)
        )
        first, second = (self.parts[sure, side, None] * over[:, side] for side in (0, 1))
        rho = self.correlation[sure, None, None]
        squares = first[:, :, None] ** 2 + second[:, None, :] ** 2
        squares -= 2 * rho * first[:, :, None] * second[:, None, :]
        ratios = self.errors[sure, None, None] / np.sqrt(squares)
        weights = weight[:, None] * weight
        low, high = 0.0, 20.0
        for _ in range(40):
            t = math.exp((low + high) / 2)
            beyond = float((2 * special.ndtr(-t * ratios) * weights).sum())
            low, high = ((low + high) / 2, high) if beyond > level else (low, (low + high) / 2)
        return math.exp(high)


def _draws_for(level: float) -> int:
    """Draws that resolve a level, or as many as usual where it would take too many."""
    wanted = math.ceil(RESOLVED / level) if level > 0 else MOST_DRAWS
    return max(DRAWS, wanted) if wanted < MOST_DRAWS else DRAWS


def _strata() -> tuple[Array, Array]:
    """Shares below a spread's estimate, fine towards none, and how much each stands for."""
    edges = np.concatenate([[0.0], np.geomspace(1e-12, 0.5, STRATA // 2)])
    edges = np.concatenate([edges, np.linspace(0.5, 1, STRATA // 2 + 1)[1:]])
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


def _chances(
    arms: Arms,
    rows: npt.NDArray[np.int_],
    estimates: Array,
    margins: Array,
    now: _Reach,
    at: Level,
) -> Array:
    """How likely the last look finds a difference, or equivalence; the greater of the two.

    Predictive: the difference is as uncertain as the data leave it, and the spread as well
    (Spiegelhalter, Freedman & Blackburn 1986, Controlled Clinical Trials 7).
    """
    if at.fraction >= 1:
        return np.zeros(len(rows))
    planned = np.maximum(np.round(arms.counts / at.fraction), arms.counts).astype(int)
    more = planned - arms.counts
    later = dataclasses.replace(arms, counts=planned, freedom=arms.freedom + more)
    end = _Reach.of(later, rows, ROUGH_DRAWS)
    spread = _factors(now)
    still = end.errors * math.sqrt((1 - at.fraction) / at.fraction)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = end.reach(at.last_difference)[:, None] * spread
        room = margins[:, None] - end.reach(at.last_equivalence)[:, None] * spread
        apart = np.maximum(still[:, None] * spread, 1e-300)
        middle = estimates[:, None]
        differs = special.ndtr((middle - far) / apart) + special.ndtr((-middle - far) / apart)
        within = special.ndtr((room - middle) / apart) - special.ndtr((-room - middle) / apart)
    greater = np.maximum(differs.mean(axis=1), np.where(room > 0, within, 0).mean(axis=1))
    return np.asarray(greater)


def _factors(now: _Reach) -> Array:
    """True spread over the estimated, at even quantiles, shape (comparisons, SPREADS)."""
    parts = now.parts**2
    freedom = parts.sum(axis=1) ** 2 / np.maximum((parts**2 / now.freedom).sum(axis=1), 1e-300)
    freedom = np.maximum(freedom, 1.0)[:, None]  # Satterthwaite (1946)
    quantiles = (np.arange(SPREADS) + 0.5) / SPREADS
    return np.asarray(np.sqrt(freedom / special.chdtri(freedom, quantiles)))


def _nothing(margin: float) -> Seen:
    nan = math.nan
    return Seen(
        estimate=nan, low=nan, high=nan, equal_low=nan, equal_high=nan, chance=1.0, margin=margin
    )
