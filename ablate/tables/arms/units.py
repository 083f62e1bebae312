"""What the numbers of a column are, and which way is better: said by a user, or by its name."""

import re
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ablate.errors import InputError
from ablate.tables.source import Source, first_row

Told = Literal["fraction", "percent", "own"]
UNITS: tuple[Told, ...] = ("fraction", "percent", "own")
GAP = 5  # times: between the largest that could be a fraction and the smallest that cannot
# Words of a name, after `valAcc` has become `val_acc`; no letter stands on either side.
_SHARES_UP = r"acc(?:urac(?:y|ies))?|top-?[15]"
_UP = rf"{_SHARES_UP}|auc|auroc|f1|scores?|r2"
_SHARES_DOWN = r"errs?|errors?"
_DOWN = (
    rf"{_SHARES_DOWN}|loss(?:es)?|perplexity|ppl|r?mse|mae|(?:run|wall)?times?|latency|latencies"
)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What an outcome is.

    Args:
        better: 1 where more is better, -1 where less is.
        points: whether it is told in percent, and its differences in points.
        scale: what the table's numbers are times for that: 100 for fractions.
        why: how that is known, in a sentence.
    """

    better: int
    points: bool
    scale: float
    why: str


def unit_of(source: Source, column: str, better: int | None, told: Told | None) -> Unit:
    """What a column's numbers are.

    Args:
        source: the table; the column holds finite numbers.
        column: of the outcome.
        better: 1 or -1 as a user says; by the column's name if None.
        told: fractions, percentages or numbers in a unit of their own, as a user says; by name
            and range if None.

    Raises:
        InputError: its name does not say which way is better; rows that are fractions beside rows
            that are percentages; numbers that are not what they are said to be.
    """
    way, said = way_of(column, better)
    values = source.frame[column]
    least, most = float(values.min()), float(values.max())
    if told is None:
        scale, what = _by_range(source, column, least, most)
    else:
        scale, what = _as_told(source, column, least, most, told)
    return Unit(better=way, points=scale is not None, scale=scale or 1.0, why=f"{said}; {what}")


def way_of(column: str, better: int | None) -> tuple[int, str]:
    """1 where more is better and -1 where less is, and how that is known, in a sentence.

    Args:
        column: of the outcome.
        better: 1 or -1 as a user says; by the column's name if None.

    Raises:
        InputError: its name does not say which way is better.
    """
    way = direction(column) if better is None else better
    if way is None:
        raise InputError(
            f"column {column!r}: its name does not say which way is better; expected --higher or "
            "--lower"
        )
    how = "as its name says" if better is None else "as asked"
    return way, f"{'more' if way > 0 else 'less'} of {column} is better, {how}"


def direction(column: str) -> int | None:
    """1 where a column's name says that more is better, -1 where less is; None where it does not.

    >>> direction("valAcc"), direction("top1_err"), direction("size")
    (1, -1, None)
    """
    if _has(column, _DOWN):
        return -1
    return 1 if _has(column, _UP) else None


def _has(column: str, words: str) -> bool:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column).lower()
    return re.search(rf"(?<![a-z])(?:{words})(?![a-z])", name) is not None


def _as_told(
    source: Source, column: str, least: float, most: float, told: Told
) -> tuple[float | None, str]:
    limit = {"fraction": 1.0, "percent": 100.0}.get(told)
    if limit is None:
        return None, "its numbers are in a unit of their own, as asked"
    if not 0 <= least <= most <= limit:
        raise InputError(
            f"{source.path}: column {column!r} goes from {least:g} to {most:g}: --unit {told} "
            f"expects 0 to {limit:g}"
        )
    return 100 / limit, f"its numbers are {told}s, as asked"


def _by_range(source: Source, column: str, least: float, most: float) -> tuple[float | None, str]:
    """Points for what is called an accuracy or an error, and is within 0 and 1, or 100."""
    share = _has(column, f"{_SHARES_UP}|{_SHARES_DOWN}")
    if not share or least < 0 or most > 100:
        return None, "its numbers are told as they are"
    if most <= 1:
        return 100.0, "its numbers, 0 to 1, are taken as fractions (--unit says otherwise)"
    _refuse_mix(source, column)
    return 1.0, "its numbers are taken as percentages (--unit says otherwise)"


def _refuse_mix(source: Source, column: str) -> None:
    """Raise `InputError` where some rows could be fractions and others cannot, with a gap between.

    Without a gap they are percentages around 1, as small errors are.
    """
    values: pd.Series[float] = source.frame[column]
    small = (values > 0) & (values <= 1)
    if not small.any() or float(values[values > 1].min()) < GAP * float(values[small].max()):
        return
    one, other = first_row(small), first_row(values > 1)
    raise InputError(
        f"{source.path}: column {column!r}: row {one + 1} is {values[one]:g} and row "
        f"{other + 1} is {values[other]:g}, fractions beside percentages; make them alike, "
        "or say --unit percent if all are"
    )
