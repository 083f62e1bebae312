"""A study file, read strictly, becomes a `Study`: a question, its cells, and the plan."""

import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablate.budget import CostOf, Match, counted, match_depths, match_widths
from ablate.claims_file import holds_claims, read_claims
from ablate.datasets import DatasetInfo, dataset_info
from ablate.settings import Design, nearest, read_network, read_recipe
from ablate.spec import (
    AXIS_PREFIX,
    DataSpec,
    InputError,
    NetSpec,
    TrainSpec,
    TrialSpec,
    content_hash,
    to_json,
)
from ablate.study_file import (
    MEASURED,
    PREDICTED,
    DatasetTable,
    MatchTable,
    StudyFile,
    read_study_file,
)

Latency = Callable[[NetSpec, int], float]


@dataclass(frozen=True)
class Matched:
    """How a cell's network was brought to the study's budget.

    Args:
        quantity: what is held equal: `macs`, `params`, `activations` or `latency`.
        residual: the cell's cost over the budget, less one.
        shape_error: departure of its widths or depths from the arm's shape, as a fraction.
    """

    quantity: str
    residual: float
    shape_error: float


@dataclass(frozen=True)
class Cell:
    """One combination of the arms of all axes.

    Args:
        name: the arm, or the arms joined by ` / `.
        arms: arm by axis.
        net: its network.
        matched: how it meets the budget, where the study sets one.
    """

    name: str
    arms: Mapping[str, str]
    net: NetSpec
    matched: Matched | None = None


@dataclass(frozen=True)
class Planned:
    """A trial of the plan."""

    cell: Cell
    spec: TrialSpec


@dataclass(frozen=True)
class Study:
    """A question and its cells, on one dataset.

    Args:
        name: the file's stem.
        path, source: the file and its text.
        question: what the study is to answer.
        baseline: the cell that others are compared to.
        data, train: the same for all cells.
        seeds: trials of each cell, seeded 0, 1, ...
        cells: in the order of the file.
        mechanism: whether each trial measures its trained network stage by stage; it is no part
            of a trial's key, for it changes nothing of what is learned.
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

    def plan(self) -> list[Planned]:
        """Every trial, seed by seed, so that a run that is cut short still has whole pairs."""
        return [
            Planned(cell, TrialSpec(net=cell.net, train=self.train, data=self.data, seed=seed))
            for seed in range(self.seeds)
            for cell in self.cells
        ]


def study_folders() -> tuple[Path, Path]:
    """Where studies are looked for: the working directory's, then those that came with ablate."""
    package = Path(__file__).resolve().parent
    shipped = package / "studies"
    return Path("studies"), shipped if shipped.is_dir() else package.parent / "studies"


def find_studies() -> dict[str, Path]:
    """Study files by name; the working directory's hide those that came with ablate."""
    found: dict[str, Path] = {}
    for folder in study_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def find_study(wanted: str) -> Path:
    """The file of a study given by name, or by a path that ends in .toml."""
    if wanted.endswith(".toml"):
        return Path(wanted)
    found = find_studies()
    if wanted not in found:
        raise InputError(
            f"no study {wanted!r}{nearest(wanted, found)}: expected one of "
            f"{', '.join(sorted(found))}, or a path to a .toml file"
        )
    return found[wanted]


def name_or_path(path: Path) -> str:
    """What `--study` takes for a file: its name where that finds it, else its path."""
    own = find_studies().get(path.stem)
    return path.stem if own is not None and own.resolve() == path.resolve() else str(path)


def load_study(
    path: Path,
    dataset: str | DatasetInfo = "digits",
    seeds: int | None = None,
    epochs: int | None = None,
    latency: Latency | None = None,
    subset: float = 1.0,
    mechanism: bool = False,
) -> Study:
    """Read a study file for one dataset, and solve its budget.

    Args:
        path: the file.
        dataset: whose settings apply; by name, or what is known of a folder of images.
        seeds, epochs: in place of the file's.
        latency: measures a network, for a study that matches it.
        subset: the fraction of the training and validation images that is used.
        mechanism: to measure it even where the file does not say so.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    if holds_claims(path):
        raise InputError(
            f"{path}: holds claims, not networks to train; check them with python -m ablate.run "
            f"--study {name_or_path(path)}"
        )
    file, source = read_study_file(path)
    info = dataset if isinstance(dataset, DatasetInfo) else dataset_info(dataset)
    own = file.datasets.get(info.name, DatasetTable())
    split = file.data.model_dump(exclude_none=True)
    data = DataSpec(name=info.name, checksum=info.checksum, subset=subset, **split)
    recipe = [("train", file.train), (f"datasets.{info.name}.train", own.train)]
    given = {} if epochs is None else {"epochs": epochs}
    train = read_recipe(str(path), [*recipe, ("--epochs", given)])
    images = info.sizes(data)[0]
    if train.batch_size > images:
        raise InputError(
            f"{path}: train.batch_size = {train.batch_size}: expected at most the "
            f"{images} training images of {info.name}"
        )
    image = {
        "num_classes": info.classes,
        "in_channels": info.channels,
        "image_size": info.image_size,
    }
    designs: dict[tuple[str, ...], Design] = {}
    for arms in itertools.product(*(axis.items() for axis in file.axes.values())):
        layers = [("net", file.net), (f"datasets.{info.name}.net", own.net)]
        layers += [
            (f"axes.{axis}.{arm}", settings)
            for axis, (arm, settings) in zip(file.axes, arms, strict=True)
        ]
        designs[tuple(arm for arm, _ in arms)] = read_network(str(path), layers, image)
    cells = [
        Cell(" / ".join(arms), dict(zip(file.axes, arms, strict=True)), design.net)
        for arms, design in designs.items()
    ]
    _check_baseline(path, file, cells)
    if file.match is not None:
        cost = _cost_of(path, file.match, train, latency)
        cells = _match(path, file, cells, list(designs.values()), cost)
    _check_distinct(path, cells)
    _check_hypotheses(path, file, cells)
    return Study(
        name=path.stem,
        path=path,
        source=source,
        question=file.question,
        baseline=file.baseline,
        data=data,
        train=train,
        seeds=seeds or own.seeds or file.seeds,
        cells=tuple(cells),
        mechanism=mechanism or file.mechanism,
    )


def question_of(path: Path) -> str:
    """What a study file asks, without working out its cells, or a file of claims."""
    if holds_claims(path):
        return read_claims(path, find_studies()).question
    return read_study_file(path)[0].question


def plan_row(study: Study, planned: Planned) -> dict[str, Any]:
    """The columns of the results table that are known before a trial is run, costs aside."""
    cell, spec = planned.cell, planned.spec
    return {
        "study": study.name,
        "dataset": study.data.name,
        "cell": cell.name,
        **{f"{AXIS_PREFIX}{axis}": arm for axis, arm in cell.arms.items()},
        "seed": spec.seed,
        "key": spec.key,
        "net": content_hash(cell.net),
        "widths": json.dumps(cell.net.widths),
        "depths": json.dumps(cell.net.depths),
        "strides": json.dumps(cell.net.strides),
        "shortcut": cell.net.shortcut,
        "match": cell.matched and cell.matched.quantity,
        "match_residual": cell.matched and cell.matched.residual,
        "match_shape_error": cell.matched and cell.matched.shape_error,
        "epochs": spec.train.epochs,
        "batch": spec.train.batch_size,
        "spec": to_json(spec),
    }


def _check_baseline(path: Path, file: StudyFile, cells: list[Cell]) -> None:
    names = [cell.name for cell in cells]
    if file.baseline not in names:
        raise InputError(
            f"{path}: baseline = {file.baseline!r}: expected one of {', '.join(names)}"
        )


def _check_distinct(path: Path, cells: list[Cell]) -> None:
    seen: dict[NetSpec, str] = {}
    for cell in cells:
        net = replace(  # however it is written
            cell.net,
            widths=cell.net.block_widths,
            stem_width=cell.net.stem_out,
            expansion=cell.net.block_expansion,
        )
        if net in seen:
            raise InputError(
                f"{path}: axes: {cell.name!r} is the same network as {seen[net]!r}, with "
                f"widths {list(cell.net.widths)}; take one of them out"
            )
        seen[net] = cell.name


def _check_hypotheses(path: Path, file: StudyFile, cells: list[Cell]) -> None:
    """Raise `InputError` for a prediction about what the study does not have."""
    for name, hypothesis in file.hypotheses.items():
        where = f"{path}: hypotheses.{name}"
        one = [hypothesis.rises] if hypothesis.rises else []
        for cell in [*(hypothesis.higher or hypothesis.equal or []), *one]:
            _known(f"{where}.{hypothesis.kind}", cell, [cell.name for cell in cells])
        for axis in hypothesis.interaction or []:
            _known(f"{where}.interaction", axis, list(file.axes))
        columns = MEASURED if hypothesis.rises else PREDICTED
        _known(f"{where}.column", hypothesis.column, list(columns))


def _known(where: str, name: str, names: list[str]) -> None:
    if name not in names:
        raise InputError(
            f"{where}: {name!r}{nearest(name, names)}: expected one of {', '.join(names)}"
        )


def _cost_of(
    path: Path, table: MatchTable, train: TrainSpec, latency: Latency | None
) -> tuple[str, str | float, CostOf]:
    """The quantity that a study holds equal, its budget as the file gives it, and its measure."""
    given = {name: value for name, value in table if name != "by" and value is not None}
    if len(given) != 1:
        raise InputError(
            f"{path}: match: expected one of macs, params, activations, latency; got "
            f"{', '.join(given) or 'none'}"
        )
    quantity, budget = next(iter(given.items()))
    if isinstance(budget, str) and budget != "reference":
        raise InputError(
            f'{path}: match.{quantity} = {budget!r}: expected "reference" (the baseline\'s own '
            "cost) or a number"
        )
    if isinstance(budget, float) and not 0 < budget < math.inf:
        raise InputError(f"{path}: match.{quantity} = {budget:g}: expected a positive number")
    if quantity != "latency":
        return quantity, budget, counted(quantity)
    if latency is None:
        raise InputError(f"{path}: match.latency: needs a device to measure on")
    return quantity, budget, lambda net: latency(net, train.batch_size)


def _match(
    path: Path,
    file: StudyFile,
    cells: list[Cell],
    designs: list[Design],
    measure: tuple[str, str | float, CostOf],
) -> list[Cell]:
    """The cells with each network brought to the budget; a baseline that sets it stays."""
    quantity, given, cost = measure
    assert file.match is not None
    reference = next(cell.net for cell in cells if cell.name == file.baseline)
    budget = cost(reference) if isinstance(given, str) else given
    solved = []
    for cell, design in zip(cells, designs, strict=True):
        try:
            if cell.net == reference and isinstance(given, str):
                match = Match(cell.net, 0.0, 0.0)
            elif file.match.by == "depth":
                match = match_depths(cell.net, cost, budget, quantity != "latency")
            else:
                match = match_widths(
                    cell.net, design.shape, cost, budget, design.multiple, quantity != "latency"
                )
        except InputError as error:
            raise InputError(f"{path}: match.{quantity}: {cell.name}: {error}") from error
        matched = Matched(quantity, match.residual, match.shape_error)
        solved.append(replace(cell, net=match.net, matched=matched))
    return solved
