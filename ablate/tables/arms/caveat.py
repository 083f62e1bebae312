"""What speaks against a verdict on arms, and what would settle one that is open."""

from collections.abc import Collection

from ablate.analysis.verdicts.names import joined
from ablate.analysis.verdicts.verdict import Word
from ablate.statistics.family import MIN_SEEDS
from ablate.tables.arms.compare import Judged
from ablate.tables.arms.on_predictions import lacking
from ablate.tables.arms.repeats import ARM, BUDGET, OUTCOME, SEED

APART = 1.1  # times as much of the budget, from which on it is said
LOST = 0.1  # the share of rows that came to nothing, from which on it is said
POWER = 0.8416  # standard errors beyond an interval's reach: a power of 80%


def caveat(judged: Judged, about: Collection[str]) -> str:
    """The one thing to know before the verdict is quoted; `about` are the arms that it is about.

    In this order: rows that came to nothing; rows that look copied; budgets that differ; arms
    with too few rows; what rows must be.
    """
    repeats, table = judged.repeats, judged.table
    total = len(repeats.frame) + repeats.failed
    if repeats.failed >= LOST * total:
        return f"{repeats.failed:,} of {total:,} rows came to nothing, and are not counted."
    if table["n"].min() > 1 and repeats.frame.duplicated([ARM, OUTCOME], keep=False).all():
        return (
            "Every outcome comes twice or more in its arm: are rows copied? They count as repeats."
        )
    if BUDGET in repeats.frame:
        some = table[table["arm"].isin(about)] if about else table
        least = some.iloc[int(some["budget"].argmin())]
        most = some.iloc[int(some["budget"].argmax())]
        low, high = float(least["budget"]), float(most["budget"])
        if low > 0 and high >= APART * low:
            return (
                f"The arms differ in {repeats.columns[BUDGET]}: {most['arm']} has "
                f"{high / low:.3g} times that of {least['arm']}."
            )
    few = int((table["n"] < MIN_SEEDS).sum())
    if few:
        which = "1 arm has" if few == 1 else f"{few} arms have"
        return f"{which} fewer than {MIN_SEEDS} rows: described, and compared with nothing."
    if SEED in repeats.frame and not judged.asked.paired:
        shared = repeats.frame.duplicated(SEED).any()
        if shared:
            option = "--paired" if repeats.options else "`pairs = true`"
            return (
                f"Arms are compared as unpaired, though they share {repeats.columns[SEED]}s; "
                f"{option} pairs them, where that means something."
            )
    return (
        "It holds for rows that repeat the same thing independently; best ones picked from many, "
        "or copies, would mislead."
    )


def settle(judged: Judged, word: Word) -> str:
    """What would settle what is open; empty where nothing is."""
    if word != "open":
        return ""
    table = judged.table.iloc[1:]
    if judged.together == 0:
        return f"To settle it: {MIN_SEEDS} rows or more of each arm."
    short = lacking(judged, judged.asked.hypotheses)
    if short:
        return f"To settle it: {MIN_SEEDS} rows or more of {joined(short)}."
    undecided = table[table["finding"] == "inconclusive"]
    if judged.margin == 0:
        return (
            "To settle it: more rows; and a margin within which arms count as equal, "
            f"{'--margin M' if judged.repeats.options else '`margin = M`'}, in the unit of the "
            "outcome."
        )
    reach = judged.critical + POWER
    times = [(reach * judged.errors[arm] / judged.margin) ** 2 for arm in undecided["arm"]]
    margin = f"{judged.margin:g}{judged.repeats.unit}"
    if not times or max(times) <= 1:
        return (
            f"To settle it: there are rows enough to tell {margin}; a difference close to that "
            "needs many more."
        )
    return f"To settle it: about {max(times):.2g} times as many rows, to tell {margin}."
