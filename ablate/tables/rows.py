"""Which rows of a table are meant, and what each says: outcomes, arm or shape, budgets."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError, nearest
from ablate.tables.cells import holds, others
from ablate.tables.columns import ColumnsTable, Condition, Scalar, StagesColumn
from ablate.tables.file import TableFile
from ablate.tables.source import Source, numbers, read_source

Array = npt.NDArray[np.float64]
GROWTH = "growth"  # log2 of it, as all shapes are


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a table that are meant and came to something.

    Args:
        source: the whole table.
        outcomes: one column each; in points where the unit is an accuracy or an error. NaN where a
            row has none, which rows may lack that are described.
        better: 1 where more is better, -1 where less is.
        arm, seed: text; empty frames have none.
        budgets: one column each, above zero.
        widths: shape (rows, widths); without columns in tables of arms.
        shapes: log2 of growth, and how far the widths are from growing evenly: `bend 1`, ..., of
            tables with widths; no column else.
        covariates: natural logarithms, one column each.
        group: what splits the rows, its values with commas between; empty text without.
        cluster: text; an empty frame has none.
        meant: rows that `where` keeps; of these `failed` came to nothing.
    """

    source: Source
    outcomes: pd.DataFrame
    better: int
    arm: "pd.Series[str]"
    seed: "pd.Series[str]"
    budgets: pd.DataFrame
    widths: npt.NDArray[np.float64]
    shapes: pd.DataFrame
    covariates: pd.DataFrame
    group: "pd.Series[str]"
    cluster: "pd.Series[str]"
    meant: int
    failed: int


def read_rows(file: TableFile, path: Path, everything: bool = False) -> Rows:
    """The rows of a table as its study file means them.

    Args:
        file: the study file.
        path: of the table.
        everything: leave `where` out of account, but for what names a column's own values.

    Raises:
        InputError: one line with the table, the column, the row and what would be right.
    """
    source = read_source(path, list(_columns(file)), file.source.sha256)
    source = _with_costs(source, file.columns)
    kept = np.ones(len(source.frame), dtype=bool)
    for name, wanted in file.where.items():
        if not (everything and isinstance(wanted, Condition) and wanted.column is not None):
            own = _holds(source, name, wanted)
            if not own.any() and not isinstance(wanted, Condition):
                there = others(source.frame[name].astype("string"), _text(wanted))
                raise InputError(f"{path}: no row has where.{name} = {_text(wanted)}; {there}")
            kept &= own
    if not kept.any():
        raise InputError(f"{path}: no row is as `where` says")
    lost = np.zeros(len(kept), dtype=bool)
    for name, wanted in file.failed.items():
        lost |= _holds(source, name, wanted)
    used = kept & ~lost
    if not used.any():
        raise InputError(f"{path}: every row that is meant has failed")
    some = Source(path=path, sha256=source.sha256, frame=source.frame[used].reset_index(drop=True))
    columns = file.columns
    widths = np.empty((len(some.frame), 0))
    if columns.widths is not None:
        _check_once(some)
        widths = _widths(some, columns.widths)
    text = {
        name: some.frame[column].astype("string").fillna("") if column else pd.Series(dtype=str)
        for name, column in (
            ("arm", columns.arm),
            ("seed", columns.seed),
            ("cluster", columns.cluster),
        )
    }
    return Rows(
        source=source,
        outcomes=_outcomes(some, columns, described=file.describe is not None),
        better=columns.better,
        arm=text["arm"],
        seed=text["seed"],
        budgets=_budgets(some, columns),
        widths=widths,
        shapes=_shapes(some, widths, columns.stages),
        covariates=_covariates(some, columns),
        group=_joined(some, columns.group),
        cluster=text["cluster"],
        meant=int(kept.sum()),
        failed=int((kept & lost).sum()),
    )


def _columns(file: TableFile) -> Iterator[str]:
    """Every column that a study file names."""
    columns = file.columns
    yield from columns.outcome.values()
    yield from (one for one in (columns.arm, columns.seed, columns.cluster) if one is not None)
    yield from (*columns.fixed_by, *columns.group)
    for stages in (columns.widths, columns.depths):
        if isinstance(stages, StagesColumn):
            yield stages.column
        yield from stages if isinstance(stages, list) else ()
    yield from (one for one in columns.budget.values() if isinstance(one, str))
    yield from columns.covariates.values()
    for name, wanted in (file.where | file.failed).items():
        yield name
        if isinstance(wanted, Condition) and wanted.column is not None:
            yield wanted.column


def _with_costs(source: Source, columns: ColumnsTable) -> Source:
    """The table with costs that rows lack, taken from rows that are alike in what fixes them."""
    if not columns.fixed_by:
        return source
    frame = source.frame.copy()
    alike = frame.groupby(columns.fixed_by)
    for name in {one for one in columns.budget.values() if isinstance(one, str)}:
        numbers(source, name, allow_empty=True)  # refuses text
        several = alike[name].transform("nunique") > 1
        if several.any():
            row = int(several.to_numpy().argmax())
            raise InputError(
                f"{source.path}: column {name!r}, row {row + 1}: rows that are alike in "
                f"{', '.join(columns.fixed_by)} differ in it; expected columns that fix it"
            )
        frame[name] = frame[name].fillna(alike[name].transform("first"))
    return Source(path=source.path, sha256=source.sha256, frame=frame)


def _joined(source: Source, columns: list[str]) -> "pd.Series[str]":
    """The values of several columns as one text."""
    if not columns:
        return pd.Series("", index=source.frame.index)
    return source.frame[columns].astype("string").fillna("").agg(", ".join, axis=1)


def _holds(source: Source, name: str, wanted: Scalar | Condition) -> npt.NDArray[np.bool_]:
    """Which rows a condition holds for."""
    column = source.frame[name]
    if not isinstance(wanted, Condition):
        return _equals(source, name, wanted)
    held = np.ones(len(column), dtype=bool)
    if wanted.column is not None:
        held &= (column == source.frame[wanted.column]).fillna(False).to_numpy(dtype=bool)
    if wanted.one_of is not None:
        held &= np.any([_equals(source, name, one) for one in wanted.one_of], axis=0)
    limits = {
        "at_least": np.greater_equal,
        "at_most": np.less_equal,
        "above": np.greater,
        "below": np.less,
    }
    for key, compare in limits.items():
        limit = getattr(wanted, key)
        if limit is not None:
            held &= compare(numbers(source, name, allow_empty=True).to_numpy(), limit)
    return held


def _equals(source: Source, name: str, wanted: Scalar) -> npt.NDArray[np.bool_]:
    """Where a column has a value: as a number where both are, else as `cells.holds` compares."""
    column = source.frame[name]
    if pd.api.types.is_numeric_dtype(column) and not isinstance(wanted, str):
        return (column == wanted).fillna(False).to_numpy(dtype=bool)
    return holds(column.astype("string"), _text(wanted), f"{source.path}: column {name!r}")


def _text(wanted: Scalar) -> str:
    """A value as a study file has it."""
    return str(wanted).lower() if isinstance(wanted, bool) else str(wanted)


def _outcomes(source: Source, columns: ColumnsTable, described: bool) -> pd.DataFrame:
    """Outcomes, in points where they are accuracies or errors."""
    fraction = columns.unit in ("accuracy", "error")
    percent = columns.unit in ("accuracy %", "error %")
    found = {}
    for name, column in columns.outcome.items():
        values = numbers(source, column, allow_empty=described)
        if values.isna().all():
            raise InputError(
                f"{source.path}: column {column!r} is empty in every row that is meant"
            )
        most, least = float(values.max()), float(values.min())
        if fraction and not 0 <= least <= most <= 1:
            raise InputError(
                f"{source.path}: column {column!r} goes from {least:g} to {most:g}, which are no "
                f'fractions; expected unit = "{columns.unit} %"'
            )
        if percent and not 0 <= least <= most <= 100:
            raise InputError(
                f"{source.path}: column {column!r} goes from {least:g} to {most:g}, which are no "
                'percentages; expected unit = "higher" or "lower"'
            )
        if most == least and not described:
            raise InputError(
                f"{source.path}: column {column!r} is {most:g} in every row that is meant; "
                "there is nothing to tell apart"
            )
        if percent:
            _check_mix(source, column, values)
        if percent and most <= 1:
            raise InputError(
                f"{source.path}: column {column!r} goes from {least:g} to {most:g}, which look "
                f'like fractions; expected unit = "{columns.unit.removesuffix(" %")}"'
            )
        found[name] = 100 * values if fraction else values
    return pd.DataFrame(found)


def _check_once(source: Source) -> None:
    """Raise `InputError` where a network comes twice, which would count as two."""
    twice = source.frame.duplicated()
    if twice.any():
        row = int(twice.to_numpy().argmax())
        raise InputError(
            f"{source.path}: row {row + 1} of those that are meant comes twice in all columns that "
            f"the study names ({int(twice.sum()):,} such rows); a network counts once"
        )


def _check_mix(source: Source, column: str, values: "pd.Series[float]") -> None:
    """Raise `InputError` where some rows look like fractions of what the others are percentages of.

    That is, where they are at most 1, and a hundred times that is where the others are.
    """
    small = values <= 1
    if not small.any() or small.all():
        return
    others = values[~small]
    if (100 * values[small]).between(others.min(), others.max()).all():
        row, other = int(small.to_numpy().argmax()), int((~small).to_numpy().argmax())
        raise InputError(
            f"{source.path}: column {column!r}: a row of {values.iloc[row]:g} looks like a "
            f"fraction beside one of {values.iloc[other]:g}, a percentage; where it is meant, "
            "leave such rows out by `failed` or `where`"
        )


def _above_zero(source: Source, column: str) -> "pd.Series[float]":
    values = numbers(source, column)
    if (values <= 0).any():
        row = int((values <= 0).to_numpy().argmax())
        raise InputError(
            f"{source.path}: column {column!r}, row {row + 1} is {values.iloc[row]:g}; expected a "
            "number above zero"
        )
    return values


def _budgets(source: Source, columns: ColumnsTable) -> pd.DataFrame:
    """Every cost by its name; those that are products of others too."""
    plain = {
        name: _above_zero(source, column)
        for name, column in columns.budget.items()
        if isinstance(column, str)
    }
    found = dict(plain)
    for name, powers in columns.budget.items():
        if isinstance(powers, Mapping):
            logs = [power * np.log(plain[one]) for one, power in powers.items()]
            found[name] = pd.Series(np.exp(sum(logs)), index=source.frame.index)
    return pd.DataFrame({name: found[name] for name in columns.budget}, index=source.frame.index)


def _covariates(source: Source, columns: ColumnsTable) -> pd.DataFrame:
    """Logarithms of what else differs between rows, where it does."""
    found: dict[str, pd.Series[float]] = {
        name: _above_zero(source, one).map(math.log) for name, one in columns.covariates.items()
    }
    if columns.depths is not None:
        blocks = np.log(_widths(source, columns.depths).sum(axis=1))
        found["blocks"] = pd.Series(blocks, index=source.frame.index)
    differ = {name: column for name, column in found.items() if column.nunique() > 1}
    return pd.DataFrame(differ, index=source.frame.index)


def _shapes(source: Source, widths: Array, stages: list[int] | None) -> pd.DataFrame:
    """Log2 of growth, and what of the widths an even growth leaves."""
    if not widths.shape[1]:
        return pd.DataFrame(index=source.frame.index)
    stages = stages or list(range(1, widths.shape[1] + 1))
    if len(stages) != widths.shape[1]:
        raise InputError(
            f"columns.stages: {len(stages)} stages for {widths.shape[1]} widths: expected one each"
        )
    if len(set(stages)) < 2:
        raise InputError("columns.stages: expected two stages or more")
    logs = np.log2(widths)
    return pd.DataFrame(shape_coordinates(logs, np.asarray(stages, dtype=float)))


def shape_coordinates(logs: Array, stages: Array) -> dict[str, Array]:
    """The shape of networks, whatever their size: growth, and departures from even growth.

    Args:
        logs: log2 of the widths, shape (networks, widths).
        stages: the stage of each width.

    Returns:
        `growth`, the slope of log2 width over the stage by least squares, so that widths of b, br,
        br^2 have log2 r; and `bend 1`, ...: what a line leaves, in orthogonal directions, those
        alone in which the networks differ. All zero but growth where widths grow evenly.
    """
    centred = stages - stages.mean()
    slope = logs @ centred / (centred @ centred)
    left = logs - logs.mean(axis=1, keepdims=True) - slope[:, None] * centred
    _, sizes, directions = np.linalg.svd(left, full_matrices=False)
    used = directions[sizes > 1e-6 * math.sqrt(left.size)]
    bends = {f"bend {place}": left @ one for place, one in enumerate(used, 1)}
    return {GROWTH: slope, **bends}


def _widths(source: Source, columns: list[str] | StagesColumn) -> Array:
    """Widths, shape (rows, widths)."""
    if isinstance(columns, list):
        return np.column_stack([_above_zero(source, name) for name in columns])
    column = source.frame[columns.column].astype("string").fillna("")
    parts = [text.split(columns.separator)[columns.skip :] for text in column]
    try:
        found = [[float(part) for part in row] for row in parts]
    except ValueError as error:
        raise InputError(
            f"{source.path}: column {columns.column!r}: {error}; expected widths with "
            f"{columns.separator!r} between them"
        ) from error
    lengths = {len(row) for row in found}
    if len(lengths) > 1 or min(lengths) < 2:
        raise InputError(
            f"{source.path}: column {columns.column!r} has {', '.join(map(str, sorted(lengths)))} "
            "widths in its rows; expected the same number in each, two or more"
        )
    if min(map(min, found)) <= 0:
        raise InputError(f"{source.path}: column {columns.column!r}: a width is not above zero")
    return np.array(found)


def known_budget(rows: Rows, name: str) -> "pd.Series[float]":
    """A cost of the rows by its name; raises `InputError` for one that is not there."""
    if name not in rows.budgets:
        raise InputError(f"{name!r}{nearest(name, map(str, rows.budgets))}: no such budget")
    return rows.budgets[name]
