"""`A > B` as a prediction: the first arm is better than the second, worse, or as good."""

import re
from collections.abc import Sequence

from ablate.errors import InputError
from ablate.tables.arms.compare import known_arm
from ablate.tables.cells import known_name
from ablate.tables.file import TableHypothesis

_SIGN = re.compile(r"[<>=]")
_PAIR = re.compile(r"[<>=]\s*[<>=]")
_QUOTES = "\"'"


def expectation(text: str, arms: Sequence[str], outcome: str) -> TableHypothesis:
    """A prediction from its text.

    Args:
        text: two arms with `>`, better than; `<`, worse than; or `=`, as good as, between them.
            An arm may stand in quotes.
        arms: that there are.
        outcome: what they are compared by.

    Raises:
        InputError: no such sign or arm, or what could be read in two ways.
    """
    splits = [
        (_unquoted(text[: sign.start()]), sign[0], _unquoted(text[sign.end() :]))
        for sign in _SIGN.finditer(text)
    ]
    what = f"--expect {text!r}"
    if not splits:
        raise InputError(f"{what}: expected two arms with >, < or = between them, such as 'A > B'")
    known = [
        split
        for split in splits
        if known_name(split[0], arms) is not None and known_name(split[2], arms) is not None
    ]
    if len(known) > 1:
        raise InputError(f"{what}: can be read in two ways")
    if not known and _PAIR.search(text):
        raise InputError(f"{what}: expected one sign, >, < or =, between two arms, not several")
    first, sign, second = known[0] if known else splits[0]
    if sign == "<":
        first, second = second, first
    first, second = (known_arm(name, arms, what) for name in (first, second))
    if sign == "=":
        return TableHypothesis(
            says=f"{first} is as good as {second} in {outcome}.",
            answers="yes",
            equal=[first, second],
        )
    return TableHypothesis(
        says=f"{first} is better than {second} in {outcome}.",
        answers="yes",
        higher=[first, second],
    )


def _unquoted(text: str) -> str:
    word = text.strip()
    if len(word) > 1 and word[0] == word[-1] and word[0] in _QUOTES:
        return word[1:-1]
    return word
