"""`optuna-dashboard`, as the README says it: its server lists a study while nothing else runs."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from ablate.engine.queue import Queue
from ablate.training.outcome import Outcome
from support.planned import NAME, free_port, plan, wait_until

pytest.importorskip("optuna_dashboard", reason="needs optuna-dashboard: pip install it")


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[str]:
    """The address of a dashboard over a study of four trials, of which one is done."""
    url = plan(tmp_path, epochs=1, seeds=2)
    queue = Queue(url, NAME)
    assignment = queue.claim()
    assert assignment is not None
    queue.proceed(assignment, {"epoch": 1, "val_accuracy": 0.5})
    queue.finish(assignment, Outcome({"state": "complete", "val_accuracy": 0.75}, []))
    queue.close()
    port = free_port()
    command = [str(Path(sys.executable).with_name("optuna-dashboard")), url, "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/studies"))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    try:
        ask(address)
    except URLError:
        return False
    return True


def ask(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_the_dashboard_lists_the_study_and_its_trials(dashboard: str) -> None:
    (study,) = ask(f"{dashboard}/api/studies")["study_summaries"]
    assert study["study_name"] == NAME
    assert study["directions"] == ["maximize"]
    trials = ask(f"{dashboard}/api/studies/{study['study_id']}?after=0")["trials"]
    assert [trial["state"] for trial in trials] == ["Complete", "Waiting", "Waiting", "Waiting"]
    assert trials[0]["values"] == [0.75]
    assert trials[0]["intermediate_values"] == [{"step": 1, "value": 0.5}]
    attributes = {entry["key"]: entry["value"] for entry in trials[0]["user_attrs"]}
    assert attributes["cell"] == "narrow"
