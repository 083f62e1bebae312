"""One process a trial: crashes, hangs and stops cost one trial, and leave no process behind."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.engine.supervisor import MAX_KILLS, Done, supervise
from ablate.errors import InputError
from ablate.training.outcome import Outcome
from support.quick import NAME, Quick, check_whole, plan


def queued(folder: Path, trials: int) -> Queue:
    queue = Queue(sqlite_url(folder / "study.db"), NAME)
    queue.submit(plan(trials))
    return queue


def run(queue: Queue, work: Quick, slots: int = 2, limit_s: float = 60.0) -> list[Done]:
    return list(supervise(queue, work, slots, limit_s))


def starts(folder: Path) -> Counter[int]:
    return Counter(int(line.split()[0]) for line in (folder / "started").read_text().splitlines())


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_every_trial_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    queue = queued(tmp_path, 5)
    done = run(queue, Quick(tmp_path))
    assert sorted(item.seed for item in done) == [0, 1, 2, 3, 4]
    assert {item.state for item in done} == {"complete"}
    assert done[-1].running == 0
    made_by = {outcome["row"]["made_by"].split()[0] for outcome in queue.outcomes().values()}
    assert len(made_by) == 5
    assert str(os.getpid()) not in made_by
    assert sorted((tmp_path / "discarded").read_text().split()) == ["0", "1", "2", "3", "4"]


def test_a_trial_that_kills_its_process_is_tried_three_times_and_costs_no_other(
    tmp_path: Path,
) -> None:
    queue = queued(tmp_path, 4)
    done = run(queue, Quick(tmp_path, kills=(1,)))
    assert {item.seed: item.state for item in done} == dict.fromkeys((0, 2, 3), "complete") | {
        1: "failed"
    }
    assert starts(tmp_path) == {0: 1, 1: MAX_KILLS, 2: 1, 3: 1}
    assert done[-1].failed == 1
    rows = {key: outcome["row"] for key, outcome in queue.outcomes().items()}
    assert "status -9, 3 times" in rows[plan(4)[1].spec.key]["failure"]


def test_a_failure_is_not_tried_again_within_a_run(tmp_path: Path) -> None:
    queue = queued(tmp_path, 3)
    run(queue, Quick(tmp_path, fails=(0,)))
    assert starts(tmp_path)[0] == 1
    assert queue.submit(plan(3)) == 0
    assert queue.submit(plan(3), retry=True) == 1
    assert [item.state for item in run(queue, Quick(tmp_path))] == ["complete"]


def test_where_no_trial_can_be_run_the_worker_ends_and_loses_none(tmp_path: Path) -> None:
    """As with no room for checkpoints: nothing has failed, and all is run when there is room."""
    queue = queued(tmp_path, 4)
    with pytest.raises(InputError, match="no room for seed 2"):
        run(queue, Quick(tmp_path, refuses=(2,)))
    assert "failed" not in {outcome["row"]["state"] for outcome in queue.outcomes().values()}
    queue.submit(plan(4))
    run(queue, Quick(tmp_path))
    check_whole(sqlite_url(tmp_path / "study.db"), plan(4), {})


def test_a_hung_trial_is_ended_at_its_limit_with_what_it_started(tmp_path: Path) -> None:
    queue = queued(tmp_path, 3)
    done = run(queue, Quick(tmp_path, hangs=(2,)), limit_s=10.0)
    assert {item.seed: item.state for item in done} == {0: "complete", 1: "complete", 2: "timeout"}
    grandchild = int((tmp_path / "grandchild").read_text())
    wait_until(lambda: not is_running(grandchild))


class Notes:
    """A tracker that notes what it is told."""

    def __init__(self) -> None:
        self.epochs = 0
        self.states: list[str] = []

    def epoch(self, assignment: Assignment, epoch: Mapping[str, Any]) -> None:
        self.epochs += 1

    def end(self, assignment: Assignment, outcome: Outcome) -> None:
        self.states.append(outcome.row["state"])


def test_trackers_are_told_of_epochs_and_ends(tmp_path: Path) -> None:
    notes = Notes()
    list(supervise(queued(tmp_path, 3), Quick(tmp_path), 1, 60.0, (notes,)))
    assert (notes.epochs, notes.states) == (3, ["complete"] * 3)


RUN = """
import sys
from pathlib import Path
from support.quick import NAME, Quick
from ablate.engine.supervisor import supervise
from ablate.engine.queue import Queue
folder = Path(sys.argv[2])
try:
    work = Quick(folder, seconds=float(sys.argv[3]))
    for done in supervise(Queue(sys.argv[1], NAME), work, 2, 60.0):
        print(done.seed, flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


def launch(folder: Path, seconds: float) -> subprocess.Popen[str]:
    where = sqlite_url(folder / "study.db")
    command = [sys.executable, "-c", RUN, where, str(folder), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"])
def test_a_signal_gives_the_trials_back_and_leaves_no_process(tmp_path: Path, name: str) -> None:
    queue = queued(tmp_path, 4)
    worker = launch(tmp_path, 60.0)
    wait_until(lambda: (tmp_path / "started").exists() and sum(starts(tmp_path).values()) == 2)
    pids = [int(line.split()[1]) for line in (tmp_path / "started").read_text().splitlines()]
    worker.send_signal(getattr(signal, name))
    worker.communicate(timeout=60)
    assert worker.returncode == 130
    assert queue.counts() == {"waiting": 4, "fail": 2}
    assert not any(is_running(pid) for pid in pids)


def test_kill_9_of_the_worker_ends_its_children_and_the_next_takes_over(tmp_path: Path) -> None:
    queue = queued(tmp_path, 4)
    worker = launch(tmp_path, 60.0)
    wait_until(lambda: (tmp_path / "started").exists() and sum(starts(tmp_path).values()) == 2)
    pids = [int(line.split()[1]) for line in (tmp_path / "started").read_text().splitlines()]
    worker.kill()
    worker.communicate()
    wait_until(lambda: not any(is_running(pid) for pid in pids), 20)
    assert queue.counts() == {"running": 2, "waiting": 2}
    assert len(run(queue, Quick(tmp_path))) == 4
    assert queue.counts() == {"complete": 4, "fail": 2}
