"""Files that are written whole or not at all."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ablate.errors import WriteError


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


PART = ".part-"  # in the name of a file that is being written


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place, synced, if the block ends well.

    Raises:
        WriteError: it cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = f".{path.name}{PART}"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
        temporary = Path(name)
        os.close(handle)
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise WriteError.of(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(
    folder: Path, first: str, last: str, stale: Collection[str] = ()
) -> Iterator[Path]:
    """A temporary folder whose files take their places in `folder`, if the block ends well.

    A folder that is not there yet appears whole. One that is there keeps all that it holds until
    the block has ended; then the new files take the places of the old ones. Who stops it in that
    moment leaves a folder without `last`, in which `first` says what its files are.

    Args:
        folder: where the files go.
        first: the name of the file that says what the folder holds.
        last: that of the file which is only there where all is.
        stale: names of files that go where they are not written anew.

    Raises:
        WriteError: it cannot be written.
    """
    own = folder.resolve()
    there = own.is_dir()
    place = own if there else own.parent
    temporary = place / f".{own.name}{PART}{secrets.token_hex(4)}"
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if not there:
            temporary.replace(own)
            return
        made = {path.name for path in temporary.iterdir()}
        for name in (last, *(name for name in stale if name not in made)):
            (own / name).unlink(missing_ok=True)
        for name in sorted(made, key=lambda one: (one != first, one == last)):
            (temporary / name).replace(own / name)
    except WriteError as error:
        raise WriteError(str(error).replace(str(temporary), str(folder))) from error
    except OSError as error:
        raise WriteError.of(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what writers that were killed have left in a folder; nobody else may write there."""
    for path in folder.glob(f".*{PART}*"):
        path.unlink(missing_ok=True)


def aside(path: Path, stamp: str | None = None) -> Path:
    """A free name beside `path`: with a time in it, by default that of its last change (UTC)."""
    if stamp is None:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        stamp = changed.strftime("%Y%m%dT%H%M%S")
    kept = path.with_name(f"{path.stem}-{stamp}{path.suffix}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem}-{stamp}-{number}{path.suffix}")
    return kept
