import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablate.statistics import stopping
from ablate.statistics.family import compare
from ablate.statistics.spending import (
    held_back,
    hwang_shih_decani,
    levels,
    obrien_fleming,
    pocock,
)
from ablate.statistics.stopping import default_looks, level_of, see

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
PAIRS = [(1, 0), (2, 0), (3, 0)]
MARGINS = [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("spending", "boundaries"),
    [
        (obrien_fleming, (4.877, 3.357, 2.680, 2.290, 2.031)),
        (pocock, (2.438, 2.427, 2.410, 2.397, 2.386)),
        (hwang_shih_decani(-4), (3.253, 2.986, 2.692, 2.374, 2.025)),
    ],
)
def test_levels_are_the_published_boundaries(spending, boundaries):
    found = stats.norm.isf(np.array(levels(FIFTHS, 0.05, spending)) / 2)
    assert found == pytest.approx(boundaries, abs=2e-3)


def test_levels_keep_the_error_over_all_looks():
    """Of random walks that nothing drives, as many cross as are meant to."""
    rng = np.random.default_rng(0)
    walk = rng.standard_normal((200_000, 5)).cumsum(axis=1) / np.sqrt(np.arange(1, 6))
    for spending in (obrien_fleming, stopping.DIFFERENCE):
        beyond = 2 * stats.norm.sf(np.abs(walk)) <= levels(FIFTHS, 0.05, spending)
        assert beyond.any(axis=1).mean() == pytest.approx(0.05, abs=0.0015)


def test_levels_of_a_family_are_below_those_of_one_comparison():
    """Several walks cross at different looks, and their levels must allow for it."""
    rng = np.random.default_rng(1)
    alone, six = (levels(FIFTHS, 0.05, pocock, size) for size in (1, 6))
    assert all(a >= b for a, b in zip(alone, six, strict=True))
    walks = rng.standard_normal((60_000, 6, 5)).cumsum(axis=2) / np.sqrt(np.arange(1, 6))
    p = 1 - (1 - 2 * stats.norm.sf(np.abs(walks).max(axis=1))) ** 6
    assert (p <= np.array(six)).any(axis=1).mean() < 0.0515
    assert (p <= np.array(alone)).any(axis=1).mean() > 0.055


def test_what_is_held_back_is_left_for_the_end():
    spending = held_back(hwang_shih_decani(-4), 0.4)
    assert spending(1.0, 0.05) == 0.05
    assert 0.01 < spending(0.99, 0.05) < 0.02
    ends = [levels(FIFTHS, 0.05, one)[-1] for one in (hwang_shih_decani(-4), spending)]
    assert ends[0] < 0.044 < 0.048 < ends[1] < 0.05


@pytest.mark.parametrize("seeds", [1, 3, 4, 5, 8, 20, 30, 100])
def test_default_looks_end_with_all_seeds(seeds):
    looks = default_looks(seeds)
    assert looks == sorted(set(looks))
    assert looks[-1] == seeds
    assert all(look >= 4 for look in looks[:-1])


def values(seeds, arms=4, seed=0, shift=0.0):
    """Spreads of 1 to 2, the last arm `shift` above the others."""
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((seeds, arms)) * np.linspace(1, 2, arms)
    found[:, -1] += shift
    return found


def look(table, planned=10):
    at = level_of(tuple(default_looks(planned)), len(table), len(PAIRS))
    return see(table, PAIRS, MARGINS, at)


def test_the_last_look_is_the_familys_own_interval_at_its_level():
    table = values(10)
    at = level_of(tuple(default_looks(10)), 10, 3)
    rows = [[-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]]
    family = compare(table, rows, level=1 - at.difference)
    for ours, theirs in zip(see(table, PAIRS, MARGINS, at), family.comparisons, strict=True):
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
        assert ours.chance == 0


def test_an_early_look_asks_for_more():
    """The same values, all that is planned or the first half of it."""
    table = values(6, shift=6.0)
    widths = [one.high - one.low for one in look(table, planned=6)]
    early = [one.high - one.low for one in look(table, planned=12)]
    assert all(b > 1.4 * a for a, b in zip(widths, early, strict=True))
    assert look(table, planned=6)[2].word == "higher"


@pytest.mark.parametrize(
    ("shift", "scale", "word"),
    [(40.0, 1.0, "higher"), (-40.0, 1.0, "lower"), (0.0, 0.01, "equivalent"), (0.0, 1.0, "")],
)
def test_words_are_what_the_intervals_say(shift, scale, word):
    seen = look(scale * values(6, shift=shift))[2]
    assert seen.word == word
    assert seen.equal_high - seen.equal_low < seen.high - seen.low
    if word == "equivalent":
        assert max(-seen.equal_low, seen.equal_high) < seen.margin
    else:
        assert (seen.low > 0, seen.high < 0) == (word == "higher", word == "lower")


def test_what_has_no_chance_is_given_up():
    """A difference between nothing and something that ten seeds could show."""
    rng = np.random.default_rng(3)
    table = rng.permuted(np.tile(np.linspace(-2, 2, 8), (4, 1)), axis=1).T
    table += np.array([0.0, 0.1, 1.4, 40.0])
    none, some, sure = look(table)
    assert none.futile(0.1)
    assert none.chance < 0.02
    assert not some.futile(0.1)
    assert sure.chance > 0.99
    assert not sure.futile(0.99)
    assert not none.futile(0.0)


def test_rows_in_another_order_change_nothing():
    table = values(8)
    a, b = look(table), look(table[::-1])
    assert [one.low for one in a] == pytest.approx([one.low for one in b])
    assert [one.chance for one in a] == pytest.approx([one.chance for one in b])


def test_arms_without_values_are_not_known_yet():
    table = values(5)
    table[1:, 2] = np.nan
    seen = look(table)
    assert math.isnan(seen[1].estimate)
    assert seen[1].word == ""
    assert not seen[1].futile(0.9)
    assert not math.isnan(seen[0].estimate)


def test_what_was_settled_early_does_not_widen_the_rest():
    """An arm that was stopped at 4 seeds, beside one that went on and is settled as well."""
    table = values(12)
    short = table.copy()
    short[4:, 2] = np.nan
    at = level_of(tuple(default_looks(12)), 12, 3)
    whole, kept, forgotten = (
        see(rows, PAIRS, MARGINS, at, settled)[0]
        for rows, settled in ((table, None), (short, [False, True, False]), (short, None))
    )
    widths = [one.high - one.low for one in (whole, kept, forgotten)]
    assert widths[1] == pytest.approx(widths[0], rel=0.12)  # its spread is known less well
    assert widths[2] > 1.1 * max(widths[:2])


def test_no_spread_at_all_waits_for_more_seeds():
    table = np.tile([0.0, 0.0, 3.0, 0.1], (5, 1))
    assert [one.word for one in look(table)] == ["equivalent", "higher", "equivalent"]


def test_false_alarms_over_all_looks():
    """Intervals at 95% at every look would leave out the truth twice as often."""
    rng = np.random.default_rng(5)
    planned, runs = 8, 200
    looks = tuple(default_looks(planned))
    alarms = {"stopping": 0, "95% each": 0}
    for _ in range(runs):
        table = rng.standard_normal((planned, 4)) * [1, 1, 2, 0.5]
        found = dict.fromkeys(alarms, False)
        for seeds in looks:
            at = level_of(looks, seeds, 3)
            for how, one in (("stopping", at), ("95% each", replace(at, difference=0.05))):
                seen = see(table[:seeds], PAIRS, [0.01] * 3, one, draws=1_999)
                found[how] |= any(each.word in ("higher", "lower") for each in seen)
        alarms = {how: count + found[how] for how, count in alarms.items()}
    assert alarms["stopping"] / runs <= 0.04
    assert alarms["95% each"] / runs > 0.06
