"""Predictions: what the tables say of each, and the verdict that follows."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from ablate.analysis import growth, wording
from ablate.analysis.comparisons import Comparisons
from ablate.results.names import TRIALS
from ablate.results.outcomes import by_seed
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.intervals import Interval
from ablate.study.file import HypothesisTable


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the tables say about one hypothesis, before it is judged beside the others.

    Args:
        about: what is estimated, in words.
        interval: the estimate, positive where the prediction is right; of an optimum, the growth.
        equal: the estimate, with the limits that two one-sided tests go by.
        p: of no difference.
        p_equal: of a difference outside the margin.
        n: seeds, or draws.
        rows: where the numbers come from.
        fit: of a predicted optimum.
        missing: why nothing can be said.
    """

    about: str
    interval: Interval
    equal: Interval
    p: float
    p_equal: float
    n: int
    rows: str
    fit: growth.GrowthFit | None = None
    missing: str = ""


def gather(
    name: str,
    hypothesis: HypothesisTable,
    trials: pd.DataFrame,
    compared: Comparisons,
    baseline: str,
    margin: float,
    unit: str = "seed",
) -> Evidence:
    """What the tables say about one hypothesis.

    Args:
        name, hypothesis: as the study file has it.
        trials: as `hypotheses.judge` takes it.
        compared: the comparisons of the run.
        baseline: cell of the study.
        margin: what counts as equal, in the units of the column; NaN for no such test.
        unit: what the numbers in `seed` are of, in words.
    """
    if hypothesis.optimum is not None:
        level = compared.family.level
        return _of_optimum(trials, hypothesis.column, hypothesis.optimum, baseline, level)
    if name in compared.missing:
        return _nothing(compared.missing[name])
    # A prediction of several comparisons is about the largest, and holds where any of them does.
    asked = max(compared.asked[name], key=lambda one: abs(compared.of(one).estimate))
    several = [compared.of(one) for one in compared.asked[name]]
    one = compared.of(asked)
    equal = [compared.family.p_equal(each, margin) for each in several]
    return Evidence(
        about=asked.about if len(several) == 1 else f"largest contrast, {asked.about}",
        interval=Interval(one.estimate, one.low, one.high),
        equal=Interval(one.estimate, one.equal_low, one.equal_high),
        p=min(each.p for each in several),
        p_equal=math.nan if math.isnan(margin) else max(equal),
        n=min(each.n for each in several),
        rows=f"{asked.rows}; {_seeds(compared.seeds(asked), unit)}",
    )


def _of_optimum(
    trials: pd.DataFrame, column: str, at: float, baseline: str, level: float
) -> Evidence:
    fits = growth.fit_growth(trials, column, level, at)
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
        equal=fit.best,
        p=math.nan,
        p_equal=math.nan,
        n=fit.seeds,
        rows=f"{TRIALS}: {', '.join(fit.points['cell'])}; {_seeds(seeds)}",
        fit=fit,
    )


def _nothing(why: str) -> Evidence:
    nan = math.nan
    nothing = Interval(nan, nan, nan)
    return Evidence(
        about="",
        interval=nothing,
        equal=nothing,
        p=nan,
        p_equal=nan,
        n=0,
        rows="none",
        missing=why,
    )


def _seeds(seeds: Iterable[int], unit: str = "seed") -> str:
    """Which seeds, as a range where they are one."""
    numbers = sorted(int(seed) for seed in seeds)
    if not numbers:
        return f"no {unit}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 1:
        return f"{unit}s {numbers[0]} to {numbers[-1]}"
    return f"{unit}s {', '.join(map(str, numbers))}"


ACCURACIES = ("test_accuracy", "val_accuracy", "probe_accuracy", "block_loss")
COLUMNS = (
    *("name", "says", "kind", "column", "verdict", "estimate", "low", "high"),
    *("equal_low", "equal_high", "p", "p_equal", "margin"),
    *("n", "rows", "sentence"),
)


def judge(
    hypotheses: Mapping[str, HypothesisTable],
    trials: pd.DataFrame,
    compared: Comparisons,
    baseline: str,
    margin: float,
    unit: str = "seed",
) -> pd.DataFrame:
    """A verdict on each hypothesis of a study, with its numbers.

    Numbers are those of the run's family of comparisons, so p-value, interval and verdict agree.
    With fewer than `family.MIN_SEEDS` seeds nothing is decided.

    - `higher`: equivalent where the interval of two one-sided tests is within the margin, however
      sure the difference; else supported or refuted where the interval leaves out zero.
    - `equal`: supported where that is equivalent; refuted where it is a difference.
    - `optimum`: see `growth.verdict`; at the family's level, but not one of the family.
    - `interaction`: equivalent where every contrast is within the margin; else supported where the
      interval of any leaves out zero.
    - `rises`: as `higher`, of the last stage over the first.
    - Whatever else is inconclusive.

    Args:
        hypotheses: by name, as the study file has them.
        trials: as `schema.to_frame` makes it.
        compared: the comparisons of the run, with these predictions among them.
        baseline: cell of the study, to which contrasts refer.
        margin: of accuracies, as a fraction, where a hypothesis has none of its own.
        unit: what the numbers in `seed` are of, in words.

    Returns:
        One row a hypothesis, with `COLUMNS`. `estimate`, `low` and `high` are in the units of
        `column` (of an optimum, growth); `rows` says which rows of which table they come from;
        `sentence` is the numbers in words.
    """
    level = compared.family.level
    margins = {
        name: hypothesis.margin or (margin if hypothesis.column in ACCURACIES else math.nan)
        for name, hypothesis in hypotheses.items()
    }
    found = {
        name: gather(name, hypothesis, trials, compared, baseline, margins[name], unit)
        for name, hypothesis in hypotheses.items()
    }
    rows = []
    for name, hypothesis in hypotheses.items():
        one = found[name]
        verdict = _verdict(hypothesis, one, margins[name], 1 - level)
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
                "equal_low": one.equal.low,
                "equal_high": one.equal.high,
                "p": one.p,
                "p_equal": one.p_equal,
                "margin": margins[name],
                "n": one.n,
                "rows": one.rows,
                "sentence": _sentence(hypothesis, one, margins[name], level, unit),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _verdict(hypothesis: HypothesisTable, one: Evidence, margin: float, alpha: float) -> str:
    if one.missing or one.n < MIN_SEEDS:
        return "inconclusive"
    if one.fit is not None:
        return growth.verdict(one.fit, margin)
    differs, same = one.p <= alpha + 1e-12, one.p_equal <= alpha + 1e-12
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
    hypothesis: HypothesisTable, one: Evidence, margin: float, level: float, unit: str
) -> str:
    """The numbers behind a verdict."""
    if one.missing:
        return f"nothing can be said: {one.missing}"
    percent = hypothesis.column in ACCURACIES
    if one.fit is not None:
        return growth.sentence(one.fit, margin, percent, hypothesis.column)
    points = " points" if percent else ""
    values, form = _scaled(one.interval, percent), "{:z.2f}" if percent else "{:z.3g}"
    numbers = f"{one.about}: {form.format(values.mean)}{points}"
    limits = f"{100 * level:g}% interval {form.format(values.low)} to {form.format(values.high)}"
    tests = wording.p_text(one.p)
    if not math.isnan(one.p_equal):
        bound = f"{100 * margin:g} points" if percent else f"{margin:g}"
        near = _scaled(one.equal, percent)
        tests += (
            f"; against a margin of {bound}: {100 * (2 * level - 1):g}% interval "
            f"{form.format(near.low)} to {form.format(near.high)}, {wording.p_text(one.p_equal)}"
        )
    few = f"; {MIN_SEEDS} {unit}s are needed" if one.n < MIN_SEEDS else ""
    return f"{numbers} ({limits}, {tests}; n = {one.n} {unit}s{few})."


def _scaled(interval: Interval, percent: bool) -> Interval:
    scale = 100 if percent else 1
    return Interval(scale * interval.mean, scale * interval.low, scale * interval.high)
