"""The verdict on predictions about two arms each, and the numbers behind them."""

import math
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import Mark, Reply, Said, reply, whole
from ablate.analysis.verdicts.listing import joined
from ablate.statistics.family import MIN_SEEDS
from ablate.tables.arms.compare import Judged
from ablate.tables.arms.numbers import anything, effect, forms, size
from ablate.tables.arms.parts import Parts, Row, as_sentence, shortest


def on_predictions(judged: Judged, said: Sequence[Said], answers: Mapping[str, Reply]) -> Parts:
    """What the predictions that answer the question came to."""
    parts = [one for one in said if one.name in answers]
    word, label = whole([reply(one.mark, answers[one.name], equal=True) for one in parts])
    texts = [_clause(judged, one.name) for one in parts]
    short = [_clause(judged, one.name, short=True) for one in parts]
    marks = pd.Series([one.mark for one in parts]).value_counts()
    counts = ", ".join(f"{number} {mark}" for mark, number in marks.items())
    ways = ["; ".join(texts), "; ".join(short), f"of {len(parts)} expectations {counts}"]
    if len(parts) == 1:
        ways = [*texts, *short]
    return Parts(
        word=word,
        label=label,
        clause=shortest(ways),
        effects=[(one.what, one.effect, one.n) for one in parts],
        pairs=[two_arms(judged, one.name) for one in parts],
    )


def said_of(judged: Judged, row: Row) -> Said:
    """What became of a prediction."""
    one, other = two_arms(judged, row["name"])
    verdict = row["verdict"]
    mark: Mark = "open" if verdict == "inconclusive" else verdict
    known = not math.isnan(row["low"])
    text = _clause(judged, row["name"])
    return Said(
        name=row["name"],
        mark=mark,
        sentence=as_sentence(judged, text),
        what=f"{one} minus {other}",
        effect=effect(judged, row["estimate"], (row["low"], row["high"])) if known else "-",
        n=int(row["n"]),
    )


def two_arms(judged: Judged, name: str) -> tuple[str, str]:
    """The two arms that a prediction is about."""
    asked = judged.asked.hypotheses[name]
    one, other = map(str, asked.higher or asked.equal or ())
    return one, other


def rows_of(judged: Judged, arm: str) -> int:
    """How many rows an arm has."""
    return int(judged.table.set_index("arm")["n"][arm])


def lacking(judged: Judged, names: Collection[str]) -> list[str]:
    """Arms of predictions with too few rows, once each."""
    arms = [arm for name in names for arm in two_arms(judged, name)]
    return [arm for arm in dict.fromkeys(arms) if rows_of(judged, arm) < MIN_SEEDS]


def _clause(judged: Judged, name: str, short: bool = False) -> str:
    """What became of a prediction, as a clause."""
    row = judged.hypotheses.set_index("name").loc[name].to_dict()
    one, other = ("it", "the other") if short else two_arms(judged, name)
    if math.isnan(row["low"]):
        few = lacking(judged, [name])
        if not few:
            which = "both arms" if short else joined(two_arms(judged, name))
            return f"the rows of {which} are all alike, so they cannot be compared"
        which = joined(few) if not short else "an arm" if len(few) == 1 else "both arms"
        have = "has" if len(few) == 1 else "have"
        return f"{which} {have} fewer than {MIN_SEEDS} rows"
    much = f"{size(judged, row['estimate'])}{judged.repeats.unit}"
    if row["verdict"] == "inconclusive":
        return f"{one} against {other} {anything(judged, row['low'], row['high'])}"
    if judged.margin and row["p_equal"] <= 1 - judged.level + 1e-12:
        margin = f"{judged.margin:g}{judged.repeats.unit}"
        return f"{one} and {other} were equal within {margin}"
    first_better = row["estimate"] * judged.repeats.better > 0
    above, below = (one, other) if first_better else (other, one)
    return f"{above} beat {below} by {much}"


def sentences(judged: Judged) -> dict[str, str]:
    """The numbers behind each prediction, by its name."""
    found = {}
    for row in judged.hypotheses.to_dict("records"):
        one, other = two_arms(judged, row["name"])
        if math.isnan(row["low"]):
            if not lacking(judged, [row["name"]]):
                found[row["name"]] = (
                    f"{one} minus {other}: the rows of either arm are all alike; not compared."
                )
                continue
            counts = " and ".join(f"{arm} has {rows_of(judged, arm)}" for arm in (one, other))
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
