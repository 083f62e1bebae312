"""What one job of a Slurm array does: work on a study until it is done or the job's time is up.

Shortly before a job's time limit Slurm sends it a signal. The worker then has every trial keep its
checkpoint and queues it again, and submitit queues the job again.
"""

import contextlib
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from ablate.engine.progress import plain_or_bar
from ablate.engine.tracking.trackers import tracking
from ablate.engine.worker import work
from ablate.processes import wait_politely


@dataclass(frozen=True, kw_only=True)
class ArrayWorker:
    """A worker that submitit sends to a machine and calls there.

    Args:
        storage, study: the study, by the storage's URL and its full name.
        workers, threads, device, data_root, checkpoints, time_limit_s: as of `ablate.worker.work`.
        tensorboard, mlflow: as of `ablate.engine.tracking.trackers.tracking`.
    """

    storage: str
    study: str
    workers: int
    threads: int
    device: str
    data_root: Path
    checkpoints: Path
    time_limit_s: float | None
    tensorboard: Path | None
    mlflow: str | None

    def __call__(self) -> None:
        """Work; on submitit's signal have the job queued again, on any other just end."""
        warning = getattr(signal, f"SIG{JobEnvironment.USR_SIG}")
        with _signals_seen() as seen:
            try:
                self._work()
            except KeyboardInterrupt:
                print("stopped; what ran is queued again", flush=True)
        if warning in seen:
            signal.raise_signal(warning)  # to submitit's handler, which calls `checkpoint`

    def checkpoint(self) -> DelayedSubmission:
        """What the job is to do when it is started again: the same."""
        return DelayedSubmission(self)

    def _work(self) -> None:
        wait_politely()
        with tracking(self.study.partition("/")[0], self.tensorboard, self.mlflow) as trackers:
            for _ in work(
                self.storage,
                self.study,
                workers=self.workers,
                threads=self.threads,
                device=self.device,
                data_root=self.data_root,
                checkpoints=self.checkpoints,
                time_limit_s=self.time_limit_s,
                trackers=trackers,
                progress=plain_or_bar,
            ):
                pass


@contextlib.contextmanager
def _signals_seen() -> Iterator[set[int]]:
    """The numbers of the signals that come while the block runs, filled in at its end."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        receiver.setblocking(False)
        sender.setblocking(False)
        before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        seen: set[int] = set()
        try:
            yield seen
        finally:
            signal.set_wakeup_fd(before)
            with contextlib.suppress(BlockingIOError):
                seen.update(receiver.recv(4096))
