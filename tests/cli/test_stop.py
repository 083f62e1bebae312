"""`ablate run` of a study with `[stop]`, on real training: it stops early, whoever is killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.check import main as check
from ablate.results.csv import read_trials
from support.commands import STUDY, Finished, folder, read_until, run, start, trials

# With such a margin the first look finds the arms equivalent. Its trials are those of `finished`.
STOPS = STUDY.replace("seeds = 4", "seeds = 6\nmargin = 0.9\n[stop]\nlooks = [4]")
ACCURACIES = ["cell", "seed", "key", "test_accuracy", "val_accuracy", "val_loss", "train_loss"]
LOOK = {"seeds": 4, "settled": {"wide - narrow": "equivalent"}, "needed": []}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "tiny.toml").write_text(STOPS)
    return tmp_path / "tiny.toml"


def assert_stopped(study: Path, finished: Finished) -> None:
    """It has the numbers of four seeds that nobody disturbed, and the look that follows."""
    undisturbed = read_trials(finished.folder / "tiny" / "digits" / "trials.csv")
    pd.testing.assert_frame_equal(trials(study)[ACCURACIES], undisturbed[ACCURACIES])
    stop = json.loads((folder(study) / "manifest.json").read_text())["stop"]
    assert stop == {"looks": [4, 6], "made": [LOOK], "seeds_used": 4, "trials_saved": 4}
    assert check([str(folder(study))]) == 0


def test_it_stops_early_and_kill_9_changes_nothing(
    study: Path, finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start(study, "--workers", 1)
    read_until(process, "trial 3/12")
    process.kill()
    process.communicate()
    out, _ = run(study, "--workers", 1)
    assert "12 trials at most, 0 of them not needed, 3 done already" in out
    assert "trial 1/9: " in out
    assert "trial 5/5: " in out
    assert "look at 4 seeds: wide - narrow equivalent; nothing is trained on" in out
    assert "4 of 12 trials were not needed" in out
    assert_stopped(study, finished)
    said = capsys.readouterr().out
    assert "ok     looks: " in said
    assert "no fault" in said
    table = (folder(study) / "trials.csv").read_bytes()
    out, _ = run(study, "--workers", 1)
    assert "12 trials at most, 4 of them not needed, 8 done already" in out
    assert "trial 1/" not in out
    assert (folder(study) / "trials.csv").read_bytes() == table


@pytest.mark.long
def test_kill_9_after_the_look_changes_nothing(study: Path, finished: Finished) -> None:
    process = start(study, "--workers", 1)
    read_until(process, "trial 8/8")
    process.kill()
    process.communicate()
    run(study, "--workers", 1)
    assert_stopped(study, finished)


@pytest.mark.long
def test_a_worker_elsewhere_makes_the_look_where_the_launcher_is_gone(
    study: Path, finished: Finished, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("postgres").fresh_database()
    launcher = start(study, "--workers", 1, "--storage", where)
    read_until(launcher, "trial 2/12")
    os.killpg(launcher.pid, signal.SIGKILL)
    launcher.communicate()
    command = [sys.executable, "-m", "ablate.worker", "--storage", where, "--study", "tiny"]
    done = subprocess.run(
        [*command, "--workers", "2"], cwd=study.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "trial 6/6: " in done.stdout
    out, _ = run(study, "--workers", 1, "--storage", where)
    assert "4 of them not needed, 8 done already" in out
    assert_stopped(study, finished)
