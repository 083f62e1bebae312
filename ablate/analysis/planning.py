"""What the planned seeds can show, before anything is trained."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ablate.analysis import factorial, populations
from ablate.analysis.hypotheses import ACCURACIES
from ablate.errors import plural
from ablate.results.csv import read_outcomes
from ablate.results.names import STUDY, TRIALS
from ablate.results.outcomes import by_seed
from ablate.spec.choices import AXIS_PREFIX
from ablate.statistics import power
from ablate.statistics.family import MIN_SEEDS
from ablate.study.draws import NETWORK
from ablate.study.file import HypothesisTable, StudyFile, read_study_file
from ablate.study.plan import Study


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A standard deviation of the test accuracy over seeds.

    Args:
        value: as a fraction, pooled over arms.
        arms: of each arm by itself, where that is known.
        source: where it is from, in words.
    """

    value: float
    source: str
    arms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What the planned seeds can show of one comparison.

    Args:
        about: the comparison, or the prediction.
        shown: the difference, as a fraction, that they show with a probability of `power.POWER`;
            of an equality, the margin within which they show that two equal arms are equal.
        margin: what counts as equal, as a fraction.
        needed: the seeds that the margin needs; None where `power.MOST_SEEDS` would not do.
        predicted: whether the study file predicts it.
    """

    about: str
    shown: float
    margin: float
    needed: int | None
    predicted: bool


def spread_of(trials: pd.DataFrame, source: str, sampled: bool = False) -> Spread | None:
    """The deviation of a run's test accuracies over seeds; None for too few.

    Args:
        trials: as `schema.to_frame` makes it, of one study.
        source: where it is from, in words.
        sampled: whether its networks are; then it is over networks.
    """
    table = by_seed(populations.by_draw(trials) if sampled else trials)
    freedom = (table.count() - 1).clip(lower=0)
    if freedom.sum() == 0:
        return None
    variances = table.var(ddof=1)
    return Spread(
        value=float(np.sqrt((variances * freedom).sum() / freedom.sum())),
        source=source,
        arms={str(arm): float(np.sqrt(own)) for arm, own in variances.dropna().items()},
    )


def published_spread(study: Study, root: Path) -> Spread | None:
    """The spread of the published run of a study and data set, else of all on that data set.

    Args:
        study: what is planned.
        root: with the published runs, as STUDY/DATASET.

    Returns:
        Of the same study where it was published with as many epochs; else the median over the
        published runs of the data set, which is said; None where there is none.
    """
    dataset = study.data.name
    sampled = bool(study.draws)
    found: dict[str, Spread] = {}
    paths = sorted(root.glob(f"*/*/{TRIALS}"))
    for path in sorted(paths, key=lambda path: path.parent.parent.name != study.name):
        if not path.parent.name.startswith(dataset.replace(":", "-")):
            continue
        trials = read_outcomes(path)
        numbered = AXIS_PREFIX + NETWORK in trials  # as of a sampled study, or of finalists
        if str(trials["dataset"].iloc[0]) != dataset or numbered != sampled:
            continue
        if sampled and read_study_file(path.parent / STUDY).sample is None:
            continue
        name = f"{path.parent.parent.name}/{path.parent.name}"
        own = spread_of(trials, f"of the published run {name}", sampled)
        if own is None:
            continue
        epochs = study.recipe(study.cells[0]).epochs
        if path.parent.parent.name == study.name and trials["epochs"].iloc[0] == epochs:
            return own
        found[name] = own
    if not found:
        return None
    return Spread(
        value=float(np.median([own.value for own in found.values()])),
        source=f"the median of {len(found)} published runs on {dataset}"
        if len(found) > 1
        else min(found.values(), key=lambda own: own.source).source,
    )


def prospects(study: Study, file: StudyFile, spread: Spread) -> list[Prospect]:
    """What the planned seeds can show of each comparison of a study.

    Args:
        study: what is planned.
        file: its study file.
        spread: over seeds.

    Returns:
        Each prediction about accuracy; of an optimum, what tells an arm of middling spread from
        the baseline, as it is arms that rule each other out. Then each arm against the baseline
        that none predicts.
    """
    names, baseline = _arms(study), file.baseline
    seeds = file.sample.networks if file.sample is not None else study.seeds
    against = [_row(names, {name: 1.0, baseline: -1.0}) for name in names if name != baseline]
    spreads = [spread.arms.get(name, spread.value) for name in names]

    def error(row: tuple[float, ...]) -> float:
        return math.hypot(*(value * own for value, own in zip(row, spreads, strict=True)))

    rows, asked = list(against), {}
    for name, prediction in file.hypotheses.items():
        own = _contrasts(prediction, study, names, baseline)
        if prediction.optimum is not None and against:
            own = [sorted(against, key=error)[len(against) // 2]]
        if own is None:
            continue
        asked[name] = own[0]
        rows += [row for row in own if row not in rows and _negative(row) not in rows]
    if not rows:
        return []
    family = power.coefficients_of(rows)

    def prospect(
        about: str, row: tuple[float, ...], margin: float, equal: bool, predicted: bool
    ) -> Prospect:
        which = rows.index(row) if row in rows else rows.index(_negative(row))
        return Prospect(
            about=about,
            shown=power.detectable(spreads, seeds, family, which, equal=equal),
            margin=margin,
            needed=power.seeds_needed(spreads, margin, family, which, equal=equal),
            predicted=predicted,
        )

    found = [
        prospect(
            name,
            row,
            file.hypotheses[name].margin or file.margin,
            file.hypotheses[name].equal is not None,
            True,
        )
        for name, row in asked.items()
    ]
    differences = [row for name, row in asked.items() if file.hypotheses[name].optimum is None]
    said = [*differences, *map(_negative, differences)]
    others = [name for name in names if name != baseline]
    for name, row in zip(others, against, strict=True):
        if row not in said:
            found.append(prospect(f"{name} minus {baseline}", row, file.margin, False, False))
    return found


def shortfall(found: Iterable[Prospect], seeds: int, unit: str = "seed") -> str:
    """One line on what the planned seeds cannot settle; empty where they can settle all.

    Args:
        found: of `prospects`.
        seeds: that are planned.
        unit: what is counted, in words.
    """
    if seeds < MIN_SEEDS:
        settle = "settles" if seeds == 1 else "settle"
        return f"{plural(seeds, unit)} {settle} nothing: {MIN_SEEDS} are needed, of each arm"
    short = [one for one in found if one.predicted and one.shown > one.margin]
    if not short:
        return ""
    each = "; ".join(
        f"{one.about} (shows {_points(one.shown)}, margin {100 * one.margin:g}: "
        f"{_needed(one)} {unit}s)"
        for one in short
    )
    return (
        f"{seeds} {unit}s cannot be expected to settle differences as small as the margin: {each}"
    )


def lines(found: Iterable[Prospect], spread: Spread, seeds: int, unit: str = "seed") -> list[str]:
    """What the planned seeds can show, as lines to print."""
    said = [
        f"what {plural(seeds, unit)} can show with {power.POWER:.0%} probability, at a spread of "
        f"{_points(spread.value)} over {unit}s ({spread.source}):"
    ]
    for one in found:
        said.append(
            f"  {one.about}: {_points(one.shown)}; a margin of "
            f"{plural(f'{100 * one.margin:g}', 'point')} "
            f"needs {_needed(one)} {unit}s"
        )
    return said


def _points(fraction: float) -> str:
    return plural(f"{100 * fraction:.2g}", "point")


def _needed(one: Prospect) -> str:
    return f"more than {power.MOST_SEEDS:,}" if one.needed is None else str(one.needed)


def _arms(study: Study) -> list[str]:
    """What is compared: cells, or of sampled networks the arms."""
    if not study.draws:
        return [cell.name for cell in study.cells]
    return list(
        dict.fromkeys(
            arm for cell in study.cells for axis, arm in cell.arms.items() if axis != NETWORK
        )
    )


def _contrasts(
    prediction: HypothesisTable, study: Study, names: list[str], baseline: str
) -> list[tuple[float, ...]] | None:
    """A prediction as comparisons of cells; None where it is none of accuracies."""
    other = prediction.rises is not None or prediction.optimum is not None
    if other or prediction.column not in ACCURACIES:
        return None
    if prediction.interaction is not None:
        frame = pd.DataFrame(
            [
                {"cell": cell.name} | {AXIS_PREFIX + axis: arm for axis, arm in cell.arms.items()}
                for cell in study.cells
            ]
        )
        four = factorial.contrasts(frame, prediction.interaction, baseline)
        return [_row(names, cells) for cells in four.values()] or None
    first, second = prediction.higher or prediction.equal or []
    return [_row(names, {first: 1.0, second: -1.0})]


def _row(names: list[str], factors: dict[str, float]) -> tuple[float, ...]:
    return tuple(factors.get(name, 0.0) for name in names)


def _negative(row: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(-value + 0.0 for value in row)
