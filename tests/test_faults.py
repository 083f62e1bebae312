"""Kills, stops and full disks: no acknowledged trial is lost, and every key ends once.

Real processes and real storages. `nox -s faults` runs the same at full scale (ABLATE_FAULTS=full).
"""

import itertools
import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.engine.queue import Queue
from ablate.engine.storage import StorageError, sqlite_url
from support.quick import NAME, Workers, check_whole, outcome, plan

FULL = os.environ.get("ABLATE_FAULTS") == "full"

pytestmark = pytest.mark.timeout(3600 if FULL else 300)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes new storages of each kind."""
    if request.param == "sqlite":
        numbers = itertools.count()
        return lambda: sqlite_url(tmp_path / f"study{next(numbers)}.db")
    make: Callable[[], str] = request.getfixturevalue("postgres").fresh_database
    return make


@pytest.fixture
def where(fresh: Callable[[], str]) -> str:
    """A storage of each kind."""
    return fresh()


def submit(where: str, trials: int) -> None:
    queue = Queue(where, NAME)
    assert queue.submit(plan(trials)) == trials
    queue.close()


def launch(where: str, trials: int) -> None:
    """Submit what another may have submitted meanwhile."""
    queue = Queue(where, NAME)
    queue.submit(plan(trials))
    queue.close()


def test_kill_9_at_random_points_loses_nothing(where: str) -> None:
    """Four workers; whenever one is killed another takes its place, which recovers its trial."""
    kills = 1000 if FULL else 15
    trials = 2 * kills
    submit(where, trials)
    workers, chance = Workers(), random.Random(0)
    for _ in range(4):
        workers.start(where)
    dealt = 0
    while dealt < kills and workers.running():
        time.sleep(chance.uniform(0.0, 0.15))
        workers.listen()
        dealt += workers.kill_one(chance)
        workers.start(where)
    workers.join(600)
    assert dealt == kills, "the plan was done before all kills were dealt"
    check_whole(where, plan(trials), workers.acknowledged)


@pytest.mark.parametrize("at", ["claimed", "staged", "told"])
def test_kill_at_a_named_point(where: str, at: str) -> None:
    kills, trials = (10, 30) if FULL else (3, 9)
    submit(where, trials)
    workers = Workers()
    for _ in range(kills):
        process = workers.start(where, at)
        process.join(30)
        assert process.exitcode == -signal.SIGKILL
    workers.start(where)
    workers.join()
    queue = Queue(where, NAME)
    assert len(queue.outcomes()) == trials
    # What was stored or told before the kill was not run again.
    assert queue.counts()["fail"] == (kills if at == "claimed" else 0)
    queue.close()
    check_whole(where, plan(trials), workers.acknowledged)


def test_after_all_workers_are_killed_the_next_claims_at_once(where: str) -> None:
    """It waits for no lease to run out: dead holders are known to be dead."""
    submit(where, 40)
    workers = Workers()
    for _ in range(4):
        workers.start(where)
    while len(workers.acknowledged) < 5:
        workers.listen()
        time.sleep(0.01)
    for process in workers.running():
        process.kill()
        process.join()
    queue = Queue(where, NAME)
    queue.submit(plan(40))
    held = sum("lease" in trial.user_attrs for trial in queue._running())
    assert held == 0
    assert queue.claim() is not None
    queue.close()


def test_several_launchers_at_once_queue_each_key_once(fresh: Callable[[], str]) -> None:
    """Eight make the storage and submit one plan at the same moment; each key is run once."""
    for _ in range(50 if FULL else 1):
        where, workers = fresh(), Workers()
        processes = [workers._context.Process(target=launch, args=(where, 12)) for _ in range(8)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        for _ in range(2):
            workers.start(where)
        workers.join()
        check_whole(where, plan(12), workers.acknowledged)


def test_eight_workers_run_each_trial_once(where: str) -> None:
    trials = 500 if FULL else 40
    submit(where, trials)
    workers = Workers()
    for _ in range(8):
        workers.start(where)
    workers.join(300)
    assert len(workers.acknowledged) == trials
    check_whole(where, plan(trials), workers.acknowledged)


def test_a_worker_that_slept_through_its_lease_cannot_write(where: str) -> None:
    """Its trial was given to another: it changes nothing, whatever it tries."""
    rounds = 20 if FULL else 3
    submit(where, rounds)
    for _ in range(rounds):
        sleeper, other = Queue(where, NAME, lease_s=0.2), Queue(where, NAME)
        assignment = sleeper.claim()
        assert assignment is not None
        time.sleep(0.3)
        assert other.recover() == 1
        claims = list(iter(other.claim, None))
        again = next(other for other in claims if other.spec == assignment.spec)
        assert sleeper.renew([assignment]) == [assignment]
        assert not sleeper.finish(assignment, outcome(assignment))
        made = outcome(again)
        assert other.finish(again, made)
        assert not sleeper.give_back(assignment)
        assert other.outcomes()[assignment.spec.key]["row"] == made.row
        for rest in claims:
            if rest != again:
                assert other.give_back(rest)
        sleeper.close()
        other.close()


def test_a_stopped_process_is_fenced(tmp_path: Path) -> None:
    """SIGSTOP beyond the lease, then SIGCONT: real processes, and each key ends once."""
    where = sqlite_url(tmp_path / "study.db")
    submit(where, 60)
    workers = Workers()
    for _ in range(20 if FULL else 3):
        sleeper = workers.start(where, lease_s=0.3)
        time.sleep(0.4)
        if sleeper.pid is None or not sleeper.is_alive():
            break
        os.kill(sleeper.pid, signal.SIGSTOP)
        if not sleeper.is_alive():  # it ended just before; what is stopped is alive
            break
        other = workers.start(where, lease_s=0.3)
        time.sleep(0.6)
        os.kill(sleeper.pid, signal.SIGCONT)
        other.kill()
    workers.start(where)
    workers.join()
    check_whole(where, plan(60), workers.acknowledged)


def test_a_storage_cut_anywhere_in_its_last_record_is_read(tmp_path: Path) -> None:
    """The write-ahead log, cut at every byte of its last frame: all before it is there."""
    path = tmp_path / "study.db"
    queue = Queue(sqlite_url(path), NAME)
    queue.submit(plan(6))
    for _ in range(3):
        assignment = queue.claim()
        assert assignment is not None
        queue.finish(assignment, outcome(assignment))
    log = path.with_name("study.db-wal")
    size = log.stat().st_size
    with sqlite3.connect(path) as database:
        frame = 24 + int(database.execute("PRAGMA page_size").fetchone()[0])
    step = 1 if FULL else 191
    for cut in range(1, frame + 1, step):
        copy = tmp_path / "copy" / "study.db"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
        copy.with_name("study.db-wal").write_bytes(log.read_bytes()[: size - cut])
        copy.with_name("study.db-shm").unlink(missing_ok=True)
        other = Queue(sqlite_url(copy), NAME)
        assert len(other.outcomes()) >= 2
        assert other.submit(plan(6)) <= 4
        other.close()
    queue.close()


def test_a_full_storage_ends_in_one_line_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """SQLite's own limit on a file's pages stands for the full disk: it is the same error."""
    where = sqlite_url(tmp_path / "study.db")
    submit(where, 30)
    queue = Queue(where, NAME, lease_s=0.5)  # this process lives on and holds what it claimed
    before = queue.counts()
    with queue._storage._backend.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    from sqlalchemy import event

    @event.listens_for(queue._storage._backend.engine, "connect")
    def small(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    queue._storage._backend.engine.dispose()
    with pytest.raises(StorageError, match="full") as caught:
        drain(queue)
    assert "\n" not in str(caught.value)
    queue.close()
    again = Queue(where, NAME)
    assert sum(again.counts().values()) == sum(before.values())
    again.submit(plan(30))
    again.close()
    workers = Workers()
    workers.start(where)
    workers.join()
    check_whole(where, plan(30), workers.acknowledged)


def drain(queue: Queue) -> None:
    while assignment := queue.claim():
        queue.finish(assignment, outcome(assignment))


def test_a_server_that_restarts_is_waited_for(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres")
    where = server.fresh_database()
    submit(where, 120)
    workers = Workers()
    for _ in range(2):
        workers.start(where)
    while len(workers.acknowledged) < 10:
        workers.listen()
        time.sleep(0.01)
    server.restart()
    workers.join(120)
    check_whole(where, plan(120), workers.acknowledged)
