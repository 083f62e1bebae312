"""A study file, read strictly, becomes a `Study`: a question, its cells, and the plan."""

from dataclasses import dataclass, replace
from pathlib import Path

from ablate.data.catalog import DatasetInfo, dataset_info
from ablate.errors import InputError, nearest
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.study.cells import Cell, Latency, read_cells
from ablate.study.draws import Draw, draw_cells
from ablate.study.file import (
    DatasetTable,
    StudyFile,
    TuneTable,
    read_study_file,
)
from ablate.study.find import kind_of, name_or_path
from ablate.study.layers import training_images
from ablate.study.norms import check_norms
from ablate.study.recipes import Recipes
from ablate.study.stop import planned_looks
from ablate.study.toml_file import Toml, read_toml

KINDS_OF_SAMPLED = ("higher", "equal")
MOST_TRIALS = 100_000  # of a plan


@dataclass(frozen=True)
class Planned:
    """A trial of the plan.

    Args:
        cell: whose it is.
        spec: what is trained.
        explore: whether it only chooses what is then confirmed: it evaluates no test image.
    """

    cell: Cell
    spec: TrialSpec
    explore: bool = False


@dataclass(frozen=True)
class Study:
    """A question and its cells, on one dataset.

    Args:
        name: the file's stem.
        path, source: the file and its text.
        question: what the study is to answer.
        baseline: the cell that others are compared to; of sampled networks, its first.
        data: the same for all cells.
        train: the recipe of each cell that has none of its own.
        seeds: trials of each cell, seeded 0, 1, ...; sampled networks have seeds of their own,
            which the arms of one draw share.
        cells: in the order of the file, or draw by draw.
        mechanism: whether each trial measures its trained network stage by stage; it is no part
            of a trial's key, for it changes nothing of what is learned.
        tune: how each cell's learning rate is to be tuned first, if at all.
        draws: all that were made, where the networks are sampled.
        looks: numbers of seeds at which the trials are looked at, ascending, the last of them
            `seeds`; none where all are trained in any case.
    """

    name: str
    path: Path
    source: str
    question: str
    baseline: str
    data: DataSpec
    train: TrainSpec
    seeds: int
    cells: tuple[Cell, ...]
    mechanism: bool = False
    tune: TuneTable | None = None
    draws: tuple[Draw, ...] = ()
    looks: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """What is studied, on what, and why: the first line of all that is said of it."""
        return f"{self.name} on {self.data.name}: {self.question}"

    def plan(self) -> list[Planned]:
        """Every trial, seed by seed, so that a run that is cut short still has whole pairs.

        Where there are `looks` these are the most: what is settled is trained no further.
        """
        step = 1 + max(cell.draw for cell in self.cells)
        return [
            Planned(cell, self.trial(cell, cell.draw + step * number))
            for number in range(self.seeds)
            for cell in self.cells
        ]

    def recipe(self, cell: Cell) -> TrainSpec:
        """The recipe of a cell: its own, or the study's."""
        return cell.train or self.train

    def trial(self, cell: Cell, seed: int, lr: float | None = None) -> TrialSpec:
        """A cell with a seed; its learning rate is `lr`, or that of its recipe."""
        train = self.recipe(cell)
        if lr is not None:
            train = replace(train, lr=lr)
        return TrialSpec(net=cell.net, train=train, data=self.data, seed=seed)


def load_study(
    path: Path | Toml,
    dataset: str | DatasetInfo = "digits",
    seeds: int | None = None,
    epochs: int | None = None,
    latency: Latency | None = None,
    subset: float = 1.0,
    mechanism: bool = False,
) -> Study:
    """Read a study file for one dataset, and solve its budget.

    Args:
        path: the file, or what was read of it.
        dataset: whose settings apply; by name, or what is known of a folder of images.
        seeds, epochs: in place of the file's.
        latency: measures a network, for a study that matches it.
        subset: the fraction of the training and validation images that is used.
        mechanism: to measure it even where the file does not say so.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    toml = read_toml(path)
    kind, path = kind_of(toml), toml.path
    if kind == "search":
        raise InputError(
            f"{path}: holds a search, not a study; run it with `ablate run --study "
            f"{name_or_path(path)}`"
        )
    if kind == "claims":
        raise InputError(
            f"{path}: holds claims, not networks to train; check them with `ablate run --study "
            f"{name_or_path(path)}`"
        )
    if kind == "table":
        raise InputError(
            f"{path}: judges a table and trains nothing; judge it with `ablate run --study "
            f"{name_or_path(path)}`"
        )
    file = read_study_file(toml)
    info = dataset if isinstance(dataset, DatasetInfo) else dataset_info(dataset)
    own = file.datasets.get(info.name, DatasetTable())
    split = file.data.model_dump(exclude_none=True)
    data = DataSpec(name=info.name, checksum=info.checksum, subset=subset, **split)
    recipe = [("train", file.train), (f"datasets.{info.name}.train", own.train)]
    given = {} if epochs is None else {"epochs": epochs}
    recipes = Recipes(str(path), recipe, [("--epochs", given)], tuned=file.tune is not None)
    training_images(path, info, data, recipes.base)
    image = info.image
    layers = [("net", file.net), (f"datasets.{info.name}.net", own.net)]
    draws: tuple[Draw, ...] = ()
    if file.sample is None:
        cells = read_cells(path, file, layers, image, recipes, latency)
        baseline, arms = file.baseline, [cell.name for cell in cells]
    else:
        cells, draws = draw_cells(path, file, layers, image, recipes)
        arms = [arm for axis in file.axes.values() for arm in axis]
        baseline = cells[arms.index(file.baseline)].name
    for cell in cells:
        if cell.train is not None:
            training_images(path, info, data, cell.train, f"{cell.name}: train")
    named = ((cell.name, cell.net, (cell.train or recipes.base).batch_size) for cell in cells)
    check_norms(f"{path}: train.batch_size", named)
    _check_hypotheses(path, file, arms)
    if (mechanism or file.mechanism) and any(cell.net.own for cell in cells):
        raise InputError(
            f"{path}: mechanism: is measured on ablate's own blocks, whose receptive field is "
            "known; take it out, or the modules of one's own"
        )
    seeds = seeds or own.seeds or file.seeds
    if seeds * len(cells) > MOST_TRIALS:
        raise InputError(
            f"{path}: seeds = {seeds:,}: {seeds * len(cells):,} trials; expected at most "
            f"{MOST_TRIALS:,}"
        )
    return Study(
        name=path.stem,
        path=path,
        source=toml.text,
        question=file.question,
        baseline=baseline,
        data=data,
        train=recipes.base,
        seeds=seeds,
        cells=tuple(cells),
        mechanism=mechanism or file.mechanism,
        tune=file.tune,
        draws=draws,
        looks=planned_looks(file.stop, seeds),
    )


def _check_hypotheses(path: Path, file: StudyFile, cells: list[str]) -> None:
    """Raise `InputError` for a prediction about what the study does not have."""
    for name, hypothesis in file.hypotheses.items():
        where = f"{path}: hypotheses.{name}"
        if file.sample is not None and hypothesis.kind not in KINDS_OF_SAMPLED:
            raise InputError(
                f"{where}.{hypothesis.kind}: expected {' or '.join(KINDS_OF_SAMPLED)}, of arms of "
                "sampled networks"
            )
        one = [hypothesis.rises] if hypothesis.rises else []
        for cell in [*(hypothesis.higher or hypothesis.equal or []), *one]:
            _known(f"{where}.{hypothesis.kind}", cell, cells)
        for axis in hypothesis.interaction or []:
            _known(f"{where}.interaction", axis, list(file.axes))


def _known(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise InputError(
            f"{where}: {name!r}{nearest(name, names)}: expected one of {', '.join(names)}"
        )
