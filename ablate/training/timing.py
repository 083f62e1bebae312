"""Calls timed against each other, so that what slows the machine down slows all of them.

A *block* is a number of calls in a row under torch's timer. A *round* visits every call for a
block, first to last and then last to first: a drift over the round adds the same to each.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from ablate.training.execution import Execution, is_out_of_memory

if TYPE_CHECKING:
    from torch.utils.benchmark import Timer


BLOCK_SECONDS = 0.02  # a block lasts as long, or one call, or less where there is less time
WARM_UP_BLOCKS, WARM_UP_SECONDS = 20, 2.0  # at most, once the first block is done
WARM_UP_SHARE = 0.4  # of the time there is in all, where it is short
AGREEING_BLOCKS, AGREEMENT = 3, 0.05  # the longest of the last three at most 5% above the shortest
FEWEST_ROUNDS, MOST_ROUNDS = 5, 50
PATIENCE_SECONDS, LEAST_ROUNDS = 30.0, 2  # where the fewest rounds take a call longer than that
RESAMPLES, LEVEL = 2000, 0.95  # of the bootstrap
MOST_COMPILED = 10_000  # networks and modes in one process
CONTROL_SHIFT = 0.02  # 1 may lie as far outside the control's interval
CONTROL_HALF_WIDTH = 0.10  # and the interval may reach as far to each side
Times = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True)
class Ratio:
    """A speed over the baseline's, with its 95% interval; above 1 is faster."""

    value: float
    low: float
    high: float


def time_calls(
    makers: Sequence[Callable[[], Callable[[], object]]],
    execution: Execution,
    seconds: float,
    within: float = math.inf,
) -> list[Times | None]:
    """Make, warm up and time calls against each other, in at least 5 and at most 50 rounds.

    All calls are alive at once. One that runs out of memory, when it is made or later, is dropped,
    and the others go on. (A CPU's memory can also end without an error: the system kills.)

    Args:
        makers: each gives a call.
        execution: gives the threads, and the device that is synchronised around a block.
        seconds: the time wanted for the blocks of each call; a block has two calls before it
            that are not timed.
        within: the time there is for all of it, seconds; where it is over, so are the rounds, but
            for the first `LEAST_ROUNDS`.

    Returns:
        Seconds a call, (rounds, 2), for each; None for one that ran out of memory.
    """
    end = time.perf_counter() + within
    patience = min(WARM_UP_SECONDS, WARM_UP_SHARE * within / max(1, len(makers)))
    with _running(execution):
        blocks = [
            _unless_out_of_memory(partial(_warm_up, make, execution.threads, seconds, patience))
            for make in makers
        ]

        def visit(place: int) -> float:
            block = blocks[place]
            found = _unless_out_of_memory(block.measure) if block else None
            if found is None:
                blocks[place] = None  # so that its memory is there for the others
                return math.nan
            return found

        lasting = [block.number * block.seconds for block in blocks if block]
        rounds = count_rounds(seconds, lasting) if lasting else 1
        visits = [partial(visit, place) for place in range(len(blocks))]
        times = interleave(visits, rounds, lambda: time.perf_counter() > end)
    return [None if np.isnan(own).any() else own for own in times]


def time_alone(
    make: Callable[[], Callable[[], object]], execution: Execution, seconds: float
) -> Times | None:
    """Make, warm up and time a call that is compared with no other, in blocks as short as can be.

    The median over many short blocks is moved less by other work on the machine than one over few
    long blocks.

    Returns:
        Seconds a call, (blocks,); None where it ran out of memory.
    """

    def blocks() -> Times:
        timer = _warm_up(make, execution.threads, seconds, WARM_UP_SECONDS).timer
        return np.asarray(timer.blocked_autorange(min_run_time=seconds).times)

    with _running(execution):
        return _unless_out_of_memory(blocks)


def interleave(
    visits: Sequence[Callable[[], float]], rounds: int, late: Callable[[], bool] = lambda: False
) -> Times:
    """What the visits return, (visits, rounds, 2); a round goes there and back again.

    Where it is `late` after `LEAST_ROUNDS` or more, there are no further ones.
    """
    times = np.empty((len(visits), rounds, 2))
    places = range(len(visits))
    for number in range(rounds):
        for way, order in enumerate((places, places[::-1])):
            for place in order:
                times[place, number, way] = visits[place]()
        if number + 1 >= LEAST_ROUNDS and late():
            return times[:, : number + 1]
    return times


def settled(times: Sequence[float]) -> bool:
    """Whether the last three blocks of a warm-up agree within 5%."""
    last = times[-AGREEING_BLOCKS:]
    return len(last) == AGREEING_BLOCKS and max(last) <= min(last) * (1 + AGREEMENT)


def count_rounds(seconds: float, lasting: Iterable[float]) -> int:
    """How many rounds take `seconds` a call, if blocks last as long as `lasting` says, seconds."""
    one = 2 * float(np.mean(list(lasting)))
    fewest = FEWEST_ROUNDS if FEWEST_ROUNDS * one <= PATIENCE_SECONDS else LEAST_ROUNDS
    return min(MOST_ROUNDS, max(fewest, round(seconds / one)))


def rate(times: Times, images: int) -> tuple[float, float]:
    """Median and interquartile range over blocks, images/s, of calls that take `images` each."""
    lower, median, upper = np.percentile(images / times, [25, 50, 75])
    return float(median), float(upper - lower)


def speed_ratio(baseline: Times, times: Times) -> Ratio:
    """How many times as fast as the baseline a call is: the median over rounds.

    The interval is a percentile bootstrap of that median over rounds; its seed is fixed.

    Args:
        baseline, times: seconds a call, (rounds, 2), of the same rounds. A round's time is the
            mean of its two visits.
    """
    ratios = baseline.mean(axis=1) / times.mean(axis=1)
    interval = stats.bootstrap(
        (ratios,),
        np.median,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Ratio(float(np.median(ratios)), float(interval.low), float(interval.high))


def control_is_off(control: Ratio) -> bool:
    """Whether a call timed against itself shows a difference, or too little to see one."""
    shift = max(control.low - 1, 1 - control.high)
    half_width = (control.high - control.low) / 2
    return shift > CONTROL_SHIFT or half_width > CONTROL_HALF_WIDTH


@dataclass(frozen=True)
class _Block:
    """A call under the timer, `number` times a block; `seconds` a call as its warm-up ended."""

    timer: "Timer"
    number: int
    seconds: float

    def measure(self) -> float:
        """Time one block: seconds a call."""
        return self.timer.timeit(self.number).median


@contextlib.contextmanager
def _running(execution: Execution) -> Iterator[None]:
    """Make the timer wait for the right device, and see to it that all networks are compiled.

    All networks share one `forward`, of which torch would compile eight variants and run the rest
    as they are; and its second batch size would give a graph for every size.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.accelerator.device_index(torch.device(execution.device).index))
        if execution.compiled:
            from torch._dynamo import config

            limits = ("recompile_limit", "accumulated_recompile_limit")
            changes = dict.fromkeys(limits, MOST_COMPILED) | {"automatic_dynamic_shapes": False}
            stack.enter_context(config.patch(changes))
        yield


def _warm_up(
    make: Callable[[], Callable[[], object]], threads: int, seconds: float, patience: float
) -> _Block:
    """Make a call and repeat it until its time has settled, or the patience ends."""
    # The timer's package looks for a CUDA toolkit and warns where there is no GPU to go with it.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    from torch.utils.benchmark import Timer

    timer = Timer("call()", globals={"call": make()}, num_threads=threads)
    times = [timer.timeit(1).median]
    number = 1
    lasting = min(BLOCK_SECONDS, seconds / (2 * FEWEST_ROUNDS))
    end = time.perf_counter() + patience
    while len(times) < 2 or not (
        settled(times) or len(times) >= WARM_UP_BLOCKS or time.perf_counter() > end
    ):
        number = max(1, math.ceil(lasting / times[-1]))
        times.append(timer.timeit(number).median)
    return _Block(timer, number, times[-1])


def _unless_out_of_memory(act: Callable[[], T]) -> T | None:
    """What `act` returns, or None where the memory did not suffice."""
    try:
        return act()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    torch.cuda.empty_cache()  # once the error, and with it the frames it held, is gone
    return None
