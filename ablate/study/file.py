"""A study file's tables, read strictly: every fault is one line with the file and the key."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ablate.data.catalog import DATASETS, FOLDER
from ablate.errors import InputError, nearest
from ablate.study.toml_file import Name, StrictTable, Toml, check_stem, read_toml, validated
from ablate.study.words import Words, take_words


def _text(text: str) -> str:
    if not text.strip() or not all(one.isprintable() or one in "\n\r\t" for one in text):
        raise ValueError("expected a sentence, without control characters")
    return text


Text = Annotated[str, AfterValidator(_text)]
_Arms = Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
_Two = Annotated[list[str], Field(min_length=2, max_length=2)]
_Depth = Annotated[int, Field(ge=1, le=50)]
_ShapeTolerance = Annotated[float, Field(gt=0, lt=10)]
_Positive = Annotated[float, Field(gt=0, lt=1e6)]
FIRST_LOOK = 4  # seeds; fewer settle nothing
PREDICTED = ("test_accuracy", "val_accuracy", "val_loss", "train_loss")  # of the trials table
MEASURED = (  # of the mechanism table, stage by stage
    *("probe_accuracy", "effective_rank", "effective_rank_share", "dead_channels", "grad_norm"),
    *("block_loss", "field_over_image"),
)
MOST_SEEDS = 10_000
_Seeds = Annotated[int, Field(ge=FIRST_LOOK, le=MOST_SEEDS)]
KINDS = ("higher", "equal", "optimum", "interaction", "rises")
COLUMNS_OF = {"rises": MEASURED, "optimum": ("test_accuracy", "val_accuracy")}  # else PREDICTED


class DatasetTable(StrictTable):
    """What a study sets for one dataset."""

    seeds: int | None = Field(default=None, ge=1, le=MOST_SEEDS)
    threshold: float | None = Field(default=None, gt=0, lt=1)
    net: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)


class MatchTable(StrictTable):
    """What a study holds equal in all cells: one quantity, and how it is reached.

    Args:
        by: what is solved for.
        shape_tolerance: of the departure of an arm's widths (or depths) from its shape, as a
            fraction; an arm that departs from it by more is refused.
    """

    macs: str | float | None = None
    params: str | float | None = None
    activations: str | float | None = None
    latency: str | float | None = None
    by: Literal["width", "depth"] = "width"
    shape_tolerance: _ShapeTolerance = 0.2


class DataTable(StrictTable):
    """How a study splits its dataset: fields of `DataSpec`."""

    val_fraction: float | None = Field(default=None, gt=0, lt=1)
    split_seed: int | None = Field(default=None, ge=0, lt=2**32)


class SampleTable(StrictTable):
    """How networks are drawn for each arm: see `ablate.study.draws`.

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
    shape_tolerance: _ShapeTolerance = 0.2
    threshold: float | None = Field(default=None, gt=0, lt=1)


class TuneTable(StrictTable):
    """How each cell's learning rate is tuned, all alike: see `ablate.study.tuning`.

    Args:
        lr: the peak learning rates that are tried, ascending.
        seeds: trials of each, with seeds of their own.
    """

    lr: list[_Positive] = Field(min_length=2, max_length=50)
    seeds: int = Field(default=2, ge=1, le=1000)


class StopTable(StrictTable):
    """When a study's trials are looked at before all seeds are trained: see `ablate.study.stop`.

    Args:
        looks: numbers of seeds, ascending; a usual schedule if None. The study's own number of
            seeds is the last look in any case.
        futility: the chance that ten more seeds of each arm must be worth: a comparison is given
            up where its chance of a finding at the last look is less for the seeds to come; 0 for
            never.
    """

    looks: list[_Seeds] | None = Field(default=None, min_length=1, max_length=1000)
    futility: float = Field(default=0.1, ge=0, lt=1)


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
        answers: what the answer to the study's question is where it holds. Where no prediction
            has it, the first one answers, with yes.
    """

    says: Text
    answers: Literal["yes", "no"] | None = None
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
        stop: makes it stop before all `seeds` are trained, where looks at fewer settle it.
        margin: difference in accuracy, as a fraction, below which two arms count as equal.
        mechanism: whether each trial measures its trained network stage by stage.
    """

    question: Text
    baseline: str
    seeds: int = Field(default=6, ge=1, le=MOST_SEEDS)
    net: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)
    data: DataTable = DataTable()
    axes: dict[Name, _Arms] = Field(min_length=1)
    datasets: dict[str, DatasetTable] = Field(default_factory=dict)
    match: MatchTable | None = None
    sample: SampleTable | None = None
    tune: TuneTable | None = None
    stop: StopTable | None = None
    margin: float = Field(default=0.005, gt=0, lt=1)
    mechanism: bool = False
    hypotheses: dict[Name, HypothesisTable] = Field(default_factory=dict)


def read_study_file(path: Path | Toml) -> StudyFile:
    """The tables of a study file; raises `InputError` for what is wrong with it."""
    toml, _ = take_words(read_toml(path))
    file = validated(toml, StudyFile, _TABLES)
    _check_names(toml.path, file)
    return file


def read_words(path: Path | Toml) -> Words:
    """The words that a study file gives; raises `InputError` for what is wrong with them."""
    return take_words(read_toml(path))[1]


def _check_names(path: Path, file: StudyFile) -> None:
    check_stem(path)
    for name in file.datasets:
        if name not in DATASETS and not name.startswith(FOLDER):
            raise InputError(
                f"{path}: datasets.{name}: unknown dataset{nearest(name, DATASETS)}: expected one "
                f"of {', '.join(DATASETS)}, or {FOLDER}NAME in quotes"
            )
    _check_ascending(path, file)
    if file.stop is not None and file.sample is not None:
        raise InputError(
            f"{path}: stop: not with [sample], whose networks have a seed each; take one of them "
            "out"
        )
    for name, hypothesis in file.hypotheses.items():
        given = [kind for kind in KINDS if getattr(hypothesis, kind) is not None]
        if len(given) != 1:
            raise InputError(
                f"{path}: hypotheses.{name}: expected one of {', '.join(KINDS)}; got "
                f"{', '.join(given) or 'none'}"
            )
        columns = COLUMNS_OF.get(hypothesis.kind, PREDICTED)
        if hypothesis.column not in columns:
            raise InputError(
                f"{path}: hypotheses.{name}.column: {hypothesis.column!r}"
                f"{nearest(hypothesis.column, columns)}: expected one of {', '.join(columns)}"
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
    looks = file.stop and file.stop.looks
    if looks and looks != sorted(set(looks)):
        raise InputError(f"{path}: stop.looks = {looks}: expected each look once, ascending")


_TABLES: dict[tuple[str, ...], type[StrictTable]] = {
    ("datasets",): DatasetTable,
    ("data",): DataTable,
    ("match",): MatchTable,
    ("sample",): SampleTable,
    ("tune",): TuneTable,
    ("stop",): StopTable,
    ("hypotheses",): HypothesisTable,
}
