"""Slurm: what submitit hands to it, and a worker that is told that its time is up."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.cli.machines.slurm import main
from support.planned import NAME, attempts, holders, plan, proxy, states, wait_until

pytest.importorskip("submitit", reason="needs submitit: pip install 'ablate-resnet[slurm]'")

SBATCH = """#!/bin/sh
cp "$1" "{folder}/script"
echo "Submitted batch job 1234"
"""


def jobs(out: str) -> list[str]:
    found = re.search(r"jobs (.+)", out)
    assert found is not None, out
    return found[1].split(", ")


def printed(folder: Path) -> str:
    """What the jobs printed."""
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.out")))


def submit(url: str, folder: Path, *args: str) -> tuple[int, str, str]:
    """Status and output of the command, in a process that ends before the jobs do."""
    where = ["--folder", str(folder / "slurm"), "--checkpoints", str(folder / "checkpoints")]
    command = [sys.executable, "-m", "ablate.slurm", "--storage", url, "--study", "tiny"]
    # Files: local jobs would hold pipes open for as long as they run.
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        done = subprocess.run([*command, *where, *args], stdout=out, stderr=err, check=False)
    return done.returncode, (folder / "out").read_text(), (folder / "err").read_text()


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The script that submitit submits, by way of an `sbatch` that keeps it and starts nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH.format(folder=tmp_path)), ("srun", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return tmp_path / "script"


@pytest.mark.long
def test_the_workers_of_an_array_run_a_study_to_its_end(
    tmp_path: Path,
) -> None:
    url = plan(tmp_path, epochs=1, seeds=2)
    status, out, err = submit(url, tmp_path, "--cluster", "local", "--jobs", "2", "--workers", "1")
    assert status == 0, err
    assert out.startswith("2 workers of tiny/digits: jobs ")
    assert len(jobs(out)) == 2
    wait_until(lambda: printed(tmp_path / "slurm").count("Exiting after successful") == 2)
    assert states(url) == ["complete"] * 4
    assert attempts(url) == {"complete": 4}
    assert "narrow, seed 1: complete" in printed(tmp_path / "slurm")


@pytest.mark.long
def test_a_worker_whose_time_is_up_goes_on_when_its_job_is_started_again(
    tmp_path: Path,
) -> None:
    url = plan(tmp_path, epochs=200, seeds=1)
    submit(url, tmp_path, "--cluster", "local", "--jobs", "1", "--workers", "2")
    wait_until(lambda: len(list((tmp_path / "checkpoints").glob("*.pt"))) == 2)
    (first,) = holders(url)
    os.kill(first, signal.SIGUSR2)  # as Slurm and submitit do some time before the limit
    wait_until(lambda: "Requeued job" in printed(tmp_path / "slurm"))
    wait_until(lambda: holders(url) - {first})
    wait_until(lambda: "Exiting after successful" in printed(tmp_path / "slurm"))
    assert states(url) == ["complete"] * 2
    assert attempts(url) == {"complete": 2, "fail": 2}


@pytest.mark.long
def test_a_worker_that_is_cancelled_is_not_started_again(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=5000, seeds=1)
    submit(url, tmp_path, "--cluster", "local", "--jobs", "1", "--workers", "2")
    wait_until(lambda: len(list((tmp_path / "checkpoints").glob("*.pt"))) == 2)
    (worker,) = holders(url)
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: "Exiting after successful" in printed(tmp_path / "slurm"))
    time.sleep(1)
    assert attempts(url) == {"fail": 2, "waiting": 2}
    assert "Requeued" not in printed(tmp_path / "slurm")


def test_slurm_is_asked_for_what_was_wanted(tmp_path: Path, slurm: Path) -> None:
    args = ["--jobs", "3", "--minutes", "90", "--cpus", "4", "--gpus", "1", "--memory", "8",
            "--partition", "short", "--sbatch", "account=mine", "--sbatch", "nice=10"]  # fmt: skip
    with proxy(plan(tmp_path, epochs=1, seeds=1)) as (url, _):
        status, out, err = submit(url, tmp_path, *args)
    assert status == 0, err
    assert jobs(out) == ["1234_0", "1234_1", "1234_2"]
    script = slurm.read_text()
    for option in (
        "array=0-2%3", "time=90", "cpus-per-task=4", "gpus-per-node=1", "mem=8GB", "nodes=1",
        "partition=short", "account=mine", "nice=10", "signal=USR2@90", "job-name=ablate",
        "open-mode=append",
    ):  # fmt: skip
        assert f"#SBATCH --{option}\n" in script
    command = script.splitlines()[-1]
    assert command.startswith("srun ")
    assert "--cpus-per-task=4" in command
    assert "-m submitit.core._submit" in command
    assert stat.S_IMODE((tmp_path / "slurm").stat().st_mode) == 0o700  # the URL lies there
    assert len(list((tmp_path / "slurm").glob("1234_*_submitted.pkl"))) == 3


def test_a_file_is_refused_as_the_storage_of_several_machines(tmp_path: Path) -> None:
    status, _, err = submit(plan(tmp_path, epochs=1, seeds=1), tmp_path, "--jobs", "2")
    assert status == 2
    assert "the jobs' machines cannot share a SQLite file; expected" in err


def test_slurm_that_is_not_here_or_refuses_is_one_line(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = "#!/bin/sh\necho no such partition >&2\nexit 1\n"
    (slurm.parent / "programs" / "sbatch").write_text(refusing)
    with proxy(plan(tmp_path, epochs=1, seeds=1)) as (url, _):
        refused = submit(url, tmp_path, "--jobs", "2", "--partition", "nowhere")
        monkeypatch.setenv("PATH", str(tmp_path))
        absent = submit(url, tmp_path, "--jobs", "2")
    assert "no such partition" in refused[2]
    for status, out, err in (refused, absent):
        assert (status, out) == (2, "")
        line = err.splitlines()[-1]
        assert line.startswith("ablate: --cluster slurm: nothing was submitted (")
        assert "Traceback" not in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--jobs", "0"], "'0': expected a whole number of 1 or more"),
        (["--jobs", "1", "--sbatch", "account"], "expected NAME=VALUE, such as account=mine"),
    ],
)
def test_bad_flags_are_status_2(
    args: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--storage", "sqlite:///none.db", "--study", "tiny", *args])
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_a_study_that_was_not_planned_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = plan(tmp_path, epochs=1, seeds=1)
    args = ["--storage", url, "--study", "other", "--cluster", "local", "--jobs", "1"]
    assert main(args) == 2
    assert f"expected one of {NAME}" in capsys.readouterr().err
