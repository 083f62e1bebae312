"""One effect in several data sets: its mean over data sets like these, and how much it varies.

The data sets are a sample of those that might have been taken, so each has an effect of its own
(the random-effects model) and each counts alike: weighting them by their precision would hand the
answer to the one with most seeds. For a mean with equal weights Student's t over the data sets
holds its level however unequal the precisions are (Bakirov and Szekely 2006, J. Mathematical
Sciences 139; Ibragimov and Mueller 2010, J. Business and Economic Statistics 28). The interval of
Hartung and Knapp (2001, Statistics in Medicine 20), which weighs by precision, covers 90 to 92%
with three to five data sets whose standard errors lie ten times apart, and the prediction interval
of Higgins, Thompson and Spiegelhalter (2009, J. Royal Statistical Society A 172) 85 to 90% with
five to eight: `tests/statistics/test_pooling.py` has the simulation.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.oneway import anova_generic

FEWEST = 3  # data sets: of two nothing is known of how effects vary


@dataclass(frozen=True)
class Pooled:
    """A mean effect over data sets, and how much the effect differs between them.

    Args:
        count: of data sets.
        mean, low, high: the mean effect with its interval, in the units of the effects.
        tau: standard deviation of the true effects (Paule and Mandel 1982, J. Research of the
            National Bureau of Standards 87), in the same units.
        i2: share of the variance of the effects found that is not noise of the seeds, 0 to 1
            (Higgins and Thompson 2002, Statistics in Medicine 21).
        q_p: p-value that the effect is the same in all: of Cochran's Q, in the form of Welch
            (1951, Biometrika 38), since the standard errors are themselves estimated.
        new_low, new_high: the interval for the effect in one more data set.
    """

    count: int
    mean: float
    low: float
    high: float
    tau: float
    i2: float
    q_p: float
    new_low: float
    new_high: float


@dataclass(frozen=True)
class NotPooled:
    """Why effects were not pooled, as a clause."""

    reason: str


def pool(
    effects: npt.ArrayLike,
    standard_errors: npt.ArrayLike,
    degrees: npt.ArrayLike,
    level: float = 0.95,
) -> Pooled | NotPooled:
    """The mean of an effect over data sets, with how much the effect varies between them.

    The interval is Student's over the data sets' effects, or where that is narrower, by chance, the
    one that their seeds alone leave (normal): agreement of a few shows no more than the seeds do.

    Args:
        effects: one a data set, shape (k,), in any unit.
        standard_errors: of the effects, from the seeds of each data set, in the same unit.
        degrees: degrees of freedom of each standard error, above 0.
        level: confidence, between 0 and 1; of each interval by itself.

    Returns:
        `NotPooled` for fewer than `FEWEST` data sets, or a standard error that is not above 0.
    """
    found, errors, free = (
        np.asarray(values, dtype=float) for values in (effects, standard_errors, degrees)
    )
    count = len(found)
    if count < FEWEST:
        return NotPooled(f"{count} of the {FEWEST} data sets that pooling needs")
    if not (np.isfinite(found).all() and np.isfinite(errors).all() and (errors > 0).all()):
        return NotPooled("a data set whose seeds do not vary, or are too few to tell")
    variances = errors**2
    mean, spread = float(found.mean()), float(found.std(ddof=1))
    student = float(stats.t.ppf((1 + level) / 2, count - 1))
    of_seeds = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(variances.mean() / count)
    half = max(student * spread / math.sqrt(count), of_seeds)
    half_new = max(student * spread * math.sqrt(1 + 1 / count), half)
    with np.errstate(divide="ignore"):  # of its own I2, where all effects are the same
        combined = combine_effects(found, variances, method_re="pm")
    q = float(combined.q)
    welch = anova_generic(found, variances * (free + 1), free + 1, use_var="unequal")
    return Pooled(
        count=count,
        mean=mean,
        low=mean - half,
        high=mean + half,
        tau=math.sqrt(combined.tau2),
        i2=max(0.0, 1 - (count - 1) / q) if q > 0 else 0.0,
        q_p=float(welch.pvalue),
        new_low=mean - half_new,
        new_high=mean + half_new,
    )
