"""The PostgreSQL server that other tests use is a real one: it keeps, guards and comes back."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import psycopg
import pytest
from optuna.storages import RDBStorage

from support import ROOT
from support.postgres import Server


def plain(url: str) -> str:
    """A URL as PostgreSQL's own programs take it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_optunas_storage_opens_it_and_a_crash_loses_nothing(postgres: Server) -> None:
    url = postgres.fresh_database()
    storage = RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    study = optuna.create_study(storage=storage, study_name="s")
    study.enqueue_trial({}, user_attrs={"key": "k"})
    postgres.restart("immediate")
    assert [trial.user_attrs for trial in study.trials] == [{"key": "k"}]
    storage.engine.dispose()


KILLED = """
import sys, tempfile
from pathlib import Path
from support.postgres import Server
print(Server(Path(sys.argv[1])).url, flush=True)
sys.stdin.read()
"""


def test_it_ends_with_the_tests_even_where_these_are_killed(postgres: Server) -> None:
    """Takes the fixture only to skip where there is no PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="ablate-pg-") as folder:
        owner = subprocess.Popen(
            [sys.executable, "-c", KILLED, folder],
            cwd=ROOT / "tests",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert owner.stdin is not None
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        psycopg.connect(plain(url)).close()
        owner.kill()
        owner.wait()
        give_up = time.monotonic() + 60
        while (Path(folder) / "data" / "postmaster.pid").exists():
            assert time.monotonic() < give_up, "the server lives on"
            time.sleep(0.05)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain(url))
        owner.stdin.close()
        owner.stdout.close()


def test_each_database_is_empty(postgres: Server) -> None:
    first, second = (RDBStorage(postgres.fresh_database()) for _ in range(2))
    optuna.create_study(storage=first, study_name="s")
    assert optuna.get_all_study_names(second) == []
    for storage in (first, second):
        storage.engine.dispose()


def test_it_syncs_what_it_commits_and_listens_to_this_machine_alone(postgres: Server) -> None:
    with psycopg.connect(plain(postgres.url)) as connection:
        for name, value in (
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("listen_addresses", "127.0.0.1"),
        ):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)


def test_another_password_is_refused(postgres: Server) -> None:
    url = plain(postgres.url)
    login = url.partition("@")[0]
    wrong = url.replace(login, f"{login}x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
