"""Predictions: what the tables say of each, and the verdict that follows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.analysis import factorial, growth, optimum
from ablate.analysis.summary import by_seed
from ablate.results.names import MECHANISM, TRIALS
from ablate.statistics import intervals
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.intervals import Interval
from ablate.study.file import HypothesisTable


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
        fit: of a predicted optimum.
        missing: why nothing can be said.
    """

    about: str
    interval: Interval
    p: float
    p_equal: float
    n: int
    rows: str
    fit: growth.GrowthFit | None = None
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
        return _of_optimum(trials, column, hypothesis.optimum, baseline)
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
        interval=intervals.difference_interval(known, joint),
        p=intervals.sign_flip_p(known),
        p_equal=math.nan if math.isnan(margin) else intervals.equivalence_p(known, margin),
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


def _of_optimum(trials: pd.DataFrame, column: str, at: float, baseline: str) -> Evidence:
    fits = growth.fit_growth(trials, column, at=at)
    fits = [fit for fit in fits if baseline in set(fit.points["cell"])]
    if not fits:
        return _nothing(
            f"{growth.FEWEST_GROWTHS} growths or more, in {MIN_SEEDS} seeds each, are needed"
        )
    fit = fits[0]
    seeds = by_seed(trials, column)[list(fit.points["cell"])].dropna().index
    return Evidence(
        about="growth of the optimum",
        interval=fit.best,
        p=math.nan,
        p_equal=math.nan,
        n=fit.seeds,
        rows=f"{TRIALS}: {', '.join(fit.points['cell'])}; {_seeds(seeds)}",
        fit=fit,
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
        interval=intervals.difference_interval(contrasts[largest], joint),
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


ACCURACIES = ("test_accuracy", "val_accuracy", "probe_accuracy", "block_loss")
COLUMNS = (
    *("name", "says", "kind", "column", "verdict", "estimate", "low", "high", "p", "p_equal"),
    *("margin", "n", "rows", "sentence"),
)


def judge(
    hypotheses: Mapping[str, HypothesisTable],
    trials: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    baseline: str,
    margin: float,
    level: float = 0.95,
    unit: str = "seed",
) -> pd.DataFrame:
    """A verdict on each hypothesis of a study, with its numbers.

    p-values are adjusted over the study's hypotheses (Holm 1979), intervals widened to hold
    together (Bonferroni). With fewer than `intervals.MIN_PAIRS` seeds nothing is decided.

    - `higher`: supported or refuted by a paired sign-flip test; equivalent where two one-sided
      tests put the difference within the margin, however sure it is.
    - `equal`: supported by the two one-sided tests; refuted by the sign-flip test.
    - `optimum`: see `optimum.verdict`.
    - `interaction`: supported by the F-test of an analysis of variance; equivalent where every
      contrast is within the margin.
    - `rises`: as `higher`, of the last stage over the first.
    - Whatever else is inconclusive.

    Args:
        hypotheses: by name, as the study file has them.
        trials: as `schema.to_frame` makes it.
        mechanism: as `mechanism.csv` has it, if it was measured.
        baseline: cell of the study, to which contrasts refer.
        margin: of accuracies, as a fraction, where a hypothesis has none of its own.
        level: confidence.
        unit: what the numbers in `seed` are of, in words.

    Returns:
        One row a hypothesis, with `COLUMNS`. `estimate`, `low` and `high` are in the units of
        `column` (of an optimum, growth); `rows` says which rows of which table they come from;
        `sentence` is the numbers in words.
    """
    joint = 1 - (1 - level) / max(1, len(hypotheses))
    margins = {
        name: hypothesis.margin or (margin if hypothesis.column in ACCURACIES else math.nan)
        for name, hypothesis in hypotheses.items()
    }
    found = {
        name: gather(hypothesis, trials, mechanism, baseline, margins[name], joint, unit)
        for name, hypothesis in hypotheses.items()
    }
    p = dict(zip(found, intervals.holm([one.p for one in found.values()]), strict=True))
    p_equal = dict(zip(found, intervals.holm([one.p_equal for one in found.values()]), strict=True))
    rows = []
    for name, hypothesis in hypotheses.items():
        one = found[name]
        verdict = _verdict(hypothesis, one, p[name], p_equal[name], margins[name], 1 - level)
        rows.append(
            {
                "name": name,
                "says": hypothesis.says,
                "kind": hypothesis.kind,
                "column": hypothesis.column,
                "verdict": verdict,
                "estimate": one.interval.mean,
                "low": one.interval.low,
                "high": one.interval.high,
                "p": p[name],
                "p_equal": p_equal[name],
                "margin": margins[name],
                "n": one.n,
                "rows": one.rows,
                "sentence": _sentence(
                    hypothesis, one, p[name], p_equal[name], margins[name], level, unit
                ),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _verdict(
    hypothesis: HypothesisTable,
    one: Evidence,
    p: float,
    p_equal: float,
    margin: float,
    alpha: float,
) -> str:
    if one.fit is not None:
        return optimum.verdict(one.fit, margin)
    if one.missing or one.n < intervals.MIN_PAIRS:
        return "inconclusive"
    differs, same = p <= alpha + 1e-9, p_equal <= alpha + 1e-9
    if same:
        return "supported" if hypothesis.equal else "equivalent"
    if not differs:
        return "inconclusive"
    if hypothesis.interaction is not None:
        return "supported"
    if hypothesis.higher is not None or hypothesis.rises is not None:
        return "supported" if one.interval.mean > 0 else "refuted"
    return "refuted"


def _sentence(
    hypothesis: HypothesisTable,
    one: Evidence,
    p: float,
    p_equal: float,
    margin: float,
    level: float,
    unit: str,
) -> str:
    """The numbers behind a verdict."""
    if one.missing:
        return f"nothing can be said: {one.missing}"
    percent = hypothesis.column in ACCURACIES
    if one.fit is not None:
        return optimum.sentence(one.fit, margin, percent, hypothesis.column)
    points = " points" if percent else ""
    values, form = _scaled(one.interval, percent), "{:z.2f}" if percent else "{:z.3g}"
    numbers = f"{one.about}: {form.format(values.mean)}{points}"
    limits = f"{100 * level:g}% interval {form.format(values.low)} to {form.format(values.high)}"
    tests = f"p = {p:.2g}"
    if not math.isnan(p_equal):
        bound = f"{100 * margin:g} points" if percent else f"{margin:g}"
        tests += f", equivalence within {bound} p = {p_equal:.2g}"
    few = f"; {intervals.MIN_PAIRS} {unit}s are needed" if one.n < intervals.MIN_PAIRS else ""
    return f"{numbers} ({limits}, {tests}; n = {one.n} {unit}s{few})."


def _scaled(interval: Interval, percent: bool) -> Interval:
    scale = 100 if percent else 1
    return Interval(scale * interval.mean, scale * interval.low, scale * interval.high)
