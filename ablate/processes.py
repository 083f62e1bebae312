"""How processes live together: none outlives its parent, none hogs the machine while it waits."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess


def start(target: Callable[..., object], *args: object) -> tuple[SpawnProcess, Connection]:
    """Start `target(*args, pipe)` in a process of its own; the process, and our end of the pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*args, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def end_with_parent() -> None:
    """Make this child process end at once when its parent does, however that ends."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def wait_politely() -> None:
    """Let threads that wait for one another spin shortly and then sleep. Call it before torch.

    OpenMP's spin for milliseconds, and where another program holds one of their CPUs, a network
    of small layers trains some 200 times slower than it should; so, it is about 15 times. With
    the machine to themselves they are up to a few per cent slower. (libgomp, which torch's
    packages for Linux bring.)
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
