"""A study file's tables, read strictly: every fault is one line with the file and the key."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ablate.datasets import DATASETS, FOLDER
from ablate.settings import nearest
from ablate.spec import InputError, looks_like_formula


class StrictTable(BaseModel):
    """A table that refuses keys it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _name(name: str) -> str:
    if looks_like_formula(name):
        raise ValueError(f"the name {name!r} begins like a formula of a spreadsheet")
    if not name.isprintable() or name != name.strip() or not name or " / " in name:
        raise ValueError(f"the name {name!r} is not printable text without ' / '")
    return name


Name = Annotated[str, AfterValidator(_name)]
_Arms = Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
_Two = Annotated[list[str], Field(min_length=2, max_length=2)]
_Depth = Annotated[int, Field(ge=1, le=50)]
_Positive = Annotated[float, Field(gt=0, lt=1e6)]
PREDICTED = ("test_accuracy", "val_accuracy", "val_loss", "train_loss")  # of the trials table
MEASURED = (  # of the mechanism table, stage by stage
    *("probe_accuracy", "effective_rank", "effective_rank_share", "dead_channels", "grad_norm"),
    *("block_loss", "field_over_image"),
)
MOST_SEEDS = 10_000
MOST_BYTES = 2**20
KINDS = ("higher", "equal", "optimum", "interaction", "rises")
_File = TypeVar("_File", bound="StrictTable")


class DatasetTable(StrictTable):
    """What a study sets for one dataset."""

    seeds: int | None = Field(default=None, ge=1, le=MOST_SEEDS)
    threshold: float | None = Field(default=None, gt=0, lt=1)
    net: dict[str, Any] = {}
    train: dict[str, Any] = {}


class MatchTable(StrictTable):
    """What a study holds equal in all cells: one quantity, and how it is reached."""

    macs: str | float | None = None
    params: str | float | None = None
    activations: str | float | None = None
    latency: str | float | None = None
    by: Literal["width", "depth"] = "width"


class DataTable(StrictTable):
    """How a study splits its dataset: fields of `DataSpec`."""

    val_fraction: float | None = Field(default=None, gt=0, lt=1)
    split_seed: int | None = Field(default=None, ge=0, lt=2**32)


class SampleTable(StrictTable):
    """How networks are drawn for each arm: see `ablate.sampled`.

    Args:
        networks: of each arm.
        seed: of the drawing.
        depths: the least and the most blocks of a stage; each stage draws its own.
        ratios: the least and the greatest width of a stage over that of the stage before, drawn
            evenly on a log scale for each stage of an arm with `growth = "drawn"`.
        tolerance: of a network's cost over the budget, less one. RegNet takes 360 to 400 MF.
        shape_tolerance: of the departure of its widths from the arm's rule, as a fraction.
        threshold: an error, as a fraction; the share of networks with less is told.
    """

    networks: int = Field(ge=2, le=500)
    seed: int = Field(default=0, ge=0, lt=2**32)
    depths: list[_Depth] = Field(min_length=2, max_length=2)
    ratios: list[_Positive] | None = Field(default=None, min_length=2, max_length=2)
    tolerance: float = Field(default=0.05, gt=0, lt=1)
    shape_tolerance: float = Field(default=0.2, gt=0, lt=1)
    threshold: float | None = Field(default=None, gt=0, lt=1)


class TuneTable(StrictTable):
    """How each cell's learning rate is tuned, all alike: see `ablate.tuning`.

    Args:
        lr: the peak learning rates that are tried, ascending.
        seeds: trials of each, with seeds of their own.
    """

    lr: list[_Positive] = Field(min_length=2, max_length=50)
    seeds: int = Field(default=2, ge=1, le=1000)


class HypothesisTable(StrictTable):
    """A prediction that the trials can refute, stated before they are run; one of five kinds.

    Args:
        says: the prediction in words.
        column: of the trials table, or for `rises` of the mechanism table.
        margin: what counts as equal, in the units of the column; the study's where None.
        higher: the first cell is above the second.
        equal: the two cells are within the margin of each other.
        optimum: the growth at which accuracy is highest.
        interaction: the effect of one axis depends on the other.
        rises: in this cell the column is higher in the last stage than in the first.
    """

    says: str = Field(min_length=1)
    column: str = "test_accuracy"
    margin: float | None = Field(default=None, gt=0)
    higher: _Two | None = None
    equal: _Two | None = None
    optimum: float | None = Field(default=None, gt=0)
    interaction: _Two | None = None
    rises: str | None = None

    @property
    def kind(self) -> str:
        """Which of the five it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class StudyFile(StrictTable):
    """A whole study file.

    Args:
        sample: makes it a study of networks that are drawn at random for each arm.
        tune: makes it tune each cell's learning rate first.
        margin: difference in accuracy, as a fraction, below which two arms count as equal.
        mechanism: whether each trial measures its trained network stage by stage.
    """

    question: str = Field(min_length=1)
    baseline: str
    seeds: int = Field(default=6, ge=1, le=MOST_SEEDS)
    net: dict[str, Any] = {}
    train: dict[str, Any] = {}
    data: DataTable = DataTable()
    axes: dict[Name, _Arms] = Field(min_length=1)
    datasets: dict[str, DatasetTable] = {}
    match: MatchTable | None = None
    sample: SampleTable | None = None
    tune: TuneTable | None = None
    margin: float = Field(default=0.005, gt=0, lt=1)
    mechanism: bool = False
    hypotheses: dict[Name, HypothesisTable] = {}


def read_study_file(path: Path) -> tuple[StudyFile, str]:
    """The tables of a study file and its text; raises `InputError` for what is wrong with it."""
    raw, source = read_toml(path)
    file = validated(path, raw, StudyFile, _TABLES)
    _check_names(path, file)
    return file, source


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """A TOML file's content and its text; raises `InputError` where it cannot be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        source = content.decode()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such study file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: too large; expected at most {MOST_BYTES:,} bytes")
    try:
        return tomllib.loads(source), source
    except (ValueError, RecursionError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise InputError(f"{path}: not valid TOML: {error}") from error


def validated(
    path: Path,
    raw: dict[str, Any],
    model: type[_File],
    tables: Mapping[tuple[str, ...], type[StrictTable]],
) -> _File:
    """A file's content as its model.

    Args:
        path: named in errors.
        raw: as `read_toml` gives it.
        model: of the whole file.
        tables: the model of each table within it, by the path to the table without the names
            that a user gives: `("datasets",)` for `[datasets.NAME]`.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error, model, tables)}") from error


def check_stem(path: Path) -> None:
    """Raise `InputError` for a file whose name cannot name a folder of results."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", path.stem):
        raise InputError(
            f"{path}: the file's name names the study and its folder: expected "
            "letters, digits, _ and -, at most 64"
        )


def _check_names(path: Path, file: StudyFile) -> None:
    check_stem(path)
    for name in file.datasets:
        if name not in DATASETS and not name.startswith(FOLDER):
            raise InputError(
                f"{path}: datasets.{name}: unknown dataset{nearest(name, DATASETS)}: expected one "
                f"of {', '.join(DATASETS)}, or {FOLDER}NAME in quotes"
            )
    _check_ascending(path, file)
    for name, hypothesis in file.hypotheses.items():
        given = [kind for kind in KINDS if getattr(hypothesis, kind) is not None]
        if len(given) != 1:
            raise InputError(
                f"{path}: hypotheses.{name}: expected one of {', '.join(KINDS)}; got "
                f"{', '.join(given) or 'none'}"
            )


def _check_ascending(path: Path, file: StudyFile) -> None:
    """Raise `InputError` for a range or a list of numbers that does not go up."""
    sample, tune = file.sample, file.tune
    ranges = {"sample.depths": sample.depths, "sample.ratios": sample.ratios} if sample else {}
    for key, values in ranges.items():
        if values is not None and values[0] > values[1]:
            raise InputError(f"{path}: {key} = {values}: expected the least, then the greatest")
    if tune is not None and tune.lr != sorted(set(tune.lr)):
        raise InputError(
            f"{path}: tune.lr = {tune.lr}: expected each learning rate once, ascending"
        )


_TABLES: dict[tuple[str, ...], type[StrictTable]] = {
    ("datasets",): DatasetTable,
    ("data",): DataTable,
    ("match",): MatchTable,
    ("sample",): SampleTable,
    ("tune",): TuneTable,
    ("hypotheses",): HypothesisTable,
}


def _explain(
    error: ValidationError,
    model: type[StrictTable],
    tables: Mapping[tuple[str, ...], type[StrictTable]],
) -> str:
    """The first fault that pydantic found, in one line."""
    # A misspelt key is also a missing one: say the former.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        # Every second part of the path is a name that the user gave, or a place in a list.
        within = tuple(str(part) for part in fault["loc"][:-1][::2])
        known = (tables[within] if within else model).model_fields
        return (
            f"{key}: unknown key{nearest(str(fault['loc'][-1]), known)}: expected one of "
            f"{', '.join(known)}"
        )
    given = "" if fault["type"] == "missing" else f" = {fault['input']!r}"
    if fault["type"] in ("dict_type", "model_type"):
        return f"{key}{given}: expected a table"
    if fault["loc"][0] == "match" and fault["loc"][-1] in ("str", "float"):
        return f'match.{fault["loc"][1]}{given}: expected "reference" or a number'
    return f"{key}{given}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
