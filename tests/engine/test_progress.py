"""Progress: a bar for a person at a terminal, lines for a log, and the items as they were."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ablate.engine.progress import RECENT, plain_or_bar, time_left


@dataclass(frozen=True, kw_only=True)
class Ended:
    """As the engine tells of a trial."""

    cell: str
    running: int
    failed: int

    def __str__(self) -> str:
        return self.cell


TWO = (Ended(cell="wide", running=2, failed=0), Ended(cell="narrow", running=1, failed=1))


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


@dataclass(frozen=True, kw_only=True)
class Spared(Ended):
    """A trial after which others are not needed."""

    spared: int


def test_where_trials_are_not_needed_any_more_fewer_are_to_come(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [Spared(cell="a", running=1, failed=0, spared=n) for n in (0, 2)]
    list(plain_or_bar(items, 4, "trial"))
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("trial 1/4: a; ")
    assert second.startswith("trial 2/2: a; ")
    assert second.endswith("; about 0 s left")


def test_trials_are_shown_with_what_runs_and_what_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(plain_or_bar(TWO, 2, "trial")) == list(TWO)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("trial 1/2: wide; 2 running, 0 failed; about ")
    assert second.startswith("trial 2/2: narrow; 1 running, 1 failed; about ")


def test_the_time_left_follows_the_last_items_and_not_the_first() -> None:
    assert time_left([10.0, 14.0], left=3) == 12.0
    assert time_left([10.0, 10.0, 16.0], left=2) == 6.0  # two ended at once, one later


def test_more_items_than_were_expected_do_not_stop_it(capsys: pytest.CaptureFixture[str]) -> None:
    count = RECENT + 5  # more than are remembered, too
    assert len(list(plain_or_bar(range(count), 2, "image"))) == count
    assert f"image {count}/2: {count - 1}; about 0 s left" in capsys.readouterr().out


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
    items = [object(), *TWO]
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        assert list(plain_or_bar(items, 3, "trial")) == items
    monkeypatch.undo()
    shown = everything(ours)
    os.close(ours)
    last = shown.rstrip().split("\r")[-1]
    assert last.startswith("100%|")
    assert "3/3 trials" in last
    assert "about 0 s left; 1 running, 1 failed: narrow" in last
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
