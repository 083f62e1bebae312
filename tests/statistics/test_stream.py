import math

import numpy as np
import pytest
from scipy import stats

from ablate.statistics import stream as rules
from ablate.statistics.stream import Decision, Rule, Stream

FALSE_KEEPS = 0.05


def started(rng, kept_runs, rule, scale=1.0):
    stream = Stream("kept", rule)
    for value in scale * rng.standard_normal(kept_runs):
        stream.take("kept", float(value))
    return stream


def proposed(stream, rng, gain=0.0, scale=1.0) -> Decision:
    """The last word on one proposal that is run until it has one."""
    name = str(stream.proposals + 1)
    while True:
        said = stream.take(name, gain + scale * float(rng.standard_normal()))
        if said.word != "go on":
            return said


def false_keeps(streams, rule, kept_runs, proposals=100, scale=1.0, seed=0) -> int:
    """In how many streams of null proposals one is kept."""
    rng = np.random.default_rng(seed)
    count = 0
    for _ in range(streams):
        stream = started(rng, kept_runs, rule)
        count += any(proposed(stream, rng, scale=scale).word == "keep" for _ in range(proposals))
    return count


def surely_above(count, streams, share) -> bool:
    """Whether so many of the streams are too many, were the share true: one in a thousand."""
    return stats.binom.sf(count - 1, streams, share) < 0.001


@pytest.mark.parametrize("kept_runs", [8, 30])
def test_a_stream_of_null_proposals_has_a_false_keep_as_rarely_as_is_said(kept_runs):
    assert not surely_above(false_keeps(400, Rule(), kept_runs), 400, FALSE_KEEPS)


def test_the_error_is_bounded_with_many_runs_and_without_an_end():
    many = Rule(most_runs=30)
    assert not surely_above(false_keeps(60, many, 60), 60, FALSE_KEEPS)
    endless = Rule(proposals=None)
    assert not surely_above(false_keeps(200, endless, 30), 200, FALSE_KEEPS)


def test_the_error_is_used_and_not_merely_bounded():
    """Few proposals with a large error: the share of false keeps is near it, and not far below."""
    asked = Rule(error=0.3, proposals=2)
    count = false_keeps(1500, asked, 200, proposals=2)
    assert count / 1500 > 0.18
    assert not surely_above(count, 1500, 0.3)


def test_larger_spreads_of_proposals_do_not_undo_it():
    """Without the guard of a proposal's own spread three in ten such streams have a false keep."""
    assert false_keeps(200, Rule(), 30, scale=2.0) / 200 < 0.2


def test_a_true_keep_makes_false_ones_no_more_frequent():
    """What was kept was lucky, which makes the next ones look worse."""
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(200):
        stream = started(rng, 30, Rule())
        assert proposed(stream, rng, gain=4.0).word == "keep"
        false += any(proposed(stream, rng, gain=4.0).word == "keep" for _ in range(99))
    assert not surely_above(false, 200, FALSE_KEEPS)


def test_gains_are_found_nearly_as_often_as_any_rule_could():
    rng = np.random.default_rng(4)
    kept = 0
    for _ in range(400):
        stream = started(rng, 100, Rule(most_runs=24))
        for _ in range(10):
            proposed(stream, rng)
        kept += proposed(stream, rng, gain=1.0).word == "keep"
    best = stats.norm.sf(stats.norm.isf(0.0005) - 1 / math.sqrt(1 / 24 + 1 / 100))
    assert 0.8 * best < kept / 400 < best


def test_a_large_gain_is_kept_at_once_and_a_failure_is_dropped_at_once():
    rng = np.random.default_rng(5)
    stream = started(rng, 30, Rule())
    failed = stream.take("failed", -50.0)
    assert (failed.word, failed.runs) == ("discard", 1)
    kept = proposed(stream, rng, gain=8.0)
    assert (kept.word, kept.runs) == ("keep", rules.LEAST)
    assert stream.kept == kept.name


def test_null_proposals_take_few_runs():
    rng = np.random.default_rng(6)
    stream = started(rng, 30, Rule())
    assert np.mean([proposed(stream, rng).runs for _ in range(100)]) < 4


def test_a_run_that_diverged_does_not_hide_later_gains():
    rng = np.random.default_rng(7)
    stream = started(rng, 30, Rule())
    stream.take("unlucky", 0.5)
    assert stream.take("unlucky", -300.0).word == "discard"
    assert proposed(stream, rng, gain=5.0).word == "keep"


def test_what_is_settled_stays_settled_and_counts_no_more():
    rng = np.random.default_rng(8)
    stream = started(rng, 30, Rule())
    last = proposed(stream, rng, gain=-3.0)
    again = stream.take(last.name, 100.0)
    assert (again.word, again.settled, again.runs) == ("discard", True, last.runs)
    kept = proposed(stream, rng, gain=8.0)
    assert stream.take(kept.name, 8.0).word == "kept"
    assert stream.take("kept", 0.0).word == "discard"
    assert stream.proposals == 2


def test_limits_and_words_agree():
    rng = np.random.default_rng(9)
    words = set()
    for gain in np.linspace(-1, 3, 60):
        stream = started(rng, 30, Rule(error=0.5, proposals=3))
        while True:
            said = stream.take("new", float(gain + rng.standard_normal()))
            assert (said.low > 0) == (said.word == "keep")
            assert said.low < said.estimate < said.high
            words.add(said.word)
            if said.word != "go on":
                break
    assert words == {"keep", "discard", "go on"}


def test_a_proposal_open_when_another_is_kept_is_compared_with_that():
    rng = np.random.default_rng(10)
    stream = started(rng, 30, Rule())
    for value in (1.2, 1.3, 1.0, 1.1):
        assert stream.take("open", value).against == "kept"
    better = proposed(stream, rng, gain=6.0)
    assert better.word == "keep"
    said = stream.take("open", 1.0)
    assert (said.word, said.against) == ("discard", better.name)


def test_parts_of_the_error_sum_to_it():
    assert sum(Rule().part(place) for place in range(1, 101)) == pytest.approx(0.05)
    assert Rule().part(101) == 0
    endless = Rule(proposals=None)
    assert sum(endless.part(place) for place in range(1, 10_001)) == pytest.approx(0.05, rel=2e-4)


def test_boundaries_spend_what_they_are_given():
    """Processes that nothing drives, with a kept one of few runs, cross as often as they may."""
    rng = np.random.default_rng(11)
    runs = np.arange(3, 9)
    spent = np.array([rules.SPENDING(count / 8, 1.0) for count in runs])
    spends = 0.1 * np.diff(spent, prepend=0)
    looks = tuple(
        rules._Look(rules._information(count, 4), spend)
        for count, spend in zip(runs.tolist(), spends, strict=True)
    )
    z = np.array([rules._followed(looks[:count])[0] for count in range(1, 7)])
    means = rng.standard_normal((200_000, 8)).cumsum(axis=1)[:, 2:] / runs
    kept = rng.standard_normal((200_000, 1)) / 2
    crossed = (means - kept) / np.sqrt(1 / runs + 1 / 4) > z
    first = crossed.argmax(axis=1)[crossed.any(axis=1)]
    shares = np.bincount(first, minlength=6) / len(crossed)
    assert shares == pytest.approx(spends, abs=1e-3)


def test_no_spread_says_nothing():
    stream = Stream("kept", Rule())
    for _ in range(5):
        stream.take("kept", 1.0)
    words = [stream.take("new", 2.0) for _ in range(8)]
    assert [one.word for one in words] == ["go on"] * 7 + ["discard"]
    assert math.isinf(words[-1].low)
