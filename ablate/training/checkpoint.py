"""A trial's state on disk after each epoch: whole, checked, and never executed.

The file is the SHA-256 of what follows, in hexadecimal, and then a `torch.save` of tensors,
numbers, strings, lists and dicts. Reading it runs no code (`weights_only`).
"""

import contextlib
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

from ablate.errors import WriteError

DIGEST_LENGTH = hashlib.sha256().digest_size * 2


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint at `path`, so that a kill leaves the old one or the new one.

    Raises:
        WriteError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    # A name of its own: a process that has lost the trial may still be writing.
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(_digest(payload) + payload)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise WriteError.of(path, error) from error


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The state at `path`, tensors on `device`; None where there is none or it is damaged.

    A trial without its checkpoint starts again and gives the same numbers, so nothing but time is
    lost with it.
    """
    try:
        content = path.read_bytes()
    except OSError:  # there is none, or a folder in its place
        return None
    payload = content[DIGEST_LENGTH:]
    if _digest(payload) != content[:DIGEST_LENGTH]:
        return None
    try:
        state = torch.load(io.BytesIO(payload), map_location=device, weights_only=True)
    except Exception:  # noqa: BLE001 - made to do harm, it can raise anything, and is not used
        return None
    return state if isinstance(state, dict) else None


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).hexdigest().encode()
