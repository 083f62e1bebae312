"""What the cells of a table say, and what they mean as numbers; `table.html.j2` writes them."""

import math
import re
from dataclasses import dataclass
from numbers import Integral, Real

import pandas as pd

MISSING = "-"
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
# A number at the start, in figures or with an SI letter, and nothing that would make it a word.
_LEADING = re.compile(
    r"[<>~\[]?\s*([-+\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)([kMGT]?)(?=$|[\s%\[(,;])"
)
# A number with its interval or spread.
_WITH_SPREAD = re.compile(r"([^\[(]*[^\[(\s]) (\[[^\[\]]*\]|\([^()]*\))")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table.

    Args:
        text: as it reads; plain text.
        value: the number that it is sorted by, with all its digits; empty where it is sorted by
            its text.
        number: whether it stands to the right, among the numbers of its column.
    """

    text: str
    value: str = ""
    number: bool = False

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Each number, and the interval or spread that follows it; empty where there is none.

        Several stand with semicolons between them: "+2.3 [1.4, 3.2]; +0.1 [-0.7, 0.9]".
        """
        found = [_WITH_SPREAD.fullmatch(piece) for piece in self.text.split("; ")]
        return [(each[1], each[2]) for each in found if each] if all(found) else []


def sort_key(text: str) -> float | None:
    """The number that a cell begins with, or None where it is not one.

    "95.3 [94.6, 95.9]" is 95.3, "1.97k" is 1970 and "<0.001" is 0.001. An interval by
    itself goes by its lower limit.
    """
    found = _LEADING.match(text.strip())
    if found is None:
        return None
    number, letter = found.groups()
    return float(number.replace(",", "").replace("\u2212", "-")) * _FACTORS[letter]


def table_cells(frame: pd.DataFrame) -> tuple[list[Cell], list[list[Cell]]]:
    """The headings of a frame, and its rows.

    The first column heads the rows, so it stands to the left even where it is of numbers.

    Args:
        frame: text or numbers, at least one column; missing values become `-`.
    """
    headings, columns = [], []
    for place, heading in enumerate(frame.columns):
        texts = [_text(value) for value in frame.iloc[:, place]]
        numeric = _is_numeric(texts)
        right = numeric and place > 0
        headings.append(Cell(text=str(heading), number=right))
        values = [_value(text) if numeric else "" for text in texts]
        columns.append(
            [
                Cell(text=text, value=value, number=right)
                for text, value in zip(texts, values, strict=True)
            ]
        )
    return headings, [list(row) for row in zip(*columns, strict=True)]


def _text(value: object) -> str:
    """A value as it reads."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real) and not math.isnan(value):
        return f"{float(value):g}"
    return MISSING


def _is_numeric(column: list[str]) -> bool:
    """Whether each cell that is not missing begins with a number, and one does."""
    keys = [sort_key(text) for text in column if text != MISSING]
    return bool(keys) and None not in keys


def _value(text: str) -> str:
    key = sort_key(text)
    return "" if key is None else f"{key:.12g}"
