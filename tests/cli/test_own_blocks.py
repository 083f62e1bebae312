"""A study with a block of one's own, from its file to its page, and by a worker elsewhere."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.check import main as check
from ablate.cli.machines.worker import main as worker
from ablate.cli.profile import main as profile
from ablate.cli.report import main as report
from ablate.engine.storage import sqlite_url
from support.commands import Finished, run

BLOCK = """
from pathlib import Path
from torch import nn

Path(__file__).with_suffix(".imported").touch()


def branch(in_width, out_width, stride, norm, kernel=3):
    return nn.Sequential(
        nn.Conv2d(in_width, out_width, kernel, stride, kernel // 2, bias=False), norm(out_width)
    )
"""
STUDY = """
question = "Does it run?"
baseline = "two"
seeds = 4
[net]
depths = [1, 1]
strides = [1, 2]
base_width = 4
[train]
epochs = 1
batch_size = 64
[match]
params = "reference"
[axes.block]
two = {}
one = { block = "branches:branch" }
one_5 = { block = { use = "branches:branch", kernel = 5 } }
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """A run that has ended, whose code is gone."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "branches.py").write_text(BLOCK)
    path = folder / "tiny.toml"
    path.write_text(STUDY)
    before = list(sys.path)
    _, err = run(path, "--workers", 1, "--storage", sqlite_url(folder / "s.db"))
    assert (folder / "branches.imported").exists()
    (folder / "branches.imported").unlink()
    (folder / "branches.py").rename(folder / "gone")
    yield Finished(folder, err)
    sys.path[:] = before
    sys.modules.pop("branches", None)


def test_what_is_imported_is_said_once(finished: Finished) -> None:
    assert finished.out.count("imports branches, which the study file names") == 1


def test_its_networks_are_brought_to_the_budget_and_named(finished: Finished) -> None:
    folder = finished.folder / "tiny" / "digits"
    trials = pd.read_csv(folder / "trials.csv")
    assert set(trials["state"]) == {"complete"}
    assert trials["match_residual"].abs().max() < 0.02
    assert trials.groupby("cell")["key"].nunique().to_dict() == {"two": 4, "one": 4, "one_5": 4}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "branches:branch(kernel=5)" in page


def test_pages_and_checks_need_none_of_the_code(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = finished.folder / "tiny" / "digits"
    assert check([str(folder)]) == 0
    said = capsys.readouterr().out
    assert "one_5: has modules of its own, branches:branch(kernel=5), which a check does" in said
    summary = (folder / "summary.md").read_bytes()
    (folder / "summary.md").unlink()
    assert report([str(folder)]) == 0
    assert (folder / "summary.md").read_bytes() == summary
    assert not (finished.folder / "branches.imported").exists()


def test_a_worker_imports_what_it_is_allowed_to(
    finished: Finished,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = ["--storage", sqlite_url(finished.folder / "s.db"), "--study", "tiny"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(finished.folder)])
    assert worker(where) == 2
    said = capsys.readouterr().err
    assert "its trials import branches; allow that here with --imports branches" in said
    assert worker([*where, "--imports", "branches"]) == 2
    assert "no module 'branches': nothing called 'branches' can be" in capsys.readouterr().err
    (tmp_path / "branches.py").write_text(BLOCK)
    assert worker([*where, "--imports", "branches"]) == 0
    assert not (tmp_path / "branches.imported").exists(), "nothing was left to train"


def test_a_profile_says_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "branches", None)
    monkeypatch.delitem(sys.modules, "branches")
    (tmp_path / "branches.py").write_text(BLOCK)
    (tmp_path / "tiny.toml").write_text(STUDY)
    assert profile(["--study", str(tmp_path / "tiny.toml"), "--cell", "one"]) == 0
    said = capsys.readouterr()
    assert "imports branches, which the study file names" in said.err
    assert "stage 2" in said.out
