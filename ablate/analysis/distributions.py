"""What all trials of a study look like together: distributions of errors, and ranks over seeds."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from ablate.results.outcomes import by_seed
from ablate.results.schema import axis_columns
from ablate.statistics import intervals
from ablate.statistics.intervals import Interval

RESAMPLES = 9_999
SEEDS_OF_THREE = 10


def error_distributions(
    trials: pd.DataFrame, outcome: str = "test_accuracy", level: float = 0.95
) -> pd.DataFrame:
    """The share of an arm's trials whose error is at most so much, for each arm of the first axis.

    As RegNet compares design spaces (Radosavovic et al. 2020, arXiv 2003.13678, section 3.1), with
    the band of Dvoretzky, Kiefer and Wolfowitz, which holds for the whole curve (Massart 1990,
    Annals of Probability 18). Trials of one seed resemble each other, so the band is as wide as
    that many seeds, not trials, allow.

    Args:
        trials: as `schema.to_frame` makes it, of one study; those that did not complete are left
            out.
        outcome: name of a column with an accuracy.
        level: confidence of each arm's band by itself.

    Returns:
        `arm`, `n`, `error` (fraction, ascending), `share`, `low`, `high`. One row a trial, between
        rows at the least error of all arms (share 0) and the greatest (share 1), so that curves
        and bands reach as far as one another.
    """
    axis = axis_columns(trials)[0]
    complete = trials[trials["state"] == "complete"]
    every = 1 - complete[outcome].to_numpy(dtype=float)
    parts = []
    for arm in trials[axis].unique():
        of_arm = complete[complete[axis] == arm]
        errors = np.sort(1 - of_arm[outcome].to_numpy(dtype=float))
        n = len(errors)
        share = np.array([0, *range(1, n + 1), n]) / max(n, 1)
        band = math.sqrt(math.log(2 / (1 - level)) / (2 * max(of_arm["seed"].nunique(), 1)))
        limits = {"low": np.maximum(share - band, 0), "high": np.minimum(share + band, 1)}
        reach = [every.min(initial=1), *errors, every.max(initial=0)]
        parts.append(pd.DataFrame({"arm": arm, "n": n, "error": reach, "share": share} | limits))
    return pd.concat(parts, ignore_index=True)


def ranks(trials: pd.DataFrame, outcome: str = "test_accuracy") -> pd.DataFrame:
    """The rank of each cell within each seed: 1 is the most accurate, ties share their mean.

    Returns:
        Shape (seeds, cells), of the seeds that are complete in all cells.
    """
    table = by_seed(trials, outcome).dropna().sort_index()
    return table.rank(axis=1, ascending=False)


def agreement(table: pd.DataFrame, level: float = 0.95) -> Interval:
    """Kendall's W: how far the seeds agree on the order of the cells; 0 not at all, 1 wholly.

    Kendall and Babington Smith 1939, corrected for ties. The interval resamples seeds (percentile
    bootstrap, with `intervals.bootstrap_tail`). A seed drawn twice agrees with itself, which
    would push the whole interval up, so such pairs count as the others do on average.

    Args:
        table: as `ranks` makes it, with a seed or more.
        level: confidence.

    Returns:
        No limits (NaN) below `intervals.MIN_VALUES` seeds, or `SEEDS_OF_THREE` for three cells,
        since those of so few miss too often (by simulation), nor where all is tied. Where every
        seed has the same order, no resample differs, and the interval has no width.
    """
    centred = table.to_numpy(dtype=float) - (table.shape[1] + 1) / 2
    seeds = len(centred)
    products = centred @ centred.T  # of seeds; by its diagonal, a correlation
    spread = float(np.trace(products))  # zero where all are tied in every seed
    w = float(products.sum()) / (seeds * spread) if spread else 0.0
    fewest_seeds = SEEDS_OF_THREE if table.shape[1] <= 3 else intervals.MIN_VALUES
    if seeds < fewest_seeds or not spread:
        return Interval(w, math.nan, math.nan)
    picked = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    counts = (picked[:, :, None] == np.arange(seeds)).sum(axis=1)  # (resamples, seeds)
    squares = counts @ np.diag(products)
    twice = counts**2 @ np.diag(products)
    apart = np.einsum("bi,ij,bj->b", counts, products, counts) - twice
    pairs = seeds**2 - (counts**2).sum(axis=1)
    usable = (pairs > 0) & (squares > 0)  # all but a resample of one seed, or of ties alone
    correlation = (apart / np.maximum(pairs, 1))[usable] / (squares[usable] / seeds)
    tail = intervals.bootstrap_tail(seeds, level)
    limits = np.quantile((1 + (seeds - 1) * correlation) / seeds, [tail, 1 - tail])
    return Interval(w, *map(float, np.clip(limits, 0, 1)))


def rank_correlation(one: pd.DataFrame, other: pd.DataFrame, level: float = 0.95) -> Interval:
    """Spearman's rank correlation of the cells' mean accuracies in two runs; 1: the same order.

    It tells whether a short schedule ranks the cells as a long one does, or one dataset as another.
    The interval resamples each run's seeds (percentile bootstrap, with
    `intervals.bootstrap_tail`). Means that differ by less than their noise lower it.

    Args:
        one, other: as `summary.by_seed` makes them, with the same cells, three or more, complete.
        level: confidence.

    Returns:
        No limits (NaN) below `intervals.MIN_VALUES` seeds in either run; all NaN where the cells
        of a run have one mean.
    """
    tables = [table.to_numpy(dtype=float) for table in (one, other)]
    rho = _spearman(*(table.mean(axis=0)[None] for table in tables))[0]
    seeds = min(len(table) for table in tables)
    if seeds < intervals.MIN_VALUES or math.isnan(rho):
        return Interval(float(rho), math.nan, math.nan)
    generator = np.random.default_rng(0)
    means = [
        table[generator.integers(0, len(table), (RESAMPLES, len(table)))].mean(axis=1)
        for table in tables
    ]
    tail = intervals.bootstrap_tail(seeds, level)
    limits = np.nanquantile(_spearman(*means), [tail, 1 - tail])
    return Interval(float(rho), *map(float, limits))


def _spearman(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The rank correlation of each row of two arrays; NaN where all of a row is tied."""
    ranked = [stats.rankdata(values, axis=1) for values in (one, other)]
    first, second = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in ranked)
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore"):
        correlation: npt.NDArray[np.float64] = (first * second).sum(axis=1) / size
    return correlation


def rank_counts(table: pd.DataFrame) -> pd.DataFrame:
    """How often each cell had each rank: cells as rows, ranks as columns, shares of the seeds.

    Args:
        table: as `ranks` makes it; a tie counts for the ranks that it spans, in equal parts.
    """
    cells = list(table.columns)
    shares = pd.DataFrame(0.0, index=cells, columns=range(1, len(cells) + 1))
    for _, row in table.iterrows():
        for rank, tied in row.groupby(row):
            first = math.ceil(float(str(rank)) - len(tied) / 2)
            spanned = list(range(first, first + len(tied)))
            shares.loc[list(tied.index), spanned] += 1 / len(tied) / len(table)
    return shares


def fewest(trials: pd.DataFrame) -> int:
    """The complete trials of the arm of the first axis that has least."""
    axis = axis_columns(trials)[0]
    complete = trials[trials["state"] == "complete"]
    return int(complete[axis].value_counts().reindex(trials[axis].unique()).fillna(0).min())
