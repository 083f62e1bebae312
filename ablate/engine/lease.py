"""Who holds a trial and until when, and whether that holder can still be at work on it."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ablate.spec.trial import TrialSpec

LEASE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process that runs trials.

    Args:
        boot: the start of the system it runs on, and there the space of process numbers (a
            container has its own); names no machine.
        pid: its process number.
        began: when it started, in the system's clock ticks; a number may be used again.
    """

    boot: str
    pid: int
    began: str


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A trial's holder, and when the trial may be given to another: seconds since 1970, UTC.

    A clock that is wrong costs a trial that is trained twice, and never a wrong table: a holder
    whose trial was given away can no longer write.
    """

    owner: Owner
    until: float

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @property
    def over(self) -> bool:
        """Whether the trial may be given to another: the time is up, or the holder has ended."""
        return time.time() > self.until or _has_ended(self.owner)


def lease_from_json(text: str) -> Lease:
    """The inverse of `Lease.to_json`."""
    raw = json.loads(text)
    return Lease(owner=Owner(**raw["owner"]), until=raw["until"])


def this_process() -> Owner:
    """The owner that this process is."""
    return Owner(boot=_boot(), pid=os.getpid(), began=_began(os.getpid()) or "")


def _has_ended(owner: Owner) -> bool:
    """Whether a process is known to have ended; False for one that cannot be seen from here."""
    return bool(owner.began) and owner.boot == _boot() and _began(owner.pid) != owner.began


def _boot() -> str:
    """Differs where process numbers mean other processes; the machine's name where unknown."""
    identity = Path("/proc/sys/kernel/random/boot_id")
    if not identity.exists():
        return platform.node()
    return f"{identity.read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"


def _began(pid: int) -> str | None:
    """When a process started; None where there is none, or it is dead and waits to be reaped.

    Linux alone tells; elsewhere nobody is known to have ended, and a lease runs out.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, began = fields[0], fields[19]
    return None if state in "ZX" else began


@dataclass(frozen=True)
class Assignment:
    """A trial that this worker, and no other, is to run.

    Args:
        trial_id, number: of the attempt.
        cell: for the progress display.
        spec: the trial.
        explore: whether it is told after each epoch if it is to go on, and keeps off the test
            split.
        kills: processes that have died of it.
    """

    trial_id: int
    number: int
    cell: str
    spec: TrialSpec
    explore: bool = False
    kills: int = 0
