"""What one job of a Slurm array does: work on a study until it is done or the job's time is up.

Shortly before a job's time limit Slurm sends it a signal. The worker then has every trial keep its
checkpoint and queues it again, and submitit queues the job again.
"""

import contextlib
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from submitit import JobEnvironment
from submitit.helpers import DelayedSubmission

from ablate.engine.progress import plain_or_bar
from ablate.engine.worker import Worker


@dataclass(frozen=True)
class ArrayWorker:
    """What submitit sends to a machine and calls there."""

    worker: Worker

    def __call__(self) -> None:
        """Work; on submitit's signal have the job queued again, on any other just end."""
        warning = getattr(signal, f"SIG{JobEnvironment.USR_SIG}")
        with _signals_seen() as seen:
            try:
                for _ in self.worker.run(plain_or_bar):
                    pass
            except KeyboardInterrupt:
                print("stopped; what ran is queued again", flush=True)
        if warning in seen:
            signal.raise_signal(warning)  # to submitit's handler, which calls `checkpoint`

    def checkpoint(self) -> DelayedSubmission:
        """What the job is to do when it is started again: the same."""
        return DelayedSubmission(self)


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
