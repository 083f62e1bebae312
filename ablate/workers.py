"""Processes that run queued trials side by side, and the parent that watches them.

A worker claims, trains, stores, and tells the parent over its own pipe. One that dies is replaced
and its trial queued again; a worker whose parent dies ends at once.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ablate.data import load
from ablate.execution import Execution, set_up
from ablate.processes import end_with_parent, start
from ablate.search import Claim, Queue
from ablate.spec import DataSpec
from ablate.trial import failed_trial, run_trial

MAX_KILLS = 3


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every worker of a study is given.

    Args:
        storage, study: where the queue is, and its name.
        data, data_root: the dataset and where it lies.
        execution: how one worker runs.
        mechanism: whether each trial measures its trained network stage by stage.
    """

    storage: Path
    study: str
    data: DataSpec
    data_root: Path
    execution: Execution
    mechanism: bool


@dataclass(frozen=True)
class Done:
    """A trial that has ended, for the progress display."""

    cell: str
    seed: int
    state: str
    val_accuracy: float | None
    seconds: float

    def __str__(self) -> str:
        accuracy = "" if self.val_accuracy is None else f", validation {self.val_accuracy:.1%}"
        return f"{self.cell}, seed {self.seed}: {self.state}{accuracy}, {self.seconds:.1f} s"


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    claim: Claim | None = None


def run_queue(job: Job, count: int, queue: Queue) -> Iterator[Done]:
    """Run every queued trial on `count` processes, and yield each as it ends.

    A trial that kills its process (out of memory, a crash) is tried `MAX_KILLS` times and then
    recorded as failed. Leaving the loop early, by an exception or Ctrl-C, ends the workers.
    """
    kills: Counter[str] = Counter()
    yield from _run_workers(job, count, queue, kills)
    while queue.recover():  # killed between claiming a trial and saying so
        yield from _run_workers(job, 1, queue, kills)


def _run_workers(job: Job, count: int, queue: Queue, kills: Counter[str]) -> Iterator[Done]:
    workers = [_Worker(*start(_work, job)) for _ in range(count)]
    try:
        while workers:
            ready = wait([worker.pipe for worker in workers])
            for worker in [worker for worker in workers if worker.pipe in ready]:
                try:
                    message = worker.pipe.recv()
                except EOFError:
                    workers.remove(worker)
                    worker.process.join()
                    if worker.process.exitcode:
                        yield from _died(job, queue, worker, kills)
                        workers.append(_Worker(*start(_work, job)))
                    continue
                worker.claim = None if isinstance(message, Done) else message
                if isinstance(message, Done):
                    yield message
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()


def _died(job: Job, queue: Queue, worker: _Worker, kills: Counter[str]) -> Iterator[Done]:
    """Queue the trial of a dead worker again, or record it as failed if it died too often."""
    claim, status = worker.claim, worker.process.exitcode
    kills[claim.spec.key if claim else ""] += 1
    often = kills[claim.spec.key if claim else ""] >= MAX_KILLS
    if claim is None and often:
        raise RuntimeError(f"workers end with status {status} before they claim a trial")
    if claim is None:
        return
    if not often:
        queue.requeue(claim)
        return
    reason = (
        f"its process ended with status {status}, {MAX_KILLS} times; "
        "status -9 is often a lack of memory"
    )
    queue.finish(claim, failed_trial(claim.spec, reason, job.execution))
    yield Done(claim.cell, claim.spec.seed, "failed", None, 0.0)


def _work(job: Job, pipe: Connection) -> None:
    """The worker process: claim and run until the queue is empty."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()
    device = set_up(job.execution)
    data = load(job.data, job.data_root).to(device)
    queue = Queue(job.storage, job.study)
    while claim := queue.claim():
        pipe.send(claim)
        checkpoint = job.storage.parent / "checkpoints" / f"{claim.spec.key}.pt"
        outcome = run_trial(claim.spec, data, job.execution, checkpoint, job.mechanism)
        queue.finish(claim, outcome)
        checkpoint.unlink(missing_ok=True)
        row = outcome.row
        pipe.send(
            Done(
                claim.cell,
                claim.spec.seed,
                row["state"],
                row.get("val_accuracy"),
                row["train_seconds"],
            )
        )
