"""Rows that repeat arms, of any table: read, checked, and what their numbers mean.

A row is a repeat of its arm. Nothing is repaired: what cannot be meant is refused, with its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ablate.errors import InputError
from ablate.tables.arms.units import Told, unit_of
from ablate.tables.cells import holds, others, refuse_spellings
from ablate.tables.file import TableFile
from ablate.tables.rows import Rows
from ablate.tables.source import Source, first_row, numbers, read_source

MOST_ARMS = 500
LARGEST = 1e100  # beyond, squares of numbers leave the range of doubles
NARROWEST = 1e-9  # of an arm's numbers: rows that differ by less differ by rounding
ARM, SEED, OUTCOME, BUDGET = "arm", "seed", "outcome", "budget"


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of rows that were not kept.

    Args:
        n: how many there were.
        copied: whether every outcome came twice or more in its arm.
        shared: whether arms shared seeds.
    """

    n: int
    copied: bool
    shared: bool


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Rows of one outcome.

    Args:
        frame: `arm`, text; `seed`, where there is such a column; `outcome`, in percent where
            `points`, else as in the table; `budget`, where there is such a column.
        columns: what the table calls these: of `arm` the columns that make up its name, joined
            by ` / `.
        better: 1 where more is better, -1 where less is.
        points: whether the outcome is in percent, and differences are in points.
        why: how it is known what the numbers mean, in a sentence.
        file, sha256, rows: of the table: its name without folders, checksum, and all of its rows.
        left_out: rows that are not meant; `failed` are meant, and came to nothing.
        where: what the rows that are meant have in common, in words.
        options: of `ablate judge`, that read the same rows; none of a study file.
        cite, licence: of the table, as its study file says; `study` is the file's name.
        known: of rows that were not kept; then the frame has its columns, and no row.
    """

    frame: pd.DataFrame
    columns: Mapping[str, str]
    better: int
    points: bool
    why: str
    file: str
    sha256: str
    rows: int
    left_out: int = 0
    failed: int = 0
    where: str = ""
    options: tuple[str, ...] = ()
    cite: str = ""
    licence: str = ""
    study: str = ""
    known: Known | None = None

    @property
    def about(self) -> Known:
        """How many rows there are, and what they are like together."""
        return self.known or Known(
            n=len(self.frame),
            copied=bool(self.frame.duplicated([ARM, OUTCOME], keep=False).all()),
            shared=SEED in self.frame and bool(self.frame.duplicated(SEED).any()),
        )

    @property
    def outcome(self) -> str:
        """What the table calls it."""
        return self.columns[OUTCOME]

    @property
    def title(self) -> str:
        """What stands above all that is said of them."""
        text = f"{self.outcome} in {self.file}"
        return f"{self.study}: {text}" if self.study else text

    @property
    def unit(self) -> str:
        """What follows a difference in words: " points", or nothing."""
        return " points" if self.points else ""

    @property
    def row(self) -> str:
        """What a row is, in words."""
        return "seed" if SEED in self.frame else "row"

    def key(self, option: str, key: str) -> str:
        """What a user sets: an option of `ablate judge`, or a key of a study file.

        Args:
            option: with its value, such as `--margin M`.
            key: the same in a study file, such as `margin = M`.
        """
        return option if self.options else f"`{key}`"


def read_repeats(
    path: Path,
    arm: Sequence[str],
    outcome: str,
    seed: str | None = None,
    budget: str | None = None,
    better: int | None = None,
    told: Told | None = None,
    where: Mapping[str, str] | None = None,
) -> Repeats:
    """The rows of a table that repeat arms.

    Args:
        path: of the table.
        arm: the columns that name an arm together.
        outcome, seed, budget: columns; the last two need not be.
        better, told: as `units.unit_of` takes them.
        where: rows that are meant: columns, and what stands in them.

    Raises:
        InputError: one line with the table, the column, the row and what would be right.
    """
    wanted = where or {}
    asked = [*arm, outcome, *([seed] if seed else []), *([budget] if budget else []), *wanted]
    for name in (outcome, seed, budget):
        if name is not None and name in arm:
            raise InputError(f"column {name!r} is the arm's: expected another one")
    for place, name in enumerate(arm):
        if name in arm[:place]:
            raise InputError(f"column {name!r} is given twice for the arm: expected it once")
    roles = [name for name in (outcome, seed, budget) if name is not None]
    for place, name in enumerate(roles):
        if name in roles[:place]:
            raise InputError(
                f"column {name!r} is asked for twice: expected outcome, seed and budget to be "
                "different columns"
            )
    source = read_source(path, asked, text=[*arm, *wanted])
    total = len(source.frame)
    frame = source.frame[_meant(source, wanted)]
    kept = Source(path=path, sha256=source.sha256, frame=frame)
    names = _present(kept, arm[0])
    for name in arm[1:]:
        names = names + " / " + _present(kept, name)
    found: dict[str, pd.Series[Any]] = {ARM: names}
    if seed is not None:
        found[SEED] = _present(kept, seed)
    kept.frame[outcome] = numbers(kept, outcome)
    unit = unit_of(kept, outcome, better, told)
    found[OUTCOME] = unit.scale * kept.frame[outcome]
    if budget is not None:
        found[BUDGET] = numbers(kept, budget, grouped=True)
    columns = {ARM: " / ".join(arm), OUTCOME: outcome}
    columns |= {key: name for key, name in ((SEED, seed), (BUDGET, budget)) if name is not None}
    return checked(
        Repeats(
            frame=pd.DataFrame(found),
            columns=columns,
            better=unit.better,
            points=unit.points,
            why=unit.why,
            file=path.name,
            sha256=source.sha256,
            rows=total,
            left_out=total - len(frame),
            where=_where(wanted),
            options=_options(arm, columns, better, told, wanted),
        ),
        str(path),
    )


def of_rows(file: TableFile, rows: Rows, outcome: str, study: str = "") -> Repeats:
    """The rows of a study file of kind `table` with arms, of one of its outcomes.

    Args:
        file: the study file.
        rows: as it means them.
        outcome: a name of `columns.outcome`.
        study: the study file's name.

    Raises:
        InputError: an arm has no name, or rows contradict each other.
    """
    asked, name = file.columns, file.source.file
    assert asked.arm is not None
    frame: dict[str, pd.Series[Any]] = {ARM: rows.arm}
    columns = {ARM: asked.arm, OUTCOME: outcome}
    if asked.seed is not None:
        frame[SEED], columns[SEED] = rows.seed, asked.seed
    frame[OUTCOME] = rows.outcomes[outcome]
    if not rows.budgets.empty:
        first_budget = str(rows.budgets.columns[0])
        frame[BUDGET], columns[BUDGET] = rows.budgets[first_budget], first_budget
    table = pd.DataFrame(frame)
    for key in (ARM, SEED):
        if key in table and (table[key] == "").any():
            raise InputError(f"{name}: column {columns[key]!r} is empty in a row that is meant")
    total = len(rows.source.frame)
    return checked(
        Repeats(
            frame=table,
            columns=columns,
            better=rows.better,
            points=file.columns.points,
            why=f"the study file says: {asked.unit}",
            file=Path(name).name,
            sha256=rows.source.sha256,
            rows=total,
            left_out=total - rows.meant,
            failed=rows.failed,
            where="what the study file's `where` says" if file.where else "",
            cite=file.source.cite,
            licence=file.source.licence,
            study=study,
        ),
        name,
    )


def checked(repeats: Repeats, name: str) -> Repeats:
    """The same; raises `InputError` for rows that nothing can be compared with, or that clash.

    Args:
        repeats: rows.
        name: of the table, for messages.
    """
    frame, columns = repeats.frame, repeats.columns
    arms = frame[ARM].nunique()
    if arms < 2:
        raise InputError(
            f"{name}: column {columns[ARM]!r} names one arm alone, {frame[ARM].iloc[0]!r}; "
            "expected two or more"
        )
    if arms > MOST_ARMS:
        raise InputError(
            f"{name}: column {columns[ARM]!r} names {arms:,} arms; expected at most {MOST_ARMS}, "
            "each with some rows"
        )
    refuse_spellings(map(str, frame[ARM].unique()), f"{name}: column {columns[ARM]!r}")
    _refuse_beyond_doubles(frame, columns, name)
    if SEED in frame:
        if not pd.api.types.is_numeric_dtype(frame[SEED]):
            seeds = map(str, frame[SEED].unique())
            refuse_spellings(seeds, f"{name}: column {columns[SEED]!r}")
        _refuse_twice(repeats, name)
    return repeats


def _refuse_beyond_doubles(frame: pd.DataFrame, columns: Mapping[str, str], name: str) -> None:
    """Raise `InputError` for numbers whose spread cannot be computed in double precision."""
    for key in (OUTCOME, BUDGET):
        huge = frame[key].abs() > LARGEST if key in frame else pd.Series(dtype=bool)
        if huge.any():
            row = first_row(huge)
            raise InputError(
                f"{name}: column {columns[key]!r}, row {row + 1} is {float(frame[key][row]):g}; "
                f"expected at most {LARGEST:g}"
            )
    groups = frame.groupby(ARM, sort=False)[OUTCOME]
    reach = groups.max() - groups.min()
    largest = pd.concat([groups.max().abs(), groups.min().abs()], axis=1).max(axis=1)
    blurred = (reach > 0) & ((reach < NARROWEST * largest) | (largest < 1 / LARGEST))
    if blurred.any():
        arm = str(reach.index[int(blurred.to_numpy().argmax())])
        raise InputError(
            f"{name}: column {columns[OUTCOME]!r}: the rows of {arm!r} are {largest[arm]:g} and "
            f"differ by {reach[arm]:.2g}, too little to be told from rounding; expected numbers "
            "in another unit, or without what they have in common"
        )


def _refuse_twice(repeats: Repeats, name: str) -> None:
    """Raise `InputError` where an arm has a seed twice."""
    frame, columns = repeats.frame, repeats.columns
    again = frame.duplicated([ARM, SEED])
    if not again.any():
        return
    number = int(frame.duplicated([ARM, SEED, OUTCOME]).sum())
    if number == int(again.sum()):
        row = first_row(again)
        raise InputError(
            f"{name}: {number:,} of {len(frame):,} rows come twice, with the same arm, "
            f"{columns[SEED]} and outcome, first row {row + 1}; leave one of each"
        )
    other = first_row(again & ~frame.duplicated([ARM, SEED, OUTCOME]))
    arm, seed = str(frame.loc[other, ARM]), frame.loc[other, SEED]
    values = frame[OUTCOME]
    some = repeats.key("--where COLUMN=VALUE", "[where]")
    one = first_row((frame[ARM] == arm) & (frame[SEED] == seed))
    raise InputError(
        f"{name}: {arm!r} has {columns[SEED]} {seed!s} in row {one + 1} and in row {other + 1}, "
        f"with {columns[OUTCOME]} {values[one]:g} and {values[other]:g}; "
        f"expected one row a seed ({some} takes some rows alone)"
    )


def _meant(source: Source, wanted: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """Which rows have what is wanted; raises `InputError` for none."""
    kept = np.ones(len(source.frame), dtype=bool)
    for name, value in wanted.items():
        column = source.frame[name]
        own = holds(column, value, f"{source.path}: column {name!r}")
        if not own.any():
            raise InputError(f"{source.path}: no row has {name} = {value}; {others(column, value)}")
        kept &= own
    if not kept.any():
        raise InputError(f"{source.path}: no row has {_where(wanted)}, though some have each")
    return kept


def _present(source: Source, name: str) -> "pd.Series[str]":
    """A column that is nowhere empty."""
    column = source.frame[name]
    missing = column.isna()
    if missing.any():
        raise InputError(
            f"{source.path}: column {name!r}, row {first_row(missing) + 1} is empty "
            f"({int(missing.sum()):,} of {len(column):,} rows)"
        )
    return column


def _options(
    arm: Sequence[str],
    columns: Mapping[str, str],
    better: int | None,
    told: Told | None,
    where: Mapping[str, str],
) -> tuple[str, ...]:
    words = [word for name in arm for word in ("--arm", name)]
    for key in (OUTCOME, SEED, BUDGET):
        words += [f"--{key}", columns[key]] if key in columns else []
    words += [{1: "--higher", -1: "--lower"}[better]] if better else []
    words += ["--unit", told] if told else []
    return (*words, *(word for one in where.items() for word in ("--where", "=".join(one))))


def _where(wanted: Mapping[str, str]) -> str:
    return " and ".join(f"{name} = {value}" for name, value in wanted.items())
