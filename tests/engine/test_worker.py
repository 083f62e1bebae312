"""Many machines: a worker joins a study by its storage alone, and the table is as without it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.machines.worker import main
from ablate.engine.storage import sqlite_url
from support.commands import folder, read_until, run, start, trials
from support.commands import study as study


def join(where: str, here: Path, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ablate.worker", "--storage", where, "--study", "tiny", *args]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
    )


def test_a_worker_joins_and_the_numbers_are_as_without_it(
    study: Path, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue("postgres").fresh_database()
    launcher = start(study, "--workers", 1, "--storage", where)
    read_until(launcher, "trial 1/8")
    os.killpg(launcher.pid, signal.SIGSTOP)  # or it might be done before the other one begins
    worker = join(where, study.parent, "--workers", 1)
    read_until(worker, "seed")
    os.killpg(launcher.pid, signal.SIGCONT)
    said, err = worker.communicate(timeout=240)
    assert worker.returncode == 0, err
    out, err = launcher.communicate(timeout=240)
    assert launcher.returncode == 0, err
    secret = where.partition("://")[2].partition("@")[0].partition(":")[2]
    assert secret not in said + out + err
    for path in folder(study).iterdir():
        assert path.is_dir() or secret.encode() not in path.read_bytes()
    shared = pd.read_csv(folder(study) / "epochs.csv").drop(columns="seconds")
    run(study, "--workers", 1, "--out", study.parent / "alone")
    alone = pd.read_csv(study.parent / "alone" / "tiny" / "digits" / "epochs.csv")
    pd.testing.assert_frame_equal(shared, alone.drop(columns="seconds"))
    images = study.parent / "alone" / "tiny" / "digits" / "correct.csv"
    assert (folder(study) / "correct.csv").read_bytes() == images.read_bytes()
    assert set(trials(study)["state"]) == {"complete"}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("mysql://x:secret@y/z", "mysql://x@y/z: expected sqlite:///PATH, postgresql://"),
        ("grpc://nowhere", "expected grpc://HOST:PORT"),
        ("sqlite:///empty.db", "no such file; plan it first: ablate run --study"),
    ],
)
def test_bad_input_is_one_line_and_tells_no_password(
    where: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--storage", where, "--study", "tiny"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert says in err
    assert "secret" not in err


def test_a_study_that_no_launcher_has_planned_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ablate.engine.queue import Queue

    where = sqlite_url(tmp_path / "s.db")
    Queue(where, "tiny/digits").close()
    assert main(["--storage", where, "--study", "tiny"]) == 2
    assert "was not planned by `ablate run`" in capsys.readouterr().err
