"""What an answer is: yes, no or open, in one sentence, with its effect and its caveat.

Of trained networks and of tables that others measured alike; both are worded elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ablate.errors import plural

Mark = Literal["supported", "refuted", "equivalent", "open"]
Reply = Literal["yes", "no"]
Word = Literal["yes", "no", "open"]
MOST_WORDS = 25  # of the sentence
LABELS: dict[Word, str] = {"yes": "Yes", "no": "No", "open": "Open"}
IN_PART, BOTH, UNASKED = "Open in part", "Yes and no", "No prediction"
SHAPES: dict[Mark, str] = {"supported": "[+]", "refuted": "[x]", "equivalent": "[=]", "open": "[ ]"}
OPPOSITE: dict[Reply, Reply] = {"yes": "no", "no": "yes"}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What became of a prediction, in plain words.

    Args:
        name: of the prediction.
        mark: its verdict; what is inconclusive is open.
        sentence: what was found.
        effect: with its interval and unit; `what` it is of, and `n` behind it.
    """

    name: str
    mark: Mark
    sentence: str
    what: str
    effect: str
    n: int


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The answer to a study's question. No p-value and no method's name stands in it.

    Args:
        word: which of three it is.
        label: the word as it reads; "Open in part" and "Yes and no" where parts of a question
            have answers of their own, "No prediction" where the study file states none.
        sentence: the answer, at most `MOST_WORDS` words, with the effect in points.
        effects: what there is to compare, and the effect with its interval; one or more.
        n: seeds behind it, or draws, as `unit` says.
        caveat: what speaks most against it.
        settle: what would settle what is open; empty where nothing is.
        figure: the name of the figure that shows it.
        predictions: what became of each.
    """

    word: Word
    label: str
    sentence: str
    effects: tuple[tuple[str, str], ...]
    n: int
    unit: str
    caveat: str
    settle: str
    figure: str
    predictions: tuple[Said, ...]

    @property
    def said(self) -> str:
        """Word and sentence."""
        return f"{self.label}: {self.sentence}"

    @property
    def numbers(self) -> str:
        """The effect with its interval and n, in a line."""
        behind = f"n = {plural(self.n, self.unit)}"
        each = [f"{what} {effect}" for what, effect in self.effects if effect != "-"]
        several = "s" if "; ".join(each).count("[") > 1 else ""
        intervals = f"95% interval{several}, " if any("[" in one for one in each) else ""
        return f"{'; '.join(each)} ({intervals}{behind})" if each else behind

    @property
    def effect(self) -> str:
        """The effects with their intervals alone."""
        return "; ".join(dict.fromkeys(effect for _, effect in self.effects))

    def lines(self) -> list[str]:
        """All of it, as lines to print."""
        settle = [self.settle] if self.settle else []
        return [self.said, self.numbers, f"But: {self.caveat}", *settle]


def reply(mark: Mark, holds: Reply, equal: bool = False) -> Word:
    """What a prediction answers.

    Args:
        mark: what became of it.
        holds: the answer where it holds.
        equal: whether being as good is an answer too: what was to be better is not.
    """
    if mark == "supported":
        return holds
    if mark == "refuted":
        return OPPOSITE[holds]
    # Of one that was to be worse, being as good does not show that it was better.
    return "no" if equal and mark == "equivalent" and holds == "yes" else "open"


def whole(replies: Sequence[Word]) -> tuple[Word, str]:
    """The answer of several parts, and how it reads; open where there is none."""
    different = set(replies)
    if not different:
        return "open", UNASKED
    if len(different) == 1:
        return replies[0], LABELS[replies[0]]
    return ("open", IN_PART) if "open" in different else ("no", BOTH)
