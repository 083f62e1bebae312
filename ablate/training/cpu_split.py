"""How to split the CPUs between processes and threads, found by training for a moment each way."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from statistics import median

import torch

from ablate.data.dataset import load
from ablate.errors import InputError
from ablate.processes import end_with_parent, start
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec
from ablate.training.execution import Execution, set_up
from ablate.training.workload import epoch, first_batches

ROUNDS = 3


@dataclass(frozen=True)
class Split:
    """Processes that train side by side, CPU threads of each, and the images/s of all together.

    Args:
        rates: one a round.
    """

    workers: int
    threads: int
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Load:
    """What the processes train while they are timed."""

    net: NetSpec
    train: TrainSpec
    data: DataSpec
    data_root: Path
    execution: Execution


def candidates(cpus: int, most: int) -> list[tuple[int, int]]:
    """Ways to split: 1, 2, 4, ... processes and then one a CPU, with whole threads for each.

    >>> candidates(cpus=6, most=8)
    [(1, 6), (2, 3), (4, 1), (6, 1)]
    """
    most = min(cpus, most)
    counts = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [(workers, cpus // workers) for workers in [*counts, most]]


def probe(load: Load, splits: Sequence[tuple[int, int]], seconds: float = 1.0) -> list[Split]:
    """Time each way to split, in turn and back again, with nothing else running.

    Args:
        load: what to train.
        splits: processes and threads of each way.
        seconds: that each way trains in each of the rounds.

    Raises:
        InputError: a process did not survive.
    """
    rates: dict[tuple[int, int], list[float]] = {split: [] for split in splits}
    try:
        with _processes(load, max(workers for workers, _ in splits)) as pipes:
            for number in range(ROUNDS):
                for workers, threads in splits if number % 2 == 0 else reversed(splits):
                    for pipe in pipes[:workers]:
                        pipe.send((threads, seconds))
                    rates[workers, threads].append(sum(pipe.recv() for pipe in pipes[:workers]))
    except (EOFError, BrokenPipeError) as error:
        raise InputError(
            "--workers auto: a process of the probe was killed, perhaps for lack of memory; "
            "give --workers N, with fewer than "
            f"{max(workers for workers, _ in splits)}"
        ) from error
    return [Split(workers, threads, tuple(rates[workers, threads])) for workers, threads in splits]


def fastest(splits: Sequence[Split]) -> Split:
    """The split with the highest median."""
    return max(splits, key=lambda split: median(split.rates))


@contextmanager
def _processes(load: Load, count: int) -> Iterator[list[Connection]]:
    started: list[SpawnProcess] = []
    pipes: list[Connection] = []
    try:
        for _ in range(count):
            process, pipe = start(_train_when_told, load)
            started.append(process)
            pipes.append(pipe)
        for pipe in pipes:
            pipe.recv()  # it has warmed up
        yield pipes
    finally:
        for process in started:
            process.kill()
            process.join()


def _train_when_told(work: Load, pipe: Connection) -> None:
    """Answer each (threads, seconds) with the images/s at which this process trained."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()
    device = set_up(work.execution)
    data = first_batches(load(work.data, work.data_root).to(device), work.train.batch_size, 1)
    step = epoch(work.net, work.train, data, work.execution)
    step()
    pipe.send("ready")
    while True:
        threads, seconds = pipe.recv()
        torch.set_num_threads(threads)
        step()  # with the threads started
        began, images, spent = time.perf_counter(), 0, 0.0
        while spent < seconds:
            step()
            images += work.train.batch_size
            spent = time.perf_counter() - began
        pipe.send(images / spent)
