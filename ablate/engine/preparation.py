"""What is settled before a study trains: layout, costs and throughput, how the CPUs are split.

Each is found once and kept with the study, so that a run that goes on goes on as it began.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from ablate.data.dataset import Dataset
from ablate.errors import InputError
from ablate.networks.cost import count
from ablate.networks.fvcore_cost import measure
from ablate.processes import MOST_WORKERS
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.cells import Cell
from ablate.study.plan import Study
from ablate.training.cpu_split import ROUNDS, Load, candidates, fastest, probe
from ablate.training.execution import Execution
from ablate.training.machine import describe
from ablate.training.memory_format import pick_layout, usual_layout
from ablate.training.throughput import Row, sweep, time_arms, train_rate

WORTH_LAYOUT_S = 120  # of training; a shorter one has the usual layout, whatever else is running
WORTH_PROBING_S = 240  # of training that is left; a shorter run is over before a probe pays
PROBES_SHARE, LEAST_PROBES_S, MOST_PROBES_S = 0.1, 6.0, 15.0  # of the training, and in any case
LAYOUT_SHARE, TIMING_SHARE, SPLIT_SHARE = 0.2, 0.5, 0.3  # of the time for probes
USUAL_TIMING_S = 0.5  # of each cell and quantity; where more is asked for, all probes have more
RATE_S = 0.1  # of timing steps, to know how long the training will be
Say = Callable[[str], object]


class Memory(Protocol):
    """Keeps what was found; `ablate.engine.queue.Queue` is one."""

    def recall(self, name: str) -> Any:
        """What was kept under a name, or None."""

    def remember(self, name: str, value: Any) -> None:
        """Keep JSON values under a name."""


@dataclass(frozen=True)
class Patience:
    """How long things are timed before the training.

    Args:
        training_s: that the training is expected to take, seconds.
        each: of each cell and quantity, seconds.
    """

    training_s: float
    each: float

    @property
    def within(self) -> float:
        """Of all of it together, seconds of wall time."""
        return probes_s(self.training_s, self.each)


def patience(
    study: Study, images: int, worker: Execution, workers: int, each: float, memory: Memory
) -> Patience:
    """A tenth of the time that the training is expected to take, see `probes_s`.

    Args:
        study: what is run.
        images: in its training split.
        worker, workers: how one process trains, and how many there are.
        each: seconds for each cell and quantity.
        memory: keeps the time that is expected.
    """
    net, train = _nets(study)[0], study.recipe(_cells(study)[0])
    name = _name("expected", worker, net, train, images, workers, len(study.plan()))
    expected = memory.recall(name)
    if expected is None:
        try:
            rate = train_rate(net, train, worker, RATE_S)
        except InputError:  # no memory for a step, which the timing will say
            rate = 0.0
        epochs = sum(planned.spec.train.epochs for planned in study.plan())
        expected = epochs * images / rate / workers if rate else MOST_PROBES_S / PROBES_SHARE
        memory.remember(name, expected)
    return Patience(expected, each)


def probes_s(training_s: float, each: float) -> float:
    """How long all that is timed before a training may take, seconds of wall time.

    Args:
        training_s: that the training is expected to take.
        each: as of `Patience`.
    """
    usual = min(MOST_PROBES_S, max(LEAST_PROBES_S, PROBES_SHARE * training_s))
    return usual * max(1.0, each / USUAL_TIMING_S)


def pick_execution(
    study: Study, wanted: Execution, pick: bool, patience: Patience, memory: Memory, say: Say
) -> tuple[Execution, float | None]:
    """How to run, with the layout that a probe finds best if `pick`, and its gain; else as wanted.

    The probe runs as `wanted` says, which is as one worker will. Before a short training nothing is
    timed. The gain is the speed of channels_last over contiguous, None where that was not timed.
    """
    if not pick:
        return wanted, None
    train = study.recipe(_cells(study)[0])
    name = _name("layout", wanted, _nets(study), train)
    kept = memory.recall(name)
    if kept is None:
        if patience.training_s < WORTH_LAYOUT_S:
            layout = usual_layout(_nets(study), wanted)
        else:
            within = LAYOUT_SHARE * patience.within
            layout = pick_layout(_nets(study), train, wanted, patience.each, within)
        say(f"layout: {layout.why}")
        kept = asdict(layout)
        memory.remember(name, kept)
    return replace(wanted, channels_last=kept["channels_last"]), kept["gain"]


def cell_columns(
    study: Study, data: Dataset, execution: Execution, patience: Patience, memory: Memory, say: Say
) -> dict[str, dict[str, Any]]:
    """Cost and throughput columns of each cell, by name, the baseline first.

    All are timed against each other in one phase, each with its own recipe.

    Of sampled networks only the first one of the baseline is timed: what they are compared by is
    accuracy, and one network's images/s say nothing of its arm's.
    """
    cells = _cells(study)
    timed = cells[:1] if study.draws else cells
    nets, train = [cell.net for cell in timed], _recipes(study, timed)
    name = _name("cells", execution, nets, train, study.data)
    kept = memory.recall(name)
    if kept is None:
        say(f"timing {len(timed)} cells against each other" if timed[1:] else "timing one network")
        alone = patience.training_s < WORTH_LAYOUT_S  # then nothing else is timed
        within = patience.within * (1 if alone else TIMING_SHARE)
        began = time.perf_counter()
        kept = time_arms(nets, train, data, execution, patience.each, within)
        memory.remember(name, kept)
        took = time.perf_counter() - began
        if took > within:
            say(f"timing was cut short after {took:.0f} s; --timing-seconds gives it more")
        if kept[0]["throughput_control_off"]:
            say("timing: the baseline against itself differs, so no speed of this run is compared")
    measured = dict(zip((cell.name for cell in timed), kept, strict=True))
    return {cell.name: _costs(cell.net) | measured.get(cell.name, {}) for cell in cells}


def time_batches(
    study: Study, data: Dataset, execution: Execution, batches: Sequence[int], seconds: float
) -> list[Row]:
    """The throughput of each cell at each size of batch; cells in the order of the study."""
    nets = {cell.name: cell.net for cell in _cells(study)}
    rows = sweep(nets, _recipes(study, _cells(study)), data, execution, batches, seconds)
    place = {cell.name: number for number, cell in enumerate(study.cells)}
    return sorted(rows, key=lambda row: (row["batch"], place[str(row["cell"])]))


def usual_cpu_split(execution: Execution, wanted: int | None, trials: int) -> tuple[int, int]:
    """Processes, and CPU threads of each: as wanted, else one a CPU, or one on a GPU.

    Args:
        execution: how one process with the machine to itself would run.
        wanted: processes, or None.
        trials: never more processes than these.
    """
    on_gpu = execution.device.startswith("cuda")
    one_each = 1 if on_gpu else min(execution.threads, MOST_WORKERS)
    workers = min(wanted or one_each, trials)
    return workers, max(1, execution.threads // workers)


def pick_cpu_split(
    study: Study,
    left_s: float,
    trials: int,
    execution: Execution,
    patience: Patience,
    data_root: Path,
    memory: Memory,
    say: Say,
) -> tuple[int, int]:
    """Processes, and CPU threads of each: the fastest by a probe, where that is worth its time.

    Args:
        study: what is run.
        left_s, trials: what is left, in seconds as usually split.
        execution: how one process with the machine to itself would run.
        patience: how long the probe may take, but for the start of its processes.
        data_root: where the dataset lies.
        memory, say: keep and tell the answer.
    """
    workers, threads = usual_cpu_split(execution, None, trials)
    if workers == 1 or left_s < WORTH_PROBING_S:
        return workers, threads
    ways, net = candidates(execution.threads, workers), _nets(study)[0]
    train = study.recipe(_cells(study)[0])
    name = _name("split", execution, net, train, study.data, ways)
    kept = memory.recall(name)
    if kept is None:
        load = Load(net, train, study.data, data_root, replace(execution, threads=1))
        visits = ROUNDS * len(ways)
        found = probe(load, ways, min(1.0, SPLIT_SHARE * patience.within / visits))
        rates = ", ".join(
            f"{way.workers} x {way.threads}: {median(way.rates):,.0f}" for way in found
        )
        say(f"images/s by processes x threads: {rates} (medians of {len(found[0].rates)} rounds)")
        best = fastest(found)
        kept = [best.workers, best.threads]
        memory.remember(name, kept)
    workers, threads = kept
    return workers, threads


def _cells(study: Study) -> list[Cell]:
    """The baseline first, the others in the order of the study."""
    return sorted(study.cells, key=lambda cell: cell.name != study.baseline)


def _nets(study: Study) -> list[NetSpec]:
    return [cell.net for cell in _cells(study)]


def _recipes(study: Study, cells: Sequence[Cell]) -> TrainSpec | list[TrainSpec]:
    """The recipe of all these cells, or that of each where they differ."""
    recipes = [study.recipe(cell) for cell in cells]
    return recipes if len(set(recipes)) > 1 else recipes[0]


def _costs(net: NetSpec) -> dict[str, Any]:
    cost = measure(net)
    return asdict(cost) | {
        "unsupported_ops": cost.unsupported_json,
        "activations": count(net).activations,
    }


def _name(kind: str, execution: Execution, *about: object) -> str:
    """A name for what was found: it holds for the same question, on the same machine, alone."""
    asked = repr((execution, describe(execution.device)["device"], about))
    return f"{kind}:{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
