"""The queue of a search: trained once whoever asks, the same after a kill, cut short as wanted."""

from pathlib import Path
from typing import Any

import optuna

from ablate.engine.exploring_queue import ExploringQueue
from ablate.engine.storage import sqlite_url
from ablate.search import front
from ablate.search.explored import to_frame
from ablate.search.plan import Search
from ablate.search.queue import SearchQueue
from ablate.spec.network import NetSpec
from support import searches

FEW = (("trials = 6", "trials = 3"), ("startup = 3", "startup = 2"))


def rows(queue: SearchQueue) -> list[dict[str, Any]]:
    """What does not depend on how often a search was stopped."""
    return [{key: value for key, value in row.items() if key != "number"} for row in queue.rows()]


def test_a_search_ends_with_its_budget_and_trains_nothing_twice(tmp_path: Path) -> None:
    queue = searches.queue_of(tmp_path, searches.small(tmp_path, *FEW))
    run = searches.drain(queue)
    assert queue.unfinished() == 0
    assert len({spec.key for spec in run}) == len(run)
    table = to_frame(queue.rows())
    paid = front.hypervolumes(table, {"val_accuracy": 0.05, "macs": 1e5})
    assert set(paid.groupby(["sampler", "repeat"])["networks"].max()) == {3}
    shared = table[table["feasible"]].groupby("keys")["sampler"].nunique()
    assert (shared == 2).any()  # both samplers begin with the same networks
    assert len(run) == len(shared)
    assert set(table["sampler"]) == {"nsga2", "random"}


def test_a_search_that_is_stopped_ends_as_one_that_is_not(tmp_path: Path) -> None:
    search = searches.small(tmp_path, *FEW)
    (tmp_path / "whole").mkdir()
    whole = searches.queue_of(tmp_path / "whole", search)
    searches.drain(whole)
    for _ in range(3):
        stopped = searches.queue_of(tmp_path, search)
        searches.drain(stopped, most=2)
        assignment = stopped.claim()  # and killed while it trains
        assert assignment is not None
        stopped.give_back(assignment)
        stopped.close()
    last = searches.queue_of(tmp_path, search)
    searches.drain(last)
    assert rows(last) == rows(whole)


def test_every_chain_is_a_study_that_others_can_read(tmp_path: Path) -> None:
    searches.drain(searches.queue_of(tmp_path, searches.small(tmp_path, *FEW)))
    names = optuna.get_all_study_names(f"sqlite:///{tmp_path / 'study.db'}")
    assert set(names) == {
        "small/digits/explore",
        *(
            f"small/digits/{sampler}-{repeat}"
            for sampler in ("nsga2", "random")
            for repeat in (0, 1)
        ),
    }


def test_a_worker_that_joins_waits_for_what_comes_next(tmp_path: Path) -> None:
    queue = searches.queue_of(tmp_path, searches.small(tmp_path, *FEW))
    joined = ExploringQueue(sqlite_url(tmp_path / "study.db"), "small/digits/explore")
    searches.drain(queue, most=1)
    while assignment := joined.claim():
        joined.finish(assignment, searches.outcome(assignment.spec))
    assert joined.unfinished() > 0  # nothing is queued, and the search is not over
    searches.drain(queue)
    assert joined.unfinished() == 0


def one(folder: Path, pruner: str) -> Search:
    """One sampler, twelve networks of nine epochs each."""
    return searches.small(
        folder,
        *searches.ONE_OBJECTIVE,
        ('samplers = ["nsga2", "random"]', f'samplers = ["random"]\npruner = "{pruner}"'),
        ('higher = ["nsga2", "random"]', 'higher = ["random", "nsga2"]'),
        ("[comparisons.nsga2_is_better]\n", ""),
        ('says = "NSGA-II finds a larger hypervolume."\nhigher = ["random", "nsga2"]\n', ""),
        ("trials = 6", "trials = 12"),
        ("repeats = 2", "repeats = 1"),
        ("epochs = 1", "epochs = 9"),
    )


def test_a_training_that_falls_behind_is_cut_short(tmp_path: Path) -> None:
    queue = searches.queue_of(tmp_path, one(tmp_path, "halving"))
    while assignment := queue.claim():
        whole = searches.outcome(assignment.spec)
        for done, epoch in enumerate(whole.epochs, start=1):
            if not queue.proceed(assignment, epoch):
                cut = searches.outcome(assignment.spec, "pruned")
                del cut.epochs[done:]
                assert queue.finish(assignment, cut)
                break
        else:
            assert queue.finish(assignment, whole)
    table = to_frame(queue.rows())
    ended = table[table["feasible"] & ~table["repeated"]]
    assert set(ended["state"]) == {"complete", "pruned"}
    assert len(ended) == 12
    each = ended["train_macs"] / ended["macs"].astype(float)
    assert each[ended["state"] == "pruned"].max() < each[ended["state"] == "complete"].min()


def test_without_a_pruner_everything_goes_on(tmp_path: Path) -> None:
    queue = searches.queue_of(tmp_path, searches.small(tmp_path, *FEW))
    assignment = queue.claim()
    assert assignment is not None
    assert queue.proceed(assignment, {"epoch": 1, "val_accuracy": 0.0})


def test_a_latency_is_measured_while_nothing_trains(tmp_path: Path) -> None:
    changes = (*searches.TIMED,)
    search = searches.small(tmp_path, *FEW, *changes)
    training: list[str] = []

    def latency(net: NetSpec) -> float:
        assert not training
        return 0.5

    queue = SearchQueue(sqlite_url(tmp_path / "study.db"), "small/digits", search, latency)
    claims = []
    while (assignment := queue.claim()) or claims:
        if assignment is not None:
            claims.append(assignment)
            training.append(assignment.spec.key)
            continue
        for ended in claims:
            queue.finish(ended, searches.outcome(ended.spec))
        claims.clear()
        training.clear()
    assert queue.unfinished() == 0
