"""The profile command prints what the counts say, and latency can set a budget."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ablate.cli.network_table import table
from ablate.cli.profile import main
from ablate.cli.run import main as run
from ablate.networks import cost
from ablate.networks.presets import preset
from ablate.spec.network import NetSpec
from ablate.training.throughput import MeasuredLatency


def cells(text: str) -> dict[str, list[str]]:
    lines = [line.split("  ") for line in text.splitlines()]
    return {line[0].strip(): [cell.strip() for cell in line if cell.strip()] for line in lines}


def test_the_table_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--preset", "resnet50"]) == 0
    out = capsys.readouterr().out
    rows = cells(out)
    assert "25,557,032" in rows["total"]
    assert "4,089,184,256" in rows["total"]
    parts = [name for name in rows if name in ("stem", "head") or name.startswith("stage ")]
    assert len(parts) == 6
    shares = [float(c.rstrip("%")) for name in parts for c in rows[name] if c.endswith("%")]
    assert sum(shares) == pytest.approx(100, abs=0.3)


def test_each_cell_of_a_study_has_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--study", "width_doubling"]) == 0
    out = capsys.readouterr().out
    for arm in ("constant", "doubling", "tripling"):
        assert out.count(f"width_doubling, {arm}\n") == 1
    assert main(["--study", "width_doubling", "--cell", "tripling", "--dataset", "cifar10"]) == 0
    assert f"{cost.count(NetSpec(widths=(16, 48, 144))).macs:,}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--preset", "resnet5"], "resnet50"),
        (["--study", "width_doubling", "--cell", "x"], "expected one of constant, doubling"),
    ],
)
def test_bad_input(args: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_widths_by_block_are_shown() -> None:
    assert "(16, 20)" in table(NetSpec(widths=((16, 20), 32, 64)))
    assert table(preset("resnet18"), batch=1) != table(preset("resnet18"), batch=2)


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "ablate.profile", "--preset", "resnet18"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "11,689,512" in done.stdout


def test_a_latency_is_measured_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    measured = MeasuredLatency(path, torch.device("cpu"), 1)(NetSpec(image_size=8), 4)
    assert measured > 0
    assert MeasuredLatency(path, torch.device("cpu"), 1)(NetSpec(image_size=8), 4) == measured


STUDY = """
question = "?"
baseline = "doubling"
[net]
base_width = 8
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 1
batch_size = 64
[match]
latency = "reference"
[axes.growth]
doubling = { growth = 2.0 }
constant = { growth = 1.0 }
"""


@pytest.mark.long
def test_a_study_can_match_measured_latency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan that measurements gave is the plan of every later run."""
    (tmp_path / "s.toml").write_text(STUDY)
    args = ["--study", str(tmp_path / "s.toml"), "--seeds", "1", "--out", str(tmp_path)]
    assert run(args) == 0
    kept = (tmp_path / "s" / "digits" / "latency.json").read_text()
    capsys.readouterr()
    assert run(args) == 0
    assert "2 done already" in capsys.readouterr().out
    assert (tmp_path / "s" / "digits" / "latency.json").read_text() == kept
