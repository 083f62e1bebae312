"""A small study on digits, planned in a storage and yet to be trained by workers."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.engine.trial_process import Training
from ablate.study.plan import load_study
from ablate.training.execution import Execution

NAME = "tiny/digits"
STUDY = """
question = "Does it run?"
baseline = "narrow"
[net]
depths = [1, 1]
strides = [1, 2]
[train]
batch_size = 64
[axes.width]
narrow = { widths = [2, 4] }
wide = { widths = [4, 8] }
"""


def plan(folder: Path, epochs: int, seeds: int, weights: Path | None = None) -> str:
    """Plan two cells with some seeds in a SQLite file in a folder, and return its URL."""
    (folder / "tiny.toml").write_text(STUDY)
    study = load_study(folder / "tiny.toml", seeds=seeds, epochs=epochs)
    training = Training(
        data=study.data,
        data_root=Path("nowhere"),
        execution=Execution(),
        mechanism=False,
        checkpoints=Path("nowhere"),
        weights=weights,
    )
    url = sqlite_url(folder / "study.db")
    queue = Queue(url, NAME)
    queue.submit(study.plan())
    queue.remember("job", training.to_job() | {"time_limit_s": 600.0})
    queue.close()
    return url


def states(url: str) -> list[str]:
    """The states of the rows of all trials that have ended."""
    queue = Queue(url, NAME)
    rows = [outcome["row"] for outcome in queue.outcomes().values()]
    queue.close()
    return sorted(row["state"] for row in rows)


def attempts(url: str) -> dict[str, int]:
    """How many attempts are in each of Optuna's states."""
    queue = Queue(url, NAME)
    counts = dict(queue.counts())
    queue.close()
    return counts


def holders(url: str) -> set[int]:
    """The processes that hold a trial now."""
    import optuna

    study = optuna.load_study(study_name=NAME, storage=url)
    leases = [t.user_attrs.get("lease") for t in study.trials if t.state.name == "RUNNING"]
    return {json.loads(lease)["owner"]["pid"] for lease in leases if lease}


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that must happen."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.1)


# Workers of the tests that run side by side take ports in turn, so that no two take the same.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        if port // 2 % WORKERS == WORKER:  # Linux prefers odd ones
            return port


@contextlib.contextmanager
def proxy(storage: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A proxy in front of a storage: the URL for workers, and the process."""
    port = free_port()
    command = [sys.executable, "-m", "ablate.proxy", "--storage", storage, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert f"grpc://127.0.0.1:{port}" in process.stdout.readline()
        yield f"grpc://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate()
