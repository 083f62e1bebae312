"""What the columns of a table hold, and what they must: parts of a study file of kind `table`."""

from typing import Literal

from pydantic import Field

from ablate.study.toml_file import Name, StrictTable

Unit = Literal["accuracy %", "accuracy", "error %", "error", "higher", "lower", "number"]
Scalar = str | int | float | bool


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
        unit: of the outcomes, and which way is better; of a `number` that is described, neither.
        arm: the column that names the network, where rows repeat it.
        widths: else the columns of the widths, in order, or one that has them all.
        depths: likewise, the blocks of each stage; their sum is held fixed, as a covariate is.
        stages: the stage that each width is of, from 1; one each if None.
        seed: the column that tells repetitions of one arm apart.
        pairs: whether arms at the same seed share something, such as the order of images.
        budget: costs: a name and its column, or a product of powers of such names.
        covariates: columns of other settings that differ between rows, all above zero; their
            logarithms are held fixed.
        fixed_by: columns that fix the costs: a row without a cost has that of rows alike in these.
        group: columns that split the rows, each part with a fit or a description of its own, such
            as a device.
        cluster: the column of what is left out as a whole to test a fit, such as a family.
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
    fixed_by: list[str] = Field(default_factory=list)
    group: list[str] = Field(default_factory=list)
    cluster: str | None = None

    @property
    def better(self) -> int:
        """1 where more of the outcomes is better, -1 where less is."""
        return -1 if self.unit in ("error", "error %", "lower") else 1

    @property
    def points(self) -> bool:
        """Whether the outcomes are told in points."""
        return self.unit not in ("higher", "lower", "number")

    @property
    def after(self) -> str:
        """What follows a number in words: " points", or nothing."""
        return " points" if self.points else ""


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
