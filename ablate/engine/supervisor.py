"""Runs a queue's trials side by side, each in a process of its own, and watches over them.

A crash, a lack of memory or a hang costs one trial and no other. The children train; only this
process writes to the storage. It imports no torch, so it is small and quick to start.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar, Protocol

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.engine.storage import StorageError
from ablate.errors import InputError
from ablate.processes import Stop, end_group, heeding_stops, memory_kills, prepare_forks, start_fork
from ablate.training.outcome import Outcome

MAX_KILLS = 3
POLL_S = 0.5  # how often an idle worker looks for trials that others have lost
REPORT_S = 1.0  # at most one epoch is stored in this time, but for a trial that may be pruned
GRACE_S = 7.0  # for a child to write its checkpoint when all is to stop


class Work(Protocol):
    """What is done with a claimed trial. It is sent to a process of its own, so it is picklable.

    Args:
        preload: modules that every such process needs: imported once, for all of them.
    """

    preload: ClassVar[tuple[str, ...]]

    def run(self, assignment: Assignment, pipe: Connection) -> None:
        """In the child: send each epoch as a dict, then the `Outcome`.

        Or an `InputError`, where no trial can be run on this machine as it is.
        Where `claim.explore`, a bool comes back after each epoch: whether to go on. On SIGTERM it
        keeps what it has and ends, without an outcome.
        """

    def ended(self, assignment: Assignment, state: str, reason: str) -> Outcome:
        """In the parent: the outcome of a trial whose process could not tell one."""

    def discard(self, assignment: Assignment) -> None:
        """In the parent: the outcome is stored, so what was kept of the trial can go."""


class Tracker(Protocol):
    """Is told how trials go; what it does with that changes nothing of them."""

    def epoch(self, assignment: Assignment, epoch: Mapping[str, Any]) -> None:
        """An epoch has ended."""

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """A trial has ended, and its outcome is stored."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A trial that has ended, for the progress display.

    Args:
        cell, seed: which.
        state: how, as the results table says it.
        val_accuracy: a fraction, where there is one.
        seconds: that it trained.
        running, failed: trials of this worker that run now, and that have not completed so far.
        spared: trials that have turned out not to be needed since this worker began.
    """

    cell: str
    seed: int
    state: str
    val_accuracy: float | None
    seconds: float
    running: int
    failed: int
    spared: int = 0

    def __str__(self) -> str:
        accuracy = "" if self.val_accuracy is None else f", validation {self.val_accuracy:.1%}"
        return f"{self.cell}, seed {self.seed}: {self.state}{accuracy}, {self.seconds:.1f} s"


@dataclass
class _Child:
    assignment: Assignment
    process: BaseProcess
    pipe: Connection
    deadline: float
    reported: float = 0.0
    memory_kills: int = field(default_factory=memory_kills)


def supervise(
    queue: Queue,
    work: Work,
    slots: int,
    time_limit_s: float,
    trackers: Sequence[Tracker] = (),
) -> Iterator[Done]:
    """Run trials on `slots` processes until the queue's plan is done, and yield each as it ends.

    A child that is killed (out of memory, a crash) is replaced: its trial is tried `MAX_KILLS`
    times. One that hangs is ended at its time limit with all that it started. Trials that other
    workers have are waited for, and taken over where those die.

    Args:
        queue: the trials.
        work: what to do with each.
        slots: trials at once.
        time_limit_s: of one trial, on one try.
        trackers: told how it goes.

    Raises:
        KeyboardInterrupt: one of `processes.STOPS` came. Every trial that ran was told to keep
            what it has, and was queued again.
        StorageError: the storage cannot be used any more.
        InputError: as a child says, no trial can be run here; all that ran was queued again.
    """
    prepare_forks(work.preload)
    with heeding_stops() as stop:
        crew = _Crew(queue, work, slots, time_limit_s, trackers, stop)
        try:
            yield from crew.run()
            if stop.asked:
                crew.wind_up()
        except StorageError:
            raise
        except InputError:
            crew.give_up()
            raise
        finally:
            crew.end()
        if stop.asked:
            raise KeyboardInterrupt


class _Crew:
    """The children of one worker."""

    def __init__(
        self,
        queue: Queue,
        work: Work,
        slots: int,
        time_limit_s: float,
        trackers: Sequence[Tracker],
        stop: Stop,
    ) -> None:
        self._queue = queue
        self._work = work
        self._slots = slots
        self._time_limit_s = time_limit_s
        self._trackers = trackers
        self._stop = stop
        self._children: list[_Child] = []
        self._failed = 0
        self._spared = queue.spared()
        self._renewed = time.monotonic()

    def run(self) -> Iterator[Done]:
        """Claim, start and listen until the plan is done or a stop is asked for."""
        while not self._stop.asked:
            while len(self._children) < self._slots and (assignment := self._queue.claim()):
                self._start(assignment)
            idle = len(self._children) < self._slots
            if idle and not self._queue.recover():
                if not self._children and not self._queue.unfinished():
                    return
                yield from self._listen(POLL_S)
            else:
                yield from self._listen(self._queue.lease_s / 6)
            yield from self._end_overdue()
            self._renew()

    def wind_up(self) -> None:
        """Have every child keep what it has, and queue its trial again."""
        for child in self._children:
            assert child.process.pid is not None
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, signal.SIGTERM)
        give_up = time.monotonic() + GRACE_S
        while self._children and time.monotonic() < give_up and self._stop.asked < 2:
            for _ in self._listen(0.1, dying=True):
                pass  # it had ended just then, and is stored
        self.give_up()

    def give_up(self) -> None:
        """End every child, and queue its trial again."""
        for child in self._children:
            end_group(child.process)
            self._queue.give_back(child.assignment)
        self._children.clear()

    def end(self) -> None:
        """End what still runs."""
        for child in self._children:
            end_group(child.process)

    def _start(self, assignment: Assignment) -> None:
        process, pipe = start_fork(self._work.run, assignment)
        deadline = time.monotonic() + self._time_limit_s
        self._children.append(_Child(assignment, process, pipe, deadline))

    def _listen(self, seconds: float, dying: bool = False) -> Iterator[Done]:
        """Hear what children have to say within some seconds, and yield the trials that ended."""
        now = time.monotonic()
        overdue = min((child.deadline - now for child in self._children), default=seconds)
        pipes = [child.pipe for child in self._children]
        wake = [] if self._stop.asked else [self._stop.pipe]
        ready = wait([*pipes, *wake], max(0.0, min(seconds, overdue)))
        for child in [child for child in self._children if child.pipe in ready]:
            try:
                message = child.pipe.recv()
            except (EOFError, OSError):  # it died, perhaps in the middle of a word
                self._children.remove(child)
                end_group(child.process)
                yield from self._died(child, dying)
                continue
            if isinstance(message, Outcome):
                self._children.remove(child)
                child.process.join(POLL_S)
                end_group(child.process)
                yield from self._ended(child.assignment, message)
            elif isinstance(message, InputError):
                raise message
            else:
                self._epoch(child, message)

    def _epoch(self, child: _Child, epoch: Mapping[str, Any]) -> None:
        now, assignment = time.monotonic(), child.assignment
        go_on = True
        if assignment.explore or now - child.reported > REPORT_S:
            go_on = self._queue.proceed(assignment, epoch)
            child.reported = now
        if assignment.explore:
            child.pipe.send(go_on)
        for tracker in self._trackers:
            tracker.epoch(assignment, epoch)

    def _ended(self, assignment: Assignment, outcome: Outcome) -> Iterator[Done]:
        """Store an outcome; what another worker has ended meanwhile stays as it is."""
        if not self._queue.finish(assignment, outcome):
            return
        self._work.discard(assignment)
        row = outcome.row
        self._failed += row["state"] not in ("complete", "pruned")
        for tracker in self._trackers:
            tracker.end(assignment, outcome)
        yield Done(
            cell=assignment.cell,
            seed=assignment.spec.seed,
            state=row["state"],
            val_accuracy=row.get("val_accuracy"),
            seconds=row.get("train_seconds", 0.0),
            running=len(self._children),
            failed=self._failed,
            spared=self._queue.spared() - self._spared,
        )

    def _died(self, child: _Child, told_to: bool) -> Iterator[Done]:
        """Queue the trial of a dead child again, or record how it ended if it died too often."""
        assignment, status = child.assignment, child.process.exitcode
        if told_to:
            self._queue.give_back(assignment)
        elif assignment.kills + 1 < MAX_KILLS:
            self._queue.give_back(assignment, killed=True)
        else:
            short = memory_kills() > child.memory_kills
            reason = (
                f"its process ended with status {status}, {MAX_KILLS} times"
                + ("; the system ended it for lack of memory" if short else "")
                + ("; status -9 is often a lack of memory" if status == -9 and not short else "")
            )
            state = "oom" if short else "failed"
            yield from self._ended(assignment, self._work.ended(assignment, state, reason))

    def _end_overdue(self) -> Iterator[Done]:
        for child in [child for child in self._children if time.monotonic() > child.deadline]:
            self._children.remove(child)
            end_group(child.process)
            reason = f"not done after {self._time_limit_s:g} s, its time limit"
            yield from self._ended(
                child.assignment, self._work.ended(child.assignment, "timeout", reason)
            )

    def _renew(self) -> None:
        """Hold the leases; end what was given to another."""
        if time.monotonic() - self._renewed < self._queue.lease_s / 3:
            return
        lost = self._queue.renew([child.assignment for child in self._children])
        for child in [child for child in self._children if child.assignment in lost]:
            self._children.remove(child)
            end_group(child.process)
        self._renewed = time.monotonic()
