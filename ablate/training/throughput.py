"""How many images a second a network trains on and classifies, and the arms against each other.

What is timed is a call that `timing` repeats: a training step, inference, or an epoch of the
training loop itself. The batch is the same for every arm and never made smaller.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from ablate.data.dataset import Dataset
from ablate.errors import InputError
from ablate.files import replacing
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import content_hash
from ablate.training.execution import Execution
from ablate.training.machine import describe, gpu_state
from ablate.training.timing import (
    Ratio,
    Times,
    control_is_off,
    rate,
    speed_ratio,
    time_alone,
    time_calls,
)
from ablate.training.workload import epoch, first_batches, inference, training_step

EPOCH_BATCHES = 4  # of the epoch that is timed
TIMED = ("images_per_s", "images_per_s_iqr", "ratio", "ratio_low", "ratio_high", "control")
Row = dict[str, float | int | bool | str | None]


def time_arms(
    nets: Sequence[NetSpec],
    train: TrainSpec | Sequence[TrainSpec],
    data: Dataset,
    execution: Execution,
    seconds: float = 0.5,
    within: float = math.inf,
) -> list[Row]:
    """Time a training step, inference and an epoch of every arm, with nothing else running.

    The baseline is timed once more as an arm of its own, the control, which shows whether a ratio
    of this run can be trusted. Weights do not change; no input is zero. An arm whose memory does
    not suffice has missing values and a note.

    Args:
        nets: the arms; the first is the baseline.
        train: the recipe, with the batch size; or that of each arm, and then speeds are compared in
            images/s.
        data: what the epoch reads: its first `EPOCH_BATCHES` whole batches.
        execution: how to run; this process was set up for it.
        seconds: of timed blocks, for each arm and quantity.
        within: the time there is for all of it, seconds; where it is short there are fewer rounds,
            and so there are once a control is off: more would not be trusted either.

    Returns:
        For each arm the columns of the results table that say how fast it is. `throughput_rounds`
        are the fewest of the three quantities.
    """
    recipes = [train] * len(nets) if isinstance(train, TrainSpec) else list(train)
    arms = list(zip((*nets, nets[0]), (*recipes, recipes[0]), strict=True))
    batches = [recipe.batch_size for _, recipe in arms]
    device = torch.device(execution.device)
    few = {batch: first_batches(data, batch, EPOCH_BATCHES).to(device) for batch in set(batches)}
    calls: dict[str, tuple[list[int], Callable[[NetSpec, TrainSpec], Callable[[], object]]]] = {
        "train": (batches, partial(training_step, execution=execution)),
        "infer": (batches, partial(inference, execution=execution)),
        "epoch": (
            [len(few[batch].train) for batch in batches],
            lambda net, recipe: epoch(net, recipe, few[recipe.batch_size], execution),
        ),
    }
    timed: list[_Quantity] = []
    end = time.perf_counter() + within
    for name, (images, call) in calls.items():
        left = max(0.0, end - time.perf_counter()) / (len(calls) - len(timed))
        makers = {
            place: partial(call, net, recipe)
            for place, (net, recipe) in enumerate(arms)
            if images[place]
        }
        most = 0.0 if _any_off(timed) and within < math.inf else left
        times = time_calls(list(makers.values()), execution, seconds, most)
        found = dict(zip(makers, times, strict=True))
        why = [
            f"out of memory at batch {batch}"
            if place in makers
            else f"batch {batch} is more than the {len(data.train)} training images"
            for place, batch in enumerate(batches)
        ]
        timed.append(_Quantity(name, images, [found.get(n) for n in range(len(arms))], why))
    common: Row = {
        "throughput_threads": execution.threads,
        "throughput_control_off": _any_off(timed),
        "gpu_state": gpu_state(execution.device),
    }
    return [
        _row(timed, place) | {"throughput_batch": batches[place]} | common
        for place in range(len(nets))
    ]


def sweep(
    named: Mapping[str, NetSpec],
    train: TrainSpec | Sequence[TrainSpec],
    data: Dataset,
    execution: Execution,
    batches: Sequence[int],
    seconds: float = 0.5,
) -> list[Row]:
    """`time_arms` at several batch sizes: a row for each batch and cell, in that order.

    Args:
        named: the cells; the first is the baseline.
        train, data, execution, seconds: as in `time_arms`; no recipe's batch size is used.
        batches: images a batch.

    Returns:
        Of each: `cell`, `batch`, the columns of `time_arms`, and `device`.
    """
    device = describe(execution.device)["device"]
    recipes = [train] * len(named) if isinstance(train, TrainSpec) else train
    rows: list[Row] = []
    for batch in batches:
        own = [replace(recipe, batch_size=batch) for recipe in recipes]
        timed = time_arms(list(named.values()), own, data, execution, seconds)
        for cell, row in zip(named, timed, strict=True):
            told: Row = {"cell": cell, "batch": batch, **row, "device": device}
            rows.append(told)
    return rows


def train_rate(net: NetSpec, train: TrainSpec, execution: Execution, seconds: float) -> float:
    """Images/s of training steps of one network, timed for about `seconds`.

    Raises:
        InputError: out of memory.
    """
    step = partial(training_step, net, train=train, execution=execution)
    return _single(step, "a training step", train.batch_size, execution, seconds)


def latency_control(
    net: NetSpec, batch: int, execution: Execution, seconds: float = 0.5
) -> Ratio | None:
    """Inference of one batch timed against itself, as two networks; None without the memory.

    `timing.control_is_off` says whether latencies measured around it can be trusted.
    """
    infer = partial(inference, net, TrainSpec(batch_size=batch), execution)
    one, other = time_calls([infer, infer], execution, seconds)
    return None if one is None or other is None else speed_ratio(one, other)


class MeasuredLatency:
    """Seconds a batch takes at inference, measured once a network and kept in a file.

    Keeping it makes a plan that was solved from measurements the same plan when it is run again.

    Args:
        path: a JSON file, made where there is none; None keeps nothing.
        device: where to run.
        threads: CPU threads.
    """

    def __init__(self, path: Path | None, device: torch.device, threads: int) -> None:
        self.path, self.device, self.threads = path, device, threads
        kept = path is not None and path.exists()
        self.known: dict[str, float] = json.loads(path.read_text()) if path and kept else {}

    def __call__(self, net: NetSpec, batch: int) -> float:
        """Median over blocks, seconds.

        Raises:
            InputError: out of memory.
        """
        name = f"{content_hash(net)}:{batch}:{self.device}:{self.threads}"
        if name not in self.known:
            execution = Execution(device=str(self.device), threads=self.threads)
            infer = partial(inference, net, TrainSpec(batch_size=batch), execution)
            self.known[name] = batch / _single(infer, "inference", batch, execution, seconds=0.3)
            if self.path is not None:
                with replacing(self.path) as temporary:
                    temporary.write_text(json.dumps(self.known, indent=1, sort_keys=True))
        return self.known[name]


@dataclass(frozen=True)
class _Quantity:
    """What was timed of every arm.

    Args:
        name: prefix of its columns.
        images: that a call takes, of each arm.
        times: seconds a call, (rounds, 2): the baseline first, the control last.
        why: the reason where `times` are missing, of each arm.
    """

    name: str
    images: Sequence[int]
    times: Sequence[Times | None]
    why: Sequence[str]

    def ratio(self, place: int) -> Ratio | None:
        """Speed over the baseline's, where both were timed."""
        baseline, times = self.times[0], self.times[place]
        if baseline is None or times is None:
            return None
        more = self.images[0] / self.images[place]  # 1 where they have the same batch
        return speed_ratio(baseline, times * more)

    def columns(self, place: int) -> Row:
        """The columns of one arm."""
        times, ratio, control = self.times[place], self.ratio(place), self.ratio(-1)
        found = dict.fromkeys(TIMED, None) | {"control": control.value if control else None}
        if times is not None:
            found["images_per_s"], found["images_per_s_iqr"] = rate(times, self.images[place])
        if ratio:
            found["ratio"] = ratio.value
        if ratio and place > 0:  # the baseline is what it is compared with
            found |= {"ratio_low": ratio.low, "ratio_high": ratio.high}
        return {f"{self.name}_{column}": value for column, value in found.items()}

    def note(self, place: int) -> str | None:
        """What of one arm could not be timed, and why."""
        if self.times[place] is None:
            return f"{self.name}: {self.why[place]}"
        if self.times[0] is None:
            return f"{self.name}: no ratio, the baseline is {self.why[0]}"
        if self.times[-1] is None:
            return f"{self.name}: no control, it is {self.why[-1]}"
        return None


def _row(timed: Sequence[_Quantity], place: int) -> Row:
    """What is one arm's own."""
    row: Row = {}
    for quantity in timed:
        row |= quantity.columns(place)
    own = [quantity.times[place] for quantity in timed]
    notes = [quantity.note(place) for quantity in timed]
    return row | {
        "throughput_rounds": min((len(times) for times in own if times is not None), default=None),
        "throughput_note": "; ".join(filter(None, notes)) or None,
    }


def _any_off(timed: Sequence[_Quantity]) -> bool | None:
    """Whether a control is off; None where there is none."""
    controls = [control for control in (quantity.ratio(-1) for quantity in timed) if control]
    return any(map(control_is_off, controls)) if controls else None


def _single(
    make: Callable[[], Callable[[], object]],
    what: str,
    batch: int,
    execution: Execution,
    seconds: float,
) -> float:
    """Images/s of a call by itself."""
    times = time_alone(make, execution, seconds)
    if times is None:
        raise InputError(
            f"batch_size = {batch}: {what} is out of memory on {execution.device}", "batch_size"
        )
    return rate(times, batch)[0]
