"""Several comparisons of arms that hold together: one reference distribution for every number.

Arms have spreads of their own, and what is compared are sums of their means with coefficients.
The largest of all the comparisons' t-values is set against its distribution if nothing differed
(max-t, single step: Westfall & Young 1993; Hothorn, Bretz & Westfall 2008, Biometrical Journal 50).
p-value and interval come from that one distribution, so a p-value of 0.05 or less and an interval
that leaves out zero are the same event.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ablate.statistics.images import ImageNoise

MIN_SEEDS = 4  # with fewer, a spread says too little of itself
DRAWS = 19_999  # of the reference distribution: p-values are multiples of 1 / 20,000
BORROWED = 4  # degrees of freedom that an arm with a small spread takes from the others
WILD = 4  # times the median variance: more of an arm's own does not count in that average
DOUBT = 20  # pairs of residuals that say as much of a correlation as knowing none
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What comparisons are set against.

    Args:
        largest: draws of the largest absolute t-value if nothing differed, ascending.
        difference, equivalence: levels, of a family at 95% 5% and 10%; of two one-sided tests, the
            two together. A look at growing data may use less.
    """

    largest: Array
    difference: float
    equivalence: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One comparison, in the units of the values. NaN where an arm has fewer than two values.

    Args:
        estimate: the difference, or the contrast.
        error: its standard error.
        low, high: limits at the family's level.
        p: of no difference, adjusted over the family.
        equal_low, equal_high: limits at the level of two one-sided tests: 90% for a family at 95%.
        n: the fewest values of an arm in it.
        reference: what it was set against; None where nothing can be said.
    """

    estimate: float
    error: float
    low: float
    high: float
    p: float
    equal_low: float
    equal_high: float
    n: int
    reference: Reference | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Comparisons that were judged together.

    Args:
        comparisons: in the order of the coefficients.
        largest: draws of the largest absolute t-value if nothing differed, ascending; none where
            nothing could be compared.
        level: that all intervals hold together, between 0 and 1.
    """

    comparisons: tuple[Compared, ...]
    largest: Array
    level: float

    @property
    def critical(self) -> float:
        """How many standard errors an interval reaches to either side."""
        return critical(self.largest, 1 - self.level)

    def p_equal(self, one: Compared, margin: float) -> float:
        """The p-value that a comparison's difference is outside the margin.

        At 1 - level or less exactly where `equal_low` and `equal_high` are within the margin
        (two one-sided tests: Schuirmann 1987, J. Pharmacokinetics and Biopharmaceutics 15).
        """
        if one.reference is None or math.isnan(one.p):
            return math.nan
        if one.error == 0:
            return float(abs(one.estimate) >= margin)
        room = (margin - abs(one.estimate)) / one.error
        share = (1 - self.level) / one.reference.equivalence
        return min(1.0, tail(one.reference.largest, room) * share) if room > 0 else 1.0


def compare(
    values: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    level: float = 0.95,
    blocks: Sequence[object] | None = None,
    images: ImageNoise | None = None,
    draws: int = DRAWS,
    own: bool = False,
) -> Family:
    """Compare arms by their means, all comparisons together.

    A comparison's t-value is its estimate over its standard error, which has each arm's own
    variance and one correlation of arms at the same seed. The reference distribution draws every
    arm's mean as a Student's t of its own degrees of freedom (Behrens 1929; Fisher 1935, Annals of
    Eugenics 6), so that unequal spreads do no harm. An arm that spreads less than the arms do on
    average is taken to spread more, by `BORROWED` degrees of freedom of that average (as Smyth
    2004, Statistical Applications in Genetics 3, but upwards alone): a few seeds that happen to
    agree, or that miss the tail of a skewed arm, must not pass for precision.

    Args:
        values: shape (seeds, arms); NaN where an arm lacks the seed.
        coefficients: shape (comparisons, arms), each row summing to zero, or of one arm alone
            where the values are differences themselves.
        level: that all intervals hold together.
        blocks: what each arm is a measurement of; arms of one block share a correlation, those of
            different blocks have none. One block if None.
        images: what the choice of test images does to the means of these arms. Intervals are then
            over seeds and test images: to every draw of the reference distribution one with this
            covariance is added, a Student's t of its degrees of freedom, and to every squared
            standard error its share. Over seeds alone if None.
        draws: of the reference distribution; p-values are multiples of 1 / (draws + 1).
        own: let every two arms have a correlation of their own, drawn towards that of all where
            seeds are few: for arms that need not have the same in common.
    """
    y = np.asarray(values, dtype=float)
    wanted = np.atleast_2d(np.asarray(coefficients, dtype=float))
    counts = np.count_nonzero(~np.isnan(y), axis=0)
    fewest = [int(counts[row != 0].min()) for row in wanted]
    known = [place for place, n in enumerate(fewest) if n >= 2]
    if not known:
        return Family(comparisons=tuple(map(unknown, fewest)), largest=np.empty(0), level=level)
    used = np.flatnonzero((wanted[known] != 0).any(axis=0))
    kinds = [0] * y.shape[1] if blocks is None else list(blocks)
    arms = describe(y[:, used], [kinds[arm] for arm in used], own)
    if images is not None:
        arms = replace(arms, images=images.of(used))
    some = wanted[known][:, used]
    errors = arms.errors(some)
    largest = largest_t(arms, some, draws)
    reference = Reference(largest=largest, difference=1 - level, equivalence=2 * (1 - level))
    found = {
        place: against(reference, float(estimate), float(error), fewest[place], level)
        for place, estimate, error in zip(known, some @ arms.means, errors, strict=True)
    }
    return Family(
        comparisons=tuple(found.get(place) or unknown(n) for place, n in enumerate(fewest)),
        largest=largest,
        level=level,
    )


@dataclass(frozen=True, kw_only=True)
class Arms:
    """What the values say of each arm.

    Args:
        means: shape (arms,).
        spreads: standard deviations of single values, those of small spread raised.
        freedom: degrees of freedom of each spread.
        counts: values of each arm.
        correlation: shape (arms, arms), of the means.
        images: what the choice of test images does to the means, if that is to be counted.
    """

    means: Array
    spreads: Array
    freedom: Array
    counts: npt.NDArray[np.int_]
    correlation: Array
    images: ImageNoise | None = None

    def errors(self, coefficients: Array) -> Array:
        """Standard errors of comparisons, shape (comparisons,)."""
        scaled = coefficients * self.spreads / np.sqrt(self.counts)
        squares = np.einsum("ca,ab,cb->c", scaled, self.correlation, scaled)
        if self.images is not None:
            shared = self.images.covariance
            squares = squares + np.einsum("ca,ab,cb->c", coefficients, shared, coefficients)
        errors: Array = np.sqrt(np.maximum(squares, 0))
        return errors

    def draws(self, count: int = DRAWS) -> Array:
        """Errors of the arms' means, shape (count, arms), from a fixed seed.

        Arms take their turns by what the values say of them, not by the columns that they are in.
        """
        rng = np.random.default_rng(0)
        turn = np.lexsort((self.means, self.spreads, self.freedom))
        normal = rng.standard_normal((count, len(turn)))
        chi2 = rng.chisquare(self.freedom[turn], normal.shape) / self.freedom[turn]
        t = normal @ np.linalg.cholesky(self.correlation[np.ix_(turn, turn)]).T / np.sqrt(chi2)
        found: Array = t[:, np.argsort(turn)] * self.spreads / np.sqrt(self.counts)
        if self.images is not None:
            found = found + self.images.of(turn).draws(rng, count)[:, np.argsort(turn)]
        return found


def describe(values: Array, blocks: Sequence[object], own_pairs: bool = False) -> Arms:
    """Means, spreads and correlations of arms with two values or more, shape (seeds, arms)."""
    there = ~np.isnan(values)
    counts = there.sum(axis=0)
    means = np.nansum(values, axis=0) / counts
    residuals = np.where(there, values - means, 0.0)
    squares = (residuals**2).sum(axis=0)
    freedom = (counts - 1).astype(float)
    own = squares / freedom
    both = there.astype(float).T @ there
    correlation = np.eye(len(counts))
    pooled = np.empty(len(counts))
    names = list(blocks)
    for block in dict.fromkeys(names):
        mine = np.array([name == block for name in names])
        pooled[mine] = np.minimum(own[mine], WILD * np.median(own[mine])).mean()
        square = np.ix_(mine, mine)
        rho = np.zeros_like(correlation)
        rho[square] = _correlation(residuals[:, mine], both[square], own_pairs)
        shared = rho * both / np.sqrt(np.outer(counts, counts))
        correlation += np.where(np.outer(mine, mine) & ~np.eye(len(counts), dtype=bool), shared, 0)
    small = own < pooled
    raised = (squares + BORROWED * pooled) / (freedom + BORROWED)
    return Arms(
        means=means,
        spreads=np.sqrt(np.where(small, raised, own)),
        freedom=freedom + BORROWED * small,
        counts=counts,
        correlation=correlation,
    )


def _correlation(residuals: Array, both: Array, own: bool) -> Array:
    """Correlations of arms at the same seed, shape (arms, arms); the diagonal means nothing.

    One for all pairs, drawn towards zero where seeds are few; to which `own` adds how far each pair
    is from all, drawn towards zero by its own seeds alone. A correlation matrix either way: a mean
    of the pairs' own and of one for all.
    """
    arms = residuals.shape[1]
    products = residuals.T @ residuals
    lengths = np.sqrt(np.diag(products))
    pairs = np.triu(np.ones((arms, arms), dtype=bool), 1)
    total = float(np.outer(lengths, lengths)[pairs].sum())
    if total == 0:
        return np.zeros_like(products)
    rho = max(float(products[pairs].sum()) / total, -0.9 / (arms - 1))
    evidence = float(np.maximum(both[pairs] - 1, 0).sum())
    common = np.full_like(products, rho * evidence / (evidence + DOUBT))
    if not own:
        return common
    known = max(float(both[pairs].min()) - 1, 0)
    scale = np.outer(lengths, lengths)
    each = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    found: Array = common + known / (known + DOUBT) * (each - rho)
    return found


def largest_t(arms: Arms, coefficients: Array, count: int = DRAWS) -> Array:
    """Draws of the largest absolute t-value of comparisons if nothing differed, ascending."""
    errors = arms.errors(coefficients)
    sure = errors > 0
    if not sure.any():
        return np.zeros(count)
    ratios = np.abs(arms.draws(count) @ coefficients[sure].T) / errors[sure]
    largest: Array = np.sort(ratios.max(axis=1))
    return largest


def critical(largest: Array, alpha: float) -> float:
    """The t-value beyond which `tail` is alpha or less; infinite where there are too few draws."""
    beyond = math.floor(alpha * (len(largest) + 1) + 1e-9)
    return float(largest[-beyond]) if beyond >= 1 else math.inf


def tail(largest: Array, t: float) -> float:
    """The p-value of a t-value: the share of draws at or beyond it, itself counted in."""
    beyond = len(largest) - int(np.searchsorted(largest, t, side="left"))
    return (1 + beyond) / (len(largest) + 1)


def against(
    reference: Reference, estimate: float, error: float, n: int, level: float = 0.95
) -> Compared:
    """A comparison set against a reference distribution, at the levels that go with it.

    Its p-values are shares of these levels, as of 1 - level: at most that where the interval leaves
    out zero, or the margin. An interval has no end at a level that the draws do not reach.

    Args:
        reference: of the family, or of a look at growing data.
        estimate, error, n: as in `Compared`.
        level: that all intervals hold together, over all looks.
    """
    alpha = 1 - level
    reach = _times(critical(reference.largest, reference.difference), error)
    equal = _times(critical(reference.largest, reference.equivalence), error)
    t = abs(estimate) / error if error > 0 else (math.inf if estimate else 0.0)
    return Compared(
        estimate=estimate,
        error=error,
        low=estimate - reach,
        high=estimate + reach,
        p=min(1.0, tail(reference.largest, t) * alpha / reference.difference),
        equal_low=estimate - equal,
        equal_high=estimate + equal,
        n=n,
        reference=reference,
    )


def _times(t: float, error: float) -> float:
    return t * error if error > 0 or t < math.inf else t


def unknown(n: int) -> Compared:
    """A comparison of which nothing can be said; `n` as in `Compared`."""
    nan = math.nan
    return Compared(
        estimate=nan, error=nan, low=nan, high=nan, p=nan, equal_low=nan, equal_high=nan, n=n
    )


def finding(one: Compared, family: Family, margin: float) -> str:
    """What an interval says of a difference.

    - `too few seeds` below `MIN_SEEDS`;
    - `equivalent` where the interval of two one-sided tests is within the margin, however sure
      the difference;
    - `higher` or `lower` where the interval leaves out zero;
    - else `inconclusive`.
    """
    alpha = 1 - family.level + 1e-12
    if one.n < MIN_SEEDS or math.isnan(one.p):
        return "too few seeds"
    if family.p_equal(one, margin) <= alpha:
        return "equivalent"
    if one.p <= alpha:
        return "higher" if one.estimate > 0 else "lower"
    return "inconclusive"
