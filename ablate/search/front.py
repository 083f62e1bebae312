"""What a search found: the front of its networks, its hypervolume, samplers against each other.

Points are measured as shares of the way to a reference point, the worst that is of any worth: an
accuracy a as (1 - a) / (1 - its reference), a cost as its share of the reference. All are to be
small, and the hypervolume is the share of the unit box that the points dominate (Zitzler & Thiele
1998, PPSN V), computed exactly by moocore (Fonseca et al. 2006, CEC).
"""

import math
from collections.abc import Mapping

import moocore
import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.search.file import ACCURACY, ComparisonTable, finalist
from ablate.statistics import family, intervals

EVALUATED = ("complete", "pruned", "diverged", "oom", "failed", "timeout")
COSTS = ("params", "macs", "activations", "latency")
COMPARED = ("name", "says", "verdict", "estimate", "low", "high", "p", "n", "sentence")
GRID = 60  # places of the budget at which hypervolumes are averaged
Points = npt.NDArray[np.float64]


def losses(frame: pd.DataFrame, reference: Mapping[str, float]) -> Points:
    """Rows as points to be minimised, (rows, objectives); 1 is the reference in each objective."""
    columns = []
    for name, worst in reference.items():
        values = frame[name].to_numpy(dtype=float, na_value=math.nan)
        columns.append((1 - values) / (1 - worst) if name == ACCURACY else values / worst)
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def hypervolume(points: Points) -> float:
    """The share of the unit box that points dominate; NaN rows and points outside count nothing."""
    inside = points[(points < 1).all(axis=1)]
    if len(inside) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(1 - inside.min())
    return float(moocore.hypervolume(inside, ref=1.0))


def networks(rows: pd.DataFrame, reference: Mapping[str, float]) -> pd.DataFrame:
    """One row a network that was trained whole, the most accurate first.

    Args:
        rows: of `search.csv`.
        reference: worst value of worth of each objective.

    Returns:
        `net`, `n` (its trainings), `network`, `widths`, `depths`, `COSTS`, `val_accuracy` (the mean
        over its trainings), and `rank`: 1 for the front, 2 for the front of what is left, ...
    """
    trained = rows[rows["state"] == "complete"].drop_duplicates("keys")
    weights = trained["n"].astype(float)
    sums = trained.assign(total=trained[ACCURACY].astype(float) * weights)
    found = sums.groupby("net", sort=False).agg(
        {"total": "sum", "n": "sum"}
        | dict.fromkeys(("network", "widths", "depths", *COSTS), "first")
    )
    found[ACCURACY] = found["total"] / found["n"].astype(float)
    found = found.drop(columns="total").reset_index()
    if found.empty:
        return found.assign(rank=pd.Series(dtype="Int64"))
    points = losses(found, reference)
    ranks = moocore.pareto_rank(points) if points.shape[1] > 1 else _ranks(points[:, 0])
    found["rank"] = np.asarray(ranks, dtype=int) + 1
    return found.sort_values([ACCURACY, "macs", "net"], ascending=[False, True, True]).reset_index(
        drop=True
    )


def choose(
    found: pd.DataFrame, reference: Mapping[str, float], count: int, baseline: str
) -> pd.DataFrame:
    """The networks to be confirmed, with a column `finalist`; the most accurate is the first.

    The most accurate comes first. The others come front by front; of a front, each is the one that
    adds most hypervolume to those chosen before (the greedy choice, Guerreiro et al. 2016,
    Evolutionary Computation 24(3)).

    Args:
        found: of `networks`.
        reference: worst value of worth of each objective.
        count: of finalists; fewer where there are fewer networks.
        baseline: the hash of a network that is confirmed in any case.
    """
    left = found[found["net"] != baseline]
    points = losses(left, reference)
    chosen = [0] if len(left) else []  # `networks` puts the most accurate first
    for rank in sorted(left["rank"].unique()):
        front = [
            place for place, own in enumerate(left["rank"]) if own == rank and place not in chosen
        ]
        while front and len(chosen) < count:
            gains = [hypervolume(points[[*chosen, place]]) for place in front]
            chosen.append(front.pop(int(np.argmax(gains))))
    finalists = left.iloc[sorted(chosen)].copy()
    finalists["finalist"] = [finalist(place) for place in range(1, len(finalists) + 1)]
    return finalists


def hypervolumes(rows: pd.DataFrame, reference: Mapping[str, float]) -> pd.DataFrame:
    """The hypervolume of each sampler and repeat after each network that it paid for.

    Args:
        rows: of `search.csv`.
        reference: worst value of worth of each objective.

    Returns:
        Columns `sampler`, `repeat`, `networks` (1, 2, ...), `train_macs` (the multiply-accumulates
        of all trainings so far) and `hypervolume`.
    """
    paid = rows[rows["state"].isin(EVALUATED) & ~rows["repeated"].astype(bool)]
    table = []
    for (sampler, repeat), own in paid.groupby(["sampler", "repeat"], sort=False):
        ordered = own.sort_values("number")
        points = losses(ordered, reference)
        points[(ordered["state"] != "complete").to_numpy()] = math.nan
        spent = ordered["train_macs"].astype(float).cumsum()
        table += [
            (sampler, repeat, place, macs, hypervolume(points[:place]))
            for place, macs in enumerate(spent, start=1)
        ]
    columns = ["sampler", "repeat", "networks", "train_macs", "hypervolume"]
    return pd.DataFrame(table, columns=columns)


def progress(volumes: pd.DataFrame, by: str, level: float = 0.95) -> pd.DataFrame:
    """Mean hypervolume over repeats as a search goes on, with intervals at each place by itself.

    Args:
        volumes: of `hypervolumes`.
        by: `networks` or `train_macs`. It ends where the first repeat of any sampler does.
        level: confidence.

    Returns:
        Columns `sampler`, `by`, `at`, `n`, `mean`, `low`, `high`.
    """
    last = volumes.groupby(["sampler", "repeat"])[by].max().min()
    first = volumes.groupby(["sampler", "repeat"])[by].min().max()
    places = (
        np.arange(1, last + 1) if by == "networks" else np.linspace(min(first, last), last, GRID)
    )
    table = []
    for sampler, own in volumes.groupby("sampler", sort=False):
        for at in places:
            values = np.sort([_at(chain, by, at) for _, chain in own.groupby("repeat")])
            interval = intervals.mean_interval(values, level)
            table.append((sampler, by, at, len(values), interval.mean, interval.low, interval.high))
    return pd.DataFrame(table, columns=["sampler", "by", "at", "n", "mean", "low", "high"])


def compare(
    volumes: pd.DataFrame, comparisons: Mapping[str, ComparisonTable], level: float = 0.95
) -> pd.DataFrame:
    """A verdict on each prediction about samplers, at equal training MACs, paired by repeat.

    In each repeat the two are compared at the MACs that the one which spent less had spent. The
    differences are one family (`statistics.family`), so p-values and intervals hold together; with
    fewer than `family.MIN_SEEDS` repeats nothing is decided.

    Args:
        volumes: of `hypervolumes`.
        comparisons: by name, as the file has them.
        level: confidence.

    Returns:
        One row a prediction with the columns `COMPARED`; differences are in hypervolume.
    """
    found = {
        name: pd.Series(_differences(volumes, *table.higher), dtype=float)
        for name, table in comparisons.items()
    }
    values = pd.DataFrame(found)
    judged = family.compare(values.to_numpy(), np.eye(len(found)), level, list(found))
    table = []
    for (name, comparison), one in zip(comparisons.items(), judged.comparisons, strict=True):
        verdict = "inconclusive"
        if one.p <= 1 - level + 1e-12 and one.n >= family.MIN_SEEDS:
            verdict = "supported" if one.estimate > 0 else "refuted"
        sentence = (
            f"{' minus '.join(comparison.higher)}: {one.estimate:.4f} of the box "
            f"({100 * level:g}% interval {one.low:.4f} to {one.high:.4f}, p = {one.p:.2g}; "
            f"n = {one.n} repeats)."
        )
        numbers = (one.estimate, one.low, one.high, one.p, one.n)
        table.append((name, comparison.says, verdict, *numbers, sentence))
    return pd.DataFrame(table, columns=list(COMPARED))


def _differences(volumes: pd.DataFrame, higher: str, lower: str) -> list[float]:
    """Hypervolume of one sampler over another's at equal training MACs, one a common repeat."""
    one, other = (
        {int(own["repeat"].iloc[0]): own for _, own in rows.groupby("repeat")}
        for rows in (volumes[volumes["sampler"] == name] for name in (higher, lower))
    )
    differences = []
    for repeat in sorted(one.keys() & other.keys()):
        spent = min(one[repeat]["train_macs"].max(), other[repeat]["train_macs"].max())
        differences.append(
            _at(one[repeat], "train_macs", spent) - _at(other[repeat], "train_macs", spent)
        )
    return differences


def _at(chain: pd.DataFrame, by: str, place: float) -> float:
    """The hypervolume of one sampler and repeat when it had come so far."""
    reached = chain.loc[chain[by] <= place * (1 + 1e-12), "hypervolume"]
    return float(reached.max()) if len(reached) else 0.0


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
    """The rank of numbers, 0 for the least; equal ones have the same."""
    return np.unique(values, return_inverse=True)[1]


def confirmed(
    networks: pd.DataFrame, trials: pd.DataFrame, cost: str, elsewhere: Mapping[str, float]
) -> pd.DataFrame:
    """Mean and interval of each confirmed network, in validation and in test accuracy.

    Args:
        networks: as `networks` makes it.
        trials: of the confirmation.
        cost: the name of one of `COSTS`.
        elsewhere: that cost of networks that were not explored, by hash; else it is of `trials`.

    Returns:
        `cell`, `net`, `outcome`, the cost, `n`, `mean`, `low`, `high` (`intervals.mean_interval`).
    """
    known = networks.set_index("net")[cost].astype(float)
    rows = []
    complete = trials[trials["state"] == "complete"]
    for cell, own in complete.groupby("cell", sort=False):
        first = own.iloc[0]
        net = str(first["net"])
        own_cost = known[net] if net in known.index else first.get(cost, elsewhere.get(net))
        at = math.nan if own_cost is None else float(own_cost)
        for outcome in (ACCURACY, "test_accuracy"):
            interval = intervals.mean_interval(own[outcome].to_numpy(dtype=float))
            rows.append(
                {
                    "cell": str(cell),
                    "net": net,
                    "outcome": outcome,
                    cost: at,
                    "n": len(own),
                    "mean": interval.mean,
                    "low": interval.low,
                    "high": interval.high,
                }
            )
    columns = ["cell", "net", "outcome", cost, "n", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
