"""What became of each prediction, as a clause of a sentence: plain words, and the effect.

Past tense: it is what these trials showed. No p-value and no method stands here; they stand in the
tables, from which this is read off.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.growth import GrowthFit
from ablate.analysis.hypotheses import ACCURACIES
from ablate.analysis.verdicts.names import Names, joined, listed
from ablate.results.looks import OUTCOME
from ablate.statistics.family import MIN_SEEDS
from ablate.study.file import HypothesisTable

Mark = Literal["supported", "refuted", "equivalent", "open"]
MOST_NAMED = 3  # arms in one clause; of more, the number and the best
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
    about = joined([names.cells.get(cell, cell) for cell in cells[:MOST_NAMED]])
    few = f"{MIN_SEEDS} {found.unit}s are needed, and there are too few"
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
        text = f"{one} against {other} may be {_anything(row, percent)}"
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
        effect=interval(row, percent),
        n=int(row["n"]),
        cells=(first, second),
        short=short,
        accuracy=percent,
    )


def _anything(row: Mapping[Any, Any], percent: bool) -> str:
    """What is known of a difference that might be either way, or too small to matter."""
    if row["n"] < MIN_SEEDS or math.isnan(row["low"]):
        return f"anything, with {int(row['n'])} of at least {MIN_SEEDS} seeds"
    scale, unit = (100, " points") if percent else (1, "")
    limits = [scale * row[end] for end in ("low", "high")]
    form = f"+z.{wording.decimals_to_tell(1, limits, [0.0])}f" if percent else "+.2g"
    low, high = (f"{limit:{form}}" for limit in limits)
    return f"anything from {low} to {high}{unit}"


def _margin(row: Mapping[Any, Any], percent: bool) -> str:
    return f"{100 * row['margin']:g} points" if percent else f"{row['margin']:g}"


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
        "equivalent": f"what {one} gave did not depend on {other} by {_margin(row, percent)}",
        "open": f"what {one} gave may depend on {other} by {_anything(row, percent)}",
    }[mark]
    return Clause(
        mark=mark,
        text=text,
        what="clearest contrast",
        effect=interval(row, percent),
        n=int(row["n"]),
        cells=tuple(found.summary.cells),
        short=f"whether what {one} gave depends on {other} is open" if mark == "open" else "",
        accuracy=percent,
    )


def _of_rise(prediction: HypothesisTable, row: Mapping[Any, Any], names: Names) -> Clause:
    cell = str(prediction.rises)
    what, where = _column(prediction), f"with {names.cells.get(cell, cell)}"
    percent = prediction.column in ACCURACIES
    way = "rose" if row["estimate"] > 0 else "fell"
    mark = _mark(row)
    short = {
        "equivalent": f"{what} stayed within {_margin(row, percent)} {where}",
        "open": f"how {what} changes {where} is open",
    }.get(mark, f"{what} {way} by {size(row['estimate'], percent)} {where}")
    text = f"{short}, from the first stage to the last"
    if mark == "open":
        text = f"{what} {where} may change by {_anything(row, percent)} over the stages"
    return Clause(
        mark=mark,
        text=text,
        what=f"last stage minus first {where}",
        effect=interval(row, percent),
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
        return _of_other_optimum(row, at, mark, found)
    cells = tuple(str(cell) for cell in fit.points["cell"])
    asked = listed([names.cells[cell] for cell in fit.tested]) if fit.tested else f"growth {at:g}"
    rivals = _rivals(fit, found) if mark == "refuted" else []
    if rivals:
        return _rivals_clause(rivals, asked, found, names)
    lost = size(fit.lost.mean) if not math.isnan(fit.lost.mean) else "an unknown amount"
    best = f"{fit.best.low:.2g} to {fit.best.high:.2g}"
    text = {
        "supported": f"{asked} was the best growth; every other arm was ruled out",
        "refuted": f"{asked} gave away {lost}: the best growth was {best} times",
        "equivalent": f"{asked} gave away less than {_margin(row, True)} to the best growth, which "
        f"may be anything from {best} times",
        "open": f"the best growth may be anything from {best} times, so it may be {asked}",
    }[mark]
    if mark == "open" and not fit.best.low <= at <= fit.best.high:
        text = f"the best growth may be anything from {best} times"
    return Clause(
        mark=mark,
        text=text,
        what="best",
        effect=f"growth {wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, '.2f')}",
        n=fit.seeds,
        cells=cells,
    )


def _of_other_optimum(row: Mapping[Any, Any], at: float, mark: Mark, found: Findings) -> Clause:
    """Of an optimum without a curve, or in another column than accuracy."""
    known = not math.isnan(row["estimate"])
    numbers = (row["estimate"], row["low"], row["high"])
    where = f"{row['low']:.2g} to {row['high']:.2g} times"
    text = {
        "supported": f"growth {at:g} was the best",
        "refuted": f"growth {at:g} was not the best, which was {where}",
        "equivalent": f"growth {at:g} gave away less than the margin to the best",
        "open": f"the best growth may be anything from {where}"
        if known
        else f"too little is known to say where the best growth is: four growths and {MIN_SEEDS} "
        f"{found.unit}s are needed",
    }[mark]
    return Clause(
        mark=mark,
        text=text,
        what="best",
        effect=f"growth {wording.interval_text(*numbers, '.2f')}" if known else "-",
        n=int(row["n"]),
        cells=tuple(found.summary.cells),
    )


def _rivals(fit: GrowthFit, found: Findings) -> list[dict[Any, Any]]:
    """The arms that surely beat the one that was asked about, where that is the baseline."""
    if found.file.baseline not in fit.tested:
        return []
    table = found.summary.table
    better = table[(table["finding"] == "higher") & table["cell"].isin(fit.points["cell"])]
    growth = fit.points.set_index("cell")["growth"]
    return sorted(better.to_dict("records"), key=lambda row: float(growth[row["cell"]]))


def _rivals_clause(
    rivals: Sequence[Mapping[Any, Any]], asked: str, found: Findings, names: Names
) -> Clause:
    winners = [names.cells[str(row["cell"])] for row in rivals]
    text = f"{better(winners, [row['diff'] for row in rivals], asked)}"
    return Clause(
        mark="refuted",
        text=text,
        what=f"{listed(winners)} minus {asked}",
        effect=effects(rivals),
        n=int(min(row["seeds"] for row in rivals)),
        cells=(*(str(row["cell"]) for row in rivals), found.file.baseline),
    )


def better(winners: Sequence[str], by: Sequence[float], other: str, verb: str = "beat") -> str:
    """Some arms, and by how much they beat another; of many, the number and the furthest."""
    points = [size(value).removesuffix(" points") for value in by]
    if len(winners) > MOST_NAMED:
        most = max(range(len(by)), key=lambda place: abs(by[place]))
        return f"{len(winners)} arms {verb} {other}, {winners[most]} most, by {points[most]} points"
    return f"{listed(winners, 'or')} {verb} {other} by {joined(points)} points"


def effects(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Differences from the baseline with their intervals, as a list."""
    texts = [
        interval({"estimate": row["diff"], "low": row["diff_low"], "high": row["diff_high"]})
        for row in rows[:MOST_NAMED]
    ]
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return "; ".join(texts) + more
