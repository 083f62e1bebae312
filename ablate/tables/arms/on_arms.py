"""The verdict where nothing was predicted: which arms beat the baseline, or lost to it."""

from collections.abc import Sequence

from ablate.analysis.verdicts.answer import LABELS, Word
from ablate.analysis.verdicts.listing import MOST_NAMED, joined, listed
from ablate.statistics.family import MIN_SEEDS
from ablate.tables.arms.compare import ALIKE, UNCOMPARED, Judged
from ablate.tables.arms.numbers import anything, effect, forms, size
from ablate.tables.arms.parts import Effect, Parts, Row, shortest

NOT_COMPARED = "Not compared"


def on_arms(judged: Judged) -> Parts:
    """Which arms beat the baseline, or lost to it."""
    table = judged.table
    others = table.iloc[1:]
    base = judged.baseline
    known = others[~others["finding"].isin(UNCOMPARED)]
    if known.empty:
        return _uncompared(judged)
    by = {name: rows.to_dict("records") for name, rows in known.groupby("finding")}
    better, worse = by.get("better", []), by.get("worse", [])
    if better:
        return _parts(judged, "yes", _beat(judged, better, worse), better)
    every = known.to_dict("records")
    sure = len(worse) + len(by.get("equivalent", []))
    if sure == len(known):
        return _parts(judged, "no", _lost(judged, worse, len(known)), every)
    rest = len(known) - sure
    if len(known) == 1:
        row = known.iloc[0]
        ways = [
            f"{row['arm']} against {base} {anything(judged, row['diff_low'], row['diff_high'])}",
            anything(judged, row["diff_low"], row["diff_high"]).replace("may", "it may", 1),
        ]
    elif sure:
        ways = [
            f"no arm beat {base}; {sure} of {len(known)} did not, {rest} may or may not",
            f"no arm beat the baseline; {sure} of {len(known)} did not, {rest} may or may not",
        ]
    else:
        ways = [f"no arm differed clearly from {base}", "no arm differed clearly from the baseline"]
    return _parts(judged, "open", ways, every)


def _parts(judged: Judged, word: Word, ways: Sequence[str], about: Sequence[Row]) -> Parts:
    """A verdict on these arms against the baseline."""
    return Parts(
        word=word,
        label=LABELS[word],
        clause=shortest(ways),
        effects=[_effect(judged, row) for row in _foremost(about)],
        pairs=[(str(row["arm"]), judged.baseline) for row in about],
    )


def _uncompared(judged: Judged) -> Parts:
    """That nothing can be compared, and which arm is foremost."""
    table = judged.table
    best = table.iloc[int((judged.repeats.better * table["mean"]).argmax())]
    form, _ = forms(judged)
    value = f"{best['mean']:{form}}{'%' if judged.repeats.points else ''}"
    few = (
        "no arm has a second row"
        if table["n"].max() == 1
        else f"no two arms have {MIN_SEEDS} rows"
        if (table["n"] >= MIN_SEEDS).sum() < 2
        else f"the baseline has {table['n'].iloc[0]} of at least {MIN_SEEDS} rows"
        if table["n"].iloc[0] < MIN_SEEDS
        else "rows of an arm are all alike"
        if (table["finding"] == ALIKE).any()
        else f"no other arm has {MIN_SEEDS} rows"
    )
    ways = [
        f"{few}, so nothing can be compared; {best['arm']} has the best number, {value}",
        f"{few}, so nothing can be compared; the best number is {value}",
    ]
    others = [str(arm) for arm in table["arm"] if arm != best["arm"]]
    return Parts(
        word="open",
        label=NOT_COMPARED,
        clause=shortest(ways),
        effects=[],
        pairs=[(str(best["arm"]), arm) for arm in others],
    )


def _beat(judged: Judged, better: Sequence[Row], worse: Sequence[Row]) -> list[str]:
    """Ways to say that arms beat the baseline, the fullest first."""
    unit, base = judged.repeats.unit, judged.baseline
    first = _foremost(better)
    much = [size(judged, row["diff"]) for row in first]
    arms = [str(row["arm"]) for row in first]
    plural = f"{len(better)} arms" if len(better) > 1 else "one arm"
    by = f", by {much[0]}{unit} at most" if len(better) > 1 else f" by {much[0]}{unit}"
    ways = []
    if len(better) <= MOST_NAMED:
        text = f"{listed(arms)} beat {base} by {joined(much)}{unit}"
        ways += [f"{text}; {len(worse)} lost to it"] if worse else []
        ways += [text]
    else:
        ways += [f"{plural} beat {base}, {arms[0]} most, by {much[0]}{unit}"]
    return [*ways, f"{plural} beat {base}{by}", f"{plural} beat the baseline{by}"]


def _lost(judged: Judged, worse: Sequence[Row], known: int) -> list[str]:
    """Ways to say that no arm beat the baseline."""
    base, unit = judged.baseline, judged.repeats.unit
    if not worse:
        margin = f"{judged.margin:g}{unit}"
        which = "it" if known == 1 else "every arm"
        other = str(judged.table["arm"].iloc[1])
        one = (
            [f"{other} was within {margin} of {base}"]
            if known == 1 == len(judged.table) - 1
            else []
        )
        return [
            *one,
            f"{which} was within {margin} of {base}",
            f"{which} was within {margin} of the baseline",
        ]
    nearest = sorted(worse, key=lambda row: abs(row["diff"]))
    least, most = size(judged, nearest[0]["diff"]), size(judged, nearest[-1]["diff"])
    if len(worse) == known == 1:
        return [f"{base} beat {nearest[0]['arm']} by {least}{unit}", f"it lost by {least}{unit}"]
    rest = known - len(worse)
    span = f"{least} to {most}{unit}" if least != most else f"{least}{unit}"
    equal = f"; {rest} within {judged.margin:g}{unit}" if rest else ""
    lost = f"{len(worse)} of {known} arms by {span}{equal}"
    return [f"{base} beat {lost}", f"the baseline beat {lost}"]


def _effect(judged: Judged, row: Row) -> Effect:
    text = effect(judged, row["diff"], (row["diff_low"], row["diff_high"]))
    counts = judged.table.set_index("arm")["n"]
    two = (str(row["arm"]), judged.baseline)
    return f"{two[0]} minus {two[1]}", text, int(min(counts[arm] for arm in two))


def _foremost(rows: Sequence[Row]) -> list[Row]:
    """Those that differ most, the furthest first; at most `MOST_NAMED`."""
    return sorted(rows, key=lambda row: -abs(row["diff"]))[:MOST_NAMED]
