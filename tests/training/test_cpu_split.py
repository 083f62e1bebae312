"""Processes and threads: every split fits the CPUs, and the probe leaves no process behind."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ablate.errors import InputError
from ablate.processes import MOST_WORKERS
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec
from ablate.training import cpu_split
from ablate.training.cpu_split import ROUNDS, Load, Split, candidates, fastest, probe
from ablate.training.execution import Execution
from support.probed import Noted, count_tasks, die, interrupt, interrupt_early

NET = NetSpec(widths=(4, 8), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)


def load(data_root: Path) -> Load:
    return Load(NET, TrainSpec(batch_size=16), DataSpec(), data_root, Execution())


# Ways to split


@pytest.mark.parametrize("cpus", range(1, 17))
def test_every_way_fits_the_cpus(cpus: int) -> None:
    for most in range(1, 20):
        ways = candidates(cpus, most)
        assert ways[0] == (1, cpus)
        assert len(set(ways)) == len(ways)
        workers = [way[0] for way in ways]
        assert workers == sorted(workers)
        assert workers[-1] == min(cpus, most)
        for count, threads in ways:
            assert threads >= 1
            assert cpus - count < count * threads <= cpus  # no whole thread is left over


@pytest.mark.parametrize(
    ("cpus", "most", "ways"),
    [
        (1, 8, [(1, 1)]),
        (2, 8, [(1, 2), (2, 1)]),
        (3, 8, [(1, 3), (2, 1), (3, 1)]),
        (4, 8, [(1, 4), (2, 2), (4, 1)]),
        (16, 8, [(1, 16), (2, 8), (4, 4), (8, 2)]),
        (16, 5, [(1, 16), (2, 8), (4, 4), (5, 3)]),
        (16, 1, [(1, 16)]),
    ],
)
def test_ways_by_hand(cpus: int, most: int, ways: list[tuple[int, int]]) -> None:
    assert candidates(cpus, most) == ways


def test_the_fastest_by_the_median_wins() -> None:
    steady = Split(1, 4, (100.0, 101.0, 99.0))
    lucky = Split(2, 2, (90.0, 500.0, 91.0))
    better = Split(4, 1, (5.0, 102.0, 103.0))
    assert fastest([steady, lucky]) == steady
    assert fastest([steady, lucky, better]) == better
    assert fastest([lucky]) == lucky


# Processes


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    assert not multiprocessing.active_children()
    yield
    assert not multiprocessing.active_children()


def gone(process: int) -> bool:
    """Whether there is no such process, not even a dead one that nobody asked after."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def notes(folder: Path) -> dict[int, list[str]]:
    """What each process noted."""
    return {int(path.name): path.read_text().splitlines() for path in folder.iterdir()}


def test_each_way_is_timed_there_and_back_by_the_same_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_split, "_train_when_told", count_tasks)
    found = probe(Noted(tmp_path), [(1, 4), (2, 2)], seconds=0.5)
    # 1 way, 2 ways; 2 ways, 1 way; 1 way, 2 ways. The second process is asked for 2 ways alone.
    assert found == [Split(1, 4, (1.0, 4.0, 5.0)), Split(2, 2, (2.0 + 1, 3.0 + 2, 6.0 + 3))]
    first = ["started", *("4 0.5", "2 0.5"), *("2 0.5", "4 0.5"), *("4 0.5", "2 0.5")]
    kept = notes(tmp_path)
    assert sorted(kept.values(), key=len) == [["started", *["2 0.5"] * 3], first]
    assert all(map(gone, kept))


@pytest.mark.parametrize("worker", [interrupt, interrupt_early])
def test_an_interrupt_ends_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: Any
) -> None:
    monkeypatch.setattr(cpu_split, "_train_when_told", worker)
    with pytest.raises(KeyboardInterrupt):
        probe(Noted(tmp_path), [(1, 1), (2, 1)])
    kept = notes(tmp_path)
    assert kept
    assert all(map(gone, kept))


def test_a_process_that_dies_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_split, "_train_when_told", die)
    with pytest.raises(InputError, match=r"^--workers auto: a process .* give --workers N"):
        probe(Noted(tmp_path), [(2, 1)])
    assert len(notes(tmp_path)) == 2
    assert all(map(gone, notes(tmp_path)))


def test_a_process_that_cannot_start_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_split, "_train_when_told", count_tasks)
    real, started = SpawnProcess.start, []

    def start(process: SpawnProcess) -> None:
        if started:
            raise BlockingIOError("no more processes")
        started.append(process)
        real(process)

    monkeypatch.setattr(SpawnProcess, "start", start)
    with pytest.raises(BlockingIOError, match="no more processes"):
        probe(Noted(tmp_path), [(1, 1), (2, 1)])
    assert started


def test_a_real_probe(tmp_path: Path) -> None:
    found = probe(load(tmp_path), [(1, 2), (2, 1)], seconds=0.05)
    assert [(way.workers, way.threads) for way in found] == [(1, 2), (2, 1)]
    for way in found:
        assert len(way.rates) == ROUNDS
        assert min(way.rates) > 0
    assert fastest(found) in found
    assert not list(tmp_path.iterdir())


# What a process does when told


class Told:
    """A pipe whose other end asks for each of these, and is then closed."""

    def __init__(self, tasks: list[tuple[int, float]]) -> None:
        self.tasks = tasks
        self.sent: list[Any] = []

    def recv(self) -> tuple[int, float]:
        if not self.tasks:
            raise EOFError
        return self.tasks.pop(0)

    def send(self, answer: Any) -> None:
        self.sent.append(answer)


@pytest.fixture
def process_as_it_was(monkeypatch: pytest.MonkeyPatch, torch_as_it_was: None) -> Iterator[None]:
    monkeypatch.setattr(cpu_split, "end_with_parent", lambda: None)  # this process has none
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("process_as_it_was")
def test_a_process_trains_with_the_threads_asked_for(tmp_path: Path) -> None:
    pipe = Told([(2, 0.01), (1, 0.0001), (2, 0.01)])
    seen: list[list[int]] = []  # threads of every step, by what was sent before it

    def look(module: nn.Module, inputs: Any) -> None:
        if isinstance(module, nn.Linear):
            assert module.training
            assert len(inputs[0]) == 16
            seen.extend([] for _ in range(len(pipe.sent) + 1 - len(seen)))
            seen[len(pipe.sent)].append(torch.get_num_threads())

    handle = register_module_forward_pre_hook(look)
    try:
        with pytest.raises(EOFError):
            cpu_split._train_when_told(load(tmp_path), pipe)
    finally:
        handle.remove()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # Ctrl-C is the parent's
    ready, *rates = pipe.sent
    assert ready == "ready"
    assert min(rates) > 0
    assert len(seen) == len(pipe.sent) == 4
    assert [set(threads) for threads in seen] == [{1}, {2}, {1}, {2}]
    assert min(map(len, seen[1:])) >= 2  # one to start the threads, and at least one that is timed


def test_there_are_splits_for_a_machine_with_many_cpus() -> None:
    assert candidates(256, MOST_WORKERS)[-1] == (MOST_WORKERS, 256 // MOST_WORKERS)
