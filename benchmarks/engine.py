"""What the engine costs: `python -m benchmarks.engine`.

Trials a second by number of workers; the cost of a claim with many trials queued, beside Optuna's
own; how soon a study goes on after its workers were killed, and ends when told to; and what a
study adds to the time of the bare training loop, the named peer of the last ratio.
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
from dataclasses import replace
from pathlib import Path

TESTS = str(Path(__file__).parent.parent / "tests")
sys.path.insert(0, TESTS)
os.environ["PYTHONPATH"] = TESTS  # where Python's fork server finds what it imports beforehand

import optuna
import torch
from postgres import serving
from quick import CELL, NAME, Quick, Workers, outcome, plan

from ablate.data import load
from ablate.execution import Execution, set_up
from ablate.model import build
from ablate.options import TRIAL_IMPORTS
from ablate.processes import prepare_forks
from ablate.spec import DataSpec, NetSpec, TrainSpec, TrialSpec
from ablate.storage import sqlite_url
from ablate.study import Planned
from ablate.supervisor import supervise
from ablate.train import evaluate, fit
from ablate.trial_process import Training
from ablate.trial_queue import Queue

DIGITS = NetSpec(widths=(16, 32, 64), in_channels=1, image_size=8)


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


def overhead(where: str, folder: Path, epochs: int, trials: int) -> tuple[float, list[float]]:
    """Seconds of a trial in the bare loop, and a study's time over it, for each trial in turn."""
    execution, data_spec = Execution(), DataSpec()
    device = set_up(execution)
    data = load(data_spec, Path("nowhere")).to(device)
    train = TrainSpec(epochs=epochs, batch_size=64)
    prepare_forks(TRIAL_IMPORTS)
    training = Training(
        data=data_spec,
        data_root=Path("nowhere"),
        execution=execution,
        mechanism=False,
        checkpoints=folder / "checkpoints",
    )
    queue = Queue(where, NAME)
    bare, ratios = [], []
    cell = replace(CELL, net=DIGITS)
    for seed in range(trials + 1):  # the first warms up
        torch.manual_seed(seed)
        began = time.perf_counter()
        network = build(DIGITS)
        fit(network, data, train, seed, lambda _: None)
        evaluate(network, data, data.test, train.precision)
        alone = time.perf_counter() - began
        began = time.perf_counter()
        queue.submit([Planned(cell, TrialSpec(net=DIGITS, train=train, data=data_spec, seed=seed))])
        (done,) = supervise(queue, training, 1, 3600.0)
        assert done.state == "complete"
        if seed:
            bare.append(alone)
            ratios.append((time.perf_counter() - began) / alone)
    return statistics.median(bare), ratios


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
    parser.add_argument("--epochs", type=int, default=100, help="of a trial beside the bare loop")
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
        bare, ratios = overhead(fresh(), folder, args.epochs, 5)
        print(
            f"a study over the bare loop, trials of {bare:.1f} s: "
            f"{statistics.median(ratios):.3f} (median; {min(ratios):.3f} to {max(ratios):.3f}, "
            f"{len(ratios)} trials)"
        )


if __name__ == "__main__":
    main()
