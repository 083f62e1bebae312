"""Predictions: what the tables say of each, and the verdict that follows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ablate.analysis import growth, wording
from ablate.analysis.comparisons import Asked, Comparisons
from ablate.results.looks import OUTCOME
from ablate.results.names import TRIALS
from ablate.results.outcomes import by_seed
from ablate.statistics import power
from ablate.statistics.family import MIN_SEEDS, Compared, Family
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
        seeds_needed: of each arm, to show the margin at the spread of these arms; None where that
            cannot be said, or no number would.
        wide: the same over seeds and test images, where that was recorded.
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
    seeds_needed: int | None = None
    wide: "Evidence | None" = None


def gather(
    name: str,
    hypothesis: HypothesisTable,
    trials: pd.DataFrame,
    compared: Comparisons,
    baseline: str,
    margin: float,
    unit: str = "seed",
    fits: Sequence[growth.GrowthFit] = (),
) -> Evidence:
    """What the tables say about one hypothesis.

    Args:
        name, hypothesis: as the study file has it.
        trials: as `hypotheses.judge` takes it.
        compared: the comparisons of the run.
        baseline: cell of the study.
        margin: what counts as equal, in the units of the column; NaN for no such test.
        unit: what the numbers in `seed` are of, in words.
        fits: of test accuracy, as far as they have been made.
    """
    if hypothesis.optimum is not None:
        at, column = hypothesis.optimum, hypothesis.column
        made = [fit for fit in fits if fit.at == at] if column == OUTCOME else []
        made = made or growth.fit_growth(trials, column, compared.family.level, at)
        return _of_optimum(made, trials, column, baseline)
    if name in compared.missing:
        return _nothing(compared.missing[name])
    asked = compared.asked[name]
    found = _of_comparisons(asked, compared, compared.family, margin, unit)
    needed = [_needed(one, compared, margin, hypothesis.equal is not None) for one in asked]
    if None not in needed:
        found = replace(found, seeds_needed=max(number for number in needed if number is not None))
    if compared.wide is None:
        return found
    wide = _of_comparisons(compared.asked[name], compared, compared.wide, margin, unit)
    return found if math.isnan(wide.p) else replace(found, wide=wide)


def _of_comparisons(
    every: Sequence[Asked], compared: Comparisons, judged: Family, margin: float, unit: str
) -> Evidence:
    """A prediction of several comparisons differs where any does, and is equal where all are."""
    several = [(one, compared.of(one, judged)) for one in every]
    asked, one = min(several, key=lambda pair: _by_p(pair[1]))
    furthest = max((each for _, each in several), key=_reach)
    p_equal = judged.p_equal(furthest, margin)
    return Evidence(
        about=asked.about if len(several) == 1 else f"clearest contrast, {asked.about}",
        interval=Interval(one.estimate, one.low, one.high),
        equal=Interval(furthest.estimate, furthest.equal_low, furthest.equal_high),
        p=one.p,
        p_equal=math.nan if math.isnan(margin) else p_equal,
        n=min(each.n for _, each in several),
        rows=f"{asked.rows}; {_seeds(compared.seeds(asked), unit)}",
    )


def _needed(asked: Asked, compared: Comparisons, margin: float, equal: bool) -> int | None:
    """The seeds that would show the margin in a comparison, at its arms' mean spread."""
    arms = [arm for arm, _ in asked.contrast]
    values = compared.values[arms]
    if math.isnan(margin) or values.count().min() < 2:
        return None
    spread = math.sqrt(float(values.var(ddof=1).mean()))
    which = compared.place_of(asked)
    family = power.coefficients_of(compared.coefficients)
    return power.seeds_needed(spread, margin, family, which, compared.family.level, equal=equal)


def _by_p(one: Compared) -> tuple[float, float]:
    """The order of comparisons, the surest first; those that nothing is known of last."""
    return (2.0, 0.0) if math.isnan(one.p) else (one.p, -abs(one.estimate))


def _reach(one: Compared) -> float:
    """How far from zero a difference may be by two one-sided tests; without end if unknown."""
    return math.inf if math.isnan(one.p) else max(-one.equal_low, one.equal_high)


def _of_optimum(
    made: Sequence[growth.GrowthFit], trials: pd.DataFrame, column: str, baseline: str
) -> Evidence:
    fits = [fit for fit in made if baseline in set(fit.points["cell"])]
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
    *("wide_low", "wide_high", "wide_p", "wide_verdict", "seeds_needed"),
)


def judge(
    hypotheses: Mapping[str, HypothesisTable],
    trials: pd.DataFrame,
    compared: Comparisons,
    baseline: str,
    margin: float,
    unit: str = "seed",
    fits: Sequence[growth.GrowthFit] = (),
) -> pd.DataFrame:
    """A verdict on each hypothesis of a study, with its numbers.

    Numbers are those of the run's family of comparisons, so p-value, interval and verdict agree.
    With fewer than `family.MIN_SEEDS` seeds nothing is decided.

    - `higher`: equivalent where the interval of two one-sided tests is within the margin, however
      sure the difference; else supported or refuted where the interval leaves out zero.
    - `equal`: supported where that is equivalent; refuted where it is a difference.
    - `optimum`: see `growth.verdict`; at the family's level, but not one of the family.
    - `interaction`: equivalent where every contrast is within the margin; else supported where the
      interval of any leaves out zero. The numbers are of the clearest contrast, and against the
      margin those of the one that goes furthest.
    - `rises`: as `higher`, of the last stage over the first.
    - Whatever else is inconclusive.

    Args:
        hypotheses: by name, as the study file has them.
        trials: as `schema.to_frame` makes it.
        compared: the comparisons of the run, with these predictions among them.
        baseline: cell of the study, to which contrasts refer.
        margin: of accuracies, as a fraction, where a hypothesis has none of its own.
        unit: what the numbers in `seed` are of, in words.
        fits: of test accuracy, as far as they have been made.

    Returns:
        One row a hypothesis, with `COLUMNS`. `estimate`, `low` and `high` are in the units of
        `column` (of an optimum, growth); `rows` says which rows of which table they come from;
        `sentence` is the numbers in words. `wide_low`, `wide_high`, `wide_p` and `wide_verdict`
        are over seeds and test images: not of these images, but of images like them; missing
        where that cannot be said. `seeds_needed`: of each arm, to show the margin with the
        probability `power.POWER`; missing for an optimum, and where no number would.
    """
    level = compared.family.level
    margins = {
        name: hypothesis.margin or (margin if hypothesis.column in ACCURACIES else math.nan)
        for name, hypothesis in hypotheses.items()
    }
    found = {
        name: gather(name, hypothesis, trials, compared, baseline, margins[name], unit, fits)
        for name, hypothesis in hypotheses.items()
    }
    rows = []
    for name, hypothesis in hypotheses.items():
        one = found[name]
        verdict = _verdict(hypothesis, one, margins[name], 1 - level)
        wide = one.wide
        wide_verdict = _verdict(hypothesis, wide, margins[name], 1 - level) if wide else None
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
                "sentence": _sentence(hypothesis, one, margins[name], level, unit)
                + _wide_sentence(hypothesis, wide, verdict, wide_verdict),
                "wide_low": wide.interval.low if wide else math.nan,
                "wide_high": wide.interval.high if wide else math.nan,
                "wide_p": wide.p if wide else math.nan,
                "wide_verdict": wide_verdict,
                "seeds_needed": one.seeds_needed,
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["seeds_needed"] = table["seeds_needed"].astype("Int64")
    return table


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
        return growth.sentence(
            one.fit, margin, percent, hypothesis.column.replace("_", " ").capitalize()
        )
    points = " points" if percent else ""
    values, near = _scaled(one.interval, percent), _scaled(one.equal, percent)
    form = "{:z.3g}"
    if percent:
        margins = [-100 * margin, 100 * margin]
        decimals = max(
            wording.decimals_to_tell(2, [values.low, values.high], [0.0]),
            wording.decimals_to_tell(2, [near.low, near.high], margins),
        )
        form = f"{{:z.{decimals}f}}"
    numbers = f"{one.about}: {form.format(values.mean)}{points}"
    limits = f"{100 * level:g}% interval {form.format(values.low)} to {form.format(values.high)}"
    tests = wording.p_text(one.p)
    if not math.isnan(one.p_equal):
        bound = wording.margin_text(margin) if percent else f"{margin:g}"
        tests += (
            f"; against a margin of {bound}: {100 * (2 * level - 1):g}% interval "
            f"{form.format(near.low)} to {form.format(near.high)}, {wording.p_text(one.p_equal)}"
        )
    few = f"; {MIN_SEEDS} {unit}s are needed" if one.n < MIN_SEEDS else ""
    return f"{numbers} ({limits}, {tests}; n = {wording.plural(one.n, unit)}{few})."


def _wide_sentence(
    hypothesis: HypothesisTable, wide: Evidence | None, verdict: str, wide_verdict: str | None
) -> str:
    """The interval over seeds and test images, and the verdict by it where that is another."""
    if wide is None:
        return ""
    percent = hypothesis.column in ACCURACIES
    values, form = _scaled(wide.interval, percent), "z.2f" if percent else "z.3g"
    otherwise = "" if wide_verdict == verdict else f": {wide_verdict}"
    return (
        f" On images like these {values.low:{form}} to {values.high:{form}}, "
        f"{wording.p_text(wide.p)}{otherwise}."
    )


def _scaled(interval: Interval, percent: bool) -> Interval:
    scale = 100 if percent else 1
    return Interval(scale * interval.mean, scale * interval.low, scale * interval.high)
