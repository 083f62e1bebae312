"""Commands of the command line, and a study for them."""

import io
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.run import main
from ablate.results.csv import read_trials
from support.drawings import undrawn
from support.kept import torch_kept

STUDY = """
question = "Does it run?"
baseline = "narrow"
seeds = 4
[net]
depths = [1, 1]
strides = [1, 2]
[train]
epochs = 2
batch_size = 64
[axes.width]
narrow = { widths = [2, 4] }
wide = { widths = [4, 8] }
"""


# The layout is given, so that two runs compute the same to the last digit.
QUICK = ("--timing-seconds", "0.02", "--layout", "contiguous")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(STUDY)
    return path


def start(study: Path, *args: object) -> subprocess.Popen[str]:
    """The command, in a process group of its own, as a terminal would start it."""
    command = [sys.executable, "-m", "ablate.run", "--study", study, "--out", study.parent, *QUICK]
    command += args
    return subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def command(*args: object) -> tuple[int, str, str]:
    """The command in this process, whose fork server has torch already; no figure is drawn.

    Returns:
        Exit status, output and errors.
    """
    out, err = io.StringIO(), io.StringIO()
    with undrawn(), torch_kept(), redirect_stdout(out), redirect_stderr(err):
        status = main([str(word) for word in args])
    return status, out.getvalue(), err.getvalue()


def run(study: Path, *args: object) -> tuple[str, str]:
    """A run to its end, as `command` does it; what it printed."""
    status, out, err = command("--study", study, "--out", study.parent, *QUICK, *args)
    assert status == 0, out + err
    return out, err


@dataclass(frozen=True)
class Finished:
    """A run that has ended: the folder of its study file and results, and what it printed."""

    folder: Path
    out: str

    def copied(self, folder: Path) -> Path:
        """A copy in a folder; its study file."""
        return Path(shutil.copytree(self.folder, folder / "copy")) / "tiny.toml"


def folder(study: Path) -> Path:
    return study.parent / "tiny" / "digits"


def trials(study: Path) -> pd.DataFrame:
    return read_trials(folder(study) / "trials.csv")


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the run ended before it printed {text!r}")
