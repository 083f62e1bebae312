"""What the checks of a run have to say: faults, and notes of what is no fault."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

MOST_NAMED = 3  # of many things with the same fault


class Remark(NamedTuple):
    """Something that a check has to say, in one line."""

    level: Literal["note", "FAULT"]
    text: str


def fault(text: str) -> Remark:
    """What is wrong, and where."""
    return Remark("FAULT", text)


def note(text: str) -> Remark:
    """What is good to know, and no fault."""
    return Remark("note", text)


def some(names: Iterable[object]) -> str:
    """The first few of many names, and how many more there are."""
    every = [str(name) for name in names]
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return ", ".join(every[:MOST_NAMED]) + more
