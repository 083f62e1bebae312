"""Files that are written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
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
