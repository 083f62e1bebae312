"""What became of each prediction, as a clause of a sentence: plain words, and the effect.

Past tense: it is what these trials showed. No p-value and no method stands here; they stand in the
tables, from which this is read off.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.growth import GrowthFit
from ablate.analysis.hypotheses import ACCURACIES
from ablate.analysis.verdicts.answer import Mark
from ablate.analysis.verdicts.listing import MOST_NAMED, joined, listed
from ablate.analysis.verdicts.names import Names
from ablate.results.looks import OUTCOME
from ablate.statistics.family import MIN_SEEDS
from ablate.study.file import HypothesisTable

COLUMNS = {
    "probe_accuracy": "what a linear probe reads",
    "effective_rank": "effective rank",
    "effective_rank_share": "effective rank per channel",
    "dead_channels": "the share of dead channels",
    "grad_norm": "the gradient's norm",
    "block_loss": "what a block is worth",
    "field_over_image": "the receptive field",
    "val_loss": "validation loss",
    "train_loss": "training loss",
}
LIKE = {"val_accuracy": "on validation images"}


@dataclass(frozen=True, kw_only=True)
class Clause:
    """What became of a prediction.

    Args:
        mark: its verdict; what is inconclusive is open.
        text: the clause, neither capitalised nor with a full stop.
        what: of what the effect is.
        effect: with its interval and unit.
        n: seeds or draws behind it.
        cells: that it is about.
        short: the clause where it must be short; the same where empty.
        accuracy: whether it is about accuracy.
    """

    mark: Mark
    text: str
    what: str
    effect: str
    n: int
    cells: tuple[str, ...]
    short: str = ""
    accuracy: bool = True

    @property
    def numbers(self) -> str:
        """The effect, and of what it is."""
        return f"{self.what} {self.effect}"


def clause_of(name: str, found: Findings, names: Names) -> Clause:
    """What became of one prediction of a run.

    Args:
        name: of the prediction.
        found: what the run shows.
        names: of its arms.
    """
    prediction = found.file.hypotheses[name]
    row = found.hypotheses.set_index("name").loc[name].to_dict()
    if prediction.optimum is not None:
        return _of_optimum(prediction, row, found, names)
    if math.isnan(row["estimate"]):
        return _unknown(prediction, row, found, names)
    if prediction.interaction is not None:
        return _of_interaction(prediction, row, names, found)
    if prediction.rises is not None:
        return _of_rise(prediction, row, names)
    return _of_two(prediction, row, names)


def _mark(row: Mapping[Any, Any]) -> Mark:
    verdict = row["verdict"]
    assert verdict in ("supported", "refuted", "equivalent", "inconclusive")
    return "open" if verdict == "inconclusive" else verdict


def size(value: float, percent: bool = True) -> str:
    """A difference without its sign: "2.3 points", with one more digit where it is small."""
    if not percent:
        return f"{abs(value):.3g}"
    points = 100 * abs(value)
    return f"{points:.1f} points" if points >= 0.095 else f"{points:.2f} points"


def interval(row: Mapping[Any, Any], percent: bool = True) -> str:
    """The effect with its interval, as `+2.3 points [1.4, 3.2]`."""
    low, high = row["low"], row["high"]
    if not percent:
        return wording.interval_text(row["estimate"], low, high, "+.3g")
    form = f"+z.{wording.decimals_to_tell(1, [100 * low, 100 * high], [0.0])}f"
    text = wording.interval_text(100 * row["estimate"], 100 * low, 100 * high, form)
    return text.replace(" [", " points [")


def _unknown(
    prediction: HypothesisTable, row: Mapping[Any, Any], found: Findings, names: Names
) -> Clause:
    cells = _cells_of(prediction, found)
    named = cells if prediction.interaction is None else ()
    about = joined([names.cells.get(cell, cell) for cell in named])
    few = f"there are too few {found.unit}s to tell yet"
    return Clause(
        mark="open",
        text=f"nothing is known yet of {about}" if about else few,
        what="nothing yet",
        effect="-",
        n=int(row["n"]),
        cells=cells,
    )


def _cells_of(prediction: HypothesisTable, found: Findings) -> tuple[str, ...]:
    if prediction.rises is not None:
        return (prediction.rises,)
    two = prediction.higher or prediction.equal
    return tuple(two) if two else tuple(found.summary.cells)


def _of_two(prediction: HypothesisTable, row: Mapping[Any, Any], names: Names) -> Clause:
    first, second = prediction.higher or prediction.equal or []
    one, other = (names.cells.get(cell, cell) for cell in (first, second))
    percent = prediction.column in ACCURACIES
    where = f" {LIKE[prediction.column]}" if prediction.column in LIKE else ""
    above, below = (one, other) if row["estimate"] > 0 else (other, one)
    much = size(row["estimate"], percent)
    mark, short = _mark(row), ""
    if mark == "open":
        text = f"{one} against {other} {_anything(row, percent)}"
        short = f"{one} against {other} is open"
    elif mark == "equivalent" or (mark == "supported" and prediction.equal):
        text = f"{one} and {other} were equal{where} within {_margin(row, percent)}"
    elif percent and prediction.column != "block_loss":
        text = f"{above} beat {below}{where} by {much}"
    else:
        text = f"{_column(prediction)} of {above} was {much} above that of {below}"
    return Clause(
        mark=mark,
        text=text,
        what=f"{one} minus {other}",
        effect=_effect(row, percent),
        n=int(row["n"]),
        cells=(first, second),
        short=short,
        accuracy=percent,
    )


def _anything(row: Mapping[Any, Any], percent: bool) -> str:
    """What is known of a difference that might be either way, or too small to matter."""
    if _few(row):
        return f"is not told yet: {int(row['n'])} of at least {MIN_SEEDS} seeds"
    scale, unit = (100, " points") if percent else (1, "")
    limits = [scale * row[end] for end in ("low", "high")]
    form = f"+z.{wording.decimals_to_tell(1, limits, [0.0])}f" if percent else "+.2g"
    low, high = (f"{limit:{form}}" for limit in limits)
    return f"may be anything from {low} to {high}{unit}"


def _few(row: Mapping[Any, Any]) -> bool:
    """Whether there are too few seeds for an interval to mean anything."""
    return bool(row["n"] < MIN_SEEDS or math.isnan(row["low"]))


def _effect(row: Mapping[Any, Any], percent: bool) -> str:
    return "-" if _few(row) else interval(row, percent)


def _margin(row: Mapping[Any, Any], percent: bool) -> str:
    return wording.margin_text(row["margin"]) if percent else f"{row['margin']:g}"


def _column(prediction: HypothesisTable) -> str:
    return COLUMNS.get(prediction.column, prediction.column.replace("_", " "))


def _of_interaction(
    prediction: HypothesisTable, row: Mapping[Any, Any], names: Names, found: Findings
) -> Clause:
    assert prediction.interaction is not None
    one, other = (names.axes.get(axis, axis) for axis in prediction.interaction)
    percent = prediction.column in ACCURACIES
    mark = _mark(row)
    text = {
        "supported": f"what {one} gave depended on {other}, by {size(row['estimate'], percent)} at "
        "the clearest",
        "equivalent": f"what {one} gave depended on {other} by less than {_margin(row, percent)}",
        "open": f"how far what {one} gave depends on {other} {_anything(row, percent)}",
    }[mark]
    short = {
        "supported": f"{one} and {other} interacted, by {size(row['estimate'], percent)}",
        "equivalent": f"{one} and {other} did not interact by {_margin(row, percent)}",
        "open": f"whether {one} and {other} interact is open",
    }[mark]
    return Clause(
        mark=mark,
        text=text,
        what="clearest contrast",
        effect=_effect(row, percent),
        n=int(row["n"]),
        cells=tuple(found.summary.cells),
        short=short,
        accuracy=percent,
    )


def _of_rise(prediction: HypothesisTable, row: Mapping[Any, Any], names: Names) -> Clause:
    cell = str(prediction.rises)
    what, where = _column(prediction), f"with {names.cells.get(cell, cell)}"
    percent = prediction.column in ACCURACIES
    way = "rose" if row["estimate"] > 0 else "fell"
    mark = _mark(row)
    much = size(row["estimate"], percent)
    changed = {
        "equivalent": f"{what} stayed within {_margin(row, percent)}",
        "open": f"how {what} changes is open",
    }.get(mark, f"{what} {way} by {much}")
    if row["low"] == row["high"] == 0:
        changed = f"{what} did not change"
    short, text = f"{changed} {where}", f"{changed} from the first stage to the last {where}"
    if mark == "open" and not row["low"] == row["high"] == 0:
        text = f"how {what} changes over the stages {where} {_anything(row, percent)}"
    return Clause(
        mark=mark,
        text=text,
        what=f"last stage minus first {where}",
        effect=_effect(row, percent),
        n=int(row["n"]),
        cells=(cell,),
        short=short,
        accuracy=False,
    )


def _of_optimum(
    prediction: HypothesisTable, row: Mapping[Any, Any], found: Findings, names: Names
) -> Clause:
    mark, at = _mark(row), float(prediction.optimum or math.nan)
    fits = [fit for fit in found.fits if fit.at == at and fit.seeds == row["n"]]
    fit = next((own for own in fits if found.file.baseline in set(own.points["cell"])), None)
    if fit is None or prediction.column != OUTCOME:
        return _of_other_optimum(prediction, row, mark, found)
    cells = tuple(str(cell) for cell in fit.points["cell"])
    asked = listed([names.cells[cell] for cell in fit.tested]) if fit.tested else f"growth {at:g}"
    rivals = _rivals(fit, found) if mark == "refuted" else []
    if rivals:
        return _rivals_clause(rivals, found, names)
    best, inside = _growths(fit.best.low, fit.best.high), fit.best.low <= at <= fit.best.high
    refuted = f"{asked} was not the best growth, which was {best}"
    if not math.isnan(fit.lost.mean):
        but = "" if inside else f", which was {best}"
        refuted = f"{asked} gave away {size(fit.lost.mean)} to the best growth{but}"
    text = {
        "supported": f"{asked} was the best growth; every other arm was ruled out",
        "refuted": refuted,
        "equivalent": f"{asked} gave away less than {_margin(row, True)} to the best growth, which "
        f"may be {best}",
        "open": f"the best growth may be {best}" + (f", so it may be {asked}" if inside else ""),
    }[mark]
    return Clause(
        mark=mark,
        text=text,
        what="best",
        effect=f"growth {wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, '.2f')}",
        n=fit.seeds,
        cells=cells,
    )


def _growths(low: float, high: float) -> str:
    """A range of growths in words."""
    least, most = f"{low:.2g}", f"{high:.2g}"
    return f"{least} times" if least == most else f"anything from {least} to {most} times"


def _of_other_optimum(
    prediction: HypothesisTable, row: Mapping[Any, Any], mark: Mark, found: Findings
) -> Clause:
    """Of an optimum without a curve, or in another accuracy than that of the test images."""
    known = not math.isnan(row["estimate"])
    at = f"growth {prediction.optimum:g}"
    where = f" {LIKE[prediction.column]}" if prediction.column in LIKE else ""
    best = _growths(row["low"], row["high"]) if known else ""
    text = {
        "supported": f"{at} was the best{where}",
        "refuted": f"{at} was not the best{where}, which was {best}",
        "equivalent": f"{at} gave away less than the margin to the best{where}",
        "open": f"the best growth{where} may be {best}"
        if known
        else f"too little is known to say where the best growth{where} is",
    }[mark]
    interval = wording.interval_text(row["estimate"], row["low"], row["high"], ".2f")
    return Clause(
        mark=mark,
        text=text,
        what="best",
        effect=f"growth {interval}" if known else "-",
        n=int(row["n"]),
        cells=tuple(found.summary.cells),
    )


def _rivals(fit: GrowthFit, found: Findings) -> list[dict[Any, Any]]:
    """The arms that surely beat the one that was asked about, where that is the baseline."""
    if found.file.baseline not in fit.tested:
        return []
    table = found.summary.table
    others = set(fit.points["cell"]) - set(fit.tested)
    better = table[(table["finding"] == "higher") & table["cell"].isin(others)]
    growth = fit.points.set_index("cell")["growth"]
    return sorted(better.to_dict("records"), key=lambda row: float(growth[row["cell"]]))


def _rivals_clause(rivals: Sequence[Mapping[Any, Any]], found: Findings, names: Names) -> Clause:
    base = names.cells[found.file.baseline]
    return Clause(
        mark="refuted",
        text=better(rivals, names, base, "beat"),
        what=f"{named(rivals, names)} minus {base}",
        effect=effects(rivals),
        n=int(min(row["seeds"] for row in rivals)),
        cells=(*(str(row["cell"]) for row in rivals), found.file.baseline),
        short=f"{len(rivals)} arms beat {base}" if len(rivals) > 1 else "",
    )


def better(rows: Sequence[Mapping[Any, Any]], names: Names, other: str, verb: str) -> str:
    """Some arms, and by how much they beat another; of many, the number and the furthest."""
    foremost = _foremost(rows)
    points = [size(row["diff"]).removesuffix(" points") for row in foremost]
    arms = [names.cells[str(row["cell"])] for row in foremost]
    if len(rows) > MOST_NAMED:
        return f"{len(rows)} arms {verb} {other}, {arms[0]} most, by {points[0]} points"
    last = "or" if verb == "beat" else "and"
    return f"{listed(arms, last)} {verb} {other} by {joined(points)} points"


def named(rows: Sequence[Mapping[Any, Any]], names: Names) -> str:
    """The arms whose effects are told."""
    return listed([names.cells[str(row["cell"])] for row in _foremost(rows)])


def effects(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Differences from the baseline with their intervals, as a list."""
    texts = [
        interval({"estimate": row["diff"], "low": row["diff_low"], "high": row["diff_high"]})
        for row in _foremost(rows)
    ]
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return "; ".join(texts) + more


def _foremost(rows: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """All rows, in order; of many, those that differ most, the furthest first."""
    if len(rows) <= MOST_NAMED:
        return list(rows)
    return sorted(rows, key=lambda row: -abs(row["diff"]))[:MOST_NAMED]
