"""How run time goes with MACs and activations, and the growth that keeps a layer's run time.

One fit a group, such as a device: a product of powers, and beside it a sum of terms. Intervals are
over networks, each drawn with all of its rows, the same draw in every group, so that groups can be
judged together; a second interval is over whole families. Whole networks were timed, not layers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError
from ablate.statistics import power_law
from ablate.statistics.surface import resampled
from ablate.tables.file import TableFile
from ablate.tables.rows import Rows, known_budget

DRAWS = 1000  # of networks, and of families
LEVEL = 0.95
FEWEST = 40  # networks of a group
FEWEST_FAMILIES = 6  # for an interval over them
EVERY = ""  # the kind of all groups, where the study names none
Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Powers:
    """What a table of run times shows.

    Args:
        table: one row a group, kinds in the study's order: `group`, `kind`; `rows`, `networks`,
            `families`; the exponents `macs` and `activations` with `_low` and `_high`; `growth`
            that keeps a layer's run time, `low` and `high` over networks, `all_low` and `all_high`
            (over networks, holding for all groups at once), `families_low` and `families_high`
            (over families; missing below six of them); `within_macs`, `within_activations`,
            `within`, `within_low`, `within_high`: exponents and growth where each family has a
            level of its own. Of the fit: `r2`; `cv_r2` and `cv_error` in families left out,
            `macs_cv_error` for MACs alone. Of the sum: `sum_base`, the time that stands for every
            row; `sum_macs`, `sum_activations`, for one unit of the column; `share`, of the time
            that these two take in the median row that MACs do; `sum_growth`, `sum_low`,
            `sum_high`, the growth at that share; `sum_cv_error`.
        networks: how many there are in the groups of each kind, and of None in all.
        few: groups left out because they have fewer than `FEWEST` networks.
    """

    table: pd.DataFrame
    networks: Mapping[str | None, int]
    few: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The rows of one group: shapes (rows, 2), (rows,), and codes of networks and families."""

    name: str
    kind: str
    costs: Array
    times: Array
    networks: Codes
    families: Codes


def find_powers(file: TableFile, rows: Rows) -> Powers:
    """Fit run time over MACs and activations in each group.

    Args:
        file: the study file, with `power`.
        rows: that are meant.

    Raises:
        InputError: a time or rate is not above zero, a kind has no group, a group is of no kind,
            or no group has `FEWEST` networks.
    """
    groups, few = _groups(file, rows)
    counts = resampled(max(int(one.networks.max()) for one in groups) + 1, DRAWS)
    found, logs, draws = [], [], []
    for one in groups:
        exponents = power_law.exponents(one.costs, one.times)
        if not np.isfinite(power_law.equal_growth(exponents)).all():
            raise InputError(
                f"{rows.source.path}: time does not rise with these costs in the group "
                f"{one.name or 'of all rows'!r}; a rate needs "
                'unit = "higher", a time unit = "lower"'
            )
        own = _draws(one, counts.astype(float))
        row = _row(one, own)
        found.append(row)
        logs.append(np.log2(np.array(row["growth"], dtype=float)))
        draws.append(np.log2(own))
    table = pd.DataFrame(found)
    low, high = _together(np.array(logs), np.array(draws).T)
    after = table.columns.get_loc("high")
    assert isinstance(after, int)
    table.insert(after + 1, "all_low", low)
    table.insert(after + 2, "all_high", high)
    kinds: list[str | None] = [None, *table["kind"].unique()]
    networks = {
        kind: len(set().union(*(one.networks for one in groups if kind in (None, one.kind))))
        for kind in kinds
    }
    return Powers(table=table, networks=networks, few=few)


def _groups(file: TableFile, rows: Rows) -> tuple[list[_Group], tuple[str, ...]]:
    """The groups that have networks enough, and the names of those that do not."""
    assert file.power is not None
    values = rows.outcomes.iloc[:, 0].to_numpy(dtype=float)
    if (values <= 0).any():
        row = int((values <= 0).argmax())
        raise InputError(
            f"{rows.source.path}: column {next(iter(file.columns.outcome.values()))!r}: "
            f"{values[row]:g} is no time or rate; expected numbers above zero"
        )
    times = 1 / values if rows.better > 0 else values
    costs: Array = np.column_stack(
        [
            known_budget(rows, name).to_numpy(dtype=float)
            for name in (file.power.macs, file.power.activations)
        ]
    )
    networks, families = _codes(rows.arm), _codes(rows.cluster)
    kinds = _kinds(file, rows)
    groups, few = [], []
    pairs = pd.DataFrame({"kind": kinds, "group": rows.group})
    for place, name in sorted(set(pairs.itertuples(index=False, name=None))):
        some = np.flatnonzero((pairs["kind"] == place) & (pairs["group"] == name))
        if len(np.unique(networks[some])) < FEWEST:
            few.append(str(name))
            continue
        groups.append(
            _Group(
                name=str(name),
                kind=[*file.power.kinds, EVERY][place],
                costs=costs[some],
                times=times[some],
                networks=networks[some],
                families=_codes(families[some]),
            )
        )
    if not groups:
        raise InputError(
            f"{rows.source.path}: no group has {FEWEST} networks, which a fit of run time needs"
        )
    for one in groups:
        if one.families.max() < 1:
            raise InputError(
                f"{rows.source.path}: {one.name or 'the table'} has a single family in column "
                f"{file.columns.cluster!r}; a fit is tested on families that are left out"
            )
        if np.linalg.matrix_rank(np.log(one.costs) - np.log(one.costs).mean(axis=0), tol=1e-6) < 2:
            raise InputError(
                f"{rows.source.path}: {one.name or 'the table'}: MACs and activations go together "
                "in every row, so that neither's part can be told"
            )
    return groups, tuple(few)


def _kinds(file: TableFile, rows: Rows) -> "pd.Series[int]":
    """The place of each row's kind among those that the study names."""
    assert file.power is not None
    if not file.power.kinds:
        return pd.Series(0, index=rows.group.index)
    first = rows.group.str.split(", ").str[0]
    place = pd.Series(-1, index=first.index)
    for number, (name, values) in enumerate(file.power.kinds.items()):
        own = first.isin(values)
        if not own.any():
            raise InputError(
                f"power.kinds.{name}: no row is of these; column {file.columns.group[0]!r} has "
                f"{', '.join(sorted(first.unique()))}"
            )
        place[own] = number
    if (place < 0).any():
        raise InputError(
            f"power.kinds: {first[place < 0].iloc[0]!r} of column {file.columns.group[0]!r} is of "
            "no kind; name it, or leave it out with [where]"
        )
    return place


def _codes(values: npt.ArrayLike) -> Codes:
    """The place of each value among those that there are, in order."""
    found: Codes = np.unique(np.asarray(values, dtype=object), return_inverse=True)[1]
    return found


def _draws(one: _Group, counts: Array) -> Array:
    """The growth of each draw of networks."""
    often = counts[:, one.networks]
    return power_law.equal_growth(power_law.exponents(one.costs, one.times, often))


def _row(one: _Group, growths: Array) -> dict[str, object]:
    """What is known of a group, but for what holds for all of them."""
    own = _codes(one.networks)
    often = resampled(own.max() + 1, DRAWS).astype(float)[:, own]
    by_family = resampled(one.families.max() + 1, DRAWS).astype(float)[:, one.families]
    powers = power_law.exponents(one.costs, one.times)
    ranges = _limits(power_law.exponents(one.costs, one.times, often))
    inside = power_law.exponents(one.costs, one.times, levels=one.families)
    inside_draws = power_law.exponents(one.costs, one.times, often, one.families)
    told = np.log(power_law.power_law(one.costs, one.times)(one.costs) / one.times)
    families = _limits(
        power_law.equal_growth(power_law.exponents(one.costs, one.times, by_family))
        if one.families.max() + 1 >= FEWEST_FAMILIES
        else np.array([math.nan])
    )
    within = _limits(power_law.equal_growth(inside_draws))
    low, high = _limits(growths)
    checked = _cross_validated(one, power_law.power_law)
    row: dict[str, object] = {
        "group": one.name,
        "kind": one.kind,
        "rows": len(one.times),
        "networks": int(own.max()) + 1,
        "families": int(one.families.max()) + 1,
    }
    for place, name in enumerate(("macs", "activations")):
        row |= {
            name: powers[0, place],
            f"{name}_low": ranges[0][place],
            f"{name}_high": ranges[1][place],
        }
    return row | {
        "growth": float(power_law.equal_growth(powers)[0]),
        "low": low,
        "high": high,
        "families_low": families[0],
        "families_high": families[1],
        "within_macs": inside[0, 0],
        "within_activations": inside[0, 1],
        "within": float(power_law.equal_growth(inside)[0]),
        "within_low": within[0],
        "within_high": within[1],
        "r2": 1 - float(np.var(told) / np.var(np.log(one.times))),
        "cv_r2": checked.r2,
        "cv_error": checked.error,
        "macs_cv_error": power_law.cross_validated(
            power_law.power_law, one.costs[:, :1], one.times, one.families
        ).error,
        **_sum(one, often),
    }


def _cross_validated(one: _Group, fit: power_law.Fit) -> power_law.Told:
    return power_law.cross_validated(fit, one.costs, one.times, one.families)


def _sum(one: _Group, often: Array) -> dict[str, object]:
    """The sum of terms, and the growth that it gives the median network."""
    found = power_law.terms(one.costs, one.times)
    shares = [
        _median_share(one.costs, every)
        for every in (found, power_law.terms(one.costs, one.times, often))
    ]
    low, high = _limits(power_law.equal_growth_of_share(shares[1]))
    return {
        "sum_base": found[0, 0],
        "sum_macs": found[0, 1],
        "sum_activations": found[0, 2],
        "share": float(shares[0][0]),
        "sum_growth": float(power_law.equal_growth_of_share(shares[0])[0]),
        "sum_low": low,
        "sum_high": high,
        "sum_cv_error": _cross_validated(one, power_law.sum_of_terms).error,
    }


def _median_share(costs: Array, terms: Array) -> Array:
    """What MACs take of the time that MACs and activations do, in the median row; of each draw."""
    parts = terms[:, None, 1:] * costs
    total = parts.sum(axis=2)
    shares = np.divide(parts[:, :, 0], total, where=total > 0, out=np.full(total.shape, np.nan))
    found: Array = np.median(shares, axis=1)
    return found


def _limits(draws: Array) -> tuple[Array, Array]:
    """The interval of draws; NaN where any draw has no value."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def _together(logs: Array, draws: Array) -> tuple[Array, Array]:
    """Limits of the growths that hold for all groups at once, from their joint distribution."""
    errors = draws.std(axis=0, ddof=1)
    largest = np.abs((draws - draws.mean(axis=0)) / errors).max(axis=1)
    wide = np.quantile(largest, LEVEL)
    return 2 ** (logs - wide * errors), 2 ** (logs + wide * errors)


def of_kind(powers: Powers, kind: str | None) -> pd.DataFrame:
    """The groups of a kind; all if None."""
    return powers.table if kind is None else powers.table[powers.table["kind"] == kind]


def kinds_of(powers: Powers) -> Sequence[str]:
    """The kinds that there are, in the study's order."""
    return list(dict.fromkeys(powers.table["kind"]))
