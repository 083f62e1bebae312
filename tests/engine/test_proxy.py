"""The proxy, with real processes: every trial is claimed once; nothing is served by accident."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ablate.cli.machines.proxy import main
from ablate.engine.queue import Queue
from ablate.engine.storage import sqlite_url
from ablate.study.find import find_study
from ablate.study.plan import Study, load_study
from support.planned import free_port, proxy

pytest.importorskip("grpc", reason="needs gRPC: pip install 'ablate-resnet[grpc]'")

# Optuna says of its proxy that it is experimental.
pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

WORK = """
import sys
from ablate.engine.queue import Queue
from ablate.training.outcome import Outcome
queue = Queue(sys.argv[1], "s")
print("ready", flush=True)
sys.stdin.readline()
for claim in iter(queue.claim, None):
    print(claim.spec.key, flush=True)
    row = {"state": "complete", "val_accuracy": 0.5, "finished": sys.argv[2]}
    assert queue.proceed(claim, {"epoch": 1, "val_accuracy": 0.4})
    assert queue.renew([claim]) == []
    assert queue.finish(claim, Outcome(row, []))
queue.close()
"""


def study(seeds: int) -> Study:
    return load_study(find_study("width_doubling"), seeds=seeds)


def start(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_each_trial_is_claimed_once_and_its_outcome_kept(tmp_path: Path) -> None:
    """Four processes empty a queue of 60 trials through the proxy."""
    url, plan = sqlite_url(tmp_path / "s.db"), study(20).plan()
    Queue(url, "s").submit(plan)
    with proxy(url) as (shared, _):
        workers = [start("-c", WORK, shared, number) for number in range(4)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        ends = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, ends
    claimed = Counter("".join(out for out, _ in ends).split())
    assert claimed == dict.fromkeys((planned.spec.key for planned in plan), 1)
    queue = Queue(url, "s")
    assert queue.unfinished() == 0
    assert set(queue.outcomes()) == set(claimed)
    assert queue.counts() == {"complete": len(plan)}


def test_a_plan_can_be_submitted_and_recovered_through_it(tmp_path: Path) -> None:
    plan = study(2).plan()
    with proxy(sqlite_url(tmp_path / "s.db")) as (shared, _):
        queue = Queue(shared, "s")
        queue.remember("job", {"a": 1})
        assert queue.submit(plan) == len(plan)
        lost = start("-c", WORK.replace("assert queue.proceed", "import os; os._exit(9)\n    #"),
                     shared, 0)  # fmt: skip
        lost.communicate("go\n", timeout=60)
        assert lost.returncode == 9
        assert queue.counts() == {"running": 1, "waiting": len(plan) - 1}
        assert queue.recover() == 1
        assert queue.counts() == {"fail": 1, "waiting": len(plan)}
        queue.close()
    assert Queue(sqlite_url(tmp_path / "s.db"), "s").recall("job") == {"a": 1}


def test_it_ends_on_a_signal_and_can_be_started_again(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "s.db")
    with proxy(url) as (shared, process):
        Queue(shared, "s").remember("job", {"a": 1})
        os.kill(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert "Traceback" not in err
    with proxy(url) as (shared, _):
        assert Queue(shared, "s").recall("job") == {"a": 1}


def test_a_port_that_is_taken_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """gRPC itself would listen beside another proxy, and each worker would reach either."""
    url = sqlite_url(tmp_path / "s.db")
    with proxy(url) as (shared, _):
        Queue(shared, "s").close()  # it listens now
        port = shared.rpartition(":")[2]
        assert main(["--storage", url, "--port", port]) == 2
    assert f"--host 127.0.0.1 --port {port}: cannot be listened on" in capsys.readouterr().err


def test_a_storage_that_cannot_be_opened_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.db").write_text("somebody's notes\n" * 99)
    url = sqlite_url(tmp_path / "s.db")
    assert main(["--storage", url, "--port", str(free_port())]) == 2
    err = capsys.readouterr().err
    assert "not a study storage" in err
    assert err.count("\n") == 1


def test_an_open_address_is_warned_of_and_no_password_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "postgresql://me:hunter2@127.0.0.1:9/none"
    assert main(["--storage", url, "--host", "0.0.0.0", "--port", str(free_port())]) == 2
    out, err = capsys.readouterr()
    assert "--host 0.0.0.0: there is no password" in err
    assert "hunter2" not in out + err


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--storage", "sqlite:///none.db", "--port", port])
    assert caught.value.code == 2
    assert "expected a port, 1 to 65535" in capsys.readouterr().err
