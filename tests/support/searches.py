"""A small search for tests, and trainings that take no time: accuracy follows from the network."""

import copy
import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ablate.data.catalog import DATASETS
from ablate.engine.storage import sqlite_url
from ablate.networks import cost
from ablate.search.baseline import Timing, baseline_of
from ablate.search.explored import (
    Explored,
    write_explored,
)
from ablate.search.plan import Search, load_search
from ablate.search.queue import SearchQueue
from ablate.spec.network import NetSpec
from ablate.spec.trial import TrialSpec
from ablate.training.outcome import Outcome

TEXT = """\
kind = "search"
question = "Which networks are best for their compute?"
baseline = "doubling"
seeds = 2

[net]
base_width = 4
depths = [1, 1, 1]

[train]
epochs = 1
batch_size = 64

[search]
samplers = ["nsga2", "random"]
objectives = ["val_accuracy", "macs"]
trials = 6
repeats = 2
startup = 3
finalists = 2

[space]
base_width = { from = 2, to = 6 }
growth = { from = 1.0, to = 3.0, step = 0.5 }
depths = { stages = 3, from = 1, to = 2 }
shortcut = ["none", "A", "B"]

[limits]
macs = { at_most = "baseline" }

[reference]
val_accuracy = 0.05
macs = "baseline"

[comparisons.nsga2_is_better]
says = "NSGA-II finds a larger hypervolume."
higher = ["nsga2", "random"]

[hypotheses.best_is_better]
says = "The best is better."
higher = ["finalist 1", "doubling"]
"""
ONE_OBJECTIVE = (
    ('objectives = ["val_accuracy", "macs"]', 'objectives = ["val_accuracy"]'),
    ('val_accuracy = 0.05\nmacs = "baseline"', "val_accuracy = 0.05"),
)
TIMED = (
    ('["val_accuracy", "macs"]', '["val_accuracy", "latency"]'),
    ('macs = "baseline"\n\n[comp', "latency = 1.0\n\n[comp"),
)
ALONE = (
    ('samplers = ["nsga2", "random"]', 'samplers = ["tpe"]'),
    ('[comparisons.nsga2_is_better]\nsays = "NSGA-II finds a larger hypervolume."\n', ""),
    ('higher = ["nsga2", "random"]\n', ""),
)


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    """The small search as a file, with parts of its text replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "small.toml"
    path.write_text(text)
    return path


def small(folder: Path, *changes: tuple[str, str]) -> Search:
    return load_search(write(folder, *changes), DATASETS["digits"])


def accuracy(spec: TrialSpec) -> float:
    """More parameters are better, and a seed moves it a little."""
    params = cost.count(spec.net).params
    noise = int(hashlib.sha256(spec.key.encode()).hexdigest()[:4], 16) / 2**16
    return params / (params + 2000) * 0.9 + 0.02 * noise


def outcome(spec: TrialSpec, state: str = "complete") -> Outcome:
    value = accuracy(spec) if state == "complete" else None
    row = {"state": state, "val_accuracy": value, "train_seconds": 0.5, "finished": "t0"}
    epochs = [
        {"epoch": epoch, "val_accuracy": accuracy(spec)}
        for epoch in range(1, spec.train.epochs + 1)
    ]
    return Outcome(row, epochs)


def queue_of(folder: Path, search: Search) -> SearchQueue:
    return SearchQueue(sqlite_url(folder / "study.db"), "small/digits", search)


def drain(
    queue: SearchQueue,
    most: int | None = None,
    ended: Callable[[TrialSpec], Outcome] = outcome,
) -> list[TrialSpec]:
    """Run what is queued until nothing is asked for any more, or so many trials; what was run."""
    run: list[TrialSpec] = []
    while (most is None or len(run) < most) and (assignment := queue.claim()):
        assert assignment.explore
        assert queue.finish(assignment, ended(assignment.spec))
        run.append(assignment.spec)
    return run


FEW = (("trials = 6", "trials = 3"), ("startup = 3", "startup = 2"))


def explored(folder: Path) -> tuple[Search, Explored]:
    """A search that was run, and its tables in the folder."""
    made, search, found = _explored()
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return search, copy.deepcopy(found)


def timed(found: Explored, off: bool) -> Explored:
    """The same search as if latency were its objective and had been measured: MACs as microseconds.

    Args:
        found: of `explored`.
        off: whether the control of the timing was.
    """
    timing = Timing(
        latency_batch=8,
        latency_threads=2,
        latency_device="cpu: a machine",
        latency=2.5,
        latency_control=0.8 if off else 1.0,
        latency_control_low=0.7 if off else 0.99,
        latency_control_high=0.9 if off else 1.01,
        latency_control_off=off,
    )
    baseline = baseline_of(NetSpec(widths=(4, 8, 16), depths=(1, 1, 1), in_channels=1), timing)
    table = found.file.search.model_copy(update={"objectives": ["val_accuracy", "latency"]})
    file = found.file.model_copy(
        update={"search": table, "reference": {"val_accuracy": 0.05, "latency": "baseline"}}
    )
    networks = found.networks.assign(latency=found.networks["macs"].astype(float) / 1000)
    return replace(found, file=file, networks=networks, baseline=baseline)


@functools.cache
def _explored() -> tuple["tempfile.TemporaryDirectory[str]", Search, Explored]:
    made = tempfile.TemporaryDirectory()
    search = small(Path(made.name), *FEW)
    queue = queue_of(Path(made.name), search)
    drain(queue)
    return made, search, write_explored(Path(made.name), search, queue.rows())
