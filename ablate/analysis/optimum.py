"""What a fit over growth says of the best growth, and of a prediction of it, in words."""

import math

from ablate.analysis.growth import GrowthFit

SURE = 0.05  # a p-value of misfit below it is said


def verdict(fit: GrowthFit, margin: float) -> str:
    """Whether accuracy is highest at the growth `fit.at`.

    - refuted: it is excluded, by the interval of the best growth or since its arm is ruled out;
    - supported: every other arm is ruled out as the best;
    - equivalent: what it gives away is below the margin (upper limit);
    - else inconclusive.

    Args:
        fit: of `growth.fit_growth`.
        margin: in the units of the accuracy; NaN where nothing counts as equal.
    """
    if fit.excluded:
        return "refuted"
    if set(fit.best_arms) <= set(fit.tested):
        return "supported"
    return "equivalent" if fit.lost.high < margin else "inconclusive"


def sentence(
    fit: GrowthFit,
    margin: float = math.nan,
    percent: bool = True,
    subject: str = "Accuracy",
) -> str:
    """Where a curve is highest, which arms may be best, and what `fit.at` gives away.

    Args:
        fit: of `growth.fit_growth`.
        margin: as `verdict` takes it.
        percent: whether the values are fractions, to be told in percentage points.
        subject: what is highest; it begins the sentence.
    """
    edge = ", an end of what was tested" if fit.edge else ""
    parts = [
        f"{subject} is highest at growth {_interval(fit.best.mean, fit.best.low, fit.best.high)}"
        f"{edge}",
        _arms(fit),
        _given_away(fit, margin, percent),
    ]
    if fit.misfit_p < SURE:
        parts.append(f"the curve misses the arms' means (p = {fit.misfit_p:.2g})")
    return f"{'; '.join(parts)} ({fit.seeds} seeds)."


def _arms(fit: GrowthFit) -> str:
    if len(fit.best_arms) == len(fit.points):
        return "no arm is ruled out as the best"
    if len(fit.best_arms) == 1:
        return f"best arm: {fit.best_arms[0]}"
    return f"best arms: {', '.join(fit.best_arms[:-1])} or {fit.best_arms[-1]}"


def _given_away(fit: GrowthFit, margin: float, percent: bool) -> str:
    """What the growth that was asked about gives away, and whether it is ruled out."""
    scale, unit = (100, " points") if percent else (1, "")
    limits = _interval(*(scale * each for each in (fit.lost.mean, fit.lost.low, fit.lost.high)))
    number, bracket = limits.split(" ", 1)
    amount = f"{number}{unit} {bracket}"
    if fit.excluded and fit.tested and not set(fit.tested) & set(fit.best_arms):
        arms = " and ".join(fit.tested)
        are, they = ("are", "they give") if len(fit.tested) > 1 else ("is", "it gives")
        return f"{arms} {are} ruled out: {they} away {amount}"
    if fit.excluded:
        but = "" if fit.lost.low > 0 else "; that may be next to nothing"
        return f"growth {fit.at:g} is outside the interval and gives away {amount}{but}"
    below = fit.lost.high < margin and not set(fit.best_arms) <= set(fit.tested)
    less = f", less than {scale * margin:g}{unit}" if below else ""
    return f"growth {fit.at:g} gives away {amount}{less}"


def _interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"
