"""What made a row: the device, the versions, and the commit where there is one."""

import json
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import ablate
from ablate.errors import InputError
from ablate.processes import cpu_count
from ablate.results.schema import COLUMNS
from ablate.training import machine
from ablate.training.machine import GPU_STATE, describe, gpu_state, pick_device
from support.commit import PACKAGE, commit_and_dirty, run_python


def test_the_columns_of_a_machine() -> None:
    found = describe("cpu")
    assert set(found) == {"device", "driver", "os", "versions", "commit", "dirty"}
    assert set(found) <= {column.name for column in COLUMNS}
    assert found["device"].startswith("cpu: ")
    assert len(found["device"]) > len("cpu: ")
    assert found["driver"] is None
    assert found["os"].startswith(platform.system())
    versions = json.loads(found["versions"])
    assert versions["python"] == platform.python_version()
    assert versions["ablate"] == ablate.__version__  # whatever the distribution is called
    for package in ("torch", "torchvision", "numpy", "optuna", "fvcore", "scikit-learn"):
        assert versions[package] == version(package)


# Devices


def test_the_cpu_is_always_there() -> None:
    assert pick_device("cpu") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda() -> None:
    assert pick_device("auto") == "cpu"
    for wanted in ("cuda", "cuda:1", "gpu"):
        with pytest.raises(
            InputError, match=f"--device {wanted}: .*expected auto or cpu"
        ) as caught:
            pick_device(wanted)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_with_cuda() -> None:
    assert pick_device("auto") == pick_device("cuda") == "cuda"
    found = describe("cuda")
    assert found["device"] == f"cuda: {torch.cuda.get_device_name()}"
    assert found["driver"].endswith(f", CUDA {torch.version.cuda}")


def test_a_cpu_has_no_gpu_state() -> None:
    assert gpu_state("cpu") is None


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program of that name would be found, and GPU 1 of this machine has UUID 12ab."""
    properties = {"cuda:1": SimpleNamespace(uuid="12ab")}
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties.__getitem__)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "nvidia-smi"


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for nvidia-smi is a shell script")
@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("1980, 2619, 118.54, 700.00, 34, P0", [1980.0, 2619.0, 118.54, 700.0, 34.0, "P0"]),
        ("300, 405, [N/A], [N/A], 41, P8", [300.0, 405.0, "[N/A]", "[N/A]", 41.0, "P8"]),
    ],
)
def test_the_state_is_that_of_the_gpu_asked_for(
    nvidia_smi: Path, line: str, values: list[Any]
) -> None:
    query = f'"--id=GPU-12ab --query-gpu={",".join(GPU_STATE)} --format=csv,noheader,nounits"'
    nvidia_smi.write_text(f'#!/bin/sh\n[ "$*" = {query} ] && echo "{line}"\n')
    nvidia_smi.chmod(0o755)
    found = json.loads(gpu_state("cuda:1") or "")
    assert found == dict(zip(GPU_STATE, values, strict=True))


@pytest.mark.usefixtures("nvidia_smi")
def test_without_nvidia_smi_the_state_is_unknown() -> None:
    assert json.loads(gpu_state("cuda:1") or "") == dict.fromkeys(GPU_STATE, "unknown")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="nvidia-smi is not installed")
def test_a_gpu_has_a_state() -> None:
    found = json.loads(gpu_state("cuda") or "")
    assert tuple(found) == GPU_STATE
    assert found["clocks.sm"] > 0
    assert found["pstate"].startswith("P")


def test_cpus_are_those_this_process_may_use() -> None:
    assert 1 <= cpu_count() <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
def test_a_process_held_to_one_cpu_counts_one() -> None:
    one = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{one}}}); "
        "from ablate.processes import cpu_count; print(cpu_count())"
    )
    assert run_python(code, PACKAGE.parent, os.environ["PATH"]) == 1


# Commits, each in a process of its own, as `describe` remembers what it found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with a copy of the package, outside any checkout."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "ablate", ignore=ignore)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@needs_git
def test_a_checkout_has_a_commit_and_knows_its_changes(copy: Path) -> None:
    (copy / ".gitignore").write_text("__pycache__/\n")
    git(copy, "init", "--quiet")
    git(copy, "add", ".")
    git(copy, "commit", "--quiet", "--message", "All")
    commit = git(copy, "rev-parse", "HEAD")
    assert commit_and_dirty(copy) == (commit, False)
    (copy / "results.csv").write_text("not code\n")
    assert commit_and_dirty(copy) == (commit, False)
    with (copy / "ablate" / "spec" / "network.py").open("a") as source:
        source.write("# changed\n")
    assert commit_and_dirty(copy) == (commit, True)


def test_outside_a_checkout_there_is_no_commit(copy: Path) -> None:
    assert commit_and_dirty(copy) == (None, None)


@needs_git
def test_a_checkout_of_something_else_is_not_ours(copy: Path) -> None:
    git(copy, "init", "--quiet")
    (copy / "other.txt").write_text("other\n")
    git(copy, "add", "other.txt")
    git(copy, "commit", "--quiet", "--message", "Other")
    assert commit_and_dirty(copy) == (None, None)


@needs_git
def test_without_git_there_is_no_commit(copy: Path) -> None:
    git(copy, "init", "--quiet")
    git(copy, "add", ".")
    git(copy, "commit", "--quiet", "--message", "All")
    assert commit_and_dirty(copy)[0] is not None
    assert commit_and_dirty(copy, path=str(copy / "empty")) == (None, None)


def test_a_git_that_cannot_be_run_is_none(copy: Path) -> None:
    folder = copy / "bin"
    folder.mkdir()
    (folder / "git").write_text("")  # not executable
    assert commit_and_dirty(copy, path=str(folder)) == (None, None)
    assert commit_and_dirty(copy, path=str(folder / "git")) == (None, None)


@pytest.mark.parametrize("wanted", ["cuda:9", "banana", "mps"])
def test_no_such_device_beside_cuda(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert machine.pick_device("cuda:1") == "cuda:1"
    with pytest.raises(InputError, match=f"--device {wanted}"):
        machine.pick_device(wanted)
