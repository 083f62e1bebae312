"""A stub: what a look at some seeds of a study settles."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ablate.study.file import StudyFile


@dataclass(frozen=True, kw_only=True)
class Look:
    """A look at a study's trials.

    Args:
        seeds: that all cells have which were needed.
        settled: comparisons that are settled at this look, by name: higher, lower, equivalent,
            or open where they are given up.
        needed: cells that are trained on after it, in the study's order; none to stop.
    """

    seeds: int
    settled: dict[str, str]
    needed: tuple[str, ...]


def decide(file: StudyFile, trials: pd.DataFrame, seeds: int, earlier: Sequence[Look]) -> Look:
    """What a look settles: a function of the study file and the complete trials alone."""
    assert file.stop is not None
    assert file.stop.looks is not None
    table = trials[(trials["state"] == "complete") & (trials["seed"] < seeds)]
    means = table.groupby("cell", sort=False)["test_accuracy"].mean()
    cells = earlier[-1].needed if earlier else tuple(table["cell"].unique())
    settled = {
        f"{cell} - {file.baseline}": "higher" if means[cell] > means[file.baseline] else "lower"
        for cell in cells
        if cell != file.baseline and cell in means and abs(means[cell] - means[file.baseline]) > 0.1
    }
    open_ = [cell for cell in cells if f"{cell} - {file.baseline}" not in settled]
    last = seeds == file.stop.looks[-1] or open_ == [file.baseline]
    return Look(seeds=seeds, settled=settled, needed=() if last else tuple(open_))


def replay(file: StudyFile, trials: pd.DataFrame) -> list[Look]:
    """The looks of a run, from its trials alone."""
    assert file.stop is not None
    assert file.stop.looks is not None
    looks: list[Look] = []
    for seeds in file.stop.looks:
        if looks and not looks[-1].needed:
            break
        looks.append(decide(file, trials, seeds, looks))
    return looks
