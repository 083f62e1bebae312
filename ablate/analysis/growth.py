"""Which growth is best: a curve through accuracy over growth, and where it is highest.

Growth r is the ratio of a stage's width to that of the stage before. Cells that differ in their
widths alone make a group; one with four growths or more gets a fit. A seed's curve is linear in its
accuracies, so seeds are what is resampled and tested.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ablate.results.outcomes import by_seed
from ablate.results.schema import axis_columns
from ablate.statistics import intervals
from ablate.statistics.intervals import Interval

FEWEST_GROWTHS = 4
RESAMPLES = 9_999
CURVE_POINTS = 201
NEAR = 1.5  # growths within this factor of each other are neighbours
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GrowthFit:
    """Accuracy over growth in one group of cells. Accuracies are fractions.

    Args:
        group: what sets the group apart from others of the study; empty where there is one.
        match: what its cells hold equal, if anything: macs, params, activations or latency.
        points: `cell`, `growth`, `n`, `mean`, `low`, `high`; growth ascending.
        curve: `growth`, `mean`, `low`, `high`, over the tested range; a pointwise interval.
        degree: of the polynomial in log2 of growth: 2, or 3 where 2 does not fit.
        misfit_p: of an F-test that the polynomial passes through the means; NaN where it must.
        best: the growth at which the curve is highest, with an interval that resamples seeds and
            leaves out an arm, so that it does not hang on any one of them.
        edge: whether that, or a limit of its interval, is an end of the tested range.
        at: the growth that is asked about.
        p_at: that the curve is level there, by a sign-flip test of its slopes, one a seed; the
            largest of those with any one arm left out.
        lost: accuracy given away there against the curve's highest, with its interval.
        sides_p: the larger of two sign-flip tests that the arm nearest `at` is no better than the
            next arm below `at` / `NEAR`, and the next above `at` * `NEAR`; 1 where it is worse
            than one of them, NaN where a side was not tested.
        seeds: complete in all cells.
    """

    group: str
    match: str | None
    points: pd.DataFrame
    curve: pd.DataFrame
    degree: int
    misfit_p: float
    best: Interval
    edge: bool
    at: float
    p_at: float
    lost: Interval
    sides_p: float
    seeds: int


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

    The curve is a polynomial in log2 r by least squares on the cells' means, over the seeds that
    are complete in every cell of the group. It is a parabola, unless an F-test against the means
    themselves, with seeds as blocks, rejects that at 5%: then a cubic, with five growths or more.
    Intervals resample seeds (percentile bootstrap, with `intervals.bootstrap_tail`), and each
    resample leaves out none or one of the arms: a parabola through arms that tie and one that does
    not would else put its top somewhere with false precision. Fewer than `intervals.MIN_VALUES`
    seeds give no fit.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        outcome: name of a column with an accuracy.
        level: confidence of the intervals.
        at: a growth that the fit is asked about.
    """
    fits = []
    for name, rows in groups(trials):
        growths = rows.drop_duplicates("cell").set_index("cell")["widths"].map(growth_of)
        growths = growths.sort_values(kind="stable")
        table = by_seed(rows, outcome)[list(growths.index)].dropna().sort_index()
        if len(table) >= intervals.MIN_VALUES:
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
    x, y = np.log2(growths.to_numpy(dtype=float)), table.to_numpy(dtype=float)
    degree, misfit = 2, _misfit_p(x, y, 2)
    if misfit < 0.05 and len(np.unique(x)) > FEWEST_GROWTHS:
        degree, misfit = 3, _misfit_p(x, y, 3)
    grid, place = np.linspace(x[0], x[-1], CURVE_POINTS), math.log2(at)
    solvers = _solvers(x, degree)
    to_curve = np.vander(grid, degree + 1) @ solvers[0]  # (grid, cells): accuracies to curve
    to_place = np.vander([place], degree + 1)[0] @ solvers[0]
    curve = to_curve @ y.mean(axis=0)
    draws = _resampled_means(y)
    peaks, lost = _peaks(draws, x, grid, place, degree, solvers)
    tail = intervals.bootstrap_tail(len(y), level)
    limits = np.quantile(peaks, [tail, 1 - tail])
    best = Interval(*(float(2**value) for value in (grid[curve.argmax()], *limits)))
    slope = _slope(place, degree)
    return GrowthFit(
        group=group,
        match=match,
        points=_points(growths, table, level),
        curve=pd.DataFrame(
            {
                "growth": 2**grid,
                "mean": curve,
                "low": np.quantile(draws @ to_curve.T, tail, axis=0),
                "high": np.quantile(draws @ to_curve.T, 1 - tail, axis=0),
            }
        ),
        degree=degree,
        misfit_p=misfit,
        best=best,
        edge=bool(np.isin([best.mean, best.low, best.high], 2 ** grid[[0, -1]]).any()),
        at=at,
        p_at=math.nan * float(slope @ solvers[0] @ y.mean(axis=0)),
        lost=Interval(
            float(curve.max() - to_place @ y.mean(axis=0)),
            *map(float, np.quantile(lost, [tail, 1 - tail])),
        ),
        sides_p=_sides_p(x, y, place),
        seeds=len(table),
    )


def _solvers(x: Array, degree: int) -> list[Array]:
    """Accuracies (cells) to coefficients, highest power first: with all arms, then without each."""
    solvers = []
    for left_out in (None, *range(len(x))):
        kept = [arm for arm in range(len(x)) if arm != left_out]
        solve = np.zeros((degree + 1, len(x)))
        solve[:, kept] = np.linalg.pinv(np.vander(x[kept], degree + 1))
        solvers.append(solve)
    return solvers


def _peaks(
    draws: Array, x: Array, grid: Array, place: float, degree: int, solvers: list[Array]
) -> tuple[Array, Array]:
    """Where the curve of each resample is highest (log2), and by how much it is below at `place`.

    Each resample is fitted by the next of the solvers, over the range of the arms that it keeps.
    """
    peaks, lost = np.empty(len(draws)), np.empty(len(draws))
    for number, solve in enumerate(solvers):
        mine = slice(number, None, len(solvers))
        kept = x[solve.any(axis=0)]
        within = grid[(grid >= kept.min()) & (grid <= kept.max())]
        curves = draws[mine] @ (np.vander(within, degree + 1) @ solve).T
        peaks[mine] = within[curves.argmax(axis=1)]
        at_place = draws[mine] @ (np.vander([place], degree + 1)[0] @ solve)
        lost[mine] = np.maximum(curves.max(axis=1) - at_place, 0)
    return peaks, lost


def _sides_p(x: Array, y: Array, place: float) -> float:
    """See `GrowthFit.sides_p`."""
    nearest = int(np.abs(x - place).argmin())
    below = np.flatnonzero(x <= place - math.log2(NEAR))
    above = np.flatnonzero(x >= place + math.log2(NEAR))
    if not (len(below) and len(above)):
        return math.nan
    gains = [y[:, nearest] - y[:, side] for side in (below[-1], above[0])]
    return math.nan * len(gains)


def _slope(place: float, degree: int) -> Array:
    """What coefficients, highest power first, are multiplied by to give the slope at a place."""
    powers = np.arange(degree, -1, -1)
    slope: Array = powers * place ** np.maximum(powers - 1.0, 0.0)
    return slope


def _resampled_means(y: Array) -> Array:
    """Means over seeds drawn with replacement: (seeds, cells) to (resamples, cells)."""
    picked = np.random.default_rng(0).integers(0, len(y), (RESAMPLES, len(y)))
    means: Array = y[picked].mean(axis=1)
    return means


def _misfit_p(x: Array, y: Array, degree: int) -> float:
    """Of an F-test that a polynomial passes through the cells' means, seeds as blocks."""
    seeds, cells = y.shape
    freedom = len(np.unique(x)) - degree - 1
    if freedom < 1:
        return math.nan
    means = y.mean(axis=0)
    misfit = means - np.vander(x, degree + 1) @ (np.linalg.pinv(np.vander(x, degree + 1)) @ means)
    noise = y - means - y.mean(axis=1, keepdims=True) + y.mean()
    noise_freedom = (seeds - 1) * (cells - 1)
    if not noise.any():
        return math.nan
    ratio = (seeds * (misfit**2).sum() / freedom) / ((noise**2).sum() / noise_freedom)
    return float(stats.f.sf(ratio, freedom, noise_freedom))


def _points(growths: "pd.Series[float]", table: pd.DataFrame, level: float) -> pd.DataFrame:
    rows = []
    for cell, growth in growths.items():
        interval = intervals.mean_interval(table[cell], level)
        rows.append((cell, growth, len(table), interval.mean, interval.low, interval.high))
    return pd.DataFrame(rows, columns=["cell", "growth", "n", "mean", "low", "high"])
