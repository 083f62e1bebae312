"""Where trials are kept: a SQLite file, a PostgreSQL server, or Optuna's proxy in front of one.

All are Optuna's own storages, so that `optuna-dashboard` and any other program can read them.
"""

import contextlib
import functools
import random
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import optuna
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage, get_storage
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from ablate.errors import InputError

BUSY_TIMEOUT_S = 60
IDLE_S = 60.0  # that a process may hold what others wait for, in PostgreSQL, and do nothing
PATIENCE_S = 120.0  # for a server that does not answer: as long as one takes to restart
KINDS = "sqlite:///PATH, postgresql://USER@HOST/DATABASE or grpc://HOST:PORT"
DISK_FAULTS = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }
)
P = ParamSpec("P")
R = TypeVar("R")


class StorageError(InputError):
    """The storage can no longer be read or written; nothing that was acknowledged is lost."""


def open_storage(where: str) -> BaseStorage:
    """The storage at a URL; the tables are made where there are none.

    Args:
        where: `sqlite:///PATH`, `postgresql://...` or `grpc://HOST:PORT` (see `serve`). A password
            that is not in the URL is taken from the environment (`PGPASSWORD`, `PGPASSFILE`).

    Raises:
        InputError: not such a URL, or what is there cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kind = where.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        return get_storage(_sqlite(where))
    if kind in ("postgresql", "postgres"):
        return get_storage(_postgresql(where))
    if kind == "grpc":
        return _proxy(where)
    raise InputError(f"--storage {shown(where)}: expected {KINDS}")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file; what a URL reads otherwise, such as ?, is written %3F."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def sqlite_path(where: str) -> Path:
    """The file at the URL of a SQLite storage.

    Raises:
        InputError: it names no file.
    """
    try:
        name = make_url(where).database
    except (ArgumentError, ValueError):
        name = None
    if not name:
        raise InputError(f"--storage {where}: expected sqlite:///PATH, with three slashes or more")
    return Path(name)


def absolute(where: str) -> str:
    """The same URL for a process that may start in another folder."""
    if is_shared(where):
        return where
    return sqlite_url(sqlite_path(where).absolute())


def shown(where: str) -> str:
    """A storage's URL without the password and the options that may hold one.

    Where it cannot be told what the password is, there is no login either.
    """
    address, found, rest = where.partition("://")
    if not found:
        return where.rpartition("@")[2]
    try:
        url = make_url(where)
        parts = (url.username, None, url.host, url.port, url.database)
        plain = URL.create(url.drivername, *parts).render_as_string()
    except (ArgumentError, ValueError):  # such as a port that is no number
        url, plain = None, ""
    if url is None or "@" in (url.host or ""):  # one @ too many: the host begins with a password
        if "@" not in rest:
            return f"{address}://{rest.partition('?')[0]}"
        return f"{address}://{rest.rpartition('@')[2].partition('?')[0]}"
    return plain


def serve(where: str, host: str, port: int) -> None:
    """Stand in front of a storage for many workers, which use `grpc://HOST:PORT`; never returns."""
    try:
        from optuna.storages import run_grpc_proxy_server

        storage = open_storage(where)
        with _experimental():
            run_grpc_proxy_server(storage, host=host, port=port)
    except ImportError as error:
        raise InputError(
            "the proxy needs gRPC, which is not installed: pip install 'ablate-resnet[grpc]'"
        ) from error


def is_shared(where: str) -> bool:
    """Whether other machines can reach the storage."""
    return not where.startswith("sqlite:")


def find_study_name(where: str, wanted: str) -> str:
    """The name in a storage of the study that `wanted` names: `STUDY/DATASET`, or `STUDY` alone.

    It makes no storage where there is none.

    Raises:
        InputError: there is no storage, or it has no such study, or several.
    """
    plan = f"plan it first: ablate run --study {wanted.partition('/')[0]} --storage {shown(where)}"
    if not is_shared(where) and not sqlite_path(where).is_file():
        raise InputError(f"--storage {shown(where)}: no such file; {plan}")
    storage = open_storage(where)
    names = [study.study_name for study in storage.get_all_studies()]
    close(storage)
    found = [name for name in names if name == wanted] or [
        name for name in names if name.partition("/")[0] == wanted
    ]
    if len(found) == 1:
        return found[0]
    if not names:
        raise InputError(f"--study {wanted}: {shown(where)} has no study yet; {plan}")
    raise InputError(
        f"--study {wanted}: {shown(where)} has {len(found) or 'no'} such study; expected one of "
        f"{', '.join(sorted(found or names))}, or {plan}"
    )


def close(storage: BaseStorage) -> None:
    """Let go of the file, or of the server."""
    backend = getattr(storage, "_backend", storage)
    if isinstance(backend, RDBStorage):
        backend.engine.dispose()
    elif isinstance(backend, GrpcStorageProxy):
        backend.close()


def patient(method: Callable[P, R]) -> Callable[P, R]:
    """A method that goes on when its storage comes back, or ends in one line.

    The object has `where`, the storage's URL. A server may take `PATIENCE_S` to come back; a file
    that cannot be written (a full disk, no permission) is given up at once. The method may be run
    again from its start, so it must not matter if a part of it was done already.

    Raises:
        StorageError: the storage cannot be used.
    """

    @functools.wraps(method)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> R:
        where: str = args[0].where  # type: ignore[attr-defined]
        give_up, told = time.monotonic() + PATIENCE_S, False
        while True:
            try:
                return method(*args, **kwargs)
            except Exception as error:
                reason = _storage_fault(error)
                if reason is None:
                    raise
                if not is_shared(where) or time.monotonic() > give_up:
                    raise StorageError(
                        f"{shown(where)}: cannot be read or written any more ({reason}); set it "
                        "right and give the same command again: it goes on from here"
                    ) from error
                if not told:
                    print(f"ablate: {shown(where)}: {reason}; waiting for it", file=sys.stderr)
                    told = True
                time.sleep(0.5)

    return waiting


def _storage_fault(error: BaseException) -> str | None:
    """What a storage says is wrong with it, in a line; None for an error of another kind."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DBAPIError):
            return " ".join(str(cause.orig).split())[:200]
        if type(cause).__module__.startswith("grpc"):
            details = getattr(cause, "details", lambda: None)()
            return f"its proxy does not answer: {details}"[:200]
        cause = cause.__cause__ or cause.__context__  # SQLAlchemy hides the first one there
    return None


def _made(url: str, options: dict[str, Any]) -> RDBStorage:
    """The storage, with its tables; where several processes make them at once, all but one fail."""
    for number in range(10):
        try:
            return RDBStorage(url, engine_kwargs=dict(options))
        except (IntegrityError, ProgrammingError, OperationalError):
            if number == 9:
                raise
            time.sleep(random.uniform(0.05, 0.3))
    raise AssertionError


def _sqlite(where: str) -> RDBStorage:
    """A SQLite file in which two workers cannot claim one trial.

    Every transaction begins by taking the write lock (`BEGIN IMMEDIATE`), so that a worker's
    "is it still waiting? then it is mine" cannot interleave with another's.
    """
    path = sqlite_path(where)
    connect = {"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        storage = _made(where, {"connect_args": connect})
        with storage.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except DBAPIError as error:
        raise InputError(f"{path}: {_refusal(error)}") from error
    except OSError as error:
        reason = f"cannot be made ({error.strerror}); give another --out"
        raise InputError(f"{path}: {reason}") from error

    @event.listens_for(storage.engine, "begin")
    def begin_immediate(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return storage


def _refusal(error: DBAPIError) -> str:
    """Why a SQLite file cannot be opened, and what would help."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the rest is detail
    if code in DISK_FAULTS:
        return f"{error.orig}; see to its disk or permissions, and give the same command again"
    return f"not a study storage, or damaged ({error.orig}); move it away to start afresh"


def _postgresql(where: str) -> RDBStorage:
    """A PostgreSQL database; a connection that has died is replaced before it is used.

    One that does nothing within a transaction is ended after `IDLE_S`: else a process that was
    stopped in the middle of one (SIGSTOP, a suspended machine) would keep all others waiting.
    """
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:
        raise InputError(f"--storage {shown(where)}: not a URL; expected {KINDS}") from error
    if "@" in (url.host or ""):
        raise InputError(
            f"--storage {shown(where)}: has an @ too many; in a password write %40 for @, %3A for "
            ":, %2F for / and %3F for ?"
        )
    try:
        with_driver = url.set(drivername="postgresql+psycopg")
        text = with_driver.render_as_string(hide_password=False)
        storage = _made(text, {"pool_pre_ping": True})
    except ImportError as error:
        raise InputError(
            f"--storage {shown(where)}: needs psycopg, which is not installed: "
            "pip install 'ablate-resnet[postgresql]'"
        ) from error
    except SQLAlchemyError as error:
        reason = _storage_fault(error) or type(error).__name__
        raise InputError(f"--storage {shown(where)}: {reason}") from error

    @event.listens_for(storage.engine, "connect")
    def limit_idleness(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {int(1000 * IDLE_S)}")
        connection.commit()

    storage.engine.dispose()  # of the connections that were made before
    return storage


@contextlib.contextmanager
def _experimental() -> Iterator[None]:
    """Optuna says of its proxy that it may change; the versions that we allow are tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _proxy(where: str) -> BaseStorage:
    parts = urlsplit(where)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise InputError(f"--storage {shown(where)}: expected grpc://HOST:PORT")
    options: dict[str, Any] = {"host": host, "port": port}
    try:
        with _experimental():
            storage = GrpcStorageProxy(**options)
        storage.wait_server_ready(timeout=30)
    except ImportError as error:
        raise InputError(
            f"--storage {shown(where)}: needs gRPC, which is not installed: pip install "
            "'ablate-resnet[grpc]'"
        ) from error
    except ConnectionError as error:
        raise InputError(f"--storage {shown(where)}: no proxy answers there") from error
    return storage
