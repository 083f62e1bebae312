"""The dry run: what it says of each cell is right, and its estimate is a sum done by hand."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.cli import dry_run
from ablate.cli.dry_run import show_plan
from ablate.cli.run import main
from ablate.networks.fvcore_cost import measure
from ablate.processes import duration
from ablate.spec.network import NetSpec
from ablate.statistics import power
from ablate.study import toml_file
from ablate.study.plan import Study, load_study
from ablate.training.execution import Execution

STUDY = """
question = "How long does it take?"
baseline = "small"
seeds = 3
[net]
widths = [4, 8]
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 5
batch_size = 16
[axes.size]
small = {}
large = { widths = [8, 16] }
"""
MATCHED = """
question = "What is it worth at equal cost?"
baseline = "doubling"
seeds = 2
[net]
base_width = 4
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 5
batch_size = 16
[match]
macs = "reference"
[axes.growth]
doubling = {}
constant = { growth = "constant" }
"""
SAMPLED = """
question = "Which space?"
baseline = "doubling"
seeds = 2
[sample]
networks = 5
depths = [1, 3]
[net]
base_width = 6
[train]
epochs = 5
batch_size = 16
[match]
macs = "reference"
[axes.growth]
doubling = {}
constant = { growth = "constant" }
"""
pytestmark = pytest.mark.usefixtures("torch_as_it_was")
CPU = Execution()


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[tuple[NetSpec, Execution, float]]:
    """What was timed: 50 images/s for each channel of the first stage."""
    asked: list[tuple[NetSpec, Execution, float]] = []

    def train_rate(net: NetSpec, _: object, execution: Execution, seconds: float) -> float:
        asked.append((net, execution, seconds))
        width = net.widths[0]
        assert isinstance(width, int)
        return 50.0 * width

    monkeypatch.setattr(dry_run, "train_rate", train_rate)
    return asked


def study_of(tmp_path: Path, text: str) -> Study:
    path = tmp_path / "sums.toml"
    path.write_text(text)
    return load_study(path)


def said(study: Study, images: int, execution: Execution, workers: int, **given: Any) -> Any:
    lines: list[str] = []
    seconds = show_plan(study, images, execution, workers, lines.append, **given)
    return seconds, "\n".join(lines).splitlines()


def test_the_estimate_is_the_sum_over_the_cells(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    execution = Execution(threads=2)
    seconds, lines = said(study_of(tmp_path, STUDY), 8000, execution, 2)
    # 5 epochs of 8000 images at 200 and at 400 images/s, 3 seeds each, 2 side by side
    assert seconds == pytest.approx((200 + 100) * 3 / 2)
    assert lines[-2] == (
        "estimated training: 8 min (steps alone, timed for 0.3 s a cell with nothing beside it; "
        "evaluation comes on top)"
    )
    assert [(net.widths, *how) for net, *how in rates] == [
        ((4, 8), execution, 0.3),
        ((8, 16), execution, 0.3),
    ]


def test_timing_and_starting_are_part_of_the_whole(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    study = study_of(tmp_path, STUDY)
    lines = said(study, 80, CPU, 2, timing_s=1.0, probes=True)[1]
    # 4.5 s of training; 3 quantities of 2 cells and the control, and 2 layouts; 6 trials, 2 at once
    assert lines[-1] == (
        "estimated in all: 42 s (with 11 s of timing, and roughly 2 s to start a trial and 20 s "
        "for imports and the report)"
    )
    assert ", layout by a probe, on cpu: " in lines[1]
    # 3 quantities of 2 cells and the control
    lines = said(study, 80, CPU, 2, timing_s=0.1)[1]
    assert "(with 1 s of timing" in lines[-1]
    assert ", contiguous, on cpu: " in lines[1]


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_share_the_work(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]], workers: int
) -> None:
    assert said(study_of(tmp_path, STUDY), 8000, CPU, workers)[0] == pytest.approx(900 / workers)


def test_the_plan_and_how_it_is_run(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    execution = Execution(threads=3, channels_last=True)
    _, lines = said(study_of(tmp_path, STUDY), 8000, execution, 4, seconds=0.7)
    assert lines[0] == "sums on digits: How long does it take?"
    assert lines[1].startswith(
        "2 cells x 3 seeds = 6 trials of 5 epochs; 4 workers x 3 threads, channels_last, on cpu: "
    )
    assert "timed for 0.7 s" in lines[-2]
    assert {seconds for *_, seconds in rates} == {0.7}
    assert torch.get_num_threads() == 3


def test_every_cell_has_a_line_with_its_costs(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    study = study_of(tmp_path, STUDY)
    _, lines = said(study, 8000, CPU, 1)
    head = next(number for number, line in enumerate(lines) if line.startswith("cell "))
    assert lines[head].split() == "cell params MACs s/trial widths x depths".split()
    rows = [re.split(r" {2,}", line) for line in lines[head + 1 : head + 3]]
    small, large = (measure(cell.net) for cell in study.cells)
    assert rows == [
        ["small", f"{small.params:,}", f"{small.macs:,}", "200.0", "[4, 8] x [1, 1]"],
        ["large", f"{large.params:,}", f"{large.macs:,}", "100.0", "[8, 16] x [1, 1]"],
    ]
    assert len({line.index("[") for line in lines[head + 1 : head + 3]}) == 1  # in one column


def test_a_matched_cell_says_how_it_meets_the_budget(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    study = study_of(tmp_path, MATCHED)
    _, lines = said(study, 8000, CPU, 1)
    doubling, constant = study.cells
    budget, cost = measure(doubling.net).macs, measure(constant.net).macs
    assert constant.matched is not None
    (line,) = (line for line in lines if line.startswith("doubling "))
    assert line.endswith("  [4, 8] x [1, 1], macs +0.00%, shape off by 0.0%")
    (line,) = (line for line in lines if line.startswith("constant "))
    assert line.endswith(
        f"  {list(constant.net.widths)} x [1, 1], macs {cost / budget - 1:+.2%}, "
        f"shape off by {constant.matched.shape_error:.1%}"
    )


def test_a_real_estimate(tmp_path: Path) -> None:
    study = study_of(tmp_path, STUDY)
    study = replace(study, cells=study.cells[:1])
    seconds, lines = said(study, 1079, CPU, 1, seconds=0.01)
    (line,) = (line for line in lines if line.startswith("small "))
    assert float(re.split(r" {2,}", line)[3]) == pytest.approx(seconds / study.seeds, abs=0.05)
    assert seconds > 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.6, "1 s"),
        (89.4, "89 s"),
        (90.0, "2 min"),
        (150.0, "2 min"),
        (3000.0, "50 min"),
        (5399.0, "90 min"),
        (5400.0, "1.5 h"),
        (36_000.0, "10.0 h"),
    ],
)
def test_a_time_as_a_person_says_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_of_many_networks_a_few_are_timed_for_all(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    study = study_of(tmp_path, SAMPLED)
    seconds, lines = said(study, 8000, CPU, 2)
    timed = [net for net, *_ in rates]
    assert timed == [cell.net for cell in study.cells[:6]]
    each = [5 * 8000 / (50 * net.block_widths[0][0]) for net in timed]
    assert seconds == pytest.approx(20 * sum(each) / 6 / 2)
    again = sum(draw.network is None for draw in study.draws)
    assert (
        "... and 4 more networks, taken to be as fast as these; "
        f"{again} of {len(study.draws)} draws were made again"
    ) in lines


def test_tuning_is_part_of_the_estimate(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]]
) -> None:
    tuned = STUDY.replace("[train]", "[tune]\nlr = [0.05, 0.1]\nseeds = 2\n[train]")
    seconds, lines = said(study_of(tmp_path, tuned), 8000, CPU, 1)
    assert seconds == pytest.approx((200 + 100) * (3 + 2 * 2))
    assert "before them 8 trials to tune each cell's learning rate: 0.05, 0.1" in lines


def test_a_study_file_is_read_once(
    tmp_path: Path, rates: list[tuple[NetSpec, Execution, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []

    def loads(text: str, parse: Any = tomllib.loads) -> Any:
        texts.append(text)
        return parse(text)

    monkeypatch.setattr(toml_file.tomllib, "loads", loads)
    (tmp_path / "sums.toml").write_text(STUDY)
    assert main(["--study", str(tmp_path / "sums.toml"), "--dry-run"]) == 0
    assert texts == [STUDY]
    assert rates


def test_it_says_what_the_planned_seeds_can_show(
    tmp_path: Path,
    rates: list[tuple[NetSpec, Execution, float]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    predicted = STUDY + '[hypotheses.size_pays]\nsays = "It pays."\nhigher = ["large", "small"]\n'
    (tmp_path / "sums.toml").write_text(predicted)
    command = ["--study", str(tmp_path / "sums.toml"), "--dry-run", "--seeds", "8"]
    assert main([*command, "--spread", "0.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    one = power.against_first(1)
    shown, needed = power.detectable(0.5, 8, one), power.seeds_needed(0.5, 0.5, one)
    assert lines[-3:-1] == [
        "what 8 seeds can show with 80% probability, at a spread of 0.5 points over seeds (as "
        "given):",
        f"  size_pays: {shown:.2g} points; a margin of 0.5 points needs {needed} seeds",
    ]
    assert lines[-1].startswith("warning: 8 seeds cannot be expected to settle")
    assert main([*command[:-1], "3"]) == 0
    assert capsys.readouterr().out.endswith(
        "warning: 3 seeds settle nothing: 4 are needed, of each arm\n"
    )
    assert rates


def test_it_says_where_no_spread_is_known(
    tmp_path: Path,
    rates: list[tuple[NetSpec, Execution, float]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "results" / "published").mkdir(parents=True)
    (tmp_path / "sums.toml").write_text(STUDY.replace("seeds = 3", "seeds = 6"))
    monkeypatch.chdir(tmp_path)
    assert main(["--study", "sums.toml", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "no run on digits is published, so the spread over seeds is not known: --spread POINTS "
        "says what the planned ones can show"
    )
    assert rates
