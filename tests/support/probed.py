"""What stands for a process of the probe of `ablate.training.cpu_split`, and notes what it is told.

A spawned process imports this module, so nothing here takes long to import.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


@dataclass(frozen=True)
class Noted:
    """In place of a load.

    Args:
        data_root: the folder of the notes.
    """

    data_root: Path


def note(work: Noted, text: str) -> None:
    """Add a line to this process's own file."""
    with (work.data_root / str(os.getpid())).open("a") as file:
        print(text, file=file)


def count_tasks(work: Noted, pipe: Connection) -> None:
    """Answer with how many times this process was asked."""
    note(work, "started")
    pipe.send("ready")
    for number in range(1, 1000):
        threads, seconds = pipe.recv()
        note(work, f"{threads} {seconds}")
        pipe.send(float(number))


def interrupt(work: Noted, pipe: Connection) -> None:
    """Interrupt the parent, which waits, as Ctrl-C does."""
    note(work, "started")
    pipe.send("ready")
    pipe.recv()
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(600)


def interrupt_early(work: Noted, pipe: Connection) -> None:
    """Interrupt the parent before any process is ready: the first to come here does, once."""
    note(work, "started")
    with contextlib.suppress(FileExistsError):
        work.data_root.with_suffix(".interrupted").touch(exist_ok=False)
        os.kill(os.getppid(), signal.SIGINT)
    time.sleep(600)


def die(work: Noted, pipe: Connection) -> None:
    """End as a process that has no memory left."""
    note(work, "started")
    pipe.send("ready")
    pipe.recv()
    os.kill(os.getpid(), signal.SIGKILL)
