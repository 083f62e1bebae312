"""Looks at a study's trials before all seeds are trained: which comparisons are settled by them.

A pure function of the study file and the complete trials, so that whoever has the table can make
every look again. What is compared: each cell with the baseline, and the two cells of each `higher`
and `equal` prediction of test accuracy, each pair once. What is settled is never taken up again,
and a cell is trained on as long as one of its comparisons is not settled.

Predictions of an optimum, of an interaction, of another column or of the mechanism settle nothing
and keep no cell going: a cell of theirs stops where it is settled against the baseline, and they
are judged by the seeds that there are. Where they are what a study is about, leave `[stop]` out.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ablate.results.outcomes import by_seed
from ablate.statistics.stopping import Seen, level_of, see
from ablate.study.file import StudyFile

OUTCOME = "test_accuracy"
OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at a study's trials.

    Args:
        seeds: that all cells have which were needed: 0 to seeds - 1.
        settled: comparisons that are settled at this look, by name (`a - b`): `higher`, `lower`,
            `equivalent`, or `open` where they are given up.
        needed: cells that are trained on after it, in the study's order; none to stop.
    """

    seeds: int
    settled: dict[str, str]
    needed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two cells that a look compares.

    Args:
        first, second: cells; the first less the second is what is estimated.
        margin: difference, as a fraction, below which they count as equal.
    """

    first: str
    second: str
    margin: float

    @property
    def name(self) -> str:
        """As `Look.settled` has it."""
        return f"{self.first} - {self.second}"


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A comparison as it was when it was settled, in fractions.

    Args:
        comparison: of which cells.
        seeds: of the look.
        word: `higher`, `lower`, `equivalent` or `open`.
        seen: its estimate and its intervals, adjusted for all looks and comparisons.
    """

    comparison: Comparison
    seeds: int
    word: str
    seen: Seen


def comparisons(file: StudyFile) -> tuple[Comparison, ...]:
    """What the looks at a study compare: the family, in the study's order.

    A pair that a prediction has again is compared once, with the smaller of the two margins.
    """
    found: dict[frozenset[str], Comparison] = {}
    wanted = [(cell, file.baseline, file.margin) for cell in cells(file) if cell != file.baseline]
    for hypothesis in file.hypotheses.values():
        two = hypothesis.higher or hypothesis.equal
        if two is not None and hypothesis.column == OUTCOME:
            wanted.append((two[0], two[1], hypothesis.margin or file.margin))
    for first, second, margin in wanted:
        same = found.get(frozenset((first, second)))
        if same is not None:
            first, second, margin = same.first, same.second, min(margin, same.margin)
        if first != second:
            found[frozenset((first, second))] = Comparison(
                first=first, second=second, margin=margin
            )
    return tuple(found.values())


def cells(file: StudyFile) -> tuple[str, ...]:
    """Names of a study's cells, in its order."""
    return tuple(" / ".join(arms) for arms in itertools.product(*file.axes.values()))


def decide(file: StudyFile, trials: pd.DataFrame, seeds: int, earlier: Sequence[Look]) -> Look:
    """What a look settles.

    Args:
        file: of the study, with all its looks in `stop.looks`, the last of them all its seeds.
        trials: as `schema.to_frame` makes it. What did not complete is missing; what has a seed
            of `seeds` or above, or belongs to a cell after it was stopped, is not seen.
        seeds: of the look, one of `stop.looks`.
        earlier: the looks before it, in order.
    """
    names = cells(file)
    words = {
        one.comparison.name: one.word for one in settle(file, trials, seeds, earlier) if one.word
    }
    known = words.keys() | {name for look in earlier for name in look.settled}
    family = comparisons(file)
    going = {cell for one in family if one.name not in known for cell in (one.first, one.second)}
    if not family and seeds < _looks(file)[-1]:
        going = set(names)
    return Look(seeds=seeds, settled=words, needed=tuple(cell for cell in names if cell in going))


def replay(file: StudyFile, trials: pd.DataFrame) -> list[Look]:
    """All looks of a study, from its file and its trials alone; up to the one that ends it."""
    made: list[Look] = []
    for seeds in _looks(file):
        if made and not made[-1].needed:
            break
        made.append(decide(file, trials, seeds, made))
    return made


def settle(
    file: StudyFile, trials: pd.DataFrame, seeds: int, earlier: Sequence[Look]
) -> list[Settled]:
    """Every comparison that was not settled before, at a look; `word` is empty where it goes on.

    Args:
        file, trials, seeds, earlier: as `decide` takes them.
    """
    assert file.stop is not None
    family, looks = comparisons(file), _looks(file)
    before = {name for look in earlier for name in look.settled}
    names = cells(file)
    if not family:
        return []
    seen = see(
        _values(names, trials, seeds, earlier),
        [(names.index(one.first), names.index(one.second)) for one in family],
        [one.margin for one in family],
        level_of(looks, seeds, len(family)),
        [one.name in before for one in family],
    )
    found = []
    for comparison, one in zip(family, seen, strict=True):
        if comparison.name in before:
            continue
        given_up = seeds == looks[-1] or one.futile(file.stop.futility)
        word = one.word or (OPEN if given_up else "")
        found.append(Settled(comparison=comparison, seeds=seeds, word=word, seen=one))
    return found


def outcomes(file: StudyFile, trials: pd.DataFrame, looks: Sequence[Look]) -> list[Settled]:
    """Each comparison as it was when it was settled, else as the last look saw it.

    The intervals hold together at 95% however the looks ended it, and the word is theirs.

    Args:
        file, trials: as `decide` takes them.
        looks: of the run, or of `replay`, in order.

    Returns:
        In the family's order; nothing before the first look.
    """
    found = {
        one.comparison.name: one
        for place, look in enumerate(looks)
        for one in settle(file, trials, look.seeds, looks[:place])
    }
    return [found[one.name] for one in comparisons(file) if one.name in found]


def _looks(file: StudyFile) -> tuple[int, ...]:
    assert file.stop is not None
    assert file.stop.looks
    return tuple(file.stop.looks)


def _values(
    names: Sequence[str], trials: pd.DataFrame, seeds: int, earlier: Sequence[Look]
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Outcomes that a look sees, shape (seeds, cells), sorted, NaN where there is none."""
    wide = by_seed(trials[trials["seed"] < seeds], OUTCOME)
    wide = wide.reindex(index=range(seeds), columns=list(names))
    for cell in names:
        stopped = next((look.seeds for look in earlier if cell not in look.needed), seeds)
        wide.loc[stopped:, cell] = np.nan
    return wide.to_numpy()
