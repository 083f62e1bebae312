"""A file of a search, read strictly: what may vary, what is wanted, how it is looked for."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ablate.errors import InputError, nearest
from ablate.statistics.signed_rank import fewest_pairs
from ablate.study.file import DatasetTable, DataTable, HypothesisTable
from ablate.study.toml_file import Name, StrictTable, Toml, check_stem, read_toml, validated

ACCURACY = "val_accuracy"
LATENCY = "latency"
MULTI_FIDELITY = ("hyperband", "halving")  # they prune by the accuracy of each epoch
MOST_FOR_WILCOXON = 100  # seeds of a network, as far as its p-value is worked out
EXPLORING_SEEDS = 1_000_000  # and above; a confirmation's are below
MOST_BATCH, MOST_THREADS = 65_536, 1_024
MOST_TRIALS, MOST_REPEATS, MOST_SEEDS = 100_000, 1_000, 1_000
Sampler = Literal["tpe", "nsga2", "gp", "random"]
Pruner = Literal["none", "hyperband", "halving", "wilcoxon"]
Objective = Literal["val_accuracy", "macs", "params", "latency"]
_Cost = Literal["macs", "params", "activations", "latency"]
_Bound = Annotated[float, Field(gt=0, lt=math.inf)] | Literal["baseline"]
_Two = Annotated[list[str], Field(min_length=2, max_length=2)]


class SearchTable(StrictTable):
    """How a search goes about it.

    Args:
        samplers: each of which searches by itself, from the same starting points.
        objectives: `val_accuracy`, which is maximised, and costs, which are minimised.
        trials: networks that each sampler trains, in each repeat.
        repeats: of each sampler, with other starting points and other seeds of the training.
        startup: random draws before a sampler begins to choose; of NSGA-II the population.
        at_once: networks that a sampler asks for before it is told of any of them.
        seeds_each: trainings of each network, whose mean accuracy counts.
        pruner: which trainings are cut short.
        false_prunes: the chance that `wilcoxon` cuts a network which is as good as the earlier one
            that it is compared with, over all its seeds (see `statistics.signed_rank`). The best so
            far owes its place to luck too, so of many that are alike more are cut.
        finalists: networks that are confirmed.
        seed: from which all starting points follow.
    """

    samplers: list[Sampler] = Field(min_length=1)
    objectives: list[Objective] = Field(min_length=1)
    trials: int = Field(ge=1, le=MOST_TRIALS)
    repeats: int = Field(default=1, ge=1, le=MOST_REPEATS)
    startup: int = Field(default=10, ge=2, le=MOST_TRIALS)
    at_once: int = Field(default=1, ge=1, le=MOST_TRIALS)
    seeds_each: int = Field(default=1, ge=1, le=MOST_SEEDS)
    pruner: Pruner = "none"
    false_prunes: float = Field(default=0.1, gt=0, lt=0.5)
    finalists: int = Field(default=4, ge=1, le=50)
    seed: int = Field(default=0, ge=0, lt=2**32)


class LimitTable(StrictTable):
    """Bounds of one cost: numbers, or `baseline` for what the baseline costs.

    A latency is in milliseconds, as `LatencyTable` says; the others are counted, for one image.
    """

    at_most: _Bound | None = None
    at_least: _Bound | None = None


class LatencyTable(StrictTable):
    """How a latency is measured, wherever it is an objective or has a limit.

    It is the time of inference of one batch, in milliseconds.

    Args:
        batch: images in it.
        threads: CPU threads.
    """

    batch: int = Field(default=1, ge=1, le=MOST_BATCH)
    threads: int = Field(default=1, ge=1, le=MOST_THREADS)


class ComparisonTable(StrictTable):
    """A prediction about samplers, stated before a run.

    Args:
        says: the prediction in words.
        higher: the hypervolume of the first sampler is above that of the second, at equal compute.
    """

    says: str = Field(min_length=1)
    higher: _Two


class SearchFile(StrictTable):
    """A whole file of a search.

    Args:
        baseline: name of the network that `[net]` describes, with which finalists are compared.
        seeds: of the confirmation, for each of its networks.
        reference: the worst value of each objective that is of any worth; `baseline` for a cost
            that the baseline has. Hypervolume is measured from there. A latency is in
            milliseconds.
        latency: how latencies are measured.
        hypotheses: about the confirmation; its cells are the baseline and `finalist 1`,
            `finalist 2`, ..., the most accurate on validation first.
    """

    kind: Literal["search"]
    question: str = Field(min_length=1)
    baseline: Name = "baseline"
    seeds: int = Field(default=6, ge=1, lt=EXPLORING_SEEDS)
    net: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)
    data: DataTable = DataTable()
    datasets: dict[str, DatasetTable] = Field(default_factory=dict)
    margin: float = Field(default=0.005, gt=0, lt=1)
    search: SearchTable
    space: dict[Name, Any] = Field(min_length=1)
    limits: dict[_Cost, LimitTable] = Field(default_factory=dict)
    reference: dict[Objective, _Bound]
    latency: LatencyTable = LatencyTable()
    comparisons: dict[Name, ComparisonTable] = Field(default_factory=dict)
    hypotheses: dict[Name, HypothesisTable] = Field(default_factory=dict)

    @property
    def times_latency(self) -> bool:
        """Whether networks are timed: where latency is an objective, or has a limit."""
        return LATENCY in self.search.objectives or LATENCY in self.limits


_TABLES: dict[tuple[str, ...], type[StrictTable]] = {
    ("search",): SearchTable,
    ("data",): DataTable,
    ("datasets",): DatasetTable,
    ("limits",): LimitTable,
    ("latency",): LatencyTable,
    ("comparisons",): ComparisonTable,
    ("hypotheses",): HypothesisTable,
}


def read_search_file(path: Path | Toml) -> SearchFile:
    """The tables of a search; raises `InputError` for what is wrong with it."""
    toml = read_toml(path)
    check_stem(toml.path)
    file = validated(toml, SearchFile, _TABLES)
    _check_search(toml.path, file)
    _check_predictions(toml.path, file)
    return file


def finalist(place: int) -> str:
    """The cell of a finalist; the first is the most accurate on validation."""
    return f"finalist {place}"


def _check_search(path: Path, file: SearchFile) -> None:
    search = file.search
    for key in ("samplers", "objectives"):
        given = getattr(search, key)
        if len(set(given)) < len(given):
            raise InputError(f"{path}: search.{key} = {given}: expected each once")
    if ACCURACY not in search.objectives:
        raise InputError(
            f"{path}: search.objectives = {search.objectives}: expected {ACCURACY} among them"
        )
    if set(file.reference) != set(search.objectives):
        raise InputError(
            f"{path}: reference: expected a value for each of {', '.join(search.objectives)}; got "
            f"{', '.join(file.reference) or 'none'}"
        )
    if file.reference[ACCURACY] == "baseline":
        raise InputError(f"{path}: reference.{ACCURACY}: expected a number")
    if not 0 < float(file.reference[ACCURACY]) < 1:
        raise InputError(
            f"{path}: reference.{ACCURACY} = {file.reference[ACCURACY]}: expected between 0 and 1"
        )
    _check_pruner(path, search)
    if LATENCY in file.model_fields_set and not file.times_latency:
        raise InputError(
            f"{path}: latency: nothing is timed; expected {LATENCY} in search.objectives or under "
            "[limits], or no such table"
        )
    if search.finalists > search.trials:
        raise InputError(
            f"{path}: search.finalists = {search.finalists}: expected at most trials = "
            f"{search.trials}"
        )


def _check_pruner(path: Path, search: SearchTable) -> None:
    where = f"{path}: search.pruner = {search.pruner!r}"
    if search.pruner != "none" and len(search.objectives) > 1:
        raise InputError(
            f"{where}: trainings are cut short by their accuracy alone; expected objectives = "
            f'["{ACCURACY}"] with costs under [limits], or pruner = "none"'
        )
    if search.pruner in MULTI_FIDELITY and search.seeds_each > 1:
        raise InputError(
            f'{where}: cuts by epochs; expected seeds_each = 1, or pruner = "wilcoxon"'
        )
    if search.pruner == "wilcoxon":
        fewest = fewest_pairs(search.false_prunes) + 1  # or cutting would save nothing
        if not fewest <= search.seeds_each <= MOST_FOR_WILCOXON:
            raise InputError(
                f"{where}: cuts by seeds; expected seeds_each of {fewest} to {MOST_FOR_WILCOXON} "
                f"for false_prunes = {search.false_prunes:g}"
            )
    elif "false_prunes" in search.model_fields_set:
        raise InputError(f'{where}: false_prunes needs pruner = "wilcoxon"')


def _check_predictions(path: Path, file: SearchFile) -> None:
    """Raise `InputError` for a prediction about what the search does not have."""
    for name, comparison in file.comparisons.items():
        _check_names(f"{path}: comparisons.{name}.higher", comparison.higher, file.search.samplers)
    cells = [file.baseline, *map(finalist, range(1, file.search.finalists + 1))]
    if file.baseline in cells[1:]:
        raise InputError(f"{path}: baseline = {file.baseline!r}: is the name of a finalist")
    for name, hypothesis in file.hypotheses.items():
        given = hypothesis.model_dump(exclude_none=True, exclude={"says", "column", "margin"})
        if not given.keys() <= {"higher", "equal"} or len(given) != 1:
            raise InputError(
                f"{path}: hypotheses.{name}: expected one of higher, equal; got "
                f"{', '.join(given) or 'none'}"
            )
        for kind, two in given.items():
            _check_names(f"{path}: hypotheses.{name}.{kind}", two, cells)


def _check_names(where: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(
                f"{where}: {name!r}{nearest(name, known)}: expected one of {', '.join(known)}"
            )
    if len(set(names)) < len(names):
        raise InputError(f"{where} = {names}: expected two that differ")
