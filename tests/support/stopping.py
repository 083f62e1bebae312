"""A study with `[stop]` whose trials take no time: accuracy follows from the cell and the seed."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Barrier
from typing import Any, ClassVar

from ablate.engine.lease import Assignment
from ablate.engine.queue import Queue
from ablate.engine.stop_rule import StopRule, stop_rule
from ablate.results.schema import COLUMNS
from ablate.study.plan import Study, load_study
from ablate.training.outcome import Outcome
from support.rows import ROW

NAME = "stops/digits"
LOOKS = (4, 6)
SEEDS = 8
TEXT = """
question = "Does it stop?"
baseline = "narrow"
seeds = 8
margin = 0.005
[stop]
looks = [4, 6]
futility = 0
[net]
depths = [1, 1]
strides = [1, 2]
[train]
batch_size = 64
[axes.width]
narrow = { widths = [2, 4] }
wide = { widths = [4, 8] }
same = { widths = [2, 5] }
"""
COSTS = ("params", "macs", "macs_total", "unsupported_ops", "activations")
MEASURED = [column.name for column in COLUMNS if column.name not in COSTS][3:]
PLANNED = (
    *("seed", "key", "net", "widths", "depths", "strides", "shortcut", "match"),
    *("match_residual", "match_shape_error", "epochs", "batch", "spec"),
)


def study(folder: Path, *changes: tuple[str, str], seeds: int | None = None) -> Study:
    """The study, with parts of its text replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "stops.toml").write_text(text)
    return load_study(folder / "stops.toml", seeds=seeds)


def rule(of: Study) -> StopRule:
    """When it stops."""
    costs = {name: ROW[name] for name in COSTS}
    found = stop_rule(of, {cell.name: costs for cell in of.cells})
    assert found is not None
    return found


def accuracy(cell: str, seed: int) -> float:
    """The arm `wide` is far better at once; `same` varies too much to be told from `narrow`."""
    chance = random.Random(f"{cell} {seed}")
    spread = 0.003 if cell == "wide" else 0.03
    return {"narrow": 0.5, "wide": 0.9, "same": 0.5}[cell] + chance.uniform(-spread, spread)


def outcome(assignment: Assignment, state: str = "complete") -> Outcome:
    """What a trial gives."""
    value = accuracy(assignment.cell, assignment.spec.seed) if state == "complete" else None
    row: dict[str, Any] = {name: ROW[name] for name in MEASURED if name not in PLANNED}
    row |= {"state": state, "test_accuracy": value, "val_accuracy": value}
    row |= {"failure": None if state == "complete" else "it was to fail"}
    return Outcome(row, [{"epoch": 1, "val_accuracy": 0.5}])


def drain(
    queue: Queue,
    ended: Callable[[Assignment], Outcome] = outcome,
    most: int | None = None,
) -> list[tuple[str, int]]:
    """Run what may be claimed, or so many trials; which ones were run, in order."""
    run: list[tuple[str, int]] = []
    while (most is None or len(run) < most) and (assignment := queue.claim()):
        assert queue.finish(assignment, ended(assignment))
        run.append((assignment.cell, assignment.spec.seed))
    return run


@dataclass(frozen=True)
class Known:
    """A `supervisor.Work` whose outcomes are those of `outcome`."""

    preload: ClassVar[tuple[str, ...]] = ("support.stopping",)

    def run(self, assignment: Assignment, pipe: Connection) -> None:
        pipe.send(outcome(assignment))

    def ended(self, assignment: Assignment, state: str, reason: str) -> Outcome:
        return outcome(assignment, state)

    def discard(self, assignment: Assignment) -> None:
        pass


def die() -> None:
    """Kill this process, as one that has run out of memory is killed."""
    os.kill(os.getpid(), 9)


def loop(where: str, pause_at: int, pause: Callable[[], object], together: Barrier) -> None:
    """A worker without children, which is interrupted once, with a trial in hand.

    Args:
        where: the storage.
        pause_at: after so many trials.
        pause: what it does then: kills itself, or waits for those that do.
        together: where all workers begin.
    """
    queue = Queue(where, NAME)
    together.wait(60)
    while queue.unfinished():
        assignment = queue.claim()
        if assignment is None:
            queue.recover()
            time.sleep(0.02)
            continue
        if pause_at == 0:
            pause()
        pause_at -= 1
        assert queue.finish(assignment, outcome(assignment))
