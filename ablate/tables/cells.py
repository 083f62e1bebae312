"""What stands in cells, as its writer meant it: one name in several spellings, numbers, truth."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError, nearest

MOST_SHOWN = 5  # values, in a message
_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?"  # not 007
)
_MISSING = {"", "na", "n/a", "nan", "none", "null", "inf", "-inf", "+inf"}
_TRUTH = {"true": True, "false": False}


def spelled(name: str) -> str:
    """A name without what cannot be seen: Unicode as NFC, each white space one space, no ends.

    >>> spelled(" resnet   18 ")
    'resnet 18'
    """
    return " ".join(unicodedata.normalize("NFC", name).split())


def refuse_spellings(names: Iterable[str], what: str) -> None:
    """Raise `InputError` where two names look the same; they would count as two in silence.

    Args:
        names: each once.
        what: holds them, for the message.
    """
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(spelled(name), name)
        if other != name:
            raise InputError(
                f"{what}: {other!a} and {name!a} differ in white space or in Unicode "
                "form alone; expected one spelling of a name"
            )


def known_name(name: str, names: Sequence[str]) -> str | None:
    """The one of the names that is meant, however it is spelled; None for none.

    Args:
        name: as somebody wrote it.
        names: no two of which are spelled alike.
    """
    if name in names:
        return name
    key = spelled(name)
    return next((one for one in names if spelled(one) == key), None)


def holds(column: "pd.Series[Any]", value: str, what: str) -> npt.NDArray[np.bool_]:
    """Where a value stands in a column of text.

    In a column of numbers it is compared as a number, so that 0.1 is 0.10 and 1e-1; in one of true
    and false in any case; else as a name, however it is spelled. Names of digits that begin with
    zeros, as 007, are no numbers.

    Args:
        column: text, missing where empty.
        value: that is looked for.
        what: the column is, for messages.

    Raises:
        InputError: the value stands there in several spellings.
    """
    texts = [str(text) for text in column.dropna().unique()]
    wanted = _meant(value, texts)
    same = [text for text in texts if wanted == _as(wanted, text)]
    if isinstance(wanted, str):
        refuse_spellings(same, what)
    found: npt.NDArray[np.bool_] = column.isin(same).to_numpy(dtype=bool)
    return found


def others(column: "pd.Series[Any]", value: str) -> str:
    """What stands in a column of text instead of a value that does not, for a message."""
    texts = [str(text) for text in column.dropna().unique()]
    if not texts:
        return "it is empty in all rows"
    wanted = _meant(value, texts)
    if isinstance(wanted, Decimal) and any(map(_NUMBER.fullmatch, map(str.strip, texts))):
        known = [text.strip() for text in texts if _NUMBER.fullmatch(text.strip())]
        by = {Decimal(text): text for text in reversed(known)}
        low = max((one for one in by if one < wanted), default=None)
        high = min((one for one in by if one > wanted), default=None)
        around = [by[one] for one in (low, high) if one is not None]
        return f"the nearest {'is' if len(around) == 1 else 'are'} {' and '.join(around)}"
    some = ", ".join(map(repr, texts[:MOST_SHOWN])) + (", ..." if len(texts) > MOST_SHOWN else "")
    return f"it has {some}{nearest(value, texts)}"


def _meant(value: str, texts: Sequence[str]) -> Decimal | bool | str:
    """A value as what the column holds: a number, true or false, or a name."""
    plain = [text.strip() for text in texts]
    if _NUMBER.fullmatch(value.strip()) and all(
        _NUMBER.fullmatch(text) or text.lower() in _MISSING for text in plain
    ):
        return Decimal(value.strip())
    if value.strip().lower() in _TRUTH and all(text.lower() in _TRUTH for text in plain):
        return _TRUTH[value.strip().lower()]
    return spelled(value)


def _as(wanted: Decimal | bool | str, text: str) -> Decimal | bool | str | None:
    """A cell as what is wanted is; None where it is not."""
    if isinstance(wanted, Decimal):
        return Decimal(text.strip()) if _NUMBER.fullmatch(text.strip()) else None
    if isinstance(wanted, bool):
        return _TRUTH[text.strip().lower()]
    return spelled(text)
