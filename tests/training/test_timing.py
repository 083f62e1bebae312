"""Timing: known times give known ratios, and calls are made in the order that cancels drift."""

import itertools
import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.training import timing
from ablate.training.execution import Execution
from ablate.training.timing import (
    FEWEST_ROUNDS,
    LEAST_ROUNDS,
    MOST_ROUNDS,
    Ratio,
    Times,
    control_is_off,
    count_rounds,
    interleave,
    rate,
    settled,
    speed_ratio,
    time_alone,
    time_calls,
)

ONE_THREAD = Execution(threads=1)
TOO_MUCH = 2**60  # bytes: more than any machine can address


@pytest.fixture
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call a block."""
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 1e-9)


def allocate_too_much() -> None:
    torch.empty(TOO_MUCH, dtype=torch.uint8)


def nothing() -> None:
    pass


# Order


def test_a_round_goes_there_and_back_again() -> None:
    seen: list[str] = []

    def visit(name: str) -> float:
        seen.append(name)
        return len(seen)

    times = interleave([partial(visit, name) for name in "ABC"], rounds=2)
    assert "".join(seen) == "ABCCBAABCCBA"
    assert times.tolist() == [
        [[1, 6], [7, 12]],
        [[2, 5], [8, 11]],
        [[3, 4], [9, 10]],
    ]


@pytest.mark.parametrize(("late_from", "rounds"), [(0, 2), (2, 2), (3, 3), (9, 5)])
def test_where_it_is_late_there_are_no_further_rounds(late_from: int, rounds: int) -> None:
    seen: list[int] = []

    def visit() -> float:
        seen.append(1)
        return float(len(seen))

    times = interleave([visit], 5, lambda: len(seen) >= 2 * late_from)
    assert times.tolist() == [[[2.0 * n + 1, 2.0 * n + 2] for n in range(rounds)]]


@pytest.mark.parametrize(("within", "rounds"), [(0.0, LEAST_ROUNDS), (math.inf, FEWEST_ROUNDS)])
def test_no_time_leaves_the_fewest_rounds(within: float, rounds: int) -> None:
    calls = [lambda: partial(time.sleep, 0.03)] * 2
    for found in time_calls(calls, ONE_THREAD, seconds=0.01, within=within):
        assert found is not None
        assert found.shape == (rounds, 2)


def test_a_steady_drift_cancels() -> None:
    clock = itertools.count(1)
    times = interleave([lambda: float(next(clock))] * 4, rounds=5)
    assert speed_ratio(times[0], times[3]) == Ratio(1.0, 1.0, 1.0)
    assert np.ptp(times[0]) > 0


# How long


@pytest.mark.parametrize(
    ("seconds", "lasting", "rounds"),
    [
        (1.0, [0.02], 25),
        (1.0, [0.02, 0.08], 10),
        (0.0, [0.02], FEWEST_ROUNDS),
        (1.0, [3.0], FEWEST_ROUNDS),
        (1.0, [3.1], 2),
        (60.0, [0.02], MOST_ROUNDS),
    ],
)
def test_the_time_given_sets_the_rounds(seconds: float, lasting: list[float], rounds: int) -> None:
    assert count_rounds(seconds, lasting) == rounds


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([1.0], False),
        ([1.0, 1.0], False),
        ([1.0, 1.04, 1.02], True),
        ([1.0, 1.06, 1.02], False),
        ([9.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.0, 1.0, 9.0], False),
    ],
)
def test_a_warm_up_settles_when_three_blocks_agree(times: list[float], expected: bool) -> None:
    assert settled(times) is expected


@pytest.mark.usefixtures("short_blocks")
def test_a_warm_up_that_never_settles_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "settled", lambda _: False)
    monkeypatch.setattr(timing, "WARM_UP_BLOCKS", 4)
    monkeypatch.setattr(timing, "WARM_UP_SECONDS", 600.0)
    calls = itertools.count()
    time_calls([lambda: lambda: next(calls)], ONE_THREAD, seconds=0.0)
    blocks = 4 + 2 * FEWEST_ROUNDS
    assert next(calls) == blocks * 3  # one call is timed, after two that are not


def test_a_short_call_is_repeated_and_a_long_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 0.002)
    short, long = itertools.count(), itertools.count()

    def wait() -> None:
        next(long)
        time.sleep(0.003)

    time_calls([lambda: lambda: next(short), lambda: wait], ONE_THREAD, seconds=0.02)
    blocks = FEWEST_ROUNDS * 2
    assert next(short) > 10 * 3 * (timing.WARM_UP_BLOCKS + blocks)
    assert next(long) <= 3 * (timing.WARM_UP_BLOCKS + blocks)


@pytest.mark.usefixtures("short_blocks")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_calls_use_the_threads_asked_for_and_no_others_later(threads: int) -> None:
    before = torch.get_num_threads()
    seen = set()
    time_calls(
        [lambda: lambda: seen.add(torch.get_num_threads())], Execution(threads=threads), seconds=0.0
    )
    assert seen == {threads}
    assert torch.get_num_threads() == before


@pytest.mark.usefixtures("short_blocks")
def test_every_call_has_two_times_a_round() -> None:
    for times in time_calls([lambda: nothing, lambda: nothing], ONE_THREAD, seconds=0.0):
        assert times is not None
        assert times.shape == (FEWEST_ROUNDS, 2)
        assert (times > 0).all()


@pytest.mark.usefixtures("short_blocks")
def test_a_call_alone_is_timed_in_many_blocks() -> None:
    seen = set()
    times = time_alone(
        lambda: lambda: seen.add(torch.get_num_threads()), Execution(threads=2), seconds=0.01
    )
    assert times is not None
    assert times.ndim == 1
    assert (times > 0).all()
    assert seen == {2}


# Numbers


def test_a_rate_is_images_over_seconds() -> None:
    assert rate(np.full((5, 2), 0.5), images=8) == (16.0, 0.0)
    median, spread = rate(np.array([[1.0, 1 / 2], [1 / 3, 1 / 4], [1 / 5, 1 / 5]]), images=10)
    assert median == pytest.approx(35.0)  # of 10, 20, 30, 40, 50, 50
    assert spread == pytest.approx(47.5 - 22.5)


def rounds_of(ratios: list[float]) -> tuple[Times, Times]:
    """Times of a baseline that drifts, and of a call that is `ratios` times as fast."""
    baseline = np.linspace(1.0, 3.0, len(ratios))[:, None] * np.array([0.9, 1.1])
    return baseline, baseline / np.array(ratios)[:, None]


def test_twice_as_fast_is_two_whatever_the_drift() -> None:
    found = speed_ratio(*rounds_of([2.0] * 7))
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_mean_of_both_visits_counts() -> None:
    baseline, times = np.tile([1.0, 3.0], (5, 1)), np.tile([3.0, 1.0], (5, 1))
    assert speed_ratio(baseline, times).value == pytest.approx(1.0)


def test_the_median_is_not_moved_by_one_bad_round() -> None:
    assert speed_ratio(*rounds_of([2.0] * 8 + [0.01])).value == pytest.approx(2.0)


@pytest.mark.parametrize(("rounds", "low", "high"), [(5, 1, 5), (11, 3, 9), (19, 6, 14)])
def test_the_interval_is_that_of_all_resamples(rounds: int, low: int, high: int) -> None:
    """Ratios 1, 2, 3 ...: the median of a resample is at most k if more than half are."""
    at_most = [
        stats.binom.sf(rounds // 2, rounds, k / rounds) for k in range(1, rounds + 1)
    ]  # P(median <= k), exactly
    assert low == next(k for k, share in enumerate(at_most, start=1) if share > 0.025)
    found = speed_ratio(*rounds_of([float(k) for k in range(1, rounds + 1)]))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.value == pytest.approx((rounds + 1) / 2)


def test_the_same_times_give_the_same_interval() -> None:
    noise = np.random.default_rng(1).lognormal(0.0, 0.1, (2, 20, 2))
    assert speed_ratio(noise[0], noise[1]) == speed_ratio(noise[0], noise[1])


@pytest.mark.parametrize(
    ("low", "high", "off"),
    [
        (0.99, 1.01, False),
        (1.019, 1.05, False),
        (1.021, 1.05, True),
        (0.95, 0.981, False),
        (0.95, 0.979, True),
        (0.91, 1.09, False),
        (0.85, 1.06, True),
    ],
)
def test_a_control_is_off_if_it_differs_or_says_nothing(low: float, high: float, off: bool) -> None:
    assert control_is_off(Ratio((low + high) / 2, low, high)) is off


# Memory


def make_too_much() -> Callable[[], None]:
    allocate_too_much()
    return nothing


def fail_at(call: int) -> Callable[[], Callable[[], None]]:
    """Makes what runs out of memory when it is called for the nth time; at 0, when it is made."""
    calls = itertools.count(1)

    def later() -> None:
        if next(calls) >= call:
            allocate_too_much()

    return (lambda: later) if call else make_too_much


@pytest.mark.usefixtures("short_blocks")
@pytest.mark.parametrize("call", [0, 1, 3 * timing.WARM_UP_BLOCKS + 10])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_runs_out_of_memory_is_dropped_alone(call: int, place: int) -> None:
    makers = [lambda: nothing, lambda: nothing]
    makers.insert(place, fail_at(call))
    found = time_calls(makers, ONE_THREAD, seconds=1.0)
    assert [times is None for times in found] == [number == place for number in range(3)]
    for times in found:
        assert times is None or (times > 0).all()


@pytest.mark.usefixtures("short_blocks")
def test_what_ran_out_of_memory_is_not_called_again() -> None:
    calls = itertools.count(1)
    last = 3 * timing.WARM_UP_BLOCKS + 10

    def call() -> None:
        if next(calls) == last:
            allocate_too_much()

    assert time_calls([lambda: call], ONE_THREAD, seconds=1.0) == [None]
    assert next(calls) == last + 1


def test_all_may_run_out_of_memory() -> None:
    assert time_calls([make_too_much, make_too_much], ONE_THREAD, seconds=0.0) == [None, None]
    assert time_alone(make_too_much, ONE_THREAD, seconds=0.0) is None


def test_other_errors_are_not_swallowed() -> None:
    with pytest.raises(RuntimeError, match="size"):
        time_calls(
            [lambda: lambda: torch.ones(2) + torch.ones(3)],
            ONE_THREAD,
            seconds=0.0,
        )


# Compilation


@pytest.mark.usefixtures("short_blocks")
def test_every_network_is_compiled_for_its_own_sizes() -> None:
    """Torch's own limit is 8 variants of one `forward`; it runs a ninth network as it is."""
    graphs = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., object]:
        graphs.append([size for value in inputs for size in getattr(value, "shape", [value])])
        return graph.forward

    def make(width: int, batch: int) -> Callable[[], Callable[[], object]]:
        spec = NetSpec(widths=(width,), depths=(1,), strides=(1,), in_channels=1, image_size=4)
        network: nn.Module = build(spec).eval()
        network.compile(backend=backend)
        images = torch.randn(batch, 1, 4, 4)
        return lambda: lambda: network(images)

    pairs = [(4 * width, batch) for width in range(1, 6) for batch in (2, 3)]
    time_calls([make(*pair) for pair in pairs], Execution(compiled=True), seconds=0.0)
    assert len(graphs) == len(pairs) > 8
    assert all(isinstance(size, int) for sizes in graphs for size in sizes)
