"""What the tables of a run say about a prediction, before it is judged."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate import factorial, growth, statistics
from ablate.analyse import by_seed
from ablate.record import MECHANISM, TRIALS
from ablate.statistics import Interval
from ablate.study_file import HypothesisTable


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the tables say about one hypothesis, before it is judged beside the others.

    Args:
        about: what is estimated, in words.
        interval: the estimate, positive where the prediction is right; of an optimum, the growth.
        p: of no difference.
        p_equal: of a difference outside the margin.
        n: seeds, or draws.
        rows: where the numbers come from.
        lost, sides_p: of a predicted optimum, as `growth.GrowthFit` has them.
        missing: why nothing can be said.
    """

    about: str
    interval: Interval
    p: float
    p_equal: float
    n: int
    rows: str
    lost: Interval | None = None
    sides_p: float = math.nan
    missing: str = ""


def gather(
    hypothesis: HypothesisTable,
    trials: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    baseline: str,
    margin: float,
    joint: float,
    unit: str = "seed",
) -> Evidence:
    """What the tables say about one hypothesis.

    Args:
        hypothesis: as the study file has it.
        trials, mechanism, baseline: as `hypotheses.judge` takes them.
        margin: what counts as equal, in the units of the column; NaN for no such test.
        joint: level of the interval.
        unit: what the numbers in `seed` are of, in words.
    """
    column = hypothesis.column
    if hypothesis.optimum is not None:
        return _of_optimum(trials, column, hypothesis.optimum, baseline, joint)
    if hypothesis.interaction is not None:
        return _of_interaction(trials, column, hypothesis.interaction, baseline, margin, joint)
    if hypothesis.rises is not None:
        if mechanism is None:
            return _nothing("not measured; run with --mechanism")
        return _of_rise(mechanism, column, hypothesis.rises, margin, joint)
    first, second = hypothesis.higher or hypothesis.equal or []
    table = by_seed(trials, column)
    absent = [cell for cell in (first, second) if cell not in table.columns]
    if absent:
        return _nothing(f"no trial of {' or '.join(absent)} yet")
    rows = f"{TRIALS}: {first}, {second}"
    return _of_differences(
        table[first] - table[second], f"{first} minus {second}", rows, margin, joint, unit
    )


def _of_differences(
    differences: "pd.Series[float]",
    about: str,
    rows: str,
    margin: float,
    joint: float,
    unit: str = "seed",
) -> Evidence:
    known = differences.dropna().sort_index()
    return Evidence(
        about=about,
        interval=statistics.difference_interval(known, joint),
        p=statistics.sign_flip_p(known),
        p_equal=math.nan if math.isnan(margin) else statistics.equivalence_p(known, margin),
        n=len(known),
        rows=f"{rows}; {_seeds(known.index, unit)}",
    )


def _of_rise(
    mechanism: pd.DataFrame, column: str, cell: str, margin: float, joint: float
) -> Evidence:
    stages = mechanism[(mechanism["cell"] == cell) & mechanism["stage"].str.startswith("stage")]
    table = stages.pivot(index="seed", columns="stage", values=column).astype(float)
    if table.shape[1] < 2:
        return _nothing(f"{cell} has no two stages in {MECHANISM}")
    order = sorted(table.columns, key=lambda name: int(name.removeprefix("stage ")))
    first, last = order[0], order[-1]
    return _of_differences(
        table[last] - table[first],
        f"{column} of {cell}, {last} minus {first}",
        f"{MECHANISM}: {cell}, {first} and {last}",
        margin,
        joint,
    )


def _of_optimum(
    trials: pd.DataFrame, column: str, at: float, baseline: str, joint: float
) -> Evidence:
    fits = growth.fit_growth(trials, column, joint, at)
    fits = [fit for fit in fits if baseline in set(fit.points["cell"])]
    if not fits:
        return _nothing(
            f"{growth.FEWEST_GROWTHS} growths or more, in {statistics.MIN_PAIRS} seeds each, are "
            "needed"
        )
    fit = fits[0]
    seeds = by_seed(trials, column)[list(fit.points["cell"])].dropna().index
    return Evidence(
        about="growth of the optimum",
        interval=fit.best,
        p=fit.p_at,
        p_equal=math.nan,
        n=fit.seeds,
        rows=f"{TRIALS}: {', '.join(fit.points['cell'])}; {_seeds(seeds)}",
        lost=fit.lost,
        sides_p=fit.sides_p,
    )


def _of_interaction(
    trials: pd.DataFrame, column: str, axes: list[str], baseline: str, margin: float, joint: float
) -> Evidence:
    table = factorial.anova(trials, column).set_index("effect")
    name = next((effect for effect in table.index if set(effect.split(" x ")) == set(axes)), None)
    if name is None:
        return _nothing(f"every cell needs {factorial.FEWEST_SEEDS} complete trials")
    contrasts = factorial.contrasts(trials, axes, baseline, column)
    largest = max(contrasts, key=lambda label: abs(contrasts[label].mean()))
    row = table.loc[name]
    return Evidence(
        about=f"largest contrast, {largest}, of {name} "
        f"(F({row['df']:.0f}, {row['df_residual']:.0f}) = {row['f']:.2f})",
        interval=statistics.difference_interval(contrasts[largest], joint),
        p=float(row["p"]),
        p_equal=math.nan if math.isnan(margin) else factorial.most_different(contrasts, margin),
        n=int(row["seeds"]),
        rows=f"{TRIALS}: all {row['n']:.0f} complete; "
        f"{_seeds(np.unique(trials.loc[trials['state'] == 'complete', 'seed']))}",
    )


def _nothing(why: str) -> Evidence:
    nan = math.nan
    nothing = Interval(nan, nan, nan)
    return Evidence(about="", interval=nothing, p=nan, p_equal=nan, n=0, rows="none", missing=why)


def _seeds(
    seeds: "pd.Index[int] | np.ndarray[tuple[int], np.dtype[np.int64]]", unit: str = "seed"
) -> str:
    """Which seeds, as a range where they are one."""
    numbers = sorted(int(seed) for seed in seeds)
    if not numbers:
        return f"no {unit}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1:
        return f"{unit}s {numbers[0]} to {numbers[-1]}"
    return f"{unit}s {', '.join(map(str, numbers))}"
