"""Workers as Ray tasks, on any number of machines: `ablate run --engine ray`.

Ray places the workers and says how they fare. Which trial is whose is the storage's to say, as
for any other worker: where Ray loses one, its trial's lease runs out and another takes it.
"""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ablate.engine.queue import Queue
from ablate.engine.storage import is_shared, shown
from ablate.engine.supervisor import Done
from ablate.engine.worker import Worker
from ablate.errors import InputError
from ablate.processes import heeding_stops

if TYPE_CHECKING:
    from ray import ObjectRefGenerator


POLL_S = 0.5
GRACE_S = 9.0  # for the workers to have their trials keep what they have
MOST_LOST = 3  # workers in a row that Ray lost before any trial ended


@dataclass(frozen=True, kw_only=True)
class RayShare:
    """A Ray task's share of a machine.

    Args:
        cpus: of a task; its trial has as many threads.
        gpus: of a task, such as 0.5; 0 for training on the CPU.
    """

    cpus: int
    gpus: float


def run_on_ray(worker: Worker, share: RayShare, wanted: int | None, queue: Queue) -> Iterator[Done]:
    """Run what is left of a planned study on Ray, and yield each trial as it ends.

    Ray is the cluster that `RAY_ADDRESS` names (`auto`: the one that `ray start` began on this
    machine), else this machine alone. A worker that Ray loses is replaced.

    Args:
        worker: what each task runs, one trial at a time; its paths are those of every machine.
        share: of a task.
        wanted: tasks at once; as many as the cluster has room for if None.
        queue: of the same study.

    Raises:
        InputError: Ray is not installed, a task does not fit, its machines cannot reach the
            storage, or a worker found something wrong with what the user gave.
        KeyboardInterrupt: a signal came. What ran was told to keep what it has and queued again.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--engine ray needs Ray, which is not installed: pip install 'ablate-resnet[ray]'"
        ) from error
    _connect()
    _check_reach(worker.storage, sum(node["Alive"] for node in ray.nodes()))
    count = _fitting(share, wanted, ray.cluster_resources())
    device = "cuda" if share.gpus else "cpu"
    task = replace(worker.from_anywhere(), workers=1, threads=share.cpus, device=device)
    crew = _RayCrew(task, share, queue, count)
    with heeding_stops() as stop:
        try:
            crew.fill()
            while crew.running and not stop.asked:
                yield from crew.listen(POLL_S)
        finally:
            crew.end()
        if stop.asked:
            raise KeyboardInterrupt


class _RayCrew:
    """The tasks that run now, `count` at most."""

    def __init__(self, worker: Worker, share: RayShare, queue: Queue, count: int) -> None:
        import ray

        # A process serves one task, so that no GPU or thread of an earlier one is left in it.
        as_task = ray.remote(
            num_cpus=share.cpus,
            num_gpus=share.gpus,
            num_returns="streaming",
            max_retries=0,
            max_calls=1,
        )
        self._task = as_task(Worker.run)
        self._worker = worker
        self._queue = queue
        self._count = count
        self._failed = 0
        self._spared = queue.spared()
        self._lost = 0
        self.running: list[ObjectRefGenerator[Done]] = []

    def fill(self) -> None:
        """Start tasks, as many as there is work for."""
        while len(self.running) < min(self._count, self._queue.unfinished()):
            self.running.append(self._task.remote(self._worker))

    def listen(self, seconds: float) -> Iterator[Done]:
        """Yield the trials that end within some seconds, and forget the tasks that do."""
        import ray

        ready, _ = ray.wait(self.running, num_returns=1, timeout=seconds)
        for task in ready:
            try:
                done: Done = ray.get(next(task))
            except StopIteration:
                self.running.remove(task)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, InputError):
                    raise InputError(str(error.cause)) from error
                raise
            except ray.exceptions.RayError as error:  # its process or its machine is gone
                self.running.remove(task)
                self._lost += 1
                if self._lost >= MOST_LOST:
                    raise InputError(
                        f"--engine ray: its workers are lost, one after another ({_line(error)})"
                    ) from error
                self.fill()
            else:
                self._lost = 0
                self._failed += done.state not in ("complete", "pruned")
                yield replace(
                    done,
                    running=len(self.running) - 1,
                    failed=self._failed,
                    spared=self._queue.spared() - self._spared,
                )

    def end(self) -> None:
        """Ask every task to end, and give it the time to queue its trial again."""
        import ray

        for task in self.running:
            ray.cancel(task)
        give_up = time.monotonic() + GRACE_S
        while self.running and time.monotonic() < give_up:
            ready, _ = ray.wait(self.running, timeout=POLL_S)
            for task in ready:
                try:
                    ray.get(next(task))
                except (StopIteration, ray.exceptions.RayError):
                    self.running.remove(task)
        for task in self.running:
            ray.cancel(task, force=True)
        self.running.clear()


def _connect() -> None:
    """Connect to Ray, unless this process has done so."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Left to itself Ray would also look for a cluster that may have ended long ago.
    address = os.environ.get("RAY_ADDRESS", "local")
    try:
        ray.init(
            address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(
            f"RAY_ADDRESS={address}: expected HOST:PORT of a Ray cluster, or auto ({_line(error)})"
        ) from error


def _check_reach(storage: str, machines: int) -> None:
    if machines > 1 and not is_shared(storage):
        raise InputError(
            f"--storage {shown(storage)}: Ray has {machines} machines, which cannot share a SQLite "
            "file; expected postgresql://... or grpc://HOST:PORT"
        )


def _fitting(share: RayShare, wanted: int | None, resources: dict[str, float]) -> int:
    """How many tasks to run at once.

    Raises:
        InputError: the cluster has not the room for one.
    """
    rooms = [int(resources.get("CPU", 0) // share.cpus)]
    if share.gpus:
        rooms.append(int(resources.get("GPU", 0) / share.gpus))
    if min(rooms) < 1:
        raise InputError(
            f"--engine ray: a worker takes {share.cpus} CPUs and {share.gpus:g} GPUs; Ray has "
            f"{resources.get('CPU', 0):g} and {resources.get('GPU', 0):g}"
        )
    return min(rooms) if wanted is None else min(wanted, *rooms)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
