"""Which predictions answer a question, and what those about a number in groups come to."""

import pandas as pd

from ablate.analysis.verdicts.answer import Mark, Reply
from ablate.tables.file import TableFile, TableHypothesis

COLUMNS = ("name", "says", "kind", "verdict", "groups", "held", "against", "n")


def answering(file: TableFile) -> dict[str, Reply]:
    """The predictions that answer the question, and what each answers where it holds.

    Those that the study file says; the first, with yes, where it says none.
    """
    found: dict[str, Reply] = {
        name: own.answers for name, own in file.hypotheses.items() if own.answers is not None
    }
    return found or dict.fromkeys(list(file.hypotheses)[:1], "yes")


def sides(
    asked: TableHypothesis, low: "pd.Series[float]", high: "pd.Series[float]", margin: float
) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Which groups speak for `above`, `below` or `near`, and which against it.

    Args:
        asked: one of these three.
        low, high: limits of each group's number; NaN speaks for neither side.
        margin: of `near`.
    """
    if asked.above is not None:
        return low > asked.above, high < asked.above
    if asked.below is not None:
        return high < asked.below, low > asked.below
    assert asked.near is not None
    least, most = asked.near - margin, asked.near + margin
    return (low >= least) & (high <= most), (low > most) | (high < least)


def of_all(held: "pd.Series[bool]", against: "pd.Series[bool]") -> Mark:
    """What becomes of a prediction that is meant for all groups."""
    if against.any():
        return "refuted"
    return "supported" if held.all() and len(held) else "open"


def limit(asked: TableHypothesis, margin: float) -> tuple[str, str]:
    """What a prediction says of a number, in words, and where what speaks against it lies."""
    if asked.above is not None:
        return f"above {asked.above:g}", "on the other side"
    if asked.below is not None:
        return f"below {asked.below:g}", "on the other side"
    return f"within {margin:g} of {asked.near:g}", "outside"
