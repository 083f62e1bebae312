"""What the engine costs: `python -m benchmarks.engine`.

Trials a second by number of workers; the cost of a claim with many trials queued, beside Optuna's
own; how soon a study goes on after its workers were killed, and ends when told to. What it adds
to the time of training: `python -m benchmarks.overhead`. (Each process that is started imports
this module again, so torch stays out of it.)
"""

import argparse
import contextlib
import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = str(Path(__file__).parent.parent / "tests")
sys.path.insert(0, TESTS)
os.environ["PYTHONPATH"] = TESTS  # where Python's fork server finds what it imports beforehand

import optuna

from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.engine.supervisor import supervise
from support.postgres import serving
from support.quick import NAME, Quick, Workers, outcome, plan


def queue_rate(where: str, workers: int, trials: int) -> float:
    """Trials a second that some processes claim, report and finish."""
    Queue(where, NAME).submit(plan(trials))
    crew = Workers()
    began = time.perf_counter()
    for _ in range(workers):
        crew.start(where)
    crew.join(600)
    return trials / (time.perf_counter() - began)


def supervised_rate(where: str, folder: Path, slots: int, trials: int) -> float:
    """Trials a second where each runs in a process of its own."""
    queue = Queue(where, NAME)
    queue.submit(plan(trials))
    began = time.perf_counter()
    done = sum(1 for _ in supervise(queue, Quick(folder), slots, 60.0))
    return done / (time.perf_counter() - began)


def claim_cost(where: str, queued: int, claims: int) -> tuple[float, float, float]:
    """Seconds of the first claim with so many queued, of one after it, and of Optuna's own."""
    queue = Queue(where, NAME)
    queue.submit(plan(queued))
    times = []
    for _ in range(claims):
        began = time.perf_counter()
        assignment = queue.claim()
        times.append(time.perf_counter() - began)
        assert assignment is not None
        queue.finish(assignment, outcome(assignment))
    study = optuna.load_study(study_name=NAME, storage=queue._storage)
    asks = []
    for _ in range(5):
        began = time.perf_counter()
        study.ask()
        asks.append(time.perf_counter() - began)
    return times[0], statistics.median(times[1:]), statistics.median(asks)


def take_over(where: str, trials: int) -> float:
    """Seconds from opening the storage to a claim, after four workers were killed in their work."""
    Queue(where, NAME).submit(plan(trials))
    crew = Workers()
    for _ in range(4):
        crew.start(where)
    while len(crew.acknowledged) < trials // 2:
        crew.listen()
        time.sleep(0.01)
    for process in crew.running():
        process.kill()
        process.join()
    began = time.perf_counter()
    queue = Queue(where, NAME)
    queue.submit(plan(trials))
    assert queue.claim() is not None
    return time.perf_counter() - began


def stop_and_go(folder: Path) -> tuple[float, float]:
    """Seconds a study on digits takes to end on SIGTERM, and then to have planned again."""
    command = [sys.executable, "-m", "ablate.run", "--study", "width_doubling", "--out", folder,
               "--timing-seconds", "0.02", "--layout", "contiguous"]  # fmt: skip

    def start(until: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert process.stdout is not None
        next(line for line in process.stdout if until in line)
        return process

    running = start("trial 3/")
    began = time.perf_counter()
    running.send_signal(signal.SIGTERM)
    running.communicate()
    ended = time.perf_counter() - began
    began = time.perf_counter()
    again = start("done already")
    planned = time.perf_counter() - began
    again.send_signal(signal.SIGTERM)
    again.communicate()
    return ended, planned


@contextlib.contextmanager
def storages(kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Makes new storages of a kind."""
    if kind == "sqlite":
        numbers = itertools.count()
        yield lambda: sqlite_url(folder / f"{next(numbers)}.db")
        return
    with serving() as server:
        yield server.fresh_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--storage", choices=("sqlite", "postgresql"), default="sqlite")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, storages(args.storage, Path(name)) as fresh:
        folder = Path(name)
        for workers in (1, 2, 4, 8, 16):
            rate = queue_rate(fresh(), workers, args.trials)
            print(f"{workers:2} workers: {rate:.0f} trials/s claimed and finished", flush=True)
        for slots in (1, 2, 4):
            rate = supervised_rate(fresh(), folder, slots, args.trials)
            print(f"{slots:2} slots: {rate:.1f} trials/s, a process each", flush=True)
        first, later, peer = claim_cost(fresh(), args.queued, 50)
        print(
            f"a claim with {args.queued:,} queued: the first {first:.2f} s, others "
            f"{1000 * later:.1f} ms; Optuna's own ask {1000 * peer:.0f} ms", flush=True,
        )  # fmt: skip
        seconds = take_over(fresh(), args.trials)
        print(f"after four workers were killed: a claim {seconds:.2f} s after opening", flush=True)
        ended, planned = stop_and_go(folder / "study")
        print(f"SIGTERM: ended after {ended:.1f} s; again planned {planned:.1f} s after its start")


if __name__ == "__main__":
    main()
