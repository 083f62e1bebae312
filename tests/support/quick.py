"""A study that needs no training: what a fault test kills, and the workers that run it."""

import multiprocessing
import os
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.errors import InputError
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.study.cells import Cell
from ablate.study.plan import Planned
from ablate.training.outcome import Outcome

NAME = "quick/digits"
CELL = Cell("only", MappingProxyType({"axis": "only"}), NetSpec(widths=(4, 8, 16)))


def plan(trials: int) -> list[Planned]:
    """A plan of one cell and so many seeds."""
    specs = [
        TrialSpec(net=CELL.net, train=TrainSpec(), data=DataSpec(), seed=seed)
        for seed in range(trials)
    ]
    return [Planned(CELL, spec) for spec in specs]


def outcome(assignment: Assignment, state: str = "complete") -> Outcome:
    """What a trial gives: the accuracy follows from its seed, and who made it is told."""
    row = {
        "state": state,
        "val_accuracy": assignment.spec.seed / 1000 if state == "complete" else None,
        "made_by": f"{os.getpid()} {time.monotonic_ns()}",
    }
    return Outcome(row, [{"epoch": 1, "val_accuracy": 0.5}])


@dataclass(frozen=True)
class Quick:
    """A `supervisor.Work` that goes wrong where its settings say so, by the trial's seed.

    Args:
        folder: where each start of a trial leaves a line.
        seconds: that a trial takes.
        kills, hangs, fails, refuses: seeds whose process kills itself, hangs with a child of its
            own, reports a failure, or says that it cannot run here.
    """

    preload: ClassVar[tuple[str, ...]] = ("support.quick",)

    folder: Path
    seconds: float = 0.0
    kills: tuple[int, ...] = ()
    hangs: tuple[int, ...] = ()
    fails: tuple[int, ...] = ()
    refuses: tuple[int, ...] = ()

    def run(self, assignment: Assignment, pipe: Connection) -> None:
        seed = assignment.spec.seed
        with (self.folder / "started").open("a") as log:
            log.write(f"{seed} {os.getpid()}\n")
        if seed in self.kills:
            os.kill(os.getpid(), 9)
        if seed in self.refuses:
            pipe.send(InputError(f"no room for seed {seed}"))
            return
        if seed in self.hangs:
            if os.fork() == 0:
                (self.folder / "grandchild").write_text(str(os.getpid()))
            time.sleep(600)
        pipe.send({"epoch": 1, "val_accuracy": 0.5})
        if assignment.explore and not pipe.recv():
            pipe.send(outcome(assignment, "pruned"))
            return
        time.sleep(self.seconds)
        pipe.send(outcome(assignment, "failed" if seed in self.fails else "complete"))

    def ended(self, assignment: Assignment, state: str, reason: str) -> Outcome:
        return Outcome({"state": state, "failure": reason, "val_accuracy": None}, [])

    def discard(self, assignment: Assignment) -> None:
        with (self.folder / "discarded").open("a") as log:
            log.write(f"{assignment.spec.seed}\n")


def loop(where: str, acknowledged: Connection, at: str = "", lease_s: float = 60.0) -> None:
    """A worker without children: claims and finishes, and sends each key that is safely stored.

    Args:
        where: the storage.
        acknowledged: told of each key and who made its outcome, once it is stored.
        at: a named point at which the process kills itself: claimed, staged or told.
        lease_s: of its claims.
    """
    queue = Queue(where, NAME, lease_s=lease_s)
    while True:
        assignment = queue.claim()
        if assignment is None:
            if not queue.recover() and not queue.unfinished():
                return
            time.sleep(0.05)
            continue
        if at == "claimed":
            os.kill(os.getpid(), 9)
        made = outcome(assignment)
        queue.proceed(assignment, made.epochs[0])
        queue.renew([assignment])
        if at == "staged":  # the outcome is there, and the trial still runs
            queue._settle = lambda *_: os.kill(os.getpid(), 9)  # type: ignore[method-assign]
        if queue.finish(assignment, made):
            if at == "told":
                os.kill(os.getpid(), 9)
            acknowledged.send((assignment.spec.key, made.row["made_by"]))


class Workers:
    """Processes forked from one that has imported all this, so that each starts at once."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(Quick.preload))
        self.acknowledged: dict[str, str] = {}
        self._running: list[tuple[BaseProcess, Connection]] = []

    def start(self, where: str, at: str = "", lease_s: float = 60.0) -> BaseProcess:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=loop, args=(where, theirs, at, lease_s))
        process.start()
        theirs.close()
        self._running.append((process, ours))
        return process

    def running(self) -> list[BaseProcess]:
        return [process for process, _ in self._running if process.is_alive()]

    def kill_one(self, chance: random.Random) -> bool:
        """Kill one at random, if any runs."""
        alive = self.running()
        if alive:
            chance.choice(alive).kill()
        return bool(alive)

    def listen(self) -> None:
        """Take note of what was acknowledged."""
        for _, pipe in self._running:
            try:
                while pipe.poll():
                    key, made_by = pipe.recv()
                    assert key not in self.acknowledged, "one key was ended twice"
                    self.acknowledged[key] = made_by
            except (EOFError, OSError):
                continue

    def join(self, seconds: float = 60.0) -> None:
        """Wait until all have ended, and listen to the last of it."""
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            self.listen()
            time.sleep(0.02)
        self.listen()
        assert not self.running(), "a worker does not end"


def check_whole(where: str, trials: Iterable[Planned], acknowledged: dict[str, str]) -> None:
    """Every key ended exactly once, nothing runs or waits, and all that was told is there."""
    queue = Queue(where, NAME)
    try:
        outcomes, counts = queue.outcomes(), queue.counts()
    finally:
        queue.close()
    keys = {planned.spec.key for planned in trials}
    assert set(outcomes) == keys
    assert counts["complete"] == len(keys)
    assert not counts["running"]
    assert not counts["waiting"]
    for key, made_by in acknowledged.items():
        assert outcomes[key]["row"]["made_by"] == made_by
