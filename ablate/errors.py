"""What a user got wrong, in one line that says what would be right; text that is safe to show."""

import contextlib
import difflib
import importlib.metadata
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that is most like `word`, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


LONGEST_LINE = 1_000  # characters


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line that says what would be right.

    Args:
        message: the line.
        key: the setting at fault, where there is one, so that a caller can name its file.
    """

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(printable(message))
        self.key = key


class WriteError(InputError):
    """A file cannot be written (a full disk, no permission); what was stored before is whole."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> Self:
        """The error of writing to `path`, in a line."""
        reason = error.strerror or str(error)
        return cls(f"{path}: {reason}; set it right and give the same command again")


@contextlib.contextmanager
def fitting_torchvision() -> Iterator[None]:
    """Import torchvision within: one that was built for another torch is told in a line.

    Raises:
        InputError: its operators cannot be loaded.
    """
    try:
        yield
    except ModuleNotFoundError:  # it is not there at all
        raise
    except (RuntimeError, ImportError, OSError) as error:
        own, other = (importlib.metadata.version(name) for name in ("torchvision", "torch"))
        raise InputError(
            f"torchvision {own} cannot be loaded beside torch {other}: install both again from "
            f"one index ({type(error).__name__}: {error})"
        ) from error


def printable(text: str) -> str:
    """The text in one line of some length: a file may hold line breaks, terminal codes, a novel."""
    if len(text) > LONGEST_LINE:
        half = LONGEST_LINE // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def plural(number: int | str, noun: str) -> str:
    """A number, as it reads, with its noun, in the plural but for one."""
    return f"{number} {noun}" if number in (1, "1") else f"{number} {noun}s"


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV file would run this cell (OWASP, CSV injection)."""
    first = unicodedata.normalize("NFKC", text.lstrip())[:1]  # full-width signs are run too
    return first != "" and first in "=+-@" and not _is_number(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
