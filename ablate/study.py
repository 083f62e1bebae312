"""A study file, read strictly, becomes a `Study`: a question, its cells, and the plan.

A file sets a network in layers: `[net]`, then `[datasets.NAME.net]`, then the arm of each axis.
A later layer wins. Besides the fields of `NetSpec`, a layer may give the width rule: `base_width`,
`growth`, `width_multiple`, `growth_shift`, or `base_width` and `widen`.
"""

import difflib
import itertools
import json
import re
import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ablate.datasets import DATASETS, dataset_info
from ablate.spec import (
    AXIS_PREFIX,
    DataSpec,
    InputError,
    NetSpec,
    TrainSpec,
    TrialSpec,
    additive_widths,
    content_hash,
    shift_growth,
    stage_widths,
    to_json,
)

WIDTH_RULE: dict[str, Any] = {
    "base_width": int,
    "growth": float | str,
    "width_multiple": int,
    "widen": float,
    "growth_shift": int,
}
FROM_DATASET = ("num_classes", "in_channels", "image_size")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _DatasetTable(_Table):
    seeds: int | None = Field(default=None, ge=1)
    net: dict[str, Any] = {}
    train: dict[str, Any] = {}


class _StudyFile(_Table):
    question: str = Field(min_length=1)
    baseline: str
    seeds: int = Field(default=6, ge=1)
    net: dict[str, Any] = {}
    train: dict[str, Any] = {}
    axes: dict[str, dict[str, dict[str, Any]]] = Field(min_length=1)
    datasets: dict[str, _DatasetTable] = {}


@dataclass(frozen=True)
class Cell:
    """One combination of the arms of all axes.

    Args:
        name: the arm, or the arms joined by ` / `.
        arms: arm by axis.
        net: its network.
    """

    name: str
    arms: Mapping[str, str]
    net: NetSpec


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
            f"no study {wanted!r}{_nearest(wanted, found)}: expected one of "
            f"{', '.join(sorted(found))}, or a path to a .toml file"
        )
    return found[wanted]


def load_study(
    path: Path, dataset: str = "digits", seeds: int | None = None, epochs: int | None = None
) -> Study:
    """Read a study file for one dataset.

    Args:
        path: the file.
        dataset: whose settings apply.
        seeds, epochs: in place of the file's.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    file, source = _read(path)
    info = dataset_info(dataset)
    own = file.datasets.get(dataset, _DatasetTable())
    for other in file.datasets:
        if other not in DATASETS:
            raise InputError(
                f"{path}: datasets.{other}: unknown dataset"
                f"{_nearest(other, DATASETS)}: expected one of {', '.join(DATASETS)}"
            )
    name = path.stem
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise InputError(
            f"{path}: the file's name names the study and its folder: expected "
            "letters, digits, _ and -, at most 64"
        )
    train = _build(
        path,
        TrainSpec,
        _merge(
            path,
            TrainSpec,
            [
                ("train", file.train),
                (f"datasets.{dataset}.train", own.train),
                ("--epochs", {} if epochs is None else {"epochs": epochs}),
            ],
        ),
    )
    shape = {
        "num_classes": info.classes,
        "in_channels": info.channels,
        "image_size": info.image_size,
    }
    cells = []
    for arms in itertools.product(*(axis.items() for axis in file.axes.values())):
        layers = [("net", file.net), (f"datasets.{dataset}.net", own.net)]
        layers += [
            (f"axes.{axis}.{arm}", settings)
            for axis, (arm, settings) in zip(file.axes, arms, strict=True)
        ]
        net = _build(path, NetSpec, _widths(path, _merge(path, NetSpec, layers)), shape)
        names = [arm for arm, _ in arms]
        cells.append(Cell(" / ".join(names), dict(zip(file.axes, names, strict=True)), net))
    _check_cells(path, file, cells)
    data = DataSpec(name=dataset)
    images = info.sizes(data.val_fraction, data.test_fraction)[0]
    if train.batch_size > images:
        raise InputError(
            f"{path}: train.batch_size = {train.batch_size}: expected at most the "
            f"{images} training images of {dataset}"
        )
    return Study(
        name,
        path,
        source,
        file.question,
        file.baseline,
        data,
        train,
        seeds or own.seeds or file.seeds,
        tuple(cells),
    )


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
        "epochs": spec.train.epochs,
        "batch": spec.train.batch_size,
        "spec": to_json(spec),
    }


@dataclass(frozen=True)
class _Setting:
    """A value and the layer of the file that it came from."""

    value: Any
    where: str


def _read(path: Path) -> tuple[_StudyFile, str]:
    try:
        source = path.read_text(encoding="utf-8")
        return _StudyFile.model_validate(tomllib.loads(source)), source
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such study file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise InputError(f"{path}: {_explain(error)}") from error


def _merge(
    path: Path, spec: type, layers: Iterable[tuple[str, dict[str, Any]]]
) -> dict[str, _Setting]:
    """The settings of all layers, later ones over earlier ones, each knowing where it came from."""
    types = typing.get_type_hints(spec)
    if spec is NetSpec:
        types = {key: kind for key, kind in types.items() if key not in FROM_DATASET} | WIDTH_RULE
    merged: dict[str, _Setting] = {}
    for where, layer in layers:
        layer = {key: _tuples(value) for key, value in layer.items()}
        for key, value in layer.items():
            _check_type(f"{path}: {where}.{key}", key, value, types)
        rule = [key for key in layer if key in WIDTH_RULE]
        if rule and "widths" in layer:
            raise InputError(
                f"{path}: {where}: widths and {rule[0]} both set the widths; expected one of them"
            )
        if rule:
            merged.pop("widths", None)
        if "widths" in layer:
            merged = {key: value for key, value in merged.items() if key not in WIDTH_RULE}
        merged |= {key: _Setting(value, where) for key, value in layer.items()}
    return merged


def _check_type(where: str, key: str, value: Any, types: Mapping[str, Any]) -> None:
    if key in FROM_DATASET:
        raise InputError(f"{where}: set by the dataset; take it out")
    if key not in types:
        raise InputError(
            f"{where}: unknown key{_nearest(key, types)}: expected one of "
            f"{', '.join(sorted(types))}"
        )
    try:
        TypeAdapter(types[key], config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        fault = error.errors()[0]["msg"].removeprefix("Input should be ")
        raise InputError(f"{where} = {value!r}: expected {fault}") from error


def _widths(path: Path, settings: dict[str, _Setting]) -> dict[str, _Setting]:
    """The settings with the width rule, if there is one, worked out to `widths`."""
    rule = {key: setting.value for key, setting in settings.items() if key in WIDTH_RULE}
    if not rule:
        return settings
    where = next(setting.where for key, setting in reversed(settings.items()) if key in rule)
    try:
        widths = _work_out(settings, rule)
    except InputError as error:
        at = settings[error.key].where if error.key in settings else where
        raise InputError(f"{path}: {at}: {error}", error.key) from error
    rest = {key: setting for key, setting in settings.items() if key not in WIDTH_RULE}
    return rest | {"widths": _Setting(widths, where)}


def _work_out(settings: dict[str, _Setting], rule: dict[str, Any]) -> tuple[Any, ...]:
    if "widen" in rule and "growth" in rule:
        raise InputError("widen and growth both set the widths; expected one of them")
    base, multiple = rule.get("base_width", 16), rule.get("width_multiple", 1)
    for key, value in (("base_width", base), ("width_multiple", multiple)):
        if value < 1:
            raise InputError(f"{key} = {value}: expected 1 or more", key)
    depths = settings["depths"].value if "depths" in settings else NetSpec().depths
    if "widen" in rule:
        return additive_widths(base, rule["widen"], depths)
    widths = stage_widths(base, rule.get("growth", "doubling"), len(depths), multiple)
    shift = rule.get("growth_shift", 0)
    return shift_growth(widths, depths, shift) if shift else widths


def _build(
    path: Path, spec: type, settings: dict[str, _Setting], extra: dict[str, Any] | None = None
) -> Any:
    """A spec from settings; what is wrong is said with the layer that set it."""
    try:
        return spec(**{key: setting.value for key, setting in settings.items()}, **(extra or {}))
    except InputError as error:
        where = settings[error.key].where if error.key in settings else spec.__name__
        raise InputError(f"{path}: {where}: {error}", error.key) from error


def _check_cells(path: Path, file: _StudyFile, cells: list[Cell]) -> None:
    names = [cell.name for cell in cells]
    if file.baseline not in names:
        raise InputError(
            f"{path}: baseline = {file.baseline!r}: expected one of {', '.join(names)}"
        )
    seen: dict[NetSpec, str] = {}
    for cell in cells:
        if cell.net in seen:
            raise InputError(
                f"{path}: axes: {cell.name!r} is the same network as "
                f"{seen[cell.net]!r}; take one of them out"
            )
        seen[cell.net] = cell.name


def _explain(error: ValidationError) -> str:
    """The first fault that pydantic found, in one line."""
    # A misspelt key is also a missing one: say the former.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = (_StudyFile if len(fault["loc"]) == 1 else _DatasetTable).model_fields
        return (
            f"{key}: unknown key{_nearest(str(fault['loc'][-1]), known)}: expected one of "
            f"{', '.join(known)}"
        )
    given = "" if fault["type"] == "missing" else f" = {fault['input']!r}"
    return f"{key}{given}: {fault['msg'][0].lower()}{fault['msg'][1:]}"


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
