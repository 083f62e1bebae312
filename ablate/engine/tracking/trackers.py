"""Tells logs how trials go, behind the back of the run: no trial waits for one, or fails with it.

What is written there is for watching: the tables come from the storage.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

from ablate.engine.lease import Assignment
from ablate.engine.storage import shown
from ablate.engine.tracking.log import Epoch, Log
from ablate.engine.tracking.mlflow import MlflowLog
from ablate.engine.tracking.tensorboard import TensorBoardLog
from ablate.training.outcome import Outcome

CLOSING_S = 5.0  # for the records that wait; a cluster ends a process soon after its signal


@contextlib.contextmanager
def tracking(
    study: str, tensorboard: Path | None, mlflow: str | None
) -> Iterator[tuple["Background", ...]]:
    """Trackers for a run, the `trackers` of `supervisor.supervise`, closed at its end.

    Args:
        study: its name, without that of the dataset.
        tensorboard: the folder of TensorBoard's event files, if wanted.
        mlflow: the URI of MLflow's tracking server or database, if wanted.

    Raises:
        InputError: what is wanted is not installed, or cannot be used.
    """
    trackers = []
    if tensorboard is not None:
        log = TensorBoardLog(tensorboard, study)
        trackers.append(Background(f"--tensorboard {tensorboard}", log))
    if mlflow is not None:
        secret = urlsplit(mlflow).password
        trackers.append(Background(f"--mlflow {shown(mlflow)}", MlflowLog(mlflow, study), secret))
    try:
        yield tuple(trackers)
    finally:
        for tracker in trackers:
            tracker.close()


class Background:
    """Writes to a log in a thread of its own, so that no trial waits for it or fails with it.

    The first error is said on standard error, in one line; later records are tried all the same.

    Args:
        name: what the user calls the log.
        log: where to write.
        secret: a word that is never to be shown.
    """

    def __init__(self, name: str, log: Log, secret: str | None = None) -> None:
        self._name = name
        self._log = log
        self._secret = secret
        self._told = False
        self._records: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)
        self._thread.start()

    def epoch(self, assignment: Assignment, epoch: Epoch) -> None:
        """An epoch has ended."""
        self._records.put(partial(self._log.epoch, assignment, epoch))

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        """A trial has ended."""
        self._records.put(partial(self._log.end, assignment, outcome))

    def close(self) -> None:
        """Write what waits, for a few seconds at most."""
        self._records.put(self._log.close)
        self._records.put(None)
        self._thread.join(CLOSING_S)
        if self._thread.is_alive():
            self._tell(f"the last {self._records.qsize()} records were not written in time")

    def _write(self) -> None:
        while (record := self._records.get()) is not None:
            try:
                record()
            except Exception as error:  # noqa: BLE001 - said, and no reason to end a trial
                self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, fault: str) -> None:
        if self._told:
            return
        self._told = True
        line = " ".join(fault.split())
        if self._secret:
            line = line.replace(self._secret, "***")
        print(
            f"ablate: {self._name}: {line[:300]}; the trials go on, and what it lacks is in the "
            "tables",
            file=sys.stderr,
        )
