"""Many networks, few repeats: a surface over budget and shape, and growths at equal budgets.

Beside the surface stands a check without a model: networks near the budget and near the growth,
compared as they are. Intervals of the surface are over networks: what others, drawn as these were,
would have given. They say nothing of seeds, of which each network has one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ablate.errors import InputError
from ablate.statistics import surface
from ablate.statistics.surface import Checked, Surface
from ablate.tables.file import TableFile
from ablate.tables.rows import GROWTH, Rows, known_budget

DRAWS = 400  # of the networks
LEVEL = 0.95
STEP = 0.04  # of log2 of growth, along a curve
FEWEST = 40  # networks, for a surface
NEAR_GROWTH, NEAR_BEND = 0.2, 0.3  # log2: networks of a bin
FEWEST_IN_BIN = 4
LEAST_GROWTHS = 0.2  # log2, between the least and the greatest
TESTED = (0.25, 8.0)  # growths that are looked at, where networks lie around them
CONTRASTS = ("hypothesis", "outcome", "budget", "at", "first", "second")
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """What a table of many networks shows. Outcomes in their unit; more is better or less is.

    Args:
        fits: one row an outcome: `outcome`, `n`, `error` and `r2` of telling each network from
            the others, `deviation` of single networks about the surface.
        curves: `outcome`, `at`, `growth`, `mean`, `low`, `high`; pointwise intervals.
        best: one row an outcome and budget: `outcome`, `at`, `best`, `low`, `high`, `least`,
            `most` (growths that networks lie around), `edge`, and `growth`, `lost`, `lost_low`,
            `lost_high`: what the growth that is asked about gives away against the best.
        contrasts: one row a prediction of two growths, outcome and budget: `CONTRASTS`,
            `estimate` (first less second), `low`, `high`, `near_low`, `near_high` (of two
            one-sided tests), all of which hold together. From the bins: `n_first`, `n_second`,
            `bin_first`, `bin_second` (mean growths of their networks), `bin_estimate`, `bin_low`,
            `bin_high`; `line_estimate`, `line_low`, `line_high`, what the surface says of these
            very growths; `agrees`, whether the two intervals meet. Missing where growths have too
            few networks around them.
        standing: one row an outcome, of the network that the study names: `outcome`, `at` (its
            cost), `n` (others within the tolerance of it), `value`, `better` (of these), and the
            best of them: `best`, its widths, `best_value`, `best_growth`.
    """

    fits: pd.DataFrame
    curves: pd.DataFrame
    best: pd.DataFrame
    contrasts: pd.DataFrame
    standing: pd.DataFrame

    @property
    def n(self) -> int:
        """How many networks the surface is of."""
        return int(self.fits["n"].max())


def find_shapes(file: TableFile, rows: Rows, near: Rows) -> Shapes:
    """What a table says of growths at equal budgets.

    Args:
        file: the study file.
        rows: that are meant; the surface is of these.
        near: of which bins are made: also rows that are not quite of the shape that is meant.

    Raises:
        InputError: fewer than `FEWEST` networks, or no network near any of the budgets.
    """
    assert file.match is not None
    if len(rows.outcomes) < FEWEST:
        raise InputError(
            f"{rows.source.path}: {len(rows.outcomes)} networks are meant; a surface needs {FEWEST}"
        )
    if np.ptp(rows.shapes[GROWTH]) < LEAST_GROWTHS:
        raise InputError(
            f"{rows.source.path}: the networks hardly differ in growth; there is nothing to compare"
        )
    standing = _standing(file, near)
    budget = np.log2(known_budget(rows, file.match.budget).to_numpy(dtype=float))
    points, around = _points(rows, budget), _around(rows, budget)
    lines = {at: _line(points, around, at) for at in file.match.at}
    if not any(len(line) for line in lines.values()):
        least, most = 2 ** budget.min(), 2 ** budget.max()
        raise InputError(
            f"match.at: no networks lie around any of these budgets; they have {least:.3g} to "
            f"{most:.3g} {file.match.budget}"
        )
    fitted = {str(name): surface.fit(points, own) for name, own in rows.outcomes.items()}
    every = np.vstack([line for line in lines.values() if len(line)])
    counts = surface.resampled(len(points), DRAWS)
    values = {name: one.at(every) for name, one in fitted.items()}
    draws = {
        name: np.array([one.at(every, often) for often in counts]) for name, one in fitted.items()
    }
    pieces = _pieces(lines)
    along = [
        Along(
            outcome=name,
            at=at,
            growths=every[piece, 1],
            mean=values[name][piece],
            draws=draws[name][:, piece],
        )
        for name in fitted
        for at, piece in pieces.items()
    ]
    asked = [own.optimum for own in file.hypotheses.values() if own.optimum is not None]
    return Shapes(
        fits=_fits(fitted),
        curves=pd.concat([_curve(one) for one in along], ignore_index=True),
        best=pd.DataFrame([_best(one, [*asked, 2.0][0], rows.better) for one in along]),
        contrasts=_contrasts(file, near, along),
        standing=standing,
    )


@dataclass(frozen=True, kw_only=True)
class Along:
    """A surface along growths at one budget.

    Args:
        outcome, at: of which outcome, at which budget.
        growths: log2, ascending.
        mean: of the surface; `draws` of the networks, shape (draws, growths).
    """

    outcome: str
    at: float
    growths: Array
    mean: Array
    draws: Array

    def of(self, growth: float) -> tuple[float, Array] | None:
        """The surface and its draws at a growth; None where no networks lie around it."""
        place = math.log2(growth)
        if not self.growths[0] - 1e-9 <= place <= self.growths[-1] + 1e-9:
            return None
        right = int(np.clip(np.searchsorted(self.growths, place), 1, len(self.growths) - 1))
        left = right - 1
        share = (place - self.growths[left]) / (self.growths[right] - self.growths[left])
        mean = (1 - share) * self.mean[left] + share * self.mean[right]
        return float(mean), (1 - share) * self.draws[:, left] + share * self.draws[:, right]


def _points(rows: Rows, budget: Array) -> Array:
    """Coordinates of networks: budget, growth, bends, covariates."""
    return np.column_stack([budget, rows.shapes, rows.covariates])


def _around(rows: Rows, budget: Array) -> Array:
    """Of these, those between which a surface is asked: not the covariates, which are held."""
    return np.column_stack([budget, rows.shapes])


def _line(points: Array, around: Array, at: float) -> Array:
    """Points of even growth at a budget, as far as networks lie around them."""
    first, last = (math.log2(limit) for limit in TESTED)
    growths = np.arange(first, last + STEP / 2, STEP)
    wanted = np.zeros((len(growths), points.shape[1]))
    wanted[:, 0], wanted[:, 1] = math.log2(at), growths
    shape = around.shape[1]
    wanted[:, shape:] = np.median(points[:, shape:], axis=0)
    inside = np.flatnonzero(surface.within(around, wanted[:, :shape]))
    if len(inside) < 2:
        return wanted[:0]
    return wanted[inside[0] : inside[-1] + 1]  # a hull has no holes


def _pieces(lines: Mapping[float, Array]) -> dict[float, slice]:
    """Where each budget's points are among all."""
    pieces, start = {}, 0
    for at, line in lines.items():
        if len(line):
            pieces[at] = slice(start, start + len(line))
        start += len(line)
    return pieces


def _fits(fitted: Mapping[str, Surface]) -> pd.DataFrame:
    checked: dict[str, Checked] = {name: surface.leave_one_out(one) for name, one in fitted.items()}
    return pd.DataFrame(
        [
            {
                "outcome": name,
                "n": one.n,
                "error": one.error,
                "r2": one.r2,
                "deviation": fitted[name].deviation,
            }
            for name, one in checked.items()
        ]
    )


def _curve(one: Along) -> pd.DataFrame:
    low, high = np.quantile(one.draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return pd.DataFrame(
        {
            "outcome": one.outcome,
            "at": one.at,
            "growth": 2.0**one.growths,
            "mean": one.mean,
            "low": low,
            "high": high,
        }
    )


def _best(one: Along, growth: float, better: int) -> dict[str, object]:
    """Where a curve is best, over draws of the networks; an end it may be at is in the interval."""
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    place = int((better * one.mean).argmax())
    places = (better * one.draws).argmax(axis=1)
    low, high = np.quantile(one.growths[places], tails)
    low, high = min(low, one.growths[place]), max(high, one.growths[place])
    here = one.of(growth)
    lost = (math.nan, math.nan, math.nan)
    if here is not None:
        mean, draws = here
        gone = (better * one.draws).max(axis=1) - better * draws
        lost = (better * one.mean[place] - better * mean, *map(float, np.quantile(gone, tails)))
    ends = {one.growths[0], one.growths[-1]}
    return {
        "outcome": one.outcome,
        "at": one.at,
        "best": 2.0 ** one.growths[place],
        "low": 2.0**low,
        "high": 2.0**high,
        "least": 2.0 ** one.growths[0],
        "most": 2.0 ** one.growths[-1],
        "edge": bool(ends & {one.growths[place], low, high}),
        "growth": growth,
        "lost": lost[0],
        "lost_low": lost[1],
        "lost_high": lost[2],
    }


def _contrasts(file: TableFile, near: Rows, along: Sequence[Along]) -> pd.DataFrame:
    """Every predicted difference of two growths at every budget, all of them together."""
    assert file.match is not None
    rows: list[dict[str, object]] = []
    means: list[float] = []
    draws: list[Array] = []
    for name, asked in file.hypotheses.items():
        two = asked.higher or asked.equal
        if two is None:
            continue
        first, second = float(two[0]), float(two[1])
        for one in along:
            row: dict[str, object] = dict(
                zip(
                    CONTRASTS,
                    (name, one.outcome, file.match.budget, one.at, first, second),
                    strict=True,
                )
            )
            ours, theirs = one.of(first), one.of(second)
            if ours is not None and theirs is not None:
                row["place"] = len(means)
                means.append(ours[0] - theirs[0])
                draws.append(ours[1] - theirs[1])
            rows.append(row | _bins(file, near, one, first, second))
    table = pd.DataFrame(rows, columns=[*CONTRASTS, "place", *_BINNED, "agrees"])
    limits = _together(np.array(means), np.array(draws).T) if means else {}
    places = table.pop("place")
    for key in ("estimate", "low", "high", "near_low", "near_high"):
        table[key] = [math.nan if math.isnan(one) else limits[key][int(one)] for one in places]
    return table


_BINNED = (
    *("n_first", "n_second", "bin_first", "bin_second", "bin_estimate", "bin_low", "bin_high"),
    *("line_estimate", "line_low", "line_high"),
)


def _together(means: Array, draws: Array) -> dict[str, Array]:
    """Limits that hold for all differences at once, from their joint distribution over draws."""
    errors = draws.std(axis=0, ddof=1)
    largest = np.abs((draws - draws.mean(axis=0)) / errors).max(axis=1)
    wide, narrow = np.quantile(largest, [LEVEL, 2 * LEVEL - 1])
    return {
        "estimate": means,
        "low": means - wide * errors,
        "high": means + wide * errors,
        "near_low": means - narrow * errors,
        "near_high": means + narrow * errors,
    }


def _bins(
    file: TableFile, near: Rows, one: Along, first: float, second: float
) -> dict[str, object]:
    """Two growths compared without a model: networks near the budget and near each (Welch)."""
    assert file.match is not None
    budget = known_budget(near, file.match.budget)
    equal = (budget / one.at - 1).abs() <= file.match.tolerance
    bends = near.shapes.drop(columns=GROWTH)
    off = np.sqrt((bends**2).sum(axis=1) / (2 + len(bends.columns)))  # of each width, log2
    alike = equal & (off <= NEAR_BEND)
    bins = [
        alike & ((near.shapes[GROWTH] - math.log2(growth)).abs() <= NEAR_GROWTH)
        for growth in (first, second)
    ]
    values = [near.outcomes.loc[own, one.outcome] for own in bins]
    found: dict[str, object] = {"n_first": len(values[0]), "n_second": len(values[1])}
    if min(map(len, values)) < FEWEST_IN_BIN:
        return found
    limits = stats.ttest_ind(*values, equal_var=False).confidence_interval(LEVEL)
    growths = [2.0 ** float(near.shapes.loc[own, GROWTH].mean()) for own in bins]
    found |= {
        "bin_first": growths[0],
        "bin_second": growths[1],
        "bin_estimate": float(values[0].mean() - values[1].mean()),
        "bin_low": float(limits.low),
        "bin_high": float(limits.high),
    }
    ours, theirs = one.of(growths[0]), one.of(growths[1])
    if ours is None or theirs is None:
        return found
    low, high = np.quantile(ours[1] - theirs[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return found | {
        "line_estimate": ours[0] - theirs[0],
        "line_low": float(low),
        "line_high": float(high),
        "agrees": bool(low <= limits.high and limits.low <= high),
    }


def _standing(file: TableFile, near: Rows) -> pd.DataFrame:
    """Where one network stands among all that cost as much: as they are, with no model."""
    assert file.match is not None
    names = ("outcome", "at", "n", "value", "better", "best", "best_value", "best_growth")
    if file.network is None:
        return pd.DataFrame(columns=list(names))
    wanted = np.array(file.network)
    same = (
        (near.widths == wanted).all(axis=1)
        if len(wanted) == near.widths.shape[1]
        else np.zeros(len(near.widths), dtype=bool)
    )
    if not same.any():
        raise InputError(f"network = {file.network}: no row of {near.source.path} has these widths")
    own = int(same.argmax())
    budget = known_budget(near, file.match.budget).to_numpy(dtype=float)
    equal = np.abs(budget / budget[own] - 1) <= file.match.tolerance
    rows = []
    for name, column in near.outcomes.items():
        values = near.better * column.to_numpy(dtype=float)
        first = int(np.where(equal, values, -np.inf).argmax())
        rows.append(
            (
                name,
                budget[own],
                int(equal.sum()) - 1,
                column.iloc[own],
                int((values[equal] > values[own]).sum()),
                "-".join(f"{width:g}" for width in near.widths[first]),
                column.iloc[first],
                2.0 ** near.shapes[GROWTH].iloc[first],
            )
        )
    return pd.DataFrame(rows, columns=list(names))
