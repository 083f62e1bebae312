"""What rows that repeat arms say: each arm's mean, and what is sure of the differences.

Arms are unpaired unless they are said to be paired by the seed: rows of different arms then have
nothing to do with each other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError, nearest
from ablate.statistics import family
from ablate.statistics.family import MIN_SEEDS, Compared, Family
from ablate.statistics.intervals import Interval, mean_interval, t_interval
from ablate.statistics.unpaired import compare_unpaired
from ablate.tables.arms.repeats import ARM, BUDGET, OUTCOME, SEED, Repeats, of_rows
from ablate.tables.cells import known_name
from ablate.tables.file import TableFile, TableHypothesis
from ablate.tables.rows import Rows

MARGIN = 0.5  # points, of accuracies and errors
MOST_RESAMPLED = 200  # rows of an arm; beyond, a mean is as good as normal
MOST_BOOTSTRAPS = 50  # arms, for the time that it takes
MOST_CELLS = 20_000_000  # seeds times arms, of paired arms
ALONE = ("arm", "n", "mean", "low", "high", "deviation", "budget")  # of an arm alone
COLUMNS = (
    *ALONE,
    *("diff", "diff_low", "diff_high", "equal_low", "equal_high", "p", "p_equal", "finding"),
)
HYPOTHESES = (
    *("name", "says", "kind", "column", "verdict", "estimate", "low", "high"),
    *("equal_low", "equal_high", "p", "p_equal", "margin", "n"),
)
FEW, ALIKE = "too few rows", "no spread"
UNCOMPARED = (FEW, ALIKE)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a table with arms.

    Args:
        question: in words; one is made of the arms if empty.
        baseline: the arm that others are compared with; the one with the most rows if None.
        margin: what counts as equal, in points or in the outcome's unit; `MARGIN` where None and
            the outcome is in points, else nothing counts as equal.
        paired: whether arms at the same seed share something.
        hypotheses: predictions about two arms each, by name.
    """

    question: str = ""
    baseline: str | None = None
    margin: float | None = None
    paired: bool = False
    hypotheses: Mapping[str, TableHypothesis]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a table with arms says.

    Args:
        repeats: its rows.
        asked: of them.
        baseline: the arm that others are compared with.
        margin: what counts as equal; 0 for nothing.
        level: of the intervals.
        table: one row an arm, with `COLUMNS`, the baseline first and then in the table's order:
            differences are arm minus baseline; `finding` is baseline, better, worse, equivalent,
            inconclusive, `FEW`, or `ALIKE` where neither arm's rows differ.
        hypotheses: one row a prediction, with `HYPOTHESES`; the estimate is the first arm minus
            the second.
        together: comparisons that hold together.
        critical: standard errors that an interval reaches to either side; NaN for none.
        errors: standard error of each arm's difference, by arm.
    """

    repeats: Repeats
    asked: Asked
    baseline: str
    margin: float
    level: float
    table: pd.DataFrame
    hypotheses: pd.DataFrame
    together: int
    critical: float
    errors: Mapping[str, float]


def judge(
    repeats: Repeats, asked: Asked, level: float = 0.95, arms: pd.DataFrame | None = None
) -> Judged:
    """What the rows say.

    Args:
        repeats: the rows.
        asked: of them.
        level: of the intervals.
        arms: what `Judged.table` has of each arm alone, of rows that were not kept.

    Arms with fewer than `MIN_SEEDS` rows are described, and compared with nothing: they would
    widen every other interval, and still say nothing. Two arms of which neither has rows that
    differ are not compared: of what is copied or rounded nobody knows how it would vary. An arm
    without spread has no interval either.

    Raises:
        InputError: no such arm; arms that are to be paired without a seed, or share none.
    """
    if arms is None:
        arms = _described(repeats, level)
    names = list(arms["arm"])
    baseline = _baseline(repeats, asked, arms)
    margin = _margin(repeats, asked)
    asked = _with_names(asked, baseline, names)
    pairs = _pairs(repeats, asked.hypotheses, margin)
    wanted = {(arm, baseline): None for arm in names if arm != baseline} | dict.fromkeys(pairs)
    counts = dict(zip(names, arms["n"], strict=True))
    spreads = dict(zip(names, arms["deviation"], strict=True))
    known = [
        two
        for two in wanted
        if min(counts[arm] for arm in two) >= MIN_SEEDS and any(spreads[arm] > 0 for arm in two)
    ]
    judged = _compared(repeats, arms, known, asked.paired, level) if known else None
    found: dict[tuple[str, str], Compared] = {}
    if judged is not None:
        found = dict(zip(known, judged.comparisons, strict=True))
    rows = [
        row | _difference(row, arms, baseline, found.get((row["arm"], baseline)), judged, margin,
                          repeats.better)
        for row in arms.to_dict("records")
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    order = table["arm"].ne(baseline).sort_values(kind="stable").index
    return Judged(
        repeats=repeats,
        asked=asked,
        baseline=baseline,
        margin=margin,
        level=level,
        table=table.loc[order].reset_index(drop=True),
        hypotheses=_hypotheses(asked, repeats, arms, pairs, found, judged, margin),
        together=len({frozenset(two) for two in known}),
        critical=judged.critical if judged is not None else math.nan,
        errors={arm: one.error for (arm, other), one in found.items() if other == baseline},
    )


def judge_file(file: TableFile, rows: Rows, study: str = "") -> dict[str, Judged]:
    """What a study file of kind `table` with arms asks, by outcome; `study` is its name.

    Raises:
        InputError: as `judge`; an arm that a prediction names is not there.
    """
    asked = Asked(
        question=file.question,
        baseline=file.baseline,
        margin=file.margin if file.columns.points or "margin" in file.model_fields_set else None,
        paired=file.columns.pairs,
        hypotheses=file.hypotheses,
    )
    return {name: judge(of_rows(file, rows, name, study), asked) for name in file.columns.outcome}


def _described(repeats: Repeats, level: float) -> pd.DataFrame:
    """Number, mean, interval and deviation of each arm, in the order of the table."""
    frame = repeats.frame
    groups = frame.groupby(ARM, sort=False, observed=True)
    spreads = groups[OUTCOME].std(ddof=1)
    spreads[groups[OUTCOME].min() == groups[OUTCOME].max()] *= 0  # else rounding; NaN stays
    budgets = groups[BUDGET].median() if BUDGET in frame else None
    resampled = groups.ngroups <= MOST_BOOTSTRAPS
    rows = []
    for arm, values in groups[OUTCOME]:
        own = _interval(values.to_numpy(dtype=float), level, resampled)
        low, high = own.low, own.high
        if spreads[arm] == 0:
            low = high = math.nan
        if repeats.points:
            low, high = (float(np.clip(limit, 0, 100)) for limit in (low, high))
        rows.append(
            {
                **{"arm": str(arm), "n": len(values), "mean": own.mean, "low": low, "high": high},
                "deviation": float(spreads[arm]),
                "budget": math.nan if budgets is None else float(budgets[arm]),
            }
        )
    return pd.DataFrame(rows)


def _interval(values: npt.NDArray[np.float64], level: float, resampled: bool) -> Interval:
    if resampled and len(values) <= MOST_RESAMPLED:
        return mean_interval(values, level)
    return t_interval(values, level)


def _baseline(repeats: Repeats, asked: Asked, arms: pd.DataFrame) -> str:
    if asked.baseline is None:
        return str(arms.loc[int(arms["n"].to_numpy().argmax()), "arm"])
    return known_arm(asked.baseline, list(arms["arm"]), "baseline")


def known_arm(name: str, arms: Sequence[str], what: str) -> str:
    """The arm of that name, however it is spelled; raises `InputError` where there is none."""
    known = known_name(name, arms)
    if known is not None:
        return known
    some = ", ".join(map(repr, arms[:10])) + (", ..." if len(arms) > 10 else "")
    raise InputError(f"{what}: no arm {name!r}{nearest(name, arms)}: expected one of {some}")


def _with_names(asked: Asked, baseline: str, arms: Sequence[str]) -> Asked:
    """The same, with arms as the table spells them."""
    hypotheses = {
        name: one.model_copy(
            update={
                kind: [known_arm(str(arm), arms, name) for arm in getattr(one, kind)]
                for kind in ("higher", "equal")
                if getattr(one, kind) is not None
            }
        )
        for name, one in asked.hypotheses.items()
    }
    return replace(asked, baseline=baseline if asked.baseline else None, hypotheses=hypotheses)


def _margin(repeats: Repeats, asked: Asked) -> float:
    if asked.margin is not None:
        return asked.margin
    return MARGIN if repeats.points else 0.0


def _pairs(
    repeats: Repeats, hypotheses: Mapping[str, TableHypothesis], margin: float
) -> list[tuple[str, str]]:
    """The two arms that each prediction is about."""
    found = []
    for name, one in hypotheses.items():
        two = [str(arm) for arm in (one.higher or one.equal or ())]
        if len(set(two)) < 2:
            raise InputError(f"{name}: expected two arms, not one")
        if one.kind == "equal" and margin == 0:
            option = repeats.key("--margin M", "margin = M")
            raise InputError(f"{name}: needs a margin within which arms count as equal ({option})")
        found.append((two[0], two[1]))
    return found


def _compared(
    repeats: Repeats,
    arms: pd.DataFrame,
    wanted: Sequence[tuple[str, str]],
    paired: bool,
    level: float,
) -> Family:
    """The comparisons, all together, in this order; only of the arms that are in one."""
    used = [arm for arm in arms["arm"] if any(arm in two for two in wanted)]
    place = {arm: number for number, arm in enumerate(used)}
    coefficients = np.zeros((len(wanted), len(used)))
    for row, (one, other) in enumerate(wanted):
        coefficients[row, place[one]], coefficients[row, place[other]] = 1, -1
    if paired:
        return family.compare(_by_seed(repeats, used), coefficients, level, own=True)
    own = arms.set_index("arm").loc[used]
    return compare_unpaired(own["n"], own["mean"], own["deviation"], coefficients, level)


def _by_seed(repeats: Repeats, arms: Sequence[str]) -> npt.NDArray[np.float64]:
    """Outcomes, shape (seeds, arms); NaN where an arm lacks the seed."""
    frame = repeats.frame
    if SEED not in frame:
        option = repeats.key("--seed COLUMN", 'seed = "COLUMN"')
        raise InputError(f"paired arms need the column of the seed ({option})")
    some = frame[frame[ARM].isin(arms)]
    seeds = some[SEED].nunique()
    if seeds * len(arms) > MOST_CELLS:
        raise InputError(
            f"paired: {seeds:,} seeds of {len(arms)} arms are more than can be paired here; "
            "leave the pairing out"
        )
    if not some.duplicated(SEED).any():
        raise InputError(
            f"paired: no two arms share a {repeats.columns[SEED]}; leave the pairing out"
        )
    wide = some.pivot(index=SEED, columns=ARM, values=OUTCOME)
    return wide[list(arms)].to_numpy(dtype=float)


def _difference(
    row: Mapping[Any, Any],
    arms: pd.DataFrame,
    baseline: str,
    one: Compared | None,
    judged: Family | None,
    margin: float,
    better: int,
) -> dict[str, object]:
    """What is known of an arm against the baseline."""
    if row["arm"] == baseline:
        return {"finding": "baseline"}
    if one is None or judged is None:
        base = arms.loc[arms["arm"] == baseline].iloc[0]
        few = min(row["n"], base["n"]) < MIN_SEEDS
        return {
            "diff": float(row["mean"]) - float(base["mean"]),
            "finding": FEW if few else ALIKE,
        }
    return {
        **{"diff": one.estimate, "diff_low": one.low, "diff_high": one.high},
        **{"equal_low": one.equal_low, "equal_high": one.equal_high, "p": one.p},
        "p_equal": judged.p_equal(one, margin) if margin else math.nan,
        "finding": _finding(one, judged, margin, better),
    }


def _finding(one: Compared, judged: Family, margin: float, better: int) -> str:
    found = family.finding(one, judged, margin)
    way = {"higher": 1, "lower": -1}.get(found)
    if way is None:
        return found
    return "better" if way == better else "worse"


def _hypotheses(
    asked: Asked,
    repeats: Repeats,
    arms: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    found: Mapping[tuple[str, str], Compared],
    judged: Family | None,
    margin: float,
) -> pd.DataFrame:
    """What became of each prediction."""
    counts = dict(zip(arms["arm"], arms["n"], strict=True))
    means = dict(zip(arms["arm"], arms["mean"], strict=True))
    rows = []
    for (name, asked_of), two in zip(asked.hypotheses.items(), pairs, strict=True):
        one = found.get(two)
        row: dict[str, object] = {
            **{"name": name, "says": asked_of.says, "kind": asked_of.kind},
            **{"column": repeats.outcome, "verdict": "inconclusive", "margin": margin},
            **{"estimate": means[two[0]] - means[two[1]], "n": min(counts[arm] for arm in two)},
        }
        if one is not None and judged is not None:
            row |= {
                "verdict": _verdict(asked_of.kind, _finding(one, judged, margin, repeats.better)),
                **{"estimate": one.estimate, "low": one.low, "high": one.high, "n": one.n},
                **{"equal_low": one.equal_low, "equal_high": one.equal_high, "p": one.p},
                "p_equal": judged.p_equal(one, margin) if margin else math.nan,
            }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(HYPOTHESES))


def _verdict(kind: str, finding: str) -> str:
    if finding == "equivalent":
        return "supported" if kind == "equal" else "equivalent"
    if finding not in ("better", "worse"):
        return "inconclusive"
    return "supported" if kind == "higher" and finding == "better" else "refuted"
