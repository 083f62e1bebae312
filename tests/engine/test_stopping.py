"""Looks at a study: nothing runs beyond one that has not been made, nor what one has settled."""

import multiprocessing
from collections import Counter
from pathlib import Path

import optuna
import pytest

from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.engine.supervisor import supervise
from ablate.results.stopping import Fate
from support.stopping import LOOKS, NAME, SEEDS, Known, die, drain, loop, outcome, rule, study

CELLS = ("narrow", "wide", "same")
FIRST = [(cell, seed) for seed in range(4) for cell in CELLS]
REST = [(cell, seed) for seed in range(4, SEEDS) for cell in ("narrow", "same")]


def url(folder: Path) -> str:
    return sqlite_url(folder / "s.db")


def planned(folder: Path, where: str | None = None, lease_s: float = 60.0) -> Queue:
    """A queue with the plan of the small study."""
    of = study(folder)
    queue = Queue(where or url(folder), NAME, lease_s=lease_s)
    assert queue.submit(of.plan(), stop=rule(of)) == 3 * SEEDS
    return queue


def test_the_cells_that_are_needed_reach_each_look_before_any_goes_beyond(tmp_path: Path) -> None:
    queue = planned(tmp_path)
    assert drain(queue) == [*FIRST, *REST]
    assert queue.unfinished() == 0
    assert queue.spared() == 4
    looks = queue.looks()
    assert looks.planned == (*LOOKS, SEEDS)
    assert [look.seeds for look in looks.made] == [4, 6, 8]
    assert [set(look.needed) for look in looks.made[:2]] == [{"narrow", "same"}] * 2
    assert [list(look.settled.values()) for look in looks.made[:2]] == [["higher"], []]
    assert looks.over
    trials = optuna.load_study(study_name=NAME, storage=url(tmp_path)).trials
    assert Counter(trial.state.name for trial in trials) == {"COMPLETE": 20, "FAIL": 4}
    why = {trial.user_attrs.get("why") for trial in trials if trial.state.name == "FAIL"}
    assert why == {"not needed: settled at the look at 4 seeds"}


def test_while_another_runs_a_trial_of_the_block_a_worker_waits(tmp_path: Path) -> None:
    queue = planned(tmp_path)
    held = queue.claim()
    assert held is not None
    other = Queue(url(tmp_path), NAME)
    assert drain(other) == FIRST[1:]
    assert other.claim() is None
    assert other.looks().made == ()
    assert other.unfinished() == 3 * SEEDS - 11  # so it does not end
    assert queue.finish(held, outcome(held))
    assert drain(other) == REST


def test_two_that_make_a_look_at_once_make_the_same(tmp_path: Path) -> None:
    queue, other = planned(tmp_path), Queue(url(tmp_path), NAME)
    drain(queue, most=len(FIRST) - 1)
    last = queue.claim()
    assert last is not None
    assert other.claim() is None
    made = []
    remember = other.remember

    def late(name: str, value: object) -> None:  # just before it stores what it has found
        made.append(queue.looks().made)
        remember(name, value)

    other.remember = late  # type: ignore[method-assign]
    assert queue.finish(last, outcome(last))
    assert other.looks().made == queue.looks().made == made[0]
    assert len(made[0]) == 1


def test_a_look_that_was_due_when_all_were_killed_is_made_by_the_next(tmp_path: Path) -> None:
    drain(planned(tmp_path), most=len(FIRST))  # and no claim after them
    of, again = study(tmp_path), Queue(url(tmp_path), NAME)
    assert again.submit(of.plan(), stop=rule(of)) == len(REST)
    assert drain(again) == REST
    assert Queue(url(tmp_path), NAME).submit(of.plan(), stop=rule(of)) == 0


def test_a_look_that_was_made_binds(tmp_path: Path) -> None:
    """Even where a later version would decide otherwise."""
    queue = planned(tmp_path)
    drain(queue, most=len(FIRST))
    name = rule(study(tmp_path)).attribute(4)
    queue.remember(name, {"seeds": 4, "settled": {}, "needed": ["narrow", "wide"]})
    assert set(drain(queue, most=4)) == {(c, s) for s in (4, 5) for c in ("narrow", "wide")}
    assert queue.looks().made[0].settled == {}


def test_a_trial_that_a_look_has_seen_is_not_tried_again(tmp_path: Path) -> None:
    queue, of = planned(tmp_path), study(tmp_path)
    ends = iter(["complete", "failed", "diverged"])
    drain(queue, lambda claimed: outcome(claimed, next(ends)), most=3)
    assert queue.bound() == []
    before = queue.unfinished()
    assert queue.submit(of.plan(), retry=True, stop=rule(of)) == before + 1
    wide = ("wide", 0)
    ran = drain(
        queue, lambda a: outcome(a, "failed" if (a.cell, a.spec.seed) == wide else "complete")
    )
    assert ran.count(wide) == 1
    key = of.plan()[1].spec.key
    assert queue.bound() == [key]
    assert queue.submit(of.plan(), retry=True, stop=rule(of)) == 0
    assert queue.outcomes()[key]["row"]["state"] == "failed"


def test_a_cell_that_never_completes_holds_nobody_up(tmp_path: Path) -> None:
    queue = planned(tmp_path)
    drain(queue, lambda a: outcome(a, "diverged" if a.cell == "same" else "complete"))
    assert queue.unfinished() == 0
    assert queue.looks().over


def test_more_seeds_are_another_design_and_its_looks_are_made_anew(tmp_path: Path) -> None:
    queue = planned(tmp_path)
    drain(queue)
    more = study(tmp_path, ("looks = [4, 6]", "looks = [6]"), seeds=10)
    left = queue.submit(more.plan(), stop=rule(more))
    assert left == 3 * 10 - len(FIRST) - len(REST)
    assert queue.looks().made == ()
    assert drain(queue)[:2] == [("wide", seed) for seed in range(4, 6)]
    assert queue.looks().planned == (6, 10)
    plain = study(tmp_path, ("[stop]\nlooks = [4, 6]\nfutility = 0\n", ""))
    assert queue.submit(plain.plan()) == 2  # seeds 6 and 7 of what was settled
    assert queue.looks().planned == ()
    assert queue.spared() == 0


def test_the_progress_is_told_of_what_is_not_needed(tmp_path: Path) -> None:
    queue = planned(tmp_path)
    done = list(supervise(queue, Known(), 2, 60.0))
    assert len(done) == len(FIRST) + len(REST)
    assert [item.spared for item in done] == [0] * 11 + [4] * 9


@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_workers_that_are_killed_change_no_look(
    tmp_path: Path, server: bool, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("postgres").fresh_database() if server else url(tmp_path)
    queue = planned(tmp_path, where)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(Known.preload))
    together = context.Barrier(5)
    gone = context.Event()
    killed = [context.Process(target=loop, args=(where, at, die, together)) for at in (0, 1, 2)]
    # the others take no more than leaves each of these its trial to die in
    others = [context.Process(target=loop, args=(where, 2, gone.wait, together)) for _ in range(2)]
    for worker in (*killed, *others):
        worker.start()
    for worker in killed:
        worker.join(120)
    gone.set()
    for worker in others:
        worker.join(120)
    assert [worker.exitcode for worker in (*killed, *others)] == [-9, -9, -9, 0, 0]
    (tmp_path / "alone").mkdir()
    alone = planned(tmp_path / "alone")
    drain(alone)
    looks = queue.looks()
    assert looks == alone.looks()
    assert queue.counts()["complete"] == len(FIRST) + len(REST)
    keys = rule(study(tmp_path)).trials
    assert {keys[key] for key in queue.outcomes()} == {*FIRST, *REST}
    assert {looks.fate(*keys[key]) for key in queue.outcomes()} == {Fate.TRAINED}
    queue.close()
