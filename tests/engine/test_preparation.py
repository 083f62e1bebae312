"""What is settled before a study trains: measured once, for this very question, and kept."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ablate.data.dataset import Dataset, Images
from ablate.engine import preparation
from ablate.engine.preparation import (
    WORTH_LAYOUT_S,
    WORTH_PROBING_S,
    Patience,
    cell_columns,
    patience,
    pick_cpu_split,
    pick_execution,
    probes_s,
    time_batches,
)
from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.errors import InputError
from ablate.networks.cost import count
from ablate.networks.fvcore_cost import measure
from ablate.processes import MOST_WORKERS
from ablate.results.schema import COLUMNS
from ablate.spec.network import NetSpec
from ablate.study.plan import Study, load_study
from ablate.training import timing
from ablate.training.cpu_split import Load, Split
from ablate.training.execution import Execution
from ablate.training.memory_format import Layout

pytestmark = pytest.mark.usefixtures("one_thread")

STUDY = """
question = "Which comes first?"
baseline = "plain"
seeds = 2
[net]
depths = [1]
strides = [1]
[train]
epochs = 2
batch_size = 16
[axes.width]
narrow = { widths = [2] }
plain = { widths = [4] }
wide = { widths = [8] }
"""
CPU = Execution()
MANY = Execution(threads=4)
NOWHERE = Path("nowhere")
LONG = 10.0 * WORTH_PROBING_S
SHORT = Patience(training_s=LONG, each=0.1)
Splits = list[tuple[Load, list[tuple[int, int]]]]  # of each probe: what it trains, and the ways


class Kept:
    """A memory that holds what JSON holds, as a file would."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def recall(self, name: str) -> Any:
        return json.loads(self.texts[name]) if name in self.texts else None

    def remember(self, name: str, value: Any) -> None:
        assert name not in self.texts, "measured twice"
        self.texts[name] = json.dumps(value)


SAMPLED = """
question = "Which space?"
baseline = "doubling"
seeds = 1
[sample]
networks = 2
depths = [1, 3]
[net]
base_width = 6
[match]
macs = "reference"
[axes.growth]
constant = { growth = "constant" }
doubling = {}
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    path = tmp_path / "order.toml"
    path.write_text(STUDY)
    return load_study(path)


@pytest.fixture
def few(digits: Dataset) -> Dataset:
    return replace(digits, train=Images(digits.train.images[:64], digits.train.labels[:64]))


@pytest.fixture
def memory() -> Kept:
    return Kept()


@pytest.fixture
def lines() -> list[str]:
    """What was said."""
    return []


def of(study: Study, name: str) -> NetSpec:
    return next(cell.net for cell in study.cells if cell.name == name)


def other_batch(study: Study) -> Study:
    return replace(study, train=replace(study.train, batch_size=32))


def other_data(study: Study) -> Study:
    return replace(study, data=replace(study.data, subset=0.5))


def other_cells(study: Study) -> Study:
    return replace(study, cells=study.cells[:2])


def other_baseline(study: Study) -> Study:
    return replace(study, baseline="wide")


# Layout


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[list[NetSpec]]:
    """The networks of each probe of the layout, which finds channels_last faster."""
    calls: list[list[NetSpec]] = []

    def pick_layout(nets: Sequence[NetSpec], *_: object) -> Layout:
        calls.append(list(nets))
        return Layout(True, 1.25, "for this test")

    monkeypatch.setattr(preparation, "pick_layout", pick_layout)
    return calls


def test_a_layout_that_was_asked_for_is_not_probed(
    study: Study, memory: Kept, lines: list[str], probed: list[list[NetSpec]]
) -> None:
    for wanted in (CPU, replace(CPU, channels_last=True)):
        assert pick_execution(study, wanted, False, SHORT, memory, lines.append) == (wanted, None)
    assert (probed, lines, memory.texts) == ([], [], {})


def test_before_a_short_training_the_layout_is_not_timed(
    study: Study, memory: Kept, lines: list[str], probed: list[list[NetSpec]]
) -> None:
    short = Patience(training_s=WORTH_LAYOUT_S - 1, each=0.5)
    for _ in range(2):
        found = pick_execution(study, CPU, True, short, memory, lines.append)
        assert found == (replace(CPU, channels_last=True), None)
    assert lines == ["layout: channels_last: not timed before a training this short"]
    assert not probed


def test_a_layout_is_probed_once_and_the_baseline_comes_first(
    study: Study, memory: Kept, lines: list[str], probed: list[list[NetSpec]]
) -> None:
    wanted = Execution(threads=3, deterministic=True)
    for _ in range(2):
        found = pick_execution(study, wanted, True, SHORT, memory, lines.append)
        assert found == (replace(wanted, channels_last=True), 1.25)
    assert probed == [[of(study, name) for name in ("plain", "narrow", "wide")]]
    assert lines == ["layout: for this test"]


def test_a_layout_that_was_not_timed_has_no_gain(
    study: Study, memory: Kept, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "pick_layout", lambda *_: Layout(False, None, "a trap"))
    for _ in range(2):
        assert pick_execution(study, CPU, True, SHORT, memory, lines.append) == (CPU, None)


def test_another_question_is_another_probe_of_the_layout(
    study: Study, memory: Kept, lines: list[str], probed: list[list[NetSpec]]
) -> None:
    asked = [
        (study, CPU),
        (other_batch(study), CPU),
        (other_cells(study), CPU),
        (other_baseline(study), CPU),
        (study, replace(CPU, threads=2)),
        (study, replace(CPU, compiled=True)),
    ]
    for one, execution in asked:
        pick_execution(one, execution, True, SHORT, memory, lines.append)
    assert len(probed) == len(memory.texts) == len(asked)


def test_a_real_probe_is_kept_with_the_study(
    study: Study, tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_block(monkeypatch)
    path = sqlite_url(tmp_path / "study.db")
    queue = Queue(path, study.name)
    found = pick_execution(study, CPU, True, SHORT, queue, lines.append)
    queue.close()
    monkeypatch.setattr(preparation, "pick_layout", lambda *_: pytest.fail("probed again"))
    queue = Queue(path, study.name)
    assert pick_execution(study, CPU, True, SHORT, queue, lines.append) == found
    queue.close()
    assert len(lines) == 1
    assert lines[0].startswith(f"layout: {found[0].memory_format}")


# Costs and throughput


def one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time a call or two, and no more."""
    monkeypatch.setattr(timing, "BLOCK_SECONDS", 1e-9)
    monkeypatch.setattr(timing, "WARM_UP_BLOCKS", 1)
    monkeypatch.setattr(timing, "MOST_ROUNDS", timing.FEWEST_ROUNDS)


@pytest.fixture
def off() -> list[bool]:
    """Whether the timing finds that the baseline differs from itself."""
    return [False]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, off: list[bool]) -> list[list[NetSpec]]:
    """The networks of each timing, which finds that images/s are the width."""
    calls: list[list[NetSpec]] = []

    def time_arms(nets: Sequence[NetSpec], *_: object) -> list[dict[str, Any]]:
        calls.append(list(nets))
        return [
            {"train_images_per_s": float(net.widths[0]), "throughput_control_off": off[0]}
            for net in nets
        ]

    monkeypatch.setattr(preparation, "time_arms", time_arms)
    return calls


def test_each_cell_gets_its_own_numbers_and_the_baseline_comes_first(
    study: Study, few: Dataset, memory: Kept, lines: list[str], measured: list[list[NetSpec]]
) -> None:
    for _ in range(2):
        found = cell_columns(study, few, CPU, SHORT, memory, lines.append)
        assert list(found) == ["plain", "narrow", "wide"]
        for name, columns in found.items():
            net = of(study, name)
            assert columns["train_images_per_s"] == net.widths[0]
            assert columns["params"] == measure(net).params
            assert columns["macs"] == measure(net).macs
            assert columns["activations"] == count(net).activations
            assert columns["unsupported_ops"] == measure(net).unsupported_json
    assert measured == [[of(study, name) for name in ("plain", "narrow", "wide")]]
    assert lines == ["timing 3 cells against each other"]


def test_of_sampled_networks_one_is_timed_and_all_are_counted(
    tmp_path: Path, few: Dataset, memory: Kept, lines: list[str], measured: list[list[NetSpec]]
) -> None:
    path = tmp_path / "spaces.toml"
    path.write_text(SAMPLED)
    study = load_study(path)
    found = cell_columns(study, few, CPU, SHORT, memory, lines.append)
    first = of(study, study.baseline)
    assert measured == [[first]]
    assert lines == ["timing one network"]
    timed = [cell for cell, columns in found.items() if "train_images_per_s" in columns]
    assert timed == [study.baseline]
    assert {cell: columns["macs"] for cell, columns in found.items()} == {
        cell.name: measure(cell.net).macs for cell in study.cells
    }


def test_another_question_is_another_timing(
    study: Study, few: Dataset, memory: Kept, lines: list[str], measured: list[list[NetSpec]]
) -> None:
    asked = [
        (study, CPU),
        (other_batch(study), CPU),
        (other_data(study), CPU),
        (other_cells(study), CPU),
        (other_baseline(study), CPU),
        (study, replace(CPU, threads=2)),
        (study, replace(CPU, channels_last=True)),
        (study, replace(CPU, compiled=True)),
    ]
    for one, execution in asked:
        cell_columns(one, few, execution, SHORT, memory, lines.append)
    assert len(measured) == len(memory.texts) == len(asked)


def test_another_machine_is_another_timing(
    study: Study,
    few: Dataset,
    memory: Kept,
    lines: list[str],
    measured: list[list[NetSpec]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell_columns(study, few, CPU, SHORT, memory, lines.append)
    monkeypatch.setattr(preparation, "describe", lambda _: {"device": "cpu: another"})
    cell_columns(study, few, CPU, SHORT, memory, lines.append)
    assert len(measured) == 2


def test_more_seeds_are_no_other_question(
    study: Study, few: Dataset, memory: Kept, lines: list[str], measured: list[list[NetSpec]]
) -> None:
    cell_columns(study, few, CPU, SHORT, memory, lines.append)
    cell_columns(replace(study, seeds=5), few, CPU, SHORT, memory, lines.append)
    assert len(measured) == 1


def test_real_timings_come_back_as_they_were(
    study: Study,
    few: Dataset,
    memory: Kept,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_block(monkeypatch)
    found = cell_columns(study, few, CPU, SHORT, memory, lines.append)
    monkeypatch.setattr(preparation, "time_arms", lambda *_: pytest.fail("timed again"))
    assert cell_columns(study, few, CPU, SHORT, memory, lines.append) == found
    for columns in found.values():
        assert set(columns) <= {column.name for column in COLUMNS}
        for name in ("train", "infer", "epoch"):
            assert columns[f"{name}_images_per_s"] > 0
            assert columns[f"{name}_ratio"] > 0
    baseline = found["plain"]
    assert baseline["train_ratio"] == baseline["infer_ratio"] == baseline["epoch_ratio"] == 1


# How long all that may take


@pytest.mark.parametrize(
    ("training_s", "each", "right"),
    [
        (0.0, 0.5, 6.0),
        (20.0, 0.5, 6.0),
        (100.0, 0.5, 10.0),
        (1e6, 0.5, 15.0),
        (1e6, 0.1, 15.0),
        (100.0, 2.0, 40.0),  # four times as long as usual for each, and so for all
    ],
)
def test_probes_take_a_tenth_of_the_training(training_s: float, each: float, right: float) -> None:
    assert probes_s(training_s, each) == right


def test_the_expected_training_is_timed_once(
    study: Study, memory: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def train_rate(net: NetSpec, *_: object) -> float:
        asked.append(net)
        return 10.0

    monkeypatch.setattr(preparation, "train_rate", train_rate)
    epochs = sum(planned.spec.train.epochs for planned in study.plan())
    for _ in range(2):
        found = patience(study, 100, CPU, 2, 0.5, memory)
        assert found == Patience(epochs * 100 / 10 / 2, 0.5)
    assert asked == [of(study, "plain")]
    assert found.within == 6


def test_without_the_memory_for_a_step_probes_have_all_their_time(
    study: Study, memory: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_rate(*_: object) -> float:
        raise InputError("batch_size = 16: a training step is out of memory")

    monkeypatch.setattr(preparation, "train_rate", train_rate)
    assert patience(study, 100, CPU, 2, 0.5, memory).within == 15


def test_a_timing_that_was_cut_short_says_so(
    study: Study,
    few: Dataset,
    memory: Kept,
    lines: list[str],
    measured: list[list[NetSpec]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([0.0, 8.0, 10.0, 11.0])
    monkeypatch.setattr(preparation.time, "perf_counter", lambda: next(clock))
    cell_columns(study, few, CPU, Patience(training_s=0.0, each=0.0), memory, lines.append)
    assert lines[1] == "timing was cut short after 8 s; --timing-seconds gives it more"
    cell_columns(other_batch(study), few, CPU, SHORT, memory, lines.append)
    assert lines[2:] == ["timing 3 cells against each other"]


def test_a_control_that_is_off_is_said(
    study: Study,
    few: Dataset,
    memory: Kept,
    lines: list[str],
    measured: list[list[NetSpec]],
    off: list[bool],
) -> None:
    off[0] = True
    cell_columns(study, few, CPU, SHORT, memory, lines.append)
    assert lines[1:] == [
        "timing: the baseline against itself differs, so no speed of this run is compared"
    ]


# Sizes of batch


def test_every_cell_is_timed_at_every_batch(
    study: Study, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_block(monkeypatch)
    frame = pd.DataFrame(time_batches(study, few, CPU, (8, 16), 0.01))
    pairs = list(zip(frame["batch"], frame["cell"], strict=True))
    assert pairs == [(batch, cell) for batch in (8, 16) for cell in ("narrow", "plain", "wide")]
    assert list(frame["throughput_batch"]) == list(frame["batch"])
    for name in ("train", "infer", "epoch"):
        assert (frame[f"{name}_images_per_s"] > 0).all()
    assert (frame.loc[frame["cell"] == "plain", "train_ratio"] == 1).all()
    assert frame["device"].str.startswith("cpu: ").all()


# Processes and threads


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> Splits:
    """What each probe was asked; two processes are the fastest."""
    calls: Splits = []

    def probe(load: Load, ways: list[tuple[int, int]], seconds: float) -> list[Split]:
        assert 0 < seconds <= 1
        calls.append((load, ways))
        return [Split(*way, rates=(9.0, 90.0 if way[0] == 2 else 10.0, 11.0)) for way in ways]

    monkeypatch.setattr(preparation, "probe", probe)
    return calls


@pytest.mark.parametrize(
    ("threads", "trials", "expected"),
    [
        (1, 9, (1, 1)),
        (4, 9, (4, 1)),
        (4, 3, (3, 1)),
        (4, 1, (1, 4)),
        (8, 2, (2, 4)),
        (64, 100, (MOST_WORKERS, 64 // MOST_WORKERS)),
    ],
)
@pytest.mark.parametrize("left_s", [0.0, WORTH_PROBING_S - 1])
def test_short_work_is_not_probed(
    study: Study,
    memory: Kept,
    lines: list[str],
    splits: Splits,
    threads: int,
    trials: int,
    expected: tuple[int, int],
    left_s: float,
) -> None:
    execution = Execution(threads=threads)
    found = pick_cpu_split(study, left_s, trials, execution, SHORT, NOWHERE, memory, lines.append)
    assert found == expected
    assert (splits, lines, memory.texts) == ([], [], {})


def test_long_work_is_split_as_a_probe_finds_best(
    study: Study, memory: Kept, lines: list[str], splits: Splits
) -> None:
    for _ in range(2):
        found = pick_cpu_split(study, LONG, 9, MANY, SHORT, NOWHERE, memory, lines.append)
        assert found == (2, 2)
    ((load, ways),) = splits
    assert ways == [(1, 4), (2, 2), (4, 1)]
    assert load == Load(of(study, "plain"), study.train, study.data, NOWHERE, CPU)
    assert lines == [
        "images/s by processes x threads: 1 x 4: 10, 2 x 2: 11, 4 x 1: 10 (medians of 3 rounds)"
    ]


@pytest.mark.parametrize("trials", [1, 2, 3, 5])
def test_there_are_never_more_processes_than_trials(
    study: Study, memory: Kept, lines: list[str], splits: Splits, trials: int
) -> None:
    workers, _ = pick_cpu_split(study, LONG, trials, MANY, SHORT, NOWHERE, memory, lines.append)
    assert workers <= trials
    assert all(way[0] <= trials for _, ways in splits for way in ways)
    assert bool(splits) == (trials > 1)


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_has_one_process_with_all_threads(
    study: Study, memory: Kept, lines: list[str], splits: Splits, device: str
) -> None:
    gpu = replace(MANY, device=device)
    assert pick_cpu_split(study, LONG, 9, gpu, SHORT, NOWHERE, memory, lines.append) == (1, 4)
    assert not splits


def test_one_cpu_is_not_probed(
    study: Study, memory: Kept, lines: list[str], splits: Splits
) -> None:
    assert pick_cpu_split(study, LONG, 9, CPU, SHORT, NOWHERE, memory, lines.append) == (1, 1)
    assert not splits


def test_another_question_is_another_probe_of_the_split(
    study: Study, memory: Kept, lines: list[str], splits: Splits
) -> None:
    asked = [
        (study, 9, MANY),
        (study, 2, MANY),
        (other_batch(study), 9, MANY),
        (other_data(study), 9, MANY),
        (other_baseline(study), 9, MANY),
        (study, 9, replace(MANY, channels_last=True)),
        (study, 9, Execution(threads=2)),
    ]
    for one, trials, execution in asked:
        pick_cpu_split(one, LONG, trials, execution, SHORT, NOWHERE, memory, lines.append)
    assert len(splits) == len(memory.texts) == len(asked)
    # Only the first network is trained in the probe: others change nothing.
    pick_cpu_split(other_cells(study), LONG, 9, MANY, SHORT, NOWHERE, memory, lines.append)
    assert len(splits) == len(asked)


def test_layout_cells_and_split_are_kept_under_names_of_their_own(
    study: Study,
    few: Dataset,
    memory: Kept,
    lines: list[str],
    probed: list[list[NetSpec]],
    measured: list[list[NetSpec]],
    splits: Splits,
) -> None:
    pick_execution(study, MANY, True, SHORT, memory, lines.append)
    cell_columns(study, few, MANY, SHORT, memory, lines.append)
    pick_cpu_split(study, LONG, 9, MANY, SHORT, NOWHERE, memory, lines.append)
    kinds = sorted(name.partition(":")[0] for name in memory.texts)
    assert kinds == ["cells", "layout", "split"]
    assert len(probed) == len(measured) == len(splits) == 1
