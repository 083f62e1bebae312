"""How the engine scales, without training: `python -m benchmarks.engine`.

Trials a second by number of workers, the cost of a claim with many trials queued, and what a study
adds to the time of the bare training loop. A ratio to a named peer: the queue of Optuna itself.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

TESTS = str(Path(__file__).parent.parent / "tests")
sys.path.insert(0, TESTS)
os.environ["PYTHONPATH"] = TESTS  # where Python's fork server finds what it imports beforehand

import optuna
from quick import NAME, Quick, Workers, outcome, plan

from ablate.storage import sqlite_url
from ablate.supervisor import supervise
from ablate.trial_queue import Queue


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
        claim = queue.claim()
        times.append(time.perf_counter() - began)
        assert claim is not None
        queue.finish(claim, outcome(claim))
    study = optuna.load_study(study_name=NAME, storage=queue._storage)
    asks = []
    for _ in range(5):
        began = time.perf_counter()
        study.ask()
        asks.append(time.perf_counter() - began)
    return times[0], statistics.median(times[1:]), statistics.median(asks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--storage", help="a server's URL instead of a SQLite file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def where(label: str) -> str:
            return args.storage or sqlite_url(folder / f"{label}.db")

        for workers in (1, 2, 4, 8, 16):
            rate = queue_rate(where(f"queue{workers}"), workers, args.trials)
            print(f"{workers:2} workers: {rate:.0f} trials/s claimed and finished")
        for slots in (1, 2, 4):
            rate = supervised_rate(where(f"slots{slots}"), folder, slots, args.trials)
            print(f"{slots:2} slots: {rate:.1f} trials/s, a process each")
        first, later, peer = claim_cost(where("claims"), args.queued, 50)
        print(
            f"a claim with {args.queued:,} queued: the first {first:.2f} s, others "
            f"{1000 * later:.1f} ms; Optuna's own ask {1000 * peer:.0f} ms"
        )


if __name__ == "__main__":
    main()
