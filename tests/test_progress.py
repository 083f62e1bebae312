"""Progress: a bar for a person at a terminal, lines for a log, and the items as they were."""

import contextlib
import os
import re
from collections.abc import Iterator

import pytest

from ablate.progress import plain_or_bar


def test_items_pass_through_one_by_one_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    made = []

    def make() -> Iterator[str]:
        for item in ("wide, seed 0", "wide, seed 1", "100% \u2713"):
            made.append(item)
            yield item

    shown = plain_or_bar(make(), 3, "trial")
    assert made == []
    assert next(shown) == "wide, seed 0"
    assert made == ["wide, seed 0"]  # none is made before it is asked for
    assert list(shown) == ["wide, seed 1", "100% \u2713"]
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [re.sub(r"about \d+ s", "about N s", line) for line in lines] == [
        "trial 1/3: wide, seed 0; about N s left",
        "trial 2/3: wide, seed 1; about N s left",
        "trial 3/3: 100% \u2713; about N s left",
    ]
    assert lines[-1].endswith("about 0 s left")


def test_no_items_print_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(plain_or_bar([], 0, "trial")) == []
    assert capsys.readouterr() == ("", "")


def everything(descriptor: int) -> str:
    """What was written to a pseudo-terminal whose other end is closed."""
    chunks = []
    with contextlib.suppress(OSError):  # Linux says so at the end
        while chunk := os.read(descriptor, 4096):
            chunks.append(chunk)
    return b"".join(chunks).decode()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_terminal_gets_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    items = [object(), "wide, seed 1"]
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        assert list(plain_or_bar(items, 2, "trial")) == items
    monkeypatch.undo()
    shown = everything(ours)
    os.close(ours)
    last = shown.rstrip().split("\r")[-1]
    assert last.startswith("100%|")
    assert "2/2" in last
    assert "trial" in last
    assert "wide, seed 1" in last
    assert capsys.readouterr().out == ""


def test_an_error_in_the_items_comes_through(capsys: pytest.CaptureFixture[str]) -> None:
    def make() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    shown = plain_or_bar(make(), 2, "trial")
    assert next(shown) == 1
    with pytest.raises(OSError, match="gone"):
        next(shown)
    assert len(capsys.readouterr().out.splitlines()) == 1
