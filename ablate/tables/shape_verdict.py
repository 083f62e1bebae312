"""What a table of many networks answers: each prediction judged, and the answer in a sentence."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.verdicts.answer import MOST_WORDS, Mark, Said, Verdict, reply, whole
from ablate.analysis.verdicts.listing import joined
from ablate.tables.file import TableFile, TableHypothesis
from ablate.tables.replies import answering
from ablate.tables.shapes import Shapes

CALLED = {1.0: "constant width", 2.0: "doubling", 3.0: "tripling", 0.5: "halving"}
COLUMNS = ("name", "says", "kind", "verdict", "outcomes", "budgets", "held", "against", "n")
MEANT = {"macs": "MACs", "params": "parameters", "activations": "activations"}


def judge(file: TableFile, shapes: Shapes) -> pd.DataFrame:
    """A verdict on each prediction, over all outcomes and budgets.

    A prediction is meant for all of them. So `higher` is supported where the interval of every
    difference is on its side, and refuted where that of any is on the other; equivalent where all
    are within the margin; else it is open. `equal` is supported where all are within the margin,
    and refuted where any interval leaves out zero and lies beyond it. An optimum is refuted where
    the interval of the best growth leaves it out for any; equivalent where it gives away less than
    the margin for all. The intervals of differences hold together.

    Returns:
        One row a prediction: `COLUMNS`; `held` and `against` are the numbers of outcomes and
        budgets that speak for and against it, of all that can be told.
    """
    found = []
    for name, asked in file.hypotheses.items():
        marks = (
            _of_optimum(asked, shapes.best, file.margin)
            if asked.optimum is not None
            else _of_two(name, asked, shapes.contrasts, file.margin, file.columns.better)
        )
        table = shapes.best if asked.optimum is not None else _about(shapes.contrasts, name)
        found.append(
            (
                name,
                asked.says,
                asked.kind,
                _all(marks),
                table["outcome"].nunique(),
                table["at"].nunique(),
                marks.count("supported"),
                marks.count("refuted"),
                shapes.n,
            )
        )
    return pd.DataFrame(found, columns=list(COLUMNS))


def _all(marks: Sequence[Mark]) -> Mark:
    """The verdict of a prediction that is meant for all."""
    different = set(marks)
    if "refuted" in different:
        return "refuted"
    return marks[0] if len(different) == 1 else "open"


def _about(contrasts: pd.DataFrame, name: str) -> pd.DataFrame:
    own = contrasts[contrasts["hypothesis"] == name]
    return own[own["estimate"].notna()]


def _of_two(
    name: str, asked: TableHypothesis, contrasts: pd.DataFrame, margin: float, better: int
) -> list[Mark]:
    marks: list[Mark] = []
    for row in _about(contrasts, name).to_dict("records"):
        same = -margin < row["near_low"] and row["near_high"] < margin
        low, high = sorted((better * row["low"], better * row["high"]))
        if same:
            marks.append("supported" if asked.equal is not None else "equivalent")
        elif low > 0:
            marks.append("refuted" if asked.equal is not None else "supported")
        elif high < 0:
            marks.append("refuted")
        else:
            marks.append("open")
    return marks or ["open"]


def _of_optimum(asked: TableHypothesis, best: pd.DataFrame, margin: float) -> list[Mark]:
    marks: list[Mark] = []
    for row in best.to_dict("records"):
        if asked.optimum != row["growth"] or math.isnan(row["lost"]):
            marks.append("open")
        elif not row["low"] <= asked.optimum <= row["high"]:
            marks.append("refuted")
        else:
            marks.append("equivalent" if row["lost_high"] < margin else "open")
    return marks or ["open"]


def called(growth: float) -> str:
    """A growth in words."""
    if growth in CALLED:
        return CALLED[growth]
    return f"growing {growth:g} times" if growth > 1 else f"shrinking to {growth:g}"


def verdict_of(file: TableFile, shapes: Shapes, judged: pd.DataFrame) -> Verdict:
    """The answer to the study's question; it has the form of a trained study's."""
    marks: dict[str, Mark] = dict(zip(judged["name"], judged["verdict"], strict=True))
    answers = answering(file)
    texts = {name: _sentence(name, file, shapes, marks[name]) for name in file.hypotheses}
    replies = [
        # A growth that is as good as the best need not be the only one.
        reply(marks[name], one, file.hypotheses[name].optimum is None)
        for name, one in answers.items()
    ]
    word, label = whole(replies)
    if not answers:
        text = _best_growths(shapes)
    else:
        text = "; ".join(texts[name] for name in answers)
        if len(text.split()) > MOST_WORDS:
            text = texts[next(iter(answers))]
    assert file.match is not None
    held = f"at equal {meant(file.match.budget)}, "
    full = held + text if len((held + text).split()) <= MOST_WORDS else text
    return Verdict(
        word=word,
        label=label,
        sentence=f"{full[:1].upper()}{full[1:]}.",
        effects=_effects(file, shapes, list(answers)),
        n=shapes.n,
        unit="network",
        caveat=_caveat(shapes, list(answers), file),
        settle=""
        if word != "open"
        else "To settle it: more networks of these costs; each was trained once.",
        figure="growth",
        predictions=tuple(
            Said(
                name=name,
                mark=marks[name],
                sentence=f"{texts[name][:1].upper()}{texts[name][1:]}.",
                what="",
                effect="",
                n=shapes.n,
            )
            for name in file.hypotheses
        ),
    )


def meant(budget: str) -> str:
    """A budget's name in words."""
    return MEANT.get(budget, budget.replace("_", " "))


def _sentence(name: str, file: TableFile, shapes: Shapes, mark: Mark) -> str:
    """What became of a prediction, as a clause."""
    asked = file.hypotheses[name]
    if asked.optimum is not None:
        return _best_growths(shapes)
    first, second = (called(float(one)) for one in asked.higher or asked.equal or [])
    own = _about(shapes.contrasts, name)
    if own.empty:
        return f"no networks lie around both {first} and {second}"
    if mark == "equivalent" or (mark == "supported" and asked.equal is not None):
        return f"{first} and {second} were equal within {file.margin:g}{file.columns.after}"
    verbs = (f"beat {second}", f"lost to {second}", f"may tie with {second}")
    parts: dict[str, list[tuple[str, pd.Series[float]]]] = {}
    for outcome, group in own.groupby("outcome", sort=False):
        values = file.columns.better * group["estimate"]
        limits = [file.columns.better * group["low"], file.columns.better * group["high"]]
        low, high = pd.concat(limits, axis=1).min(axis=1), pd.concat(limits, axis=1).max(axis=1)
        above, below = int((low > 0).sum()), int((high < 0).sum())
        if above and not below:
            verb, some, values = verbs[0], above, values[low > 0]
        elif below and not above:
            verb, some, values = verbs[1], below, values[high < 0]
        else:
            verb, some = verbs[2], len(group)
        few = f" (at {some} of {len(group)} budgets)" if some < len(group) else ""
        parts.setdefault(verb, []).append((f"{outcome}{few}", values))
    clauses = []
    for place, (verb, about) in enumerate(parts.items()):
        every = pd.concat([values for _, values in about]).abs()
        of = (
            f" by {_range(every.min(), every.max())}{file.columns.after}"
            if verb != verbs[2]
            else ""
        )
        said = verb if place == 0 else verb.removesuffix(f" {second}").replace("lost to", "lost")
        clauses.append(f"{said}{of} on {joined([outcome for outcome, _ in about])}")
    return f"{first} {', but '.join(clauses)}"


def _range(low: float, high: float) -> str:
    least, most = f"{low:.1f}", f"{high:.1f}"
    return least if least == most else f"{least} to {most}"


def _best_growths(shapes: Shapes) -> str:
    """Where each outcome is best."""
    parts = []
    for outcome, group in shapes.best.groupby("outcome", sort=False):
        parts.append(f"{_range(group['best'].min(), group['best'].max())} on {outcome}")
    return f"the best growth was {joined(parts)}"


def _middle(at: "pd.Series[float]") -> float:
    """The middle one of the budgets."""
    every = sorted(at.unique())
    return float(every[len(every) // 2])


def _effects(file: TableFile, shapes: Shapes, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The effects behind the answer, at the middle budget."""
    assert file.match is not None
    effects = []
    optimum = any(file.hypotheses[name].optimum is not None for name in names)
    if optimum or not names:
        at = _middle(shapes.best["at"])
        for row in shapes.best[shapes.best["at"] == at].to_dict("records"):
            place = f"{wording.si(at)} {meant(file.match.budget)}"
            if file.match.budget not in MEANT:  # a product, in a unit of its own
                place = f"equal {meant(file.match.budget)} ({wording.si(at)})"
            what = f"best growth at {place}, {row['outcome']}"
            limits = wording.interval_text(row["best"], row["low"], row["high"], ".2f")
            effects.append((what, limits))
    for name in [] if effects else names[:1]:
        own = _about(shapes.contrasts, name) if file.hypotheses[name].optimum is None else None
        if own is None or own.empty:
            continue
        at = _middle(own["at"])
        for row in own[own["at"] == at].to_dict("records"):
            what = f"{called(row['first'])} minus {called(row['second'])}, {row['outcome']}"
            effects.append((what, _difference(row, file)))
    return tuple(effects)


def _difference(row: Mapping[Any, Any], file: TableFile) -> str:
    text = wording.interval_text(row["estimate"], row["low"], row["high"], "+z.1f")
    return text.replace(" [", f"{file.columns.after} [")


def _caveat(shapes: Shapes, names: Sequence[str], file: TableFile) -> str:
    """What speaks most against the answer: the first that applies."""
    own = shapes.contrasts
    if not own.empty:
        own = own[own["hypothesis"].isin(names) & (own["agrees"].eq(False))]
    if not own.empty:
        where = joined(list(dict.fromkeys(map(str, own["outcome"]))))
        return f"On {where} a comparison without a model gives another size: see the table."
    optimum = any(file.hypotheses[name].optimum is not None for name in names)
    if (optimum or not names) and shapes.best["edge"].any():
        most, least = shapes.best["most"].max(), shapes.best["least"].min()
        return f"The best growth may lie beyond what the table has, {least:.2g} to {most:.2g}."
    return "Each network was trained once: intervals are over networks, not over seeds."
