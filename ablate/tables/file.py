"""A study file of kind `table`, read strictly: where the table is from, what is asked of it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ablate.errors import InputError, nearest
from ablate.study.file import Text
from ablate.study.toml_file import Name, StrictTable, Toml, check_stem, validated
from ablate.tables.columns import ColumnsTable, Condition, Scalar, StagesColumn

Kind = Literal["higher", "equal", "optimum", "above", "below", "near"]
KINDS: tuple[Kind, ...] = ("higher", "equal", "optimum", "above", "below", "near")
OF_GROUPS: tuple[Kind, ...] = ("above", "below", "near")
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


class PowerTable(StrictTable):
    """How run time goes with MACs and activations, and the growth that keeps a layer's run time.

    The outcome is a time where the unit is `lower`; where it is `higher` it is a rate, such as
    images a second, and the time is 1 over it.

    Args:
        macs, activations: names of these costs.
        kinds: of groups, by name: values of the first column of `columns.group`.
        marks: growths that the figure marks, by name.
    """

    macs: str = "macs"
    activations: str = "activations"
    kinds: dict[Name, list[str]] = Field(default_factory=dict)
    marks: dict[Name, Positive] = Field(default_factory=dict)


class DescribeTable(StrictTable):
    """How the outcomes lie in each group of networks; nothing is fitted, and no row stands out.

    Args:
        separator: of a network's name: what stands before the first one is its group. The groups
            are those of `columns.group` if None.
        marks: values that the figure marks, by name.
        chosen: how the networks came to be in the table, as a clause: what to beware of.
    """

    separator: str | None = Field(default=None, min_length=1)
    marks: dict[Name, float] = Field(default_factory=dict)
    chosen: str = "whoever made the table chose its networks"


class TableHypothesis(StrictTable):
    """A prediction about arms, by name, or about growths, as numbers.

    `above`, `below` and `near` are about the growth that keeps a layer's run time, and need
    `[power]`; or about the mean of an outcome, all of them, and need `[describe]`.

    Args:
        says: the prediction in words.
        answers: to the question, where it holds.
        higher: the first is better than the second.
        equal: they are within the margin of each other.
        optimum: the growth that is best.
        above, below: the growth, or the mean, is greater, or less, than this in every group.
        near: it is within the margin of this in every group.
        of: the kind of groups that is meant, by its name in `power.kinds`; where groups are
            described, one of them. All if None.
    """

    says: Text
    answers: Literal["yes", "no"] | None = None
    higher: _Two | _TwoGrowths | None = None
    equal: _Two | _TwoGrowths | None = None
    optimum: Positive | None = None
    above: float | None = None
    below: float | None = None
    near: float | None = None
    of: str | None = None

    @property
    def kind(self) -> Kind:
        """Which it is."""
        return self.given[0]

    @property
    def given(self) -> list[Kind]:
        """All that it is; a sound prediction is one."""
        return [one for one in KINDS if getattr(self, one) is not None]


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
        margin: what counts as equal, in the unit of the outcomes; points for a fraction. Of a
            growth where `power` is given, of a mean where `describe` is.
        network: widths of one whose standing among all of its cost is told.
        source, columns, match, power, describe: see there.
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
    power: PowerTable | None = None
    describe: DescribeTable | None = None
    hypotheses: dict[Name, TableHypothesis] = Field(default_factory=dict)


TABLES: Mapping[tuple[str, ...], type[StrictTable]] = {
    ("source",): SourceTable,
    ("columns",): ColumnsTable,
    ("columns", "StagesColumn"): StagesColumn,
    ("where", "Condition"): Condition,
    ("failed", "Condition"): Condition,
    ("match",): MatchTable,
    ("power",): PowerTable,
    ("describe",): DescribeTable,
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
    arms = columns.arm is not None and not file.power and not file.describe
    if arms and not file.baseline and file.hypotheses:
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
    grouped = file.power is not None or file.describe is not None
    for name, asked in file.hypotheses.items():
        if len(asked.given) != 1:
            kinds = ", ".join(OF_GROUPS if grouped else KINDS[:3])
            faults.append((f"hypotheses.{name}", f"expected one of {kinds}"))
            continue
        if (asked.kind in OF_GROUPS) != grouped:
            needs = f"expected {', '.join(OF_GROUPS)}" if grouped else "needs [power] or [describe]"
            faults.append((f"hypotheses.{name}.{asked.kind}", needs))
            continue
        if asked.optimum is not None and columns.widths is None:
            faults.append((f"hypotheses.{name}.optimum", "needs columns.widths"))
        two: list[Any] = list(asked.higher or asked.equal or [])
        if two and two[0] == two[1]:
            faults.append((f"hypotheses.{name}.{asked.kind}", "expected two that differ"))
        words = any(isinstance(one, str) for one in two)
        if two and words == (columns.widths is not None):
            what = "two growths, as numbers" if columns.widths is not None else "two arms, as text"
            faults.append((f"hypotheses.{name}.{asked.kind}", f"expected {what}"))
    if file.describe is not None:
        return [*faults, *_describe_faults(file, file.describe)]
    return [*faults, *_power_faults(file)]


def _describe_faults(file: TableFile, describe: DescribeTable) -> list[tuple[str, str]]:
    """What no single key shows of a description."""
    columns = file.columns
    faults = []
    if columns.arm is None:
        faults.append(("columns.arm", "networks are described: expected their column"))
    if (describe.separator is None) == (not columns.group):
        faults.append(("describe", "expected groups: either describe.separator or columns.group"))
    unused = ("seed", "pairs", "budget", "depths", "stages", "covariates", "fixed_by", "cluster")
    for key in unused:
        if getattr(columns, key):
            faults.append((f"columns.{key}", "does nothing with [describe]; leave it out"))
    for key in ("baseline", "match", "power"):
        if getattr(file, key) is not None:
            faults.append((key, "does not go with [describe]; leave it out"))
    return faults


def _power_faults(file: TableFile) -> list[tuple[str, str]]:
    """What no single key shows of a fit of run time."""
    columns, power = file.columns, file.power
    if power is None:
        keys = ("group", "cluster")
        faults = [(f"columns.{key}", "needs [power]") for key in keys if getattr(columns, key)]
        if columns.unit == "number":
            faults.append(("columns.unit", '"number" is of [describe]; expected which is better'))
        named = [name for name, asked in file.hypotheses.items() if asked.of is not None]
        return [*faults, *((f"hypotheses.{name}.of", "needs [power]") for name in named)]
    faults = []
    if columns.arm is None:
        faults.append(("columns.arm", "run times are of networks: expected their column"))
    if columns.cluster is None:
        faults.append(("columns.cluster", "expected the column of the networks' families"))
    if len(columns.outcome) != 1:
        faults.append(("columns.outcome", "expected one, a time or a rate"))
    if columns.unit not in ("higher", "lower"):
        faults.append(("columns.unit", 'expected "lower" for a time or "higher" for a rate'))
    if file.baseline is not None:
        faults.append(("baseline", "growths have none; leave it out"))
    known = ", ".join(columns.budget)
    for key, name in (("macs", power.macs), ("activations", power.activations)):
        if name not in columns.budget:
            near = nearest(name, columns.budget)
            faults.append((f"power.{key}", f"{name!r}{near}: expected one of {known or 'budget'}"))
    if power.kinds and not columns.group:
        faults.append(("power.kinds", "needs columns.group"))
    for name, asked in file.hypotheses.items():
        if asked.of is not None and asked.of not in power.kinds:
            kinds = ", ".join(power.kinds) or "kinds, which are none"
            faults.append((f"hypotheses.{name}.of", f"{asked.of!r}: expected one of {kinds}"))
    return faults
