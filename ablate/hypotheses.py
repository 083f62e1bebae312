"""Predictions stated before a run, judged by its tables: supported, refuted, equivalent or not."""

import math
from collections.abc import Mapping

import pandas as pd

from ablate import statistics
from ablate.evidence import Evidence, gather
from ablate.statistics import Interval
from ablate.study_file import HypothesisTable

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
    together (Bonferroni). With fewer than `statistics.MIN_PAIRS` seeds nothing is decided.

    - `higher`: supported or refuted by a paired sign-flip test; equivalent where two one-sided
      tests put the difference within the margin, however sure it is.
    - `equal`: supported by the two one-sided tests; refuted by the sign-flip test.
    - `optimum`: supported where the interval of the fitted optimum holds the growth, and the arm
      there is better than the next ones on both sides, beyond a factor of `growth.NEAR` (their
      sign-flip tests); else equivalent where the growth gives away less than the margin against
      the optimum (upper limit), as where all do; else refuted where the curve is not level there.
    - `interaction`: supported by the F-test of an analysis of variance; equivalent where every
      contrast is within the margin.
    - `rises`: as `higher`, of the last stage over the first.
    - Whatever else is inconclusive.

    Args:
        hypotheses: by name, as the study file has them.
        trials: as `record.to_frame` makes it.
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
    p = dict(zip(found, statistics.holm([one.p for one in found.values()]), strict=True))
    p_equal = dict(
        zip(found, statistics.holm([one.p_equal for one in found.values()]), strict=True)
    )
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
    if one.missing or one.n < statistics.MIN_PAIRS:
        return "inconclusive"
    differs, same = p <= alpha + 1e-9, p_equal <= alpha + 1e-9
    if one.lost is not None:
        at = hypothesis.optimum or math.nan
        if one.interval.low <= at <= one.interval.high and one.sides_p <= alpha + 1e-9:
            return "supported"
        same = one.lost.high < margin
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
    points = " points" if percent else ""
    if one.lost is not None:
        values, form = one.interval, "{:.2f}"
        numbers = f"{one.about} {values.mean:.2f}"
    else:
        values, form = _scaled(one.interval, percent), "{:z.2f}" if percent else "{:z.3g}"
        numbers = f"{one.about}: {form.format(values.mean)}{points}"
    limits = f"{100 * level:g}% interval {form.format(values.low)} to {form.format(values.high)}"
    tests = f"p = {p:.2g}"
    if not math.isnan(p_equal):
        bound = f"{100 * margin:g} points" if percent else f"{margin:g}"
        tests += f", equivalence within {bound} p = {p_equal:.2g}"
    if one.lost is not None:
        lost = _scaled(one.lost, percent)
        sides = (
            "without an arm far enough from it on both sides"
            if math.isnan(one.sides_p)
            else f"better than its neighbours on both sides p = {one.sides_p:.2g}"
        )
        tests += (
            f"; growth {hypothesis.optimum:g} gives away {lost.mean:.2f}{points}, at most "
            f"{lost.high:.2f}; {sides}"
        )
    few = f"; {statistics.MIN_PAIRS} {unit}s are needed" if one.n < statistics.MIN_PAIRS else ""
    return f"{numbers} ({limits}, {tests}; n = {one.n} {unit}s{few})."


def _scaled(interval: Interval, percent: bool) -> Interval:
    scale = 100 if percent else 1
    return Interval(scale * interval.mean, scale * interval.low, scale * interval.high)
