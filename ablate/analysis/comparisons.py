"""What a page compares, each comparison once, judged as one family.

The family is every cell against the baseline, and every prediction that is a difference or a
contrast of cells. A prediction that asks for one of the former again has its numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.analysis import factorial, images
from ablate.results.looks import OUTCOME, Settled
from ablate.results.names import MECHANISM, TRIALS
from ablate.results.outcomes import by_seed
from ablate.statistics import family
from ablate.statistics.family import Compared, Family
from ablate.statistics.images import ImageNoise
from ablate.study.file import HypothesisTable

Arm = tuple[str, str]  # what is measured, and the cell
Contrast = frozenset[tuple[Arm, float]]  # arms with their coefficients


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One comparison that a prediction asks for.

    Args:
        about: what it is, in words.
        contrast: the arms with their coefficients.
        rows: where the numbers come from.
    """

    about: str
    contrast: Contrast
    rows: str


@dataclass(frozen=True, kw_only=True)
class Comparisons:
    """The comparisons of a run.

    Args:
        family: all of them, judged together, over seeds.
        wide: the same over seeds and test images: it is about images like these, where `family`
            is about these images; None where it was not recorded which were correct.
        against: each cell minus the baseline.
        asked: for each prediction that is one, its comparisons.
        missing: for each other prediction that should be one, why it is not.
        values: what was compared, one row a seed, a column for each of the arms.
        coefficients: shape (comparisons, arms).
        order: which comparison of the family a contrast is.
    """

    family: Family
    wide: Family | None
    against: Mapping[str, Compared]
    asked: Mapping[str, tuple[Asked, ...]]
    missing: Mapping[str, str]
    values: pd.DataFrame
    coefficients: npt.NDArray[np.float64]
    order: Mapping[Contrast, int]

    def place(self, cell: str) -> int:
        """Which comparison of the family a cell against the baseline is."""
        return list(self.against).index(cell)

    def of(self, asked: Asked, judged: Family | None = None) -> Compared:
        """The numbers of a comparison that was asked for, over seeds or as `judged` has them."""
        one = (judged or self.family).comparisons[self.place_of(asked)]
        return one if asked.contrast in self.order else reversed_(one)

    def place_of(self, asked: Asked) -> int:
        """Which comparison of the family one that was asked for is, either way round."""
        if asked.contrast in self.order:
            return self.order[asked.contrast]
        return self.order[_opposite(asked.contrast)]

    def seeds(self, asked: Asked) -> list[int]:
        """The numbers of the seeds that are behind a comparison."""
        used = self.values[[arm for arm, _ in asked.contrast]]
        return sorted(int(seed) for seed in used.index[used.notna().any(axis=1)])


def compare(
    trials: pd.DataFrame,
    baseline: str,
    predictions: Mapping[str, HypothesisTable] | None = None,
    mechanism: pd.DataFrame | None = None,
    outcome: str = "test_accuracy",
    level: float = 0.95,
    correct: pd.DataFrame | None = None,
    settled: Sequence[Settled] | None = None,
) -> Comparisons:
    """All comparisons of a run, as one family.

    Args:
        trials: as `schema.to_frame` makes it.
        baseline: the cell that the others are compared with.
        predictions: by name, as the study file has them; none where None.
        mechanism: as `mechanism.csv` has it, if it was measured.
        outcome: the column in which the cells are compared with the baseline.
        level: that all intervals hold together.
        correct: which test images each trial classified correctly, if it was recorded.
        settled: of a study with `[stop]`, what its looks saw (`looks.outcomes`): their intervals
            and p-values, which allow for the looks, stand in place of those of all seeds.
    """
    asked: dict[str, tuple[Asked, ...]] = {}
    missing: dict[str, str] = {}
    tables = {outcome: by_seed(trials, outcome)}
    for name, prediction in (predictions or {}).items():
        if prediction.optimum is not None:
            continue
        if prediction.rises is None and prediction.column not in tables:
            tables[prediction.column] = by_seed(trials, prediction.column)
        found = _ask(prediction, trials, mechanism, baseline, tables)
        if isinstance(found, str):
            missing[name] = found
        else:
            asked[name] = found
    cells = [str(cell) for cell in tables[outcome] if cell != baseline]
    against = {cell: difference(outcome, cell, baseline) for cell in cells}
    contrasts = dict.fromkeys(against.values())
    for one in (each for several in asked.values() for each in several):
        if _opposite(one.contrast) not in contrasts:
            contrasts[one.contrast] = None
    order = {contrast: place for place, contrast in enumerate(contrasts)}
    values = pd.concat(
        [table.set_axis(_columns(name, table), axis=1) for name, table in tables.items()], axis=1
    ).sort_index()
    coefficients = np.zeros((len(order), values.shape[1]))
    for contrast, place in order.items():
        for arm, factor in contrast:
            coefficients[place, values.columns.get_loc(arm)] = factor
    blocks = [name for name, table in tables.items() for _ in table.columns]
    judged = family.compare(values.to_numpy(dtype=float), coefficients, level, blocks)
    wide = None if correct is None else _wide(correct, values, coefficients, level, blocks)
    if settled is not None:
        if wide is not None:
            both = zip(wide.comparisons, judged.comparisons, strict=True)
            added = [max(0.0, one.error**2 - other.error**2) for one, other in both]
            wide = _as_settled(wide, order, settled, added)
        judged = _as_settled(judged, order, settled)
    return Comparisons(
        family=judged,
        wide=wide,
        against={cell: judged.comparisons[order[contrast]] for cell, contrast in against.items()},
        asked=asked,
        missing=missing,
        values=values,
        coefficients=coefficients,
        order=order,
    )


def _wide(
    correct: pd.DataFrame,
    values: pd.DataFrame,
    coefficients: npt.NDArray[np.float64],
    level: float,
    blocks: list[str],
) -> Family | None:
    """The family over seeds and test images; NaN for what is measured on no test image.

    None where it is not known of every test accuracy which images were correct.
    """
    tested = np.array([block == OUTCOME for block in blocks])
    accuracies = values.loc[:, tested]
    accuracies = accuracies.set_axis([arm[1] for arm in accuracies.columns], axis=1)
    found = images.noise(correct, accuracies)
    if found is None:
        return None
    every = np.zeros((len(blocks), len(blocks)))
    every[np.ix_(tested, tested)] = np.nan_to_num(found.covariance)  # NaN: of arms not compared
    of_images = ImageNoise(every, found.freedom)
    judged = family.compare(values.to_numpy(dtype=float), coefficients, level, blocks, of_images)
    nan = math.nan
    return replace(
        judged,
        comparisons=tuple(
            replace(one, low=nan, high=nan, p=nan, equal_low=nan, equal_high=nan)
            if row[~tested].any()
            else one
            for one, row in zip(judged.comparisons, coefficients, strict=True)
        ),
    )


def _as_settled(
    judged: Family,
    order: Mapping[Contrast, int],
    settled: Sequence[Settled],
    of_images: Sequence[float] | None = None,
) -> Family:
    """The family with what looks saw of its comparisons of test accuracies; NaN before a look.

    Args:
        judged: the family of all seeds.
        order: which comparison of it a contrast is.
        settled: what the looks saw.
        of_images: for each comparison of the family, the variance that test images add.
    """
    found = {
        difference(OUTCOME, one.comparison.first, one.comparison.second): one.seen
        for one in settled
    }
    looked = list(judged.comparisons)
    for contrast, place in order.items():
        if len(contrast) != 2 or any(column != OUTCOME for (column, _), _ in contrast):
            continue
        own, other = found.get(contrast), found.get(_opposite(contrast))
        seen = own or other
        if seen is None or seen.n < 2:
            looked[place] = family.unknown(0)
            continue
        added = 0.0 if of_images is None else of_images[place]
        error = math.sqrt(seen.error**2 + added)
        one = family.against(seen.reference, seen.estimate, error, seen.n, judged.level)
        looked[place] = one if own else reversed_(one)
    return replace(judged, comparisons=tuple(looked))


def difference(column: str, cell: str, other: str) -> Contrast:
    """One cell minus another."""
    return frozenset({((column, cell), 1.0), ((column, other), -1.0)})


def reversed_(one: Compared) -> Compared:
    """The same comparison the other way round."""
    return replace(
        one,
        estimate=-one.estimate,
        low=-one.high,
        high=-one.low,
        equal_low=-one.equal_high,
        equal_high=-one.equal_low,
    )


def _opposite(contrast: Contrast) -> Contrast:
    return frozenset((arm, -factor) for arm, factor in contrast)


def _columns(name: str, table: pd.DataFrame) -> pd.Index:
    return pd.Index([(name, str(cell)) for cell in table.columns], tupleize_cols=False)


def _ask(
    prediction: HypothesisTable,
    trials: pd.DataFrame,
    mechanism: pd.DataFrame | None,
    baseline: str,
    tables: dict[str, pd.DataFrame],
) -> tuple[Asked, ...] | str:
    """The comparisons of a prediction, or why there are none."""
    column = prediction.column
    if prediction.rises is not None:
        if mechanism is None:
            return "not measured; run with --mechanism"
        return _rise(mechanism, column, prediction.rises, tables)
    if prediction.interaction is not None:
        four = factorial.contrasts(trials, prediction.interaction, baseline)
        if not four:
            return "no combination of arms beside the baseline's has a trial yet"
        return tuple(
            Asked(
                about=f"{label}, of {' x '.join(prediction.interaction)}",
                contrast=frozenset(((column, cell), factor) for cell, factor in cells.items()),
                rows=f"{TRIALS}: {', '.join(cells)}",
            )
            for label, cells in four.items()
        )
    first, second = prediction.higher or prediction.equal or []
    absent = [cell for cell in (first, second) if cell not in tables[column].columns]
    if absent:
        return f"no trial of {' or '.join(absent)} yet"
    return (
        Asked(
            about=f"{first} minus {second}",
            contrast=difference(column, first, second),
            rows=f"{TRIALS}: {first}, {second}",
        ),
    )


def _rise(
    mechanism: pd.DataFrame, column: str, cell: str, tables: dict[str, pd.DataFrame]
) -> tuple[Asked, ...] | str:
    """Last stage over first in one cell: a difference within each trial, which is one value."""
    stages = mechanism[(mechanism["cell"] == cell) & mechanism["stage"].str.startswith("stage")]
    table = stages.pivot(index="seed", columns="stage", values=column).astype(float)
    if table.shape[1] < 2:
        return f"{cell} has no two stages in {MECHANISM}"
    order = sorted(table.columns, key=lambda name: int(name.removeprefix("stage ")))
    first, last = order[0], order[-1]
    about = f"{column} of {cell}, {last} minus {first}"
    tables[about] = (table[last] - table[first]).to_frame(cell)
    return (
        Asked(
            about=about,
            contrast=frozenset({((about, cell), 1.0)}),
            rows=f"{MECHANISM}: {cell}, {first} and {last}",
        ),
    )
