"""A PostgreSQL server of the tests' own: Debian's package, a new cluster, loopback alone."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.planned import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
AS_POSTGRES = ["--reuid=postgres", "--regid=postgres", "--init-groups"]
WAIT_S = 60


class Server:
    """A PostgreSQL server, which syncs what it commits as one in use does.

    It ends with this process, however that ends.

    Args:
        folder: empty, and the server's own: its files, its socket, its log.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._password = secrets.token_urlsafe(16)
        self._databases = 0
        secret = folder / "password"
        secret.write_text(self._password)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            for path in (folder, secret):
                shutil.chown(path, "postgres", "postgres")
        data = str(folder / "data")
        self._run("initdb", "-D", data, "-U", "tests", "--auth=scram-sha-256", f"--pwfile={secret}")
        secret.unlink()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        place = ["-D", str(self._folder / "data"), "-k", str(self._folder)]
        options = ["-c", "listen_addresses=127.0.0.1", "-p", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _command("postgres", *place, *options, ends_with_parent=True),
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # an interrupt is for the tests, which then stop it
            )
        self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self._port), attempts=WAIT_S * 10)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends sessions, `immediate` is a crash, which the next start recovers."""
        self._process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self._process.wait(WAIT_S)

    def restart(self, mode: str = "fast") -> None:
        """Stop it and start it again on the same port, with what it had committed."""
        self.stop(mode)
        self.start()

    @property
    def url(self) -> str:
        """The URL of its first database, password included."""
        return self._url("postgres")

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        self._databases += 1
        name = f"study{self._databases}"
        plain = self.url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        login = f"tests:{self._password}"
        return f"postgresql+psycopg://{login}@127.0.0.1:{self._port}/{database}"

    def _run(self, program: str, *arguments: str, attempts: int = 1) -> None:
        """Run one of its programs, until it succeeds."""
        for _ in range(attempts):
            done = subprocess.run(
                _command(program, *arguments), capture_output=True, text=True, cwd="/", check=False
            )
            if done.returncode == 0:
                return
            time.sleep(0.1)
        log = self._folder / "log"
        raise AssertionError(done.stdout + done.stderr + (log.read_text() if log.exists() else ""))


def _command(program: str, *arguments: str, ends_with_parent: bool = False) -> list[str]:
    """A command of PostgreSQL's, run as its own user where this one is root."""
    options = AS_POSTGRES if os.geteuid() == 0 else []
    if ends_with_parent:
        options = [*options, "--pdeathsig=QUIT"]
    return ["setpriv", *options, str(PROGRAMS[-1] / program), *arguments]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running server; skips with the reason where there is none to be had."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install -e '.[dev]'")
    if not PROGRAMS:
        pytest.skip("no PostgreSQL in /usr/lib/postgresql (Debian's package postgresql)")
    with serving() as server:
        yield server


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A running server, while the block lasts."""
    # Not in pytest's folder, into which the user postgres may not look.
    with tempfile.TemporaryDirectory(prefix="ablate-pg-") as folder:
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.stop("immediate")
