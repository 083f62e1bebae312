"""The verdict on a table with arms: one sentence, its effects, what speaks against it."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import (
    BOTH,
    IN_PART,
    LABELS,
    MOST_WORDS,
    OPPOSITE,
    Mark,
    Said,
    Verdict,
    Word,
)
from ablate.analysis.verdicts.listing import MOST_NAMED, joined, listed
from ablate.statistics.family import MIN_SEEDS
from ablate.tables.arms.compare import FEW, Judged
from ablate.tables.arms.numbers import effect, forms, size
from ablate.tables.arms.repeats import ARM, BUDGET, SEED

FIGURE = "outcome"
NOT_COMPARED = "Not compared"
APART = 1.1  # times as much of the budget, from which on it is said
LOST = 0.1  # the share of rows that came to nothing, from which on it is said
POWER = 0.8416  # standard errors beyond an interval's reach: a power of 80%
Row = Mapping[Any, Any]


def question(judged: Judged) -> str:
    """What the verdict answers."""
    if judged.asked.question:
        return judged.asked.question
    asked = list(judged.asked.hypotheses.values())
    if len(asked) == 1:
        return f"Is it so: {asked[0].says.rstrip('.')}?"
    if asked:
        return "Do the expectations hold?"
    outcome = judged.repeats.outcome
    others = list(judged.table["arm"])[1:]
    which = others[0] if len(others) == 1 else f"any other {judged.repeats.columns[ARM]}"
    return f"Is {which} better than {judged.baseline} in {outcome}?"


def verdict_of(judged: Judged) -> Verdict:
    """The verdict: on the predictions that answer the question, else on the arms."""
    said = [_said(judged, row) for row in judged.hypotheses.to_dict("records")]
    answers = {
        name: one.answers for name, one in judged.asked.hypotheses.items() if one.answers
    } or dict.fromkeys(list(judged.asked.hypotheses)[:1], "yes")
    if answers:
        word, label, sentence, rows = _on_predictions(judged, said, answers)
    else:
        word, label, sentence, rows = _on_arms(judged)
    return Verdict(
        word=word,
        label=label,
        sentence=_sentence(judged, sentence),
        effects=tuple((what, text) for what, text, _, _ in rows) or (("nothing", "-"),),
        n=min((n for _, _, n, _ in rows), default=int(judged.table["n"].max())),
        unit=judged.repeats.row,
        caveat=caveat(judged, {arm for _, _, _, two in rows for arm in two}),
        settle=settle(judged, word),
        figure=FIGURE,
        predictions=tuple(said),
    )


def _sentence(judged: Judged, clause: str) -> str:
    """A clause as a sentence; an arm's name at its beginning stays as it is."""
    arms = map(str, judged.table["arm"])
    if any(re.match(rf"{re.escape(arm)}(?!\w)", clause) for arm in arms):
        return f"{clause}."
    return f"{clause[:1].upper()}{clause[1:]}."


_Effect = tuple[str, str, int, tuple[str, str]]  # what it is of, as it reads, n, and the arms
_Parts = tuple[Word, str, str, list[_Effect]]


# Arms


def _on_arms(judged: Judged) -> _Parts:
    """Which arms beat the baseline, or lost to it."""
    table = judged.table
    others = table.iloc[1:]
    base = judged.baseline
    known = others[others["finding"] != FEW]
    if known.empty:
        return "open", NOT_COMPARED, _uncompared(judged), []
    by = {name: rows.to_dict("records") for name, rows in known.groupby("finding")}
    better, worse = by.get("better", []), by.get("worse", [])
    if better:
        effects = [_effect(judged, row) for row in _foremost(better)]
        return "yes", LABELS["yes"], _shortest(_beat(judged, better, worse)), effects
    effects = [_effect(judged, row) for row in _foremost(known.to_dict("records"))]
    sure = len(worse) + len(by.get("equivalent", []))
    if sure == len(known):
        return "no", LABELS["no"], _shortest(_lost(judged, worse, len(known))), effects
    rest = len(known) - sure
    if len(known) == 1:
        row = known.iloc[0]
        ways = [
            f"{row['arm']} against {base} {_anything(judged, row['diff_low'], row['diff_high'])}",
            _anything(judged, row["diff_low"], row["diff_high"]).replace("may", "it may", 1),
        ]
    elif sure:
        ways = [
            f"no arm beat {base}; {sure} of {len(known)} did not, {rest} may or may not",
            f"no arm beat the baseline; {sure} of {len(known)} did not, {rest} may or may not",
        ]
    else:
        ways = [f"no arm differed clearly from {base}", "no arm differed clearly from the baseline"]
    return "open", LABELS["open"], _shortest(ways), effects


def _uncompared(judged: Judged) -> str:
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
        else f"no other arm has {MIN_SEEDS} rows"
    )
    return _shortest(
        [
            f"{few}, so nothing can be compared; {best['arm']} has the best number, {value}",
            f"{few}, so nothing can be compared; the best number is {value}",
        ]
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


def _anything(judged: Judged, low: float, high: float) -> str:
    _, form = forms(judged)
    return f"may be anything from {low:{form}} to {high:{form}}{judged.repeats.unit}"


def _effect(judged: Judged, row: Row) -> _Effect:
    text = effect(judged, row["diff"], (row["diff_low"], row["diff_high"]))
    counts = judged.table.set_index("arm")["n"]
    two = (str(row["arm"]), judged.baseline)
    return f"{two[0]} minus {two[1]}", text, int(min(counts[arm] for arm in two)), two


def _foremost(rows: Sequence[Row]) -> list[Row]:
    """Those that differ most, the furthest first; at most `MOST_NAMED`."""
    return sorted(rows, key=lambda row: -abs(row["diff"]))[:MOST_NAMED]


def _shortest(ways: Sequence[str]) -> str:
    """The first that has few words enough; the last where none has."""
    return next((way for way in ways if len(way.split()) < MOST_WORDS), ways[-1])


# Predictions


def _on_predictions(judged: Judged, said: Sequence[Said], answers: Mapping[str, Any]) -> _Parts:
    parts = [one for one in said if one.name in answers]
    replies = [_reply(one.mark, judged, one.name, answers[one.name]) for one in parts]
    word, label = _word(replies)
    texts = [_clause(judged, one.name) for one in parts]
    short = [_clause(judged, one.name, short=True) for one in parts]
    marks = pd.Series([one.mark for one in parts]).value_counts()
    counts = ", ".join(f"{number} {mark}" for mark, number in marks.items())
    ways = ["; ".join(texts), "; ".join(short), f"of {len(parts)} expectations {counts}"]
    if len(parts) == 1:
        ways = [*texts, *short]
    effects = [(one.what, one.effect, one.n, _two(judged, one.name)) for one in parts]
    return word, label, _shortest(ways), effects


def _reply(mark: Mark, judged: Judged, name: str, holds: Word) -> Word:
    """What a prediction answers: of one that is to be better, no where it is as good."""
    if mark == "supported":
        return holds
    if mark == "refuted" and holds != "open":
        return OPPOSITE[holds]
    return "no" if mark == "equivalent" and holds == "yes" else "open"


def _word(replies: Sequence[Word]) -> tuple[Word, str]:
    different = set(replies)
    if len(different) == 1:
        return replies[0], LABELS[replies[0]]
    return ("open", IN_PART) if "open" in different else ("no", BOTH)


def _said(judged: Judged, row: Row) -> Said:
    """What became of a prediction."""
    one, other = _two(judged, row["name"])
    verdict = row["verdict"]
    mark: Mark = "open" if verdict == "inconclusive" else verdict
    known = not math.isnan(row["low"])
    text = _clause(judged, row["name"])
    return Said(
        name=row["name"],
        mark=mark,
        sentence=_sentence(judged, text),
        what=f"{one} minus {other}",
        effect=effect(judged, row["estimate"], (row["low"], row["high"])) if known else "-",
        n=int(row["n"]),
    )


def _two(judged: Judged, name: str) -> tuple[str, str]:
    asked = judged.asked.hypotheses[name]
    one, other = map(str, asked.higher or asked.equal or ())
    return one, other


def _rows(judged: Judged, arm: str) -> int:
    return int(judged.table.set_index("arm")["n"][arm])


def _lacking(judged: Judged, names: Collection[str]) -> list[str]:
    """Arms of predictions with too few rows, once each."""
    arms = [arm for name in names for arm in _two(judged, name)]
    return [arm for arm in dict.fromkeys(arms) if _rows(judged, arm) < MIN_SEEDS]


def _clause(judged: Judged, name: str, short: bool = False) -> str:
    """What became of a prediction, as a clause."""
    row = judged.hypotheses.set_index("name").loc[name].to_dict()
    one, other = ("it", "the other") if short else _two(judged, name)
    if math.isnan(row["low"]):
        few = _lacking(judged, [name])
        which = joined(few) if not short else "an arm" if len(few) == 1 else "both arms"
        have = "has" if len(few) == 1 else "have"
        return f"{which} {have} fewer than {MIN_SEEDS} rows"
    much = f"{size(judged, row['estimate'])}{judged.repeats.unit}"
    if row["verdict"] == "inconclusive":
        return f"{one} against {other} {_anything(judged, row['low'], row['high'])}"
    if judged.margin and row["p_equal"] <= 1 - judged.level + 1e-12:
        margin = f"{judged.margin:g}{judged.repeats.unit}"
        return f"{one} and {other} were equal within {margin}"
    first_better = row["estimate"] * judged.repeats.better > 0
    above, below = (one, other) if first_better else (other, one)
    return f"{above} beat {below} by {much}"


# What speaks against it


def caveat(judged: Judged, about: Collection[str]) -> str:
    """The one thing to know before the verdict is quoted; `about` are the arms that it is about.

    In this order: rows that came to nothing; rows that look copied; budgets that differ; arms
    with too few rows; what rows must be.
    """
    repeats, table = judged.repeats, judged.table
    rows = repeats.about
    total = rows.n + repeats.failed
    if repeats.failed >= LOST * total:
        return f"{repeats.failed:,} of {total:,} rows came to nothing, and are not counted."
    if table["n"].min() > 1 and rows.copied:
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
    if SEED in repeats.frame and not judged.asked.paired and rows.shared:
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
    lacking = _lacking(judged, judged.asked.hypotheses)
    if lacking:
        return f"To settle it: {MIN_SEEDS} rows or more of {joined(lacking)}."
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


def sentences(judged: Judged) -> dict[str, str]:
    """The numbers behind each prediction, by its name."""
    found = {}
    for row in judged.hypotheses.to_dict("records"):
        one, other = _two(judged, row["name"])
        if math.isnan(row["low"]):
            counts = " and ".join(f"{arm} has {_rows(judged, arm)}" for arm in (one, other))
            found[row["name"]] = (
                f"{one} minus {other}: {counts} of at least {MIN_SEEDS} rows; not compared."
            )
            continue
        _, form = forms(judged)
        equal = ""
        if not math.isnan(row["p_equal"]):
            equal = (
                f"; against a margin of {judged.margin:g}{judged.repeats.unit}: 90% interval "
                f"{row['equal_low']:{form}} to {row['equal_high']:{form}}, "
                f"{wording.p_text(row['p_equal'])}"
            )
        found[row["name"]] = (
            f"{one} minus {other}: {row['estimate']:{form}}{judged.repeats.unit} (95% interval "
            f"{row['low']:{form}} to {row['high']:{form}}, {wording.p_text(row['p'])}{equal}; "
            f"n = {wording.plural(row['n'], judged.repeats.row)})."
        )
    return found
