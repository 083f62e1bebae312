"""Ray: its tasks train a study to the end, and no trial is lost with one of them."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from support.planned import NAME, attempts, holders, plan, states, wait_until

pytest.importorskip("ray", reason="needs Ray: pip install 'ablate-resnet[ray]'")

# In a process of its own: Ray leaves threads, sockets and warnings behind.
DRIVE = """
import sys
from pathlib import Path
import ray
from ablate.cli.reporting import reporting
from ablate.engine.cluster.ray_workers import RayShare, run_on_ray
from ablate.engine.worker import Worker
from ablate.engine.queue import Queue

url, name, folder, gpus = sys.argv[1:]
worker = Worker(
    storage=url, study=name, data_root=Path("data"),
    checkpoints=Path(folder) / "checkpoints", tensorboard=Path(folder) / "tensorboard",
)
share = RayShare(cpus=1, gpus=float(gpus))

def main():
    # CONNECT
    queue = Queue(url, name)
    for done in run_on_ray(worker, share, 2, queue):
        print(done, done.running, done.failed, flush=True)
    queue.close()
    return 0

if __name__ == "__main__":
    sys.exit(reporting(main))
"""


@pytest.fixture(autouse=True)
def temporary(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Ray's own files in a folder of this test; `tmp_path` is too long for its sockets.

    One test at a time, whichever worker of the tests runs it: Ray looks for others on the machine.
    """
    lock = FileLock(tmp_path_factory.getbasetemp().parent / "ray.lock")
    place = tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True)
    with lock, place as folder:
        monkeypatch.setenv("RAY_TMPDIR", folder)
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        yield


TWO_CPUS = "ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)"


def start(
    url: str, folder: Path, gpus: float = 0, connect: str = TWO_CPUS
) -> subprocess.Popen[str]:
    code = DRIVE.replace("# CONNECT", connect.strip().replace("\n", "\n    "))
    command = [sys.executable, "-c", code, url, NAME, str(folder), str(gpus)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip


def test_tasks_train_a_study_to_its_end(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=2, seeds=2)
    driver = start("sqlite:///study.db", tmp_path, connect="")  # the engine's to do
    out, err = driver.communicate(timeout=200)
    assert states(url) == ["complete"] * 4, out + err
    assert attempts(url) == {"complete": 4}
    lines = out.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == [
        "narrow, seed 0", "narrow, seed 1", "wide, seed 0", "wide, seed 1",
    ]  # fmt: skip
    assert {line.split()[-2] for line in lines} <= {"0", "1"}
    assert {line.split()[-1] for line in lines} == {"0"}
    assert not list((tmp_path / "checkpoints").glob("*"))
    assert len(list((tmp_path / "tensorboard" / "tiny" / "digits").iterdir())) == 4


@pytest.mark.long
def test_a_worker_that_is_killed_loses_no_trial(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=60, seeds=1)
    driver = start(url, tmp_path)
    wait_until(lambda: list((tmp_path / "checkpoints").glob("*.pt")))
    killed = min(holders(url))
    os.kill(killed, signal.SIGKILL)
    out, err = driver.communicate(timeout=200)
    assert driver.returncode == 0, out + err
    assert states(url) == ["complete"] * 2, out + err
    assert attempts(url) == {"complete": 2, "fail": 1}


@pytest.mark.long
def test_a_signal_has_the_trials_queued_again_with_their_checkpoints(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=5000, seeds=1)
    driver = start(url, tmp_path)
    wait_until(lambda: len(list((tmp_path / "checkpoints").glob("*.pt"))) == 2)
    driver.send_signal(signal.SIGTERM)
    out, err = driver.communicate(timeout=60)
    assert driver.returncode == 130, out + err
    assert "Traceback" not in err
    assert attempts(url) == {"fail": 2, "waiting": 2}
    assert len(list((tmp_path / "checkpoints").glob("*.pt"))) == 2


@pytest.mark.long
def test_a_task_that_never_fits_is_refused_in_a_line(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=1, seeds=1)
    driver = start(url, tmp_path, gpus=0.5)
    _, err = driver.communicate(timeout=100)
    assert driver.returncode == 2
    assert "ablate: --engine ray: a worker takes 1 CPUs and 0.5 GPUs; Ray has 2 and 0" in err
    assert attempts(url) == {"waiting": 2}


TWO_MACHINES = """
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False)
"""


@pytest.mark.long
def test_a_file_is_refused_as_the_storage_of_several_machines(tmp_path: Path) -> None:
    url = plan(tmp_path, epochs=1, seeds=1)
    driver = start(url, tmp_path, connect=TWO_MACHINES)
    out, err = driver.communicate(timeout=200)
    assert driver.returncode == 2, out + err
    assert "Ray has 2 machines, which cannot share a SQLite file" in err
    assert "Traceback" not in err
    assert attempts(url) == {"waiting": 2}


def test_a_cluster_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    driver = start(plan(tmp_path, epochs=1, seeds=1), tmp_path, connect="")
    _, err = driver.communicate(timeout=100)
    assert driver.returncode == 2, err
    assert "ablate: RAY_ADDRESS=auto: expected HOST:PORT of a Ray cluster, or auto" in err
    assert "Traceback" not in err
