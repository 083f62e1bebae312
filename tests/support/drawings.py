"""Reports without the time that their figures take."""

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure


@functools.cache
def _blank(suffix: str) -> bytes:
    content = io.BytesIO()
    Figure().savefig(content, format=suffix.removeprefix("."), metadata={})
    return content.getvalue()


@contextlib.contextmanager
def undrawn() -> Iterator[None]:
    """Within it no figure is laid out or drawn: an empty one is saved in its stead.

    For tests of what a report says. Its figures take most of the time of writing one.
    """
    blank = {suffix: _blank(suffix) for suffix in (".png", ".svg")}

    def save(_: Figure, path: Path, **__: Any) -> None:
        path.write_bytes(blank[path.suffix])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "draw_without_rendering", lambda _: None)
        patch.setattr(Figure, "savefig", save)
        yield
