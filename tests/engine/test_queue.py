"""The queue: one claim a trial, one result a key, whoever is killed."""

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import optuna
import pytest

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.errors import InputError
from ablate.study.find import find_study
from ablate.study.plan import Planned, Study, load_study
from ablate.training.outcome import Outcome


def url(folder: Path) -> str:
    return sqlite_url(folder / "s.db")


def study(seeds: int = 2) -> Study:
    return load_study(find_study("width_doubling"), seeds=seeds)


def outcome(state: str = "complete", finished: str = "t0") -> Outcome:
    accuracy = 0.5 if state == "complete" else None
    row = {"state": state, "val_accuracy": accuracy, "finished": finished}
    return Outcome(row, [{"epoch": 1, "val_accuracy": 0.5}])


def keys(plan: list[Planned]) -> set[str]:
    return {planned.spec.key for planned in plan}


def states(path: Path) -> Counter[str]:
    """Optuna's own view of the storage, as any other program would read it."""
    loaded = optuna.load_study(study_name="s", storage=f"sqlite:///{path}")
    return Counter(trial.state.name for trial in loaded.trials)


def drain(queue: Queue) -> list[Assignment]:
    return list(iter(queue.claim, None))


def test_a_plan_is_queued_once_and_claimed_in_order(tmp_path: Path) -> None:
    queue, plan = Queue(url(tmp_path), "s"), study().plan()
    assert queue.submit(plan) == 6
    assert queue.submit(plan) == 6
    assert [assignment.spec for assignment in drain(queue)] == [planned.spec for planned in plan]
    assert queue.claim() is None


def test_every_end_stands_and_retry_tries_a_failed_one_again(tmp_path: Path) -> None:
    queue, plan = Queue(url(tmp_path), "s"), study().plan()
    queue.submit(plan)
    for assignment, state in zip(drain(queue), ["complete", "diverged", "failed"] * 2, strict=True):
        queue.finish(assignment, outcome(state))
    assert set(queue.outcomes()) == keys(plan)
    assert queue.submit(plan) == 0
    assert queue.submit(plan, retry=True) == 2
    for assignment in drain(queue):
        queue.finish(assignment, outcome(finished="t1"))
    ended = Counter(o["row"]["state"] for o in queue.outcomes().values())
    assert ended == {"complete": 4, "diverged": 2}
    assert queue.submit(plan, retry=True) == 0


def test_a_trial_left_running_is_queued_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, plan = Queue(url(tmp_path), "s"), study(1).plan()
    queue.submit(plan)
    first = queue.claim()
    queue.close()
    monkeypatch.setattr("ablate.engine.lease._began", lambda pid: None)
    again = Queue(url(tmp_path), "s")
    assert again.submit(plan) == 3
    assert first is not None
    assert {assignment.spec.key for assignment in drain(again)} == keys(plan)


def test_a_trial_that_a_living_worker_runs_is_left_to_it(tmp_path: Path) -> None:
    queue, plan = Queue(url(tmp_path), "s"), study(1).plan()
    queue.submit(plan)
    first = queue.claim()
    other = Queue(url(tmp_path), "s")
    assert first is not None
    assert other.submit(plan) == 3
    assert keys(plan) - {assignment.spec.key for assignment in drain(other)} == {first.spec.key}
    assert other.recover() == 0


def test_an_outcome_stored_just_before_a_kill_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, plan = Queue(url(tmp_path), "s"), study(1).plan()
    queue.submit(plan)
    assignment = queue.claim()
    assert assignment is not None
    queue.finish(assignment, outcome())
    with sqlite3.connect(tmp_path / "s.db") as database:  # as if killed before the last write
        database.execute("UPDATE trials SET state = 'RUNNING' WHERE state = 'COMPLETE'")
    monkeypatch.setattr("ablate.engine.lease._began", lambda pid: None)
    again = Queue(url(tmp_path), "s")
    assert again.submit(plan) == 2
    assert states(tmp_path / "s.db") == {"COMPLETE": 1, "WAITING": 2}


def test_a_worker_that_dies_after_it_finished_changes_nothing(tmp_path: Path) -> None:
    queue = Queue(url(tmp_path), "s")
    queue.submit(study(1).plan())
    assignment = queue.claim()
    assert assignment is not None
    queue.finish(assignment, outcome(finished="first"))
    assert not queue.give_back(assignment)
    queue.finish(assignment, outcome("failed", finished="second"))
    assert queue.outcomes()[assignment.spec.key]["row"]["finished"] == "first"
    assert states(tmp_path / "s.db") == {"COMPLETE": 1, "WAITING": 2}


def test_a_worker_that_dies_while_it_runs_gives_its_trial_back(tmp_path: Path) -> None:
    queue = Queue(url(tmp_path), "s")
    queue.submit(study(1).plan())
    assignment = queue.claim()
    assert assignment is not None
    assert queue.give_back(assignment)
    assert assignment.spec.key in {again.spec.key for again in drain(queue)}
    assert states(tmp_path / "s.db") == {"FAIL": 1, "RUNNING": 3}


def test_a_trial_out_of_the_plan_leaves_the_queue_and_comes_back(tmp_path: Path) -> None:
    queue = Queue(url(tmp_path), "s")
    queue.submit(study(2).plan())
    assert queue.submit(study(1).plan()) == 3
    assert states(tmp_path / "s.db") == {"WAITING": 3, "FAIL": 3}
    assert queue.submit(study(2).plan()) == 6
    assert {assignment.spec.key for assignment in drain(queue)} == keys(study(2).plan())


def test_optuna_sees_values_and_learning_curves(tmp_path: Path) -> None:
    queue = Queue(url(tmp_path), "s")
    queue.submit(study(1).plan())
    assignment = queue.claim()
    assert assignment is not None
    queue.proceed(assignment, {"epoch": 1, "val_accuracy": 0.5})
    queue.finish(assignment, outcome())
    trial = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 's.db'}").trials[0]
    assert (trial.value, trial.intermediate_values) == (0.5, {1: 0.5})
    assert trial.user_attrs["cell"] == "constant"


def test_measurements_are_remembered(tmp_path: Path) -> None:
    queue = Queue(url(tmp_path), "s")
    assert queue.recall("cell") is None
    queue.remember("cell", {"macs": 3})
    assert Queue(url(tmp_path), "s").recall("cell") == {"macs": 3}


def test_a_file_that_is_no_storage_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"not a database, but somebody's notes\n" * 40)
    with pytest.raises(InputError, match=r"s\.db: not a study storage") as caught:
        Queue(sqlite_url(path), "s")
    assert "\n" not in str(caught.value)
    assert path.read_bytes().startswith(b"not a database")


CLAIM_ALL = """
import sys
from pathlib import Path
from ablate.engine.queue import Queue
queue = Queue(sys.argv[1], "s")
print("ready", flush=True)
sys.stdin.readline()
for claim in iter(queue.claim, None):
    print(claim.spec.key, flush=True)
"""


def start(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_workers_never_claim_the_same_trial(tmp_path: Path) -> None:
    """Four processes empty one queue of 120 trials; each trial is claimed exactly once."""
    plan = study(40).plan()
    Queue(url(tmp_path), "s").submit(plan)
    workers = [start(CLAIM_ALL, url(tmp_path)) for _ in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    claimed = Counter("".join(outputs).split())
    assert claimed == dict.fromkeys(keys(plan), 1)
