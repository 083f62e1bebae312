"""URLs of storages: any folder is found again, and no password is ever shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.engine.storage import (
    absolute,
    close,
    find_study_name,
    open_storage,
    shown,
    sqlite_path,
    sqlite_url,
)
from ablate.errors import InputError
from support.postgres import Server

FOLDERS = ["o?x=1", "o%20x", "o%", "o#1", "a b", "{x}", "폭", "a@b:c", "+", "'q'", "a&b=c"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_storage_lies_where_its_folder_is(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "study.db"
    close(open_storage(sqlite_url(path)))
    assert path.is_file()
    assert [one.name for one in tmp_path.iterdir()] == [folder]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_the_url_of_any_path_leads_back_to_it(name: str) -> None:
    path = Path("/results") / name.lstrip("/")
    assert sqlite_path(sqlite_url(path)) == path
    assert sqlite_path(absolute(sqlite_url(path))) == path


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:x", "sqlite:///"])
def test_a_url_without_a_file_is_refused_and_makes_none(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected sqlite:///PATH"):
        find_study_name(where, "study")
    assert not list(tmp_path.iterdir())


def test_a_mistyped_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        find_study_name(sqlite_url(tmp_path / "nope" / "study.db"), "study")
    assert not list(tmp_path.iterdir())


LOGINS = [
    ("postgresql://me:s3cret@host:1/ablate", "postgresql://me@host:1/ablate"),
    ("postgresql://me:s3cret?x@host:1/ablate", "postgresql://me@host:1/ablate"),
    ("postgresql://me:s3cret/x@host/ablate", "postgresql://me@host/ablate"),
    ("postgresql://me:s3cret#x@host/ablate", "postgresql://me@host/ablate"),
    ("postgresql://me:s3cret%40x@host/ablate", "postgresql://me@host/ablate"),
    ("postgresql://me:s3cret@s3cret@host/ablate", "postgresql://host/ablate"),
    ("postgresql://me:s3cret?x@s3cret@host/ablate", "postgresql://host/ablate"),
    ("postgresql://me:s3cret@host:s3cret/ablate", "postgresql://host:s3cret/ablate"),
    ("postgresql://host/ablate?password=s3cret", "postgresql://host/ablate"),
    ("postgresql://host/ablate?password=s3@cret", "postgresql://host/ablate"),
    ("grpc://me:s3cret@host:1", "grpc://me@host:1"),
    ("http://me:s3cret@host:5000", "http://me@host:5000"),
    ("me:s3cret@host/ablate", "host/ablate"),
    ("redis://me:s3cret?@host", "redis://me@host"),
]


@pytest.mark.parametrize(("where", "right"), LOGINS)
def test_a_url_is_shown_without_its_password(where: str, right: str) -> None:
    assert shown(where) == right


@pytest.mark.parametrize(
    "where", [where for where, _ in LOGINS if where.startswith(("post", "me", "redis"))]
)
def test_no_error_shows_a_password(where: str) -> None:
    """Of a server that is not there, or a URL that is none."""
    with pytest.raises(InputError) as caught:
        open_storage(where.replace("host", "127.0.0.1:1" if "host:" not in where else "127.0.0.1"))
    assert "s3cret" not in str(caught.value).replace(":s3cret/", "")
    assert "\n" not in str(caught.value)


STOPPED = """
import os, signal, sys
from sqlalchemy import text
from ablate.engine import storage
storage.IDLE_S = 1.0
opened = storage.open_storage(sys.argv[1])
with opened._backend.engine.begin() as connection:
    connection.execute(text("LOCK TABLE studies IN ACCESS EXCLUSIVE MODE"))
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_process_that_is_stopped_within_a_transaction_keeps_nobody_waiting(
    postgres: Server,
) -> None:
    where = postgres.fresh_database()
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED, where], stderr=subprocess.PIPE
    ) as stopped:
        try:
            _, status = os.waitpid(stopped.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            other = open_storage(where)
            assert other.get_all_studies() == []
            close(other)
        finally:
            stopped.kill()
