"""A study file of kind `table`, read strictly: where the table is from, what its columns are."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ablate.errors import InputError, nearest
from ablate.study.file import Text
from ablate.study.toml_file import Name, StrictTable, Toml, check_stem, validated

Unit = Literal["accuracy %", "accuracy", "error %", "error", "higher", "lower"]
Scalar = str | int | float | bool
Positive = Annotated[float, Field(gt=0)]
_Two = Annotated[list[str], Field(min_length=2, max_length=2)]
_TwoGrowths = Annotated[list[Positive], Field(min_length=2, max_length=2)]


class SourceTable(StrictTable):
    """Where the table comes from.

    Args:
        file: its name, or path; `--table PATH` takes its place.
        sha256: of the file that is meant; another is refused. Any is taken if None.
        cite: who measured it, and where that is published.
        licence: under which it may be used.
        get: how one comes by it, in a sentence.
    """

    file: str = Field(min_length=1)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    cite: str = ""
    licence: str = ""
    get: str = ""


class StagesColumn(StrictTable):
    """What the stages have, in one column, as `16:32:64`.

    Args:
        column: its name.
        separator: between the stages.
        skip: how many values come before the first stage's, such as a stem's.
    """

    column: str
    separator: str = ":"
    skip: int = Field(default=0, ge=0)


class ColumnsTable(StrictTable):
    """What the columns of the table hold.

    Args:
        outcome: what is judged: a name for it, such as a data set's, and its column.
        unit: of the outcomes, and which way is better.
        arm: the column that names the network, where rows repeat it.
        widths: else the columns of the widths, in order, or one that has them all.
        depths: likewise, the blocks of each stage; their sum is held fixed, as a covariate is.
        stages: the stage that each width is of, from 1; one each if None.
        seed: the column that tells repetitions of one arm apart.
        pairs: whether arms at the same seed share something, such as the order of images.
        budget: costs: a name and its column, or a product of powers of such names.
        covariates: columns of other settings that differ between rows, all above zero; their
            logarithms are held fixed.
    """

    outcome: dict[Name, str] = Field(min_length=1)
    unit: Unit = "accuracy %"
    arm: str | None = None
    widths: list[str] | StagesColumn | None = None
    depths: list[str] | StagesColumn | None = None
    stages: list[int] | None = None
    seed: str | None = None
    pairs: bool = False
    budget: dict[Name, str | dict[str, float]] = Field(default_factory=dict)
    covariates: dict[Name, str] = Field(default_factory=dict)


class Condition(StrictTable):
    """What a column must be; all that is given.

    Args:
        column: equal to this other column.
        at_least, at_most, above, below: numbers.
        one_of: values.
    """

    column: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    one_of: list[Scalar] | None = None


class TableHypothesis(StrictTable):
    """A prediction about arms, by name, or about growths, as numbers.

    Args:
        says: the prediction in words.
        answers: to the question, where it holds.
        higher: the first is better than the second.
        equal: they are within the margin of each other.
        optimum: the growth that is best.
    """

    says: Text
    answers: Literal["yes", "no"] | None = None
    higher: _Two | _TwoGrowths | None = None
    equal: _Two | _TwoGrowths | None = None
    optimum: Positive | None = None

    @property
    def kind(self) -> Literal["higher", "equal", "optimum"]:
        """Which of the three it is."""
        if self.higher is not None:
            return "higher"
        return "equal" if self.equal is not None else "optimum"


class MatchTable(StrictTable):
    """The budgets at which growths are compared.

    Args:
        budget: the name of one.
        at: its values.
        tolerance: how far a network's may be from it to be compared with no model, as a fraction.
    """

    budget: str
    at: list[Positive] = Field(min_length=1, max_length=20)
    tolerance: float = Field(default=0.05, gt=0, lt=0.5)


class TableFile(StrictTable):
    """A whole file.

    Args:
        kind: `table`.
        question: what the table is to answer.
        baseline: of a table with arms, the one that the others are compared with.
        margin: what counts as equal, in the unit of the outcomes; points for a fraction.
        network: widths of one whose standing among all of its cost is told.
        source, columns, match: see there.
        where: rows that are meant: a column, and what it must be.
        failed: rows that came to nothing, such as those that diverged; counted and left out.
        hypotheses: predictions, by name.
    """

    kind: Literal["table"]
    question: Text
    baseline: str | None = None
    margin: float = Field(default=0.5, gt=0)
    network: list[Positive] | None = None
    source: SourceTable
    columns: ColumnsTable
    where: dict[str, Scalar | Condition] = Field(default_factory=dict)
    failed: dict[str, Scalar | Condition] = Field(default_factory=dict)
    match: MatchTable | None = None
    hypotheses: dict[Name, TableHypothesis] = Field(default_factory=dict)


TABLES: Mapping[tuple[str, ...], type[StrictTable]] = {
    ("source",): SourceTable,
    ("columns",): ColumnsTable,
    ("match",): MatchTable,
    ("hypotheses",): TableHypothesis,
}


def read_table_file(toml: Toml) -> TableFile:
    """A study file of kind `table`.

    Raises:
        InputError: one line with the file, the key and what would be right.
    """
    check_stem(toml.path)
    file = validated(toml, TableFile, TABLES)
    for key, text in _faults(file):
        raise InputError(f"{toml.path}: {key}: {text}", key)
    return file


def _faults(file: TableFile) -> list[tuple[str, str]]:
    """What no single key shows."""
    columns = file.columns
    faults = []
    if (columns.arm is None) == (columns.widths is None):
        faults.append(("columns", "expected either arm or widths"))
    if columns.widths is not None and (file.match is None or not columns.budget):
        faults.append(("match", "growths are compared at equal budgets: expected [match]"))
    if columns.widths is None and file.network is not None:
        faults.append(("network", "needs columns.widths"))
    if columns.widths is None and file.match is not None:
        faults.append(("match", "needs columns.widths"))
    if columns.widths is not None and file.baseline is not None:
        faults.append(("baseline", "growths have none; leave it out"))
    if columns.arm is not None and file.baseline is None and file.hypotheses:
        faults.append(("baseline", "expected the arm that the others are compared with"))
    if file.match is not None and file.match.budget not in columns.budget:
        known = ", ".join(columns.budget)
        near = nearest(file.match.budget, columns.budget)
        faults.append(("match.budget", f"{file.match.budget!r}{near}: expected one of {known}"))
    for name, product in columns.budget.items():
        if isinstance(product, dict):
            plain = [one for one, column in columns.budget.items() if isinstance(column, str)]
            faults += [
                (f"columns.budget.{name}", f"{one!r}: expected one of {', '.join(plain)}")
                for one in product
                if one not in plain
            ]
    for name, asked in file.hypotheses.items():
        given = [asked.higher, asked.equal, asked.optimum]
        if sum(one is not None for one in given) != 1:
            faults.append((f"hypotheses.{name}", "expected one of higher, equal and optimum"))
            continue
        if asked.optimum is not None and columns.widths is None:
            faults.append((f"hypotheses.{name}.optimum", "needs columns.widths"))
        two: list[Any] = list(asked.higher or asked.equal or [])
        words = any(isinstance(one, str) for one in two)
        if two and words == (columns.widths is not None):
            what = "two growths, as numbers" if columns.widths is not None else "two arms, as text"
            faults.append((f"hypotheses.{name}.{asked.kind}", f"expected {what}"))
    return faults
