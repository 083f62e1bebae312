"""How a number lies in groups of networks: mean, quartiles and range of each group.

Nothing is fitted and nothing is compared. The interval of a mean is over networks: what others,
chosen as these were, would have given. It is a BCa bootstrap, or Student's t below six networks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError, nearest
from ablate.statistics.family import MIN_SEEDS
from ablate.statistics.intervals import mean_interval
from ablate.tables.file import TableFile
from ablate.tables.rows import Rows

LEVEL = 0.95
FEWEST = MIN_SEEDS  # networks of a group, for an interval
MOST_GROUPS = 50
NONE, FEW, ALIKE = "none has it", "too few networks", "all alike"
QUANTILES = {"least": 0.0, "lower": 0.25, "median": 0.5, "upper": 0.75, "greatest": 1.0}


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a table shows of its groups.

    Args:
        table: one row an outcome and group, in the table's order: `outcome`, `group`; `networks`
            that have the number and `without`, those that lack it; `mean`; `low` and `high`, its
            95% interval over networks, `all_low` and `all_high`, which hold for all groups and
            outcomes at once (Bonferroni); `least`, `lower`, `median`, `upper`, `greatest`: range
            and quartiles; `why` there is no interval: `NONE`, `FEW`, `ALIKE`, or empty.
    """

    table: pd.DataFrame

    @property
    def outcomes(self) -> Sequence[str]:
        """Their names, in the study's order."""
        return list(dict.fromkeys(self.table["outcome"]))

    @property
    def known(self) -> pd.DataFrame:
        """The outcomes and groups of which a network has the number."""
        return self.table[self.table["networks"] > 0].reset_index(drop=True)

    def of(self, group: str | None) -> pd.DataFrame:
        """What is known of a group; of all if None."""
        return self.known if group is None else self.known[self.known["group"] == group]


def describe(file: TableFile, rows: Rows) -> Described:
    """Describe the outcomes of each group.

    Args:
        file: the study file, with `describe`.
        rows: that are meant.

    Raises:
        InputError: a network's name is empty or has no separator, a network comes twice in its
            group, there are too many groups, or a prediction is about a group that is not there.
    """
    groups = _groups(file, rows)
    names = list(dict.fromkeys(groups))
    for name, asked in file.hypotheses.items():
        if asked.of is not None and asked.of not in names:
            raise InputError(
                f"hypotheses.{name}.of: {asked.of!r}{nearest(asked.of, names)}: expected one of "
                f"{', '.join(names)}"
            )
    values = {
        (str(outcome), group): np.sort(rows.outcomes[outcome][groups == group].to_numpy(float))
        for outcome in rows.outcomes
        for group in names
    }
    shown = {key: own[~np.isnan(own)] for key, own in values.items()}
    why = {key: _why(own) for key, own in shown.items()}
    together = 1 - (1 - LEVEL) / max(1, list(why.values()).count(""))
    found = [
        {"outcome": key[0], "group": key[1], "networks": len(own)}
        | {"without": len(values[key]) - len(own)}
        | _numbers(own, why[key], together)
        | {"why": why[key]}
        for key, own in shown.items()
    ]
    return Described(table=pd.DataFrame(found))


def _groups(file: TableFile, rows: Rows) -> "pd.Series[str]":
    """The group of each row."""
    assert file.describe is not None
    path, column, separator = rows.source.path, file.columns.arm, file.describe.separator
    groups = rows.group
    if (rows.arm == "").any():
        raise InputError(f"{path}: column {column!r} is empty in a row that is meant")
    if separator is not None:
        without = ~rows.arm.str.contains(separator, regex=False)
        if without.any():
            raise InputError(
                f"{path}: column {column!r}: {rows.arm[without].iloc[0]!r} has no {separator!r}, "
                "before which its group stands"
            )
        groups = rows.arm.str.split(separator, regex=False).str[0]
    twice = pd.DataFrame({"arm": rows.arm, "group": groups}).duplicated()
    if twice.any():
        raise InputError(
            f"{path}: column {column!r}: {rows.arm[twice].iloc[0]!r} comes twice in its group; a "
            "network counts once"
        )
    if groups.nunique() > MOST_GROUPS:
        raise InputError(
            f"{path}: {groups.nunique():,} groups; expected at most {MOST_GROUPS}, of several "
            "networks each"
        )
    return groups


def _why(values: npt.NDArray[np.float64]) -> str:
    """Why there is no interval of the mean; empty where there is one."""
    if not len(values):
        return NONE
    if len(values) > 1 and np.ptp(values) == 0:
        return ALIKE
    return FEW if len(values) < FEWEST else ""


def _numbers(values: npt.NDArray[np.float64], why: str, together: float) -> dict[str, object]:
    """The numbers of a group; missing are those that it is too small for."""
    names = ("mean", "low", "high", "all_low", "all_high", *QUANTILES)
    if not len(values):
        return dict.fromkeys(names, math.nan)
    limits = [math.nan] * 4
    if not why:
        one, all_ = mean_interval(values, LEVEL), mean_interval(values, together)
        limits = [one.low, one.high, all_.low, all_.high]
    quantiles = np.quantile(values, list(QUANTILES.values()))
    return dict(zip(names, (float(values.mean()), *limits, *quantiles), strict=True))
