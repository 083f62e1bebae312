"""Comparisons of a family: computed another way, at one with themselves, and what they promise."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ablate.results.csv import read_trials
from ablate.results.outcomes import by_seed
from ablate.statistics import family
from ablate.statistics.family import Compared, Family
from ablate.statistics.power import against_first
from support import PUBLISHED

Array = npt.NDArray[np.float64]
NAN = math.nan
NOISE = 0.012  # of a p-value near 0.5, at five of its standard deviations
LIMITS = ("estimate", "error", "low", "high", "equal_low", "equal_high")


def rows(comparisons: int) -> Array:
    """Each of some arms minus the first."""
    return np.array(against_first(comparisons))


def numbers(one: Compared) -> list[float]:
    return [getattr(one, name) for name in LIMITS]


def drawn(seed: int, seeds: int, spreads: Sequence[float], means: Sequence[float] = ()) -> Array:
    rng = np.random.default_rng(seed)
    at = np.array(means or [0.0] * len(spreads))
    values: Array = at + rng.normal(size=(seeds, len(spreads))) * np.array(spreads)
    return values


def behrens_fisher(t: float, errors: tuple[float, float], freedom: tuple[float, float]) -> float:
    """How likely two scaled Student's t differ by more than t of their joint errors, by integral.

    Behrens 1929: of two means with the standard errors and degrees of freedom that are given.
    """
    one, other = errors
    reach = t * math.hypot(one, other)

    def beyond(x: float) -> float:
        tails = stats.t.sf((reach - x) / other, freedom[1]) + stats.t.cdf(
            (-reach - x) / other, freedom[1]
        )
        return float(stats.t.pdf(x / one, freedom[0]) / one * tails)

    near, far = (integrate.quad(beyond, 0, end, limit=200)[0] for end in (reach, 60 * reach))
    return 2 * float(max(near, far))


@pytest.mark.parametrize("seeds", [4, 6, 20])
@pytest.mark.parametrize("apart", [1.0, 5.0])
def test_two_arms_of_their_own_are_behrens_and_fishers(seeds: int, apart: float) -> None:
    values = drawn(seeds, seeds, (1.0, apart), (0.0, apart))
    found = family.compare(values, rows(1), blocks="ab")
    (one,) = found.comparisons
    errors = values.std(axis=0, ddof=1) / math.sqrt(seeds)
    assert one.estimate == pytest.approx(values[:, 1].mean() - values[:, 0].mean())
    assert one.error == pytest.approx(math.hypot(*errors))
    freedom = (seeds - 1.0, seeds - 1.0)
    exact = behrens_fisher(abs(one.estimate) / one.error, (errors[0], errors[1]), freedom)
    assert one.p == pytest.approx(exact, abs=NOISE)
    for reach, alpha in (
        ((one.high - one.low) / 2, 0.05),
        ((one.equal_high - one.equal_low) / 2, 0.1),
    ):
        beyond = behrens_fisher(reach / one.error, (errors[0], errors[1]), freedom)
        assert beyond == pytest.approx(alpha, abs=0.008)  # five deviations of so many draws


@pytest.mark.parametrize("apart", [1.0, 4.0])
def test_many_seeds_have_welchs_interval(apart: float) -> None:
    values = drawn(1, 2_000, (1.0, apart), (0.0, 0.3))
    (one,) = family.compare(values, rows(1), blocks="ab").comparisons
    welch = stats.ttest_ind(values[:, 1], values[:, 0], equal_var=False)
    interval = welch.confidence_interval()
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high), rel=0.05)
    assert one.p == pytest.approx(welch.pvalue, abs=NOISE)


def test_seeds_that_are_much_alike_are_as_good_as_paired() -> None:
    shared = drawn(2, 4_000, (1.0,))
    values = shared + 0.2 * drawn(3, 4_000, (1.0, 1.0), (0.0, 0.2))
    (one,) = family.compare(values, rows(1)).comparisons
    paired = stats.ttest_rel(values[:, 1], values[:, 0]).confidence_interval()
    assert one.high - one.low == pytest.approx(paired.high - paired.low, rel=0.2)
    (apart,) = family.compare(values, rows(1), blocks="ab").comparisons
    assert apart.high - apart.low > 3 * (one.high - one.low)


def test_one_arm_of_differences_is_students() -> None:
    values = drawn(4, 7, (1.0,), (0.6,))
    found = family.compare(values, [[1.0]])
    students = stats.ttest_1samp(values[:, 0], 0)
    assert found.comparisons[0].p == pytest.approx(students.pvalue, abs=NOISE)
    assert found.critical == pytest.approx(stats.t.ppf(0.975, 6), rel=0.04)
    interval = students.confidence_interval()
    one = found.comparisons[0]
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high), rel=0.05)


def test_the_standard_error_by_hand() -> None:
    # residuals -1 0 1 0 and 2 -2 2 -2: squares 2 and 16, freedom 3 each, pooled 18 / 6 = 3
    values = np.array([[0.0, 12.0], [1.0, 8.0], [2.0, 12.0], [1.0, 8.0]])
    (one,) = family.compare(values, rows(1)).comparisons
    small = (2 + 4 * 3) / (3 + 4)  # the first borrows four degrees of freedom
    # The products of residuals sum to 0, so there is no correlation.
    assert one.error == pytest.approx(math.sqrt(small / 4 + (16 / 3) / 4))
    # With residuals in step, -1 0 1 0 and -2 -2 2 2, the products are 2 + 0 + 2 + 0 = 4 out of
    # sqrt(2 * 16), believed by 3 pairs against 20.
    values[:, 1] = [8.0, 8.0, 12.0, 12.0]
    (one,) = family.compare(values, rows(1)).comparisons
    rho = 4 / math.sqrt(2 * 16) * 3 / (3 + 20)
    shared = 2 * rho * math.sqrt(small * 16 / 3) / 4
    assert one.error == pytest.approx(math.sqrt(small / 4 + (16 / 3) / 4 - shared))


def by_loops(values: Array, wanted: Array, draws: int) -> tuple[list[float], Array]:
    """Standard errors, and the largest t-values where nothing differs, value by value."""
    arms = range(values.shape[1])
    own = [values[~np.isnan(values[:, arm]), arm] for arm in arms]
    counts = [len(column) for column in own]
    squares = [sum((value - column.mean()) ** 2 for value in column) for column in own]
    variances = [square / (n - 1) for n, square in zip(counts, squares, strict=True)]
    wild = family.WILD * float(np.median(variances))
    pooled = sum(min(variance, wild) for variance in variances) / len(variances)
    spreads, freedom = [], []
    for n, square in zip(counts, squares, strict=True):
        few = square / (n - 1) < pooled
        borrowed = family.BORROWED if few else 0
        spreads.append(math.sqrt((square + borrowed * pooled) / (n - 1 + borrowed)))
        freedom.append(n - 1 + borrowed)
    products = lengths = evidence = 0.0
    both = np.eye(len(counts)) * counts
    for one in arms:
        for other in range(one):
            for seed in range(len(values)):
                pair = values[seed, one], values[seed, other]
                if not any(map(math.isnan, pair)):
                    both[one, other] = both[other, one] = both[one, other] + 1
                    products += (pair[0] - own[one].mean()) * (pair[1] - own[other].mean())
            lengths += math.sqrt(squares[one] * squares[other])
            evidence += max(both[one, other] - 1, 0)
    rho = products / lengths * evidence / (evidence + family.DOUBT)
    correlation = np.array(
        [
            [1.0 if a == b else rho * both[a, b] / math.sqrt(counts[a] * counts[b]) for b in arms]
            for a in arms
        ]
    )
    scale = np.array(spreads) / np.sqrt(counts)
    covariance = correlation * np.outer(scale, scale)
    errors = [math.sqrt(row @ covariance @ row) for row in wanted]
    rng = np.random.default_rng(99)
    normal = rng.multivariate_normal(np.zeros(len(counts)), correlation, draws)
    t = normal * scale / np.sqrt(rng.chisquare(freedom, (draws, len(counts))) / freedom)
    return errors, np.abs(t @ wanted.T / errors).max(axis=1)


def test_a_table_with_gaps_worked_out_value_by_value() -> None:
    values = drawn(5, 8, (1.0, 0.3, 2.0, 1.0), (0.0, 0.5, 1.5, 0.2))
    values += drawn(6, 8, (1.0,))
    values[0, 1] = values[5, 2] = values[6, 2] = NAN
    wanted = np.vstack([rows(3), [1.0, -1.0, -1.0, 1.0]])
    found = family.compare(values, wanted)
    errors, largest = by_loops(values, wanted, 200_000)
    assert [one.error for one in found.comparisons] == pytest.approx(errors)
    assert found.critical == pytest.approx(np.quantile(largest, 0.95), rel=0.04)
    for one in found.comparisons:
        beyond = np.mean(largest >= abs(one.estimate) / one.error)
        assert one.p == pytest.approx(beyond, abs=1.5 * NOISE)
    assert [one.n for one in found.comparisons] == [7, 6, 8, 6]


def test_the_reach_grows_with_the_comparisons_and_less_than_bonferronis() -> None:
    seeds = 6
    values = drawn(7, seeds, (1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 1.0))
    reach = {m: family.compare(values, rows(6)[:m]).critical for m in (1, 2, 3, 6)}
    assert list(reach.values()) == sorted(reach.values())
    assert reach[6] > 1.1 * reach[1]
    arms = family.describe(values, [0] * 7)
    independent = arms.spreads / math.sqrt(seeds)
    for m in (2, 3, 6):
        # Were each held against its own share of the level: none of them needs to reach so far.
        shares = [
            behrens_fisher(
                reach[m],
                (independent[0], independent[arm]),
                (arms.freedom[0], arms.freedom[arm]),
            )
            for arm in range(1, m + 1)
        ]
        assert max(shares) > 0.045 / m


levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@st.composite
def tables(draw: st.DrawFn) -> tuple[Array, Array]:
    """Accuracies of whole images, some missing, and differences or contrasts of their arms."""
    seeds, arms = draw(st.integers(2, 9)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    spreads = rng.choice([0.0, 1.0, 3.0, 10.0], arms)
    images = rng.normal(size=(seeds, arms)) * spreads + rng.choice([0, 0, 3, 9], arms)
    values = np.round(300 + images) / 359
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.2]))] = NAN
    wanted = rows(arms - 1)
    if arms > 3:
        wanted = np.vstack([wanted, np.append([1.0, -1.0, -1.0, 1.0], np.zeros(arms - 4))])
    return values, wanted


def agree(found: Family, margin: float) -> None:
    alpha = 1 - found.level + 1e-12
    for one in found.comparisons:
        if math.isnan(one.p):
            assert family.finding(one, found, margin) == "too few seeds"
            continue
        outside = not one.low <= 0 <= one.high
        assert (one.p <= alpha) == outside
        within = -margin < one.equal_low <= one.equal_high < margin
        assert (found.p_equal(one, margin) <= alpha) == within
        assert one.low <= one.equal_low <= one.estimate <= one.equal_high <= one.high
        said = family.finding(one, found, margin)
        if one.n < family.MIN_SEEDS:
            assert said == "too few seeds"
        elif within:
            assert said == "equivalent"
        elif outside:
            assert said == ("higher" if one.low > 0 else "lower")
        else:
            assert said == "inconclusive"


@settings(max_examples=150, deadline=None)
@given(tables(), levels, st.sampled_from([0.001, 0.00501, 0.03]))
def test_p_value_interval_and_finding_agree(
    table: tuple[Array, Array], level: float, margin: float
) -> None:
    values, wanted = table
    agree(family.compare(values, wanted, level, draws=1_999), margin)


@settings(max_examples=60, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_seeds_and_of_arms_changes_nothing(
    table: tuple[Array, Array], random: Random
) -> None:
    values, wanted = table
    # Arms with the very same values share their draws in the order in which they stand.
    assume(len(np.unique(values, axis=1).T) == values.shape[1])
    here = family.compare(values, wanted, draws=1_999).comparisons
    seeds = random.sample(range(values.shape[0]), values.shape[0])
    arms = random.sample(range(values.shape[1]), values.shape[1])
    places = random.sample(range(len(wanted)), len(wanted))
    there = family.compare(
        values[np.ix_(seeds, arms)], wanted[np.ix_(places, arms)], draws=1_999
    ).comparisons
    for place, one in zip(places, there, strict=True):
        np.testing.assert_allclose(numbers(one), numbers(here[place]), rtol=1e-9, atol=1e-12)
        assert one.n == here[place].n
        assert one.p == pytest.approx(here[place].p, abs=1e-9, nan_ok=True)


def test_units_are_those_of_the_values() -> None:
    values = drawn(8, 6, (1.0, 2.0, 0.5), (0.0, 2.0, 0.4))
    here = family.compare(values, rows(2))
    there = family.compare(100 * values + 7, rows(2))
    for one, same in zip(there.comparisons, here.comparisons, strict=True):
        assert numbers(one) == pytest.approx([100 * number for number in numbers(same)])
        assert one.p == same.p
        assert there.p_equal(one, 50) == here.p_equal(same, 0.5)


def test_a_shift_of_an_arm_moves_its_interval_and_no_other() -> None:
    values = drawn(9, 6, (1.0, 2.0, 0.5))
    here = family.compare(values, rows(2)).comparisons
    there = family.compare(values + np.array([0.0, 5.0, 0.0]), rows(2)).comparisons
    assert there[1] == here[1]
    moved = [number + 5 for number in numbers(here[0])]
    moved[1] -= 5  # the standard error
    assert numbers(there[0]) == pytest.approx(moved)


def test_the_opposite_comparison_has_the_opposite_numbers() -> None:
    values = drawn(10, 5, (1.0, 1.0, 1.0), (0.0, 1.0, 0.0))
    here = family.compare(values, rows(2))
    there = family.compare(values, -rows(2))
    for one, other in zip(here.comparisons, there.comparisons, strict=True):
        assert one.p == other.p
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    doubled = family.compare(values, 2 * rows(2)).comparisons
    assert [one.p for one in doubled] == [one.p for one in here.comparisons]


def test_what_cannot_be_compared_is_unknown_and_does_no_harm() -> None:
    values = drawn(11, 6, (1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 5.0, 0.0))
    alone = family.compare(values[:, [0, 1]], rows(1)).comparisons[0]
    values[1:, 2] = NAN
    values[:, 3] = NAN
    found = family.compare(values, rows(3))
    assert found.comparisons[0] == alone
    assert [one.n for one in found.comparisons] == [6, 1, 0]
    for one in found.comparisons[1:]:
        assert all(map(math.isnan, [*numbers(one), one.p, found.p_equal(one, 0.5)]))
        assert family.finding(one, found, 0.5) == "too few seeds"
    nothing = family.compare(values, rows(3)[1:])
    assert len(nothing.largest) == 0
    assert math.isnan(nothing.comparisons[0].estimate)


@pytest.mark.parametrize("seeds", [2, 3])
def test_two_or_three_seeds_have_numbers_and_decide_nothing(seeds: int) -> None:
    values = drawn(12, seeds, (0.001, 0.001), (0.0, 50.0))
    found = family.compare(values, rows(1))
    (one,) = found.comparisons
    assert one.low < 50 < one.high
    assert family.finding(one, found, 0.5) == "too few seeds"
    four = np.vstack([values, values])[:4]
    decided = family.compare(four, rows(1))
    assert family.finding(decided.comparisons[0], decided, 0.5) == "higher"


@pytest.mark.parametrize(
    ("second", "said", "p"), [(0.5, "equivalent", 1.0), (0.7, "higher", 5e-5), (0.3, "lower", 5e-5)]
)
def test_values_without_any_spread(second: float, said: str, p: float) -> None:
    values = np.full((5, 2), 0.5)
    values[:, 1] = second
    found = family.compare(values, rows(1))
    (one,) = found.comparisons
    assert (one.error, one.low, one.high) == pytest.approx((0, second - 0.5, second - 0.5))
    assert one.p == pytest.approx(p)
    assert family.finding(one, found, 0.005) == said
    assert found.p_equal(one, 0.005) == float(said != "equivalent")
    agree(found, 0.005)


def test_an_arm_without_spread_borrows_from_the_others() -> None:
    values = drawn(13, 4, (0.0, 1.0, 1.0), (5.0, 0.0, 0.0))
    arms = family.describe(values, [0, 0, 0])
    own = values.var(axis=0, ddof=1)
    pooled = np.minimum(own, family.WILD * np.median(own)).mean()
    assert arms.spreads[0] ** 2 == pytest.approx(4 * pooled / (3 + 4))
    assert arms.freedom[0] == 7
    widest = int(np.argmax(values.var(axis=0)))
    assert arms.spreads[widest] == pytest.approx(values[:, widest].std(ddof=1))
    assert arms.freedom[widest] == 3


def test_blocks_share_neither_spread_nor_correlation() -> None:
    losses = drawn(14, 8, (1.0, 1.5))
    values = np.hstack([losses, 1_000 * losses[:, ::-1] + drawn(15, 8, (1.0, 1.0))])
    wanted = np.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]])
    together = family.compare(values, wanted, blocks=["loss", "loss", "rate", "rate"])
    for place, columns in enumerate(([0, 1], [2, 3])):
        (alone,) = family.compare(values[:, columns], rows(1)).comparisons
        one = together.comparisons[place]
        assert (one.estimate, one.error) == pytest.approx((alone.estimate, alone.error))
        assert one.high - one.low > alone.high - alone.low
    mixed = family.compare(values, wanted)
    assert mixed.comparisons[0].error > 10 * together.comparisons[0].error


def test_fewer_draws_give_rougher_p_values() -> None:
    values = drawn(16, 5, (1.0, 1.0), (0.0, 1.5))
    rough = family.compare(values, rows(1), draws=99).comparisons[0]
    fine = family.compare(values, rows(1)).comparisons[0]
    assert 100 * rough.p == pytest.approx(round(100 * rough.p))
    assert rough.p == pytest.approx(fine.p, abs=0.15)
    assert rough.p != fine.p
    assert family.compare(values, rows(1), draws=9).critical == math.inf


def residuals(run: str) -> Array:
    table = by_seed(read_trials(PUBLISHED / run / "trials.csv")).dropna().to_numpy()
    centred: Array = table - table.mean(axis=0)
    return centred


@pytest.mark.parametrize(
    ("run", "seeds"), [("growth_placement/digits", 5), ("width_iso_params/digits", 8)]
)
def test_errors_are_as_rare_as_said_with_the_spreads_of_published_runs(
    run: str, seeds: int
) -> None:
    """Spreads there are 7 and 1.6 times apart, and skewed."""
    rng = np.random.default_rng(seeds)
    real = residuals(run)
    arms = real.shape[1]
    shift = np.append(0, rng.normal(size=arms - 1))  # of the order of a point, here a unit
    count, wrong, held, alone = 300, 0, 0, 0
    for _ in range(count):
        values = 90 + 100 * real[rng.integers(len(real), size=seeds)]
        found = family.compare(values, rows(arms - 1), draws=1_999).comparisons
        wrong += any(one.p <= 0.05 for one in found)
        differing = family.compare(values + shift, rows(arms - 1), draws=1_999).comparisons
        held += all(
            one.low <= true <= one.high for one, true in zip(differing, shift[1:], strict=True)
        )
        errors = np.sqrt((values[:, 1:].var(0, ddof=1) + values[:, 0].var(ddof=1)) / seeds)
        reach = stats.t.isf(0.025, seeds - 1) * errors
        alone += bool(np.any(np.abs(values[:, 1:].mean(0) - values[:, 0].mean()) > reach))
    most = stats.binom.isf(0.001, count, 0.05)
    assert wrong <= most
    assert count - held <= most
    assert alone > most  # what the comparisons come to if each is tested alone
