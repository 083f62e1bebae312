"""What a verdict on a table with arms is put together from."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.analysis.verdicts.answer import MOST_WORDS, Word
from ablate.tables.arms.compare import Judged

Row = Mapping[Any, Any]
Effect = tuple[str, str, int]  # what it is of, as it reads, and n


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A verdict without what speaks against it.

    Args:
        word, label: as of a verdict.
        clause: its sentence, but for the full stop.
        effects: that it is told with.
        pairs: every two arms that the clause compares.
    """

    word: Word
    label: str
    clause: str
    effects: list[Effect]
    pairs: list[tuple[str, str]]


def as_sentence(judged: Judged, clause: str) -> str:
    """A clause as a sentence; an arm's name at its beginning stays as it is."""
    arms = map(str, judged.table["arm"])
    if any(re.match(rf"{re.escape(arm)}(?!\w)", clause) for arm in arms):
        return f"{clause}."
    return f"{clause[:1].upper()}{clause[1:]}."


def shortest(ways: Sequence[str]) -> str:
    """The first that has few words enough; the last where none has."""
    return next((way for way in ways if len(way.split()) < MOST_WORDS), ways[-1])
