"""Which growth is best: a curve through accuracy over growth, and where it is highest.

Growth r is the ratio of a stage's width to that of the stage before. Cells that differ in their
widths alone make a group; one with four growths or more gets a fit.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.analysis.wording import MEASURES
from ablate.results.outcomes import by_seed
from ablate.results.schema import axis_columns
from ablate.statistics import intervals
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.intervals import Interval
from ablate.statistics.optimum import optimum

FEWEST_GROWTHS = 4
SURE = 0.05  # a p-value of misfit below it is said


@dataclass(frozen=True, kw_only=True)
class GrowthFit:
    """Accuracy over growth in one group of cells. Accuracies are fractions.

    Args:
        group: what sets the group apart from others of the study; empty where there is one.
        match: what its cells hold equal, if anything: macs, params, activations or latency.
        points: `cell`, `growth`, `n`, `mean`, `low`, `high`, and `p_best`: of a test that no other
            arm is better; growth ascending.
        curve: `growth`, `mean`, `low`, `high`, over the tested range; a pointwise interval.
        misfit_p: that the arms' means lie as far from the curve as they do, by chance.
        best: the growth at which the curve is highest, with its interval.
        edge: whether that, or a limit of its interval, is an end of the tested range.
        best_arms: cells that cannot be ruled out as the best, in the order of `points`.
        at: the growth that is asked about.
        tested: the cells that are a test of it; none where it was not tested.
        excluded: whether it is ruled out as the best: by the interval of `best`, or because no
            cell that is a test of it is among `best_arms`.
        lost: accuracy given away there against the curve's highest, with its interval; its lower
            limit is 0 unless `at` is excluded. NaN where that is beyond what was tested.
        seeds: complete in all cells.
        level: confidence of the intervals, and that `best_arms` hold the best.
    """

    group: str
    match: str | None
    points: pd.DataFrame
    curve: pd.DataFrame
    misfit_p: float
    best: Interval
    edge: bool
    best_arms: tuple[str, ...]
    at: float
    tested: tuple[str, ...]
    excluded: bool
    lost: Interval
    seeds: int
    level: float


def growth_of(widths: str) -> float:
    """The realised growth of a network: the geometric mean of its stages' ratios.

    Args:
        widths: as the trials table has them, JSON; of a stage given block by block, its last.

    >>> growth_of("[16, 32, 64]")
    2.0
    """
    stages = [stage[-1] if isinstance(stage, list) else stage for stage in json.loads(widths)]
    if len(stages) < 2:
        return math.nan
    return float((stages[-1] / stages[0]) ** (1 / (len(stages) - 1)))


def groups(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows whose networks differ in widths alone, and a name from the arms that they share.

    Only groups with `FEWEST_GROWTHS` growths or more are given.
    """
    others = trials["spec"].map(_all_but_widths)
    found = [rows for _, rows in trials.groupby(others, sort=False)]
    for rows in found:
        if rows["widths"].map(growth_of).dropna().round(6).nunique() < FEWEST_GROWTHS:
            continue
        shared = [
            str(rows[axis].iloc[0]) for axis in axis_columns(rows) if rows[axis].nunique() == 1
        ]
        yield " / ".join(shared), rows


def _all_but_widths(spec: str) -> str:
    net = json.loads(spec).get("net", {})
    return json.dumps({key: net[key] for key in sorted(net) if key not in ("widths", "stem_width")})


def fit_growth(
    trials: pd.DataFrame,
    outcome: str = "test_accuracy",
    level: float = 0.95,
    at: float = 2.0,
) -> list[GrowthFit]:
    """A fit for each group of the study that has growths, and seeds, enough.

    The curve and its intervals are of `statistics.optimum`, the arms that may be the best of
    `statistics.best`, over the seeds that are complete in every cell of the group. Fewer than
    `MIN_SEEDS` give no fit.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        outcome: name of a column with an accuracy.
        level: confidence of the intervals.
        at: a growth that the fit is asked about.
    """
    fits = []
    for name, rows in groups(trials):
        cells = rows.drop_duplicates("cell").sort_values("cell").set_index("cell")
        growths = cells["widths"].map(growth_of).sort_values(kind="stable")
        table = by_seed(rows, outcome)[list(growths.index)].dropna().sort_index()
        if len(table) >= MIN_SEEDS:
            match = rows["match"].iloc[0]
            held = None if pd.isna(match) else str(match)
            fits.append(_fit(name, held, growths, table, level, at))
    return fits


def _fit(
    group: str,
    match: str | None,
    growths: "pd.Series[float]",
    table: pd.DataFrame,
    level: float,
    at: float,
) -> GrowthFit:
    found = optimum(growths, table, at, level)
    cells = [str(cell) for cell in growths.index]
    return GrowthFit(
        group=group,
        match=match,
        points=_points(growths, table, level).assign(p_best=found.arms.p),
        curve=pd.DataFrame(
            {"growth": found.growths, "mean": found.mean, "low": found.low, "high": found.high}
        ),
        misfit_p=found.misfit_p,
        best=found.best,
        edge=found.edge,
        best_arms=tuple(cell for cell, kept in zip(cells, found.arms.may_be, strict=True) if kept),
        at=at,
        tested=tuple(cells[arm] for arm in found.tested),
        excluded=found.excluded,
        lost=found.lost,
        seeds=len(table),
        level=level,
    )


def _points(growths: "pd.Series[float]", table: pd.DataFrame, level: float) -> pd.DataFrame:
    rows = []
    for cell, growth in growths.items():
        interval = intervals.mean_interval(table[cell], level)
        rows.append((cell, growth, len(table), interval.mean, interval.low, interval.high))
    return pd.DataFrame(rows, columns=["cell", "growth", "n", "mean", "low", "high"])


def verdict(fit: GrowthFit, margin: float) -> str:
    """Whether accuracy is highest at the growth `fit.at`.

    - refuted: it is excluded, by the interval of the best growth (a growth beyond what was tested,
      where the interval does not reach that end), or since its arm is ruled out;
    - supported: every other arm is ruled out as the best;
    - equivalent: what it gives away is below the margin (upper limit);
    - else inconclusive.

    Args:
        fit: of `fit_growth`.
        margin: in the units of the accuracy; NaN where nothing counts as equal.
    """
    if fit.excluded:
        return "refuted"
    if set(fit.best_arms) <= set(fit.tested):
        return "supported"
    return "equivalent" if fit.lost.high < margin else "inconclusive"


def optimum_text(fit: GrowthFit) -> str:
    """The sentence that says where accuracy over growth is highest, and how sure that is."""
    held = f"At equal {MEASURES[fit.match]}" if fit.match else "With nothing held equal"
    where = f" ({fit.group})" if fit.group else ""
    return sentence(fit, subject=f"{held}{where} accuracy")


def sentence(
    fit: GrowthFit,
    margin: float = math.nan,
    percent: bool = True,
    subject: str = "Accuracy",
) -> str:
    """Where a curve is highest, which arms may be best, and what `fit.at` gives away.

    Args:
        fit: of `fit_growth`.
        margin: as `verdict` takes it.
        percent: whether the values are fractions, to be told in percentage points.
        subject: what is highest; it begins the sentence.
    """
    parts = [
        f"{subject} is highest at growth {_limits(fit.best)}{_edge(fit)}",
        _arms(fit),
        _given_away(fit, margin, percent),
    ]
    if fit.misfit_p < SURE:
        parts.append(f"the curve misses the arms' means (p = {fit.misfit_p:.2g})")
    return f"{'; '.join(parts)} ({fit.seeds} seeds, {100 * fit.level:g}% intervals)."


def _edge(fit: GrowthFit) -> str:
    if not fit.edge:
        return ""
    at_end = fit.best.mean in (fit.curve["growth"].min(), fit.curve["growth"].max())
    return ", an end of what was tested" if at_end else ", up to an end of what was tested"


def _arms(fit: GrowthFit) -> str:
    """Which arms may be the best, or which may not, where these are fewer."""
    cells = list(fit.points["cell"])
    others = [cell for cell in cells if cell not in fit.best_arms]
    if not others:
        return "any arm may be the best"
    if len(others) < len(fit.best_arms):
        return f"any arm but {_joined(others, 'and')} may be the best"
    arms = "arms" if len(fit.best_arms) > 1 else "arm"
    return f"best {arms}: {_joined(fit.best_arms, 'or')}"


def _joined(cells: Sequence[str], last: str) -> str:
    """Names of cells as a list in a sentence; where a name has a comma, without commas."""
    if any("," in cell for cell in cells):
        return f" {last} ".join(cells)
    return f" {last} ".join([", ".join(cells[:-1]), cells[-1]] if cells[1:] else cells)


def _given_away(fit: GrowthFit, margin: float, percent: bool) -> str:
    """What the growth that was asked about gives away, and whether it is ruled out."""
    if math.isnan(fit.lost.mean):
        return f"growth {fit.at:g} is beyond what was tested"
    scale, unit = (100, " points") if percent else (1, "")
    lost = Interval(scale * fit.lost.mean, scale * fit.lost.low, scale * fit.lost.high)
    number, limits = _limits(lost).split(" ", 1)
    amount = f"{number}{unit} {limits}"
    if fit.excluded and fit.tested and not set(fit.tested) & set(fit.best_arms):
        arms = _joined(fit.tested, "and")
        are, they = ("are", "they give") if len(fit.tested) > 1 else ("is", "it gives")
        return f"{arms} {are} ruled out: {they} away {amount}"
    if fit.excluded:
        but = "" if fit.lost.low > 0 else "; that may be next to nothing"
        return f"growth {fit.at:g} is outside the interval and gives away {amount}{but}"
    below = fit.lost.high < margin and not set(fit.best_arms) <= set(fit.tested)
    less = f", less than {scale * margin:g}{unit}" if below else ""
    return f"growth {fit.at:g} gives away {amount}{less}"


def _limits(interval: Interval) -> str:
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
