"""What speaks against a verdict on arms, and what would settle one that is open."""

from collections.abc import Collection, Sequence

from ablate.analysis.verdicts.answer import Word
from ablate.analysis.verdicts.listing import joined
from ablate.statistics.family import MIN_SEEDS
from ablate.tables.arms.compare import ALIKE, Judged
from ablate.tables.arms.numbers import forms
from ablate.tables.arms.on_predictions import lacking
from ablate.tables.arms.repeats import BUDGET, SEED

APART = 1.1  # times as much of the budget, from which on it is said
LOST = 0.1  # the share of rows that came to nothing, from which on it is said
REPEATS = "To settle it: rows that are repeats of their own, with all their decimals."
POWER = 0.8416  # standard errors beyond an interval's reach: a power of 80%


def caveat(judged: Judged, pairs: Sequence[tuple[str, str]]) -> str:
    """The one thing to know before the verdict is quoted; `pairs` are what it compares.

    In this order: rows that came to nothing; rows that look copied; budgets that differ; arms
    with too few rows; what rows must be.
    """
    repeats, table = judged.repeats, judged.table
    rows = repeats.about
    total = rows.n + repeats.failed
    if repeats.failed >= LOST * total:
        return f"{repeats.failed:,} of {total:,} rows came to nothing, and are not counted."
    alike = _alike(judged, {arm for two in pairs for arm in two})
    if alike:
        return alike
    if table["n"].min() > 1 and rows.copied:
        return (
            "Every outcome comes twice or more in its arm: are rows copied? They count as repeats."
        )
    if BUDGET in repeats.frame:
        cost = dict(zip(table["arm"], table["budget"].astype(float), strict=True))
        sorted_pairs = [sorted(two, key=lambda arm: cost[arm]) for two in pairs]
        times = {
            cost[most] / cost[least]: (least, most)
            for least, most in sorted_pairs
            if cost[least] > 0
        }
        if times and max(times) >= APART:
            least, most = times[max(times)]
            return (
                f"The arms differ in {repeats.columns[BUDGET]}: {most} has "
                f"{max(times):.3g} times that of {least}."
            )
    few = int((table["n"] < MIN_SEEDS).sum())
    if few:
        which = "1 arm has" if few == 1 else f"{few} arms have"
        return f"{which} fewer than {MIN_SEEDS} rows: described, and compared with nothing."
    if SEED in repeats.frame and not judged.asked.paired and rows.shared:
        option = repeats.key("--paired", "pairs = true")
        return (
            f"Arms are compared as unpaired, though they share {repeats.columns[SEED]}s; "
            f"{option} pairs them, where that means something."
        )
    return (
        "It holds for rows that repeat the same thing independently; best ones picked from many, "
        "or copies, would mislead."
    )


def _alike(judged: Judged, about: Collection[str]) -> str:
    """That arms have no spread, and what is compared then; empty where all have some."""
    table = judged.table
    flat = table[table["arm"].isin(about) & (table["deviation"] == 0)]
    if flat.empty:
        return ""
    form, _ = forms(judged)
    first = flat.iloc[0]
    value = f"{first['mean']:{form}}{'%' if judged.repeats.points else ''}"
    which = f"All {first['n']:,} rows of {first['arm']} are {value}"
    if len(flat) > 1:
        which = f"The rows of {len(flat)} arms are all alike, those of {first['arm']} {value}"
    compared = (
        "that number is compared as if it were sure"
        if judged.together
        else "how they would vary is unknown"
    )
    if judged.together and len(flat) > 1:
        compared = "two such arms are not compared, and such numbers count as sure"
    return f"{which} (copied, or rounded?): {compared}."


def settle(judged: Judged, word: Word) -> str:
    """What would settle what is open; empty where nothing is."""
    if word != "open":
        return ""
    table = judged.table.iloc[1:]
    if judged.together == 0 and ALIKE in set(table["finding"]):
        return REPEATS
    if judged.together == 0:
        return f"To settle it: {MIN_SEEDS} rows or more of each arm."
    short = lacking(judged, judged.asked.hypotheses)
    if short:
        return f"To settle it: {MIN_SEEDS} rows or more of {joined(short)}."
    if not judged.hypotheses.empty and judged.hypotheses["low"].isna().any():
        return REPEATS
    undecided = table[table["finding"] == "inconclusive"]
    if judged.margin == 0:
        return (
            "To settle it: more rows; and a margin within which arms count as equal, "
            f"{judged.repeats.key('--margin M', 'margin = M')}, in the unit of the outcome."
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
