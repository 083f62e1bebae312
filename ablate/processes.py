"""How processes live together: none outlives its parent, none hogs the machine while it waits."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

STOPS = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2")  # Ctrl-C; a system's, and a cluster's warnings


def start(target: Callable[..., object], *args: object) -> tuple[SpawnProcess, Connection]:
    """Start `target(*args, pipe)` in a process of its own; the process, and our end of the pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*args, theirs), daemon=True)
    with _without_main():
        process.start()
    theirs.close()
    return process, ours


def prepare_forks(modules: Sequence[str]) -> None:
    """Have `start_fork` begin with modules imported; call it early, for they take their time.

    Only the first call in a process counts.

    Linux keeps one process that has imported them and does nothing else, and forks the others from
    it (Python's fork server). Elsewhere each imports them anew.
    """
    if sys.platform != "linux":
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(modules))
    # A cluster may warn every process of a job; those that train are told by their parent alone.
    warnings = (signal.SIGUSR1, signal.SIGUSR2)
    before = [signal.getsignal(number) for number in warnings]
    in_main = threading.current_thread() is threading.main_thread()
    for number in warnings if in_main else ():
        signal.signal(number, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in zip(warnings, before, strict=True) if in_main else ():
            signal.signal(number, handler)


def start_fork(target: Callable[..., object], *args: object) -> tuple[BaseProcess, Connection]:
    """As `start`, in a process that leads a group of its own and may start others."""
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_lead, args=(target, *args, theirs))  # type: ignore[attr-defined]
    with _without_main():
        process.start()
    theirs.close()
    return process, ours


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Start processes that do not run the program's main module a second time.

    Python's spawn and fork server import it in each child, for what it may define. Nothing of ours
    is defined there, and a script that runs a study would run it again.
    """
    main = sys.modules["__main__"]
    kept = {name: value for name, value in vars(main).items() if name in ("__spec__", "__file__")}
    main.__spec__ = None
    vars(main).pop("__file__", None)
    try:
        yield
    finally:
        vars(main).update(kept)


def end_group(process: BaseProcess) -> None:
    """End a process of `start_fork` at once, with all that it started."""
    if process.pid is not None and hasattr(os, "killpg"):
        # Between its start and its `setsid` it has no group yet.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def end_with_parent() -> None:
    """Make this child process end at once when its parent does, however that ends."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


@dataclass
class Stop:
    """Whether this process was asked to stop.

    Args:
        pipe: becomes readable when it is, to wake who waits.
        asked: how often.
    """

    pipe: Connection
    asked: int = 0


@contextlib.contextmanager
def heeding_stops() -> Iterator[Stop]:
    """Note the signals of `STOPS` instead of being interrupted by them, while the block runs.

    Only the main thread of a process can; elsewhere nothing is noted.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    stop = Stop(receiver)

    def note(number: int, frame: FrameType | None) -> None:
        stop.asked += 1
        sender.send_bytes(b"stop")

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in STOPS:
            if hasattr(signal, name):
                before[name] = signal.signal(getattr(signal, name), note)
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
        receiver.close()
        sender.close()


def _lead(target: Callable[..., object], *args: object) -> None:
    """A child's first steps: its own group, so that Ctrl-C is its parent's to handle."""
    if hasattr(os, "setsid"):
        os.setsid()
    end_with_parent()
    target(*args)


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def wait_politely() -> None:
    """Let threads that wait for one another spin shortly and then sleep. Call it before torch.

    OpenMP's spin for milliseconds, and where another program holds one of their CPUs, a network
    of small layers trains some 200 times slower than it should; so, it is about 15 times. With
    the machine to themselves they are up to a few per cent slower. (libgomp, which torch's
    packages for Linux bring.)
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")


MOST_WORKERS = 8  # processes on one machine, unless told otherwise


def cpu_count() -> int:
    """CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_kills() -> int:
    """Processes that the system has ended for lack of memory; 0 where it does not tell.

    Of this process' group (Linux control groups, version 2).
    """
    events = Path("/sys/fs/cgroup/memory.events")
    if not events.exists():
        return 0
    counts = dict(line.split() for line in events.read_text().splitlines())
    return int(counts.get("oom_kill", 0))


DAY_S = 86_400.0
# What every trial's process needs. The first optimizer imports torch._dynamo, the data sklearn.
TRIAL_IMPORTS = (
    "ablate.engine.trial_process",
    "torch._dynamo",
    "sklearn.datasets",
    "sklearn.model_selection",
)


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(3000)
    '50 min'
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
